/* record.c - from a command line to traces: runs it in a folder of its own, converts what is there. */
#include "record.h"

#include "convert.h"
#include "raw.h"
#include "spawn.h"
#include "assay/trace.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A raw file, before it is known which trace it becomes. */
struct raw_file {
    char name[32];
    uint64_t start_ns;
};

struct session {
    const struct assay_record_options *options;
    char folder[PATH_MAX]; /* absolute: the program may change its directory */
    struct raw_file *files;
    size_t count;
};

static bool path_in(const struct session *session, const char *name, char path[PATH_MAX])
{
    return (size_t)snprintf(path, PATH_MAX, "%s/%s", session->folder, name) < PATH_MAX;
}

/* --- the folder --- */

static assay_status make_folder(struct session *session, struct assay_error *error)
{
    const char *output = session->options->output;
    char path[PATH_MAX];
    struct stat about;

    if (stat(output, &about) == 0 && !S_ISREG(about.st_mode)) {
        assay_error_set(error, "cannot write %s: it exists and is not a regular file", output);
        return ASSAY_INVALID;
    }
    if ((size_t)snprintf(path, sizeof path, "%s.recording-XXXXXX", output) >= sizeof path)
        errno = ENAMETOOLONG;
    else if (mkdtemp(path) && realpath(path, session->folder))
        return ASSAY_OK;
    assay_error_set(error, "cannot write beside %s: %s", output, strerror(errno));
    return ASSAY_INVALID;
}

static assay_status make_control(const struct session *session, struct assay_error *error)
{
    static const struct assay_raw_control none;
    char path[PATH_MAX];

    if (path_in(session, ASSAY_RAW_CONTROL, path)) {
        int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        bool is_written = file >= 0 && write(file, &none, sizeof none) == sizeof none;
        if (file >= 0)
            close(file);
        if (is_written)
            return ASSAY_OK;
    }
    assay_error_set(error, "cannot write beside %s: %s", session->options->output, strerror(errno));
    return ASSAY_INVALID;
}

static void remove_folder(struct session *session)
{
    DIR *folder = opendir(session->folder);
    struct dirent *entry;
    char path[PATH_MAX];

    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.' && path_in(session, entry->d_name, path))
            unlink(path);
    if (folder)
        closedir(folder);
    rmdir(session->folder);
}

static int by_start(const void *a, const void *b)
{
    const struct raw_file *one = a, *other = b;

    return (one->start_ns > other->start_ns) - (one->start_ns < other->start_ns);
}

static assay_status add_file(struct session *session, const char *name, struct assay_error *error)
{
    struct assay_recording head;
    char path[PATH_MAX];

    struct raw_file *files = realloc(session->files, (session->count + 1) * sizeof *files);
    if (!files) {
        assay_error_set(error, "no memory for the list of recorded processes");
        return ASSAY_NO_MEMORY;
    }
    session->files = files;
    if (!path_in(session, name, path) || strlen(name) >= sizeof files->name) {
        assay_error_set(error, "the path of '%s' is too long", session->options->output);
        return ASSAY_INVALID;
    }
    assay_status status = assay_convert_head(path, &head, error);
    if (status != ASSAY_OK)
        return status;
    struct raw_file *file = &files[session->count++];
    file->start_ns = head.start_ns;
    memcpy(file->name, name, strlen(name) + 1);
    return ASSAY_OK;
}

/* Lists the raw files by start. */
static assay_status list_files(struct session *session, struct assay_error *error)
{
    DIR *folder = opendir(session->folder);
    struct dirent *entry;
    assay_status status = ASSAY_OK;

    if (!folder) {
        assay_error_set(error, "cannot read %s: %s", session->folder, strerror(errno));
        return ASSAY_INVALID;
    }
    while (status == ASSAY_OK && (entry = readdir(folder)))
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
            status = add_file(session, entry->d_name, error);
    closedir(folder);
    if (session->count)
        qsort(session->files, session->count, sizeof *session->files, by_start);
    return status;
}

/* --- whether all was recorded --- */

static assay_status check_control(const struct session *session, struct assay_error *error)
{
    struct assay_raw_control control = {0};
    char path[PATH_MAX];
    bool is_read = false;

    if (path_in(session, ASSAY_RAW_CONTROL, path)) {
        int file = open(path, O_RDONLY | O_CLOEXEC);
        is_read = file >= 0 && read(file, &control, sizeof control) == sizeof control;
        if (file >= 0)
            close(file);
    }
    if (!is_read) {
        assay_error_set(error, "cannot read '%s/" ASSAY_RAW_CONTROL "'", session->folder);
        return ASSAY_INVALID;
    }
    uint32_t failed = atomic_load(&control.failed);
    if (failed == 0)
        return ASSAY_OK;
    assay_error_set(error, "%u process%s could not be recorded: %s; no trace is written", failed,
                    failed == 1 ? "" : "es", strerror(atomic_load(&control.failed_errno)));
    return ASSAY_INVALID;
}

static assay_status check_whole(const struct assay_recording *recording, struct assay_error *error)
{
    if (recording->stop_errno == 0)
        return ASSAY_OK;
    assay_error_set(error,
                    "recording '%.120s' (process %d) stopped: %s; %llu calls were lost, no trace "
                    "is written",
                    recording->command, recording->pid, strerror(recording->stop_errno),
                    (unsigned long long)recording->lost);
    return ASSAY_INVALID;
}

/* --- traces --- */

static void append(void *context, const struct assay_op *ops, size_t count)
{
    assay_trace_append(context, ops, count);
}

/* Converts the raw file to recording->path; no trace if the process did nothing. */
static assay_status write_trace(const char *raw, struct assay_recording *recording,
                                struct assay_error *error)
{
    static const struct assay_setup setup;
    struct assay_trace_writer *writer;
    char path[sizeof recording->path];

    memcpy(path, recording->path, sizeof path);
    assay_status status = assay_trace_create(&writer, path, &setup, recording->command, error);
    if (status != ASSAY_OK)
        return status;
    status = assay_convert(raw, append, writer, recording, error);
    if (status == ASSAY_OK)
        status = check_whole(recording, error);
    if (status != ASSAY_OK || recording->calls == 0) {
        assay_trace_abandon(writer);
        return status;
    }
    memcpy(recording->path, path, sizeof path);
    return assay_trace_finish(writer, NULL, error);
}

/* FILE for the program, FILE.1 and so on for the others. */
static bool name_trace(const struct session *session, size_t index,
                       struct assay_recording *recording)
{
    char suffix[24] = "";

    if (index != 0)
        snprintf(suffix, sizeof suffix, ".%zu", index);
    return (size_t)snprintf(recording->path, sizeof recording->path, "%s%s",
                            session->options->output, suffix) < sizeof recording->path;
}

static assay_status convert_file(const struct session *session, const struct raw_file *file,
                                 struct assay_record_result *result, struct assay_error *error)
{
    struct assay_recording *recording = &result->processes[result->count];
    char raw[PATH_MAX];

    if (!path_in(session, file->name, raw))
        return ASSAY_INVALID;
    assay_status status = assay_convert_head(raw, recording, error);
    if (status != ASSAY_OK)
        return status;
    if (!name_trace(session, result->count, recording)) {
        assay_error_set(error, "the path '%.200s' is too long", session->options->output);
        return ASSAY_INVALID;
    }
    status = write_trace(raw, recording, error);
    if (status == ASSAY_OK && recording->calls != 0)
        result->count++;
    unlink(raw); /* the next one may need the room */
    return status;
}

static assay_status convert_files(const struct session *session, struct assay_record_result *result,
                                  struct assay_error *error)
{
    assay_status status = ASSAY_OK;

    result->processes = calloc(session->count + 1, sizeof *result->processes);
    if (!result->processes) {
        assay_error_set(error, "no memory for the list of recorded processes");
        return ASSAY_NO_MEMORY;
    }
    for (size_t i = 0; status == ASSAY_OK && i < session->count; i++)
        status = convert_file(session, &session->files[i], result, error);
    return status;
}

/* Without the program's own operations a trace would be of another one. */
static assay_status check_program(const struct assay_record_result *result, pid_t pid,
                                  const char *name, struct assay_error *error)
{
    if (result->count != 0 && result->processes[0].pid == pid)
        return ASSAY_OK;
    assay_error_set(error,
                    "recorded nothing of '%s': it allocates nothing, or is linked statically, or "
                    "setuid, or has a malloc of its own inside",
                    name);
    return ASSAY_UNSUPPORTED;
}

static assay_status run(struct session *session, struct assay_record_result *result,
                        struct assay_error *error)
{
    char library[PATH_MAX];
    pid_t pid;

    assay_status status = assay_spawn_find_library(library, sizeof library, error);
    if (status == ASSAY_OK)
        status = make_control(session, error);
    if (status == ASSAY_OK)
        status = assay_spawn(session->options, library, session->folder, &pid, &result->wait_status,
                             error);
    if (status == ASSAY_OK)
        status = check_control(session, error);
    if (status == ASSAY_OK)
        status = list_files(session, error);
    if (status == ASSAY_OK)
        status = convert_files(session, result, error);
    if (status == ASSAY_OK)
        status = check_program(result, pid, session->options->command[0], error);
    return status;
}

assay_status assay_record(const struct assay_record_options *options,
                          struct assay_record_result *result, struct assay_error *error)
{
    struct session session = {.options = options};

    assert(options->output && options->command && options->command[0] && "there is a command");
    *result = (struct assay_record_result){.wait_status = -1};
    assay_status status = make_folder(&session, error);
    if (status != ASSAY_OK)
        return status;
    status = run(&session, result, error);
    if (status != ASSAY_OK && result->processes)
        for (size_t i = 0; i < result->count; i++)
            unlink(result->processes[i].path);
    remove_folder(&session);
    free(session.files);
    return status;
}

void assay_record_clear(struct assay_record_result *result)
{
    free(result->processes);
    *result = (struct assay_record_result){.wait_status = -1};
}

int assay_record_exit_status(const struct assay_record_result *result)
{
    return WIFSIGNALED(result->wait_status) ? 128 + WTERMSIG(result->wait_status)
                                            : WEXITSTATUS(result->wait_status);
}
