/*
 * fuzz_finding.c - a finding of a campaign as a folder: input, text, program, reports.
 *
 * The folder is filled under a name with our process in it and then renamed, so that whoever dies on the way leaves
 * no half of a finding; what is left under such a name by a process that is gone is removed by the next campaign.
 */
#include "fuzz.h"

#include "cli.h"
#include "json.h"
#include "retell.h"

#include "assay/bytes.h"
#include "assay/reduce.h"
#include "assay/report.h"
#include "assay/text.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART ".part-"

/* --- folders --- */

void fuzz_remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    char file[4096];

    while (folder && (entry = readdir(folder))) {
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(file);
    }
    if (folder)
        closedir(folder);
    rmdir(path);
}

void fuzz_tidy(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    char part[4096];

    while (folder && (entry = readdir(folder))) {
        if (strncmp(entry->d_name, PART, strlen(PART)) != 0)
            continue;
        long process = strtol(entry->d_name + strlen(PART), NULL, 10);
        snprintf(part, sizeof part, "%s/%s", path, entry->d_name);
        if (process > 0 && kill((pid_t)process, 0) != 0 && errno == ESRCH)
            fuzz_remove_folder(part);
    }
    if (folder)
        closedir(folder);
}

/* --- files --- */

/* What a folder is filled with. */
struct filling {
    const struct fuzz *fuzz;
    const struct assay_stream *whole, *reduced;
    struct assay_course *course; /* of the reduced one */
    const struct retell *retell;
    const char *part, *name, *path; /* the folder now, what it is called, and where it will be */
};

static FILE *open_file(const struct filling *filling, const char *name, const char *ending)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s%s", filling->part, name, ending);
    return fopen(path, "we");
}

static bool close_file(FILE *file, bool good)
{
    good = good && !ferror(file) && fflush(file) == 0 && fsync(fileno(file)) == 0;
    int why = errno;
    if (fclose(file) != 0)
        return false;
    errno = why;
    return good;
}

static bool write_input(const struct filling *filling)
{
    size_t size = assay_bytes_encode(filling->whole, NULL, 0);
    unsigned char *bytes = malloc(size + 1);
    FILE *file = bytes ? open_file(filling, "input", "") : NULL;
    bool good = file != NULL;

    if (good) {
        assay_bytes_encode(filling->whole, bytes, size);
        good = close_file(file, fwrite(bytes, 1, size, file) == size);
    }
    free(bytes);
    return good;
}

static bool write_text(const struct filling *filling)
{
    FILE *file = open_file(filling, filling->name, ".ops");
    bool good = file && assay_text_write_setup(file, &filling->reduced->setup);

    for (size_t i = 0; good && i < filling->reduced->count; i++)
        good = assay_text_write_op(file, &filling->reduced->ops[i]);
    return file && close_file(file, good);
}

static bool write_program(const struct filling *filling)
{
    FILE *file = open_file(filling, filling->name, ".c");
    struct assay_error error;

    return file && close_file(file, cli_retell_program(file, filling->retell, "", filling->reduced,
                                                       filling->course, &error));
}

/* The command that finds it again. */
static char *repeat_of(const struct filling *filling)
{
    char *words = NULL;
    size_t length;
    FILE *out = open_memstream(&words, &length);

    if (!out)
        return NULL;
    fputs("assay replay --backend ", out);
    assay_report_word(out, filling->fuzz->spec);
    if (filling->fuzz->options[0]) {
        fputs(" --backend-options ", out);
        assay_report_word(out, filling->fuzz->options);
    }
    fprintf(out, " --pages %s --content %zu ", filling->retell->pages, FUZZ_CONTENT);
    assay_report_word(out, filling->path);
    fputc('/', out);
    assay_report_word(out, filling->name);
    fputs(".ops", out);
    fclose(out);
    return words;
}

static bool write_reports(const struct filling *filling)
{
    char *repeat = repeat_of(filling);
    FILE *text = open_file(filling, "report", ".txt");
    FILE *json = text ? open_file(filling, "report", ".json") : NULL;
    bool good = text && json;

    if (text) {
        assay_course_report(text, filling->reduced, filling->course, repeat);
        good = close_file(text, true) && good;
    }
    if (json) {
        json_finding(json, &filling->course->finding, repeat);
        good = close_file(json, true) && good;
    }
    free(repeat);
    return good;
}

/* All files under another name, and then the right one. */
static enum fuzz_written fill(const struct filling *so_far, struct assay_error *error)
{
    char part[4096];

    snprintf(part, sizeof part, "%s/" PART "%ld", so_far->fuzz->folder, (long)getpid());
    struct filling whole = *so_far;
    whole.part = part;
    const struct filling *filling = &whole;
    fuzz_remove_folder(part); /* of a process that had our number before */
    if (mkdir(part, 0777) == 0 && write_input(filling) && write_text(filling) &&
        write_program(filling) && write_reports(filling) && rename(part, filling->path) == 0)
        return FUZZ_NEW;
    int why = errno;
    fuzz_remove_folder(part);
    if (why == EEXIST || why == ENOTEMPTY)
        return FUZZ_KNOWN;
    assay_error_set(error, "cannot write %s: %s", filling->path, strerror(why));
    return FUZZ_FAILED;
}

/* --- a finding --- */

/* BACKEND-CHECK and all kinds of operations in the stream: findings that share them count as one. */
static void name_finding(char *name, size_t room, const struct fuzz *fuzz, enum assay_check check,
                         const struct assay_stream *stream)
{
    uint32_t kinds = 0;
    size_t length = (size_t)snprintf(name, room, "%s-%s", fuzz->name, assay_check_name(check));

    for (size_t i = 0; i < stream->count; i++)
        kinds |= 1u << stream->ops[i].kind;
    for (unsigned kind = 0; kind < ASSAY_OP_KINDS && length < room; kind++)
        if (kinds >> kind & 1)
            length +=
                (size_t)snprintf(name + length, room - length, "-%s", assay_op_shapes[kind].name);
}

static bool is_there(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

/* Makes *stream shorter; one without a finding stays as it is. */
static bool reduce(const struct filling *filling, struct assay_stream *stream,
                   struct assay_error *error)
{
    const struct fuzz *fuzz = filling->fuzz;
    struct assay_reduce_options how = {
        .replay = {.content_bytes = FUZZ_CONTENT, .options = fuzz->options}};
    struct assay_reduce_result result;

    assay_error_set(error, "no memory for the pages of a heap");
    return cli_pages_open(filling->retell->pages, &how.replay) == ASSAY_OK &&
           assay_reduce(fuzz->backend, stream, &how, &result, error) == ASSAY_OK;
}

/* Under the name that is known once it is reduced. */
static enum fuzz_written write_named(const struct filling *filling, struct assay_error *error)
{
    char name[256], path[4096];
    struct filling named = *filling;

    name_finding(name, sizeof name, filling->fuzz, filling->course->finding.check,
                 filling->reduced);
    snprintf(path, sizeof path, "%s/%s", filling->fuzz->folder, name);
    if (is_there(path))
        return FUZZ_KNOWN;
    named.name = name;
    named.path = path;
    return fill(&named, error);
}

/* Reduced first: a longer stream than that has no course. */
static enum fuzz_written confirm_and_write(struct filling *filling, struct assay_stream *stream,
                                           struct assay_error *error)
{
    if (!reduce(filling, stream, error))
        return FUZZ_FAILED;
    if (stream->count > ASSAY_COURSE_OPS)
        return FUZZ_UNCONFIRMED;
    if (cli_retell_run(filling->course, filling->retell, stream, error) != ASSAY_OK)
        return FUZZ_FAILED;
    filling->reduced = stream;
    return filling->course->found ? write_named(filling, error) : FUZZ_UNCONFIRMED;
}

enum fuzz_written fuzz_write_finding(const struct fuzz *fuzz, const struct assay_stream *whole,
                                     const char *pages, struct assay_error *error)
{
    const struct retell retell = {fuzz->spec, fuzz->backend, fuzz->options,
                                  pages,      FUZZ_CONTENT,  FUZZ_HANG_SECONDS};
    struct assay_stream stream = {0};
    struct assay_course course = {.found = false};
    struct filling filling = {.fuzz = fuzz, .whole = whole, .course = &course, .retell = &retell};
    struct assay_stream_reader memory;
    enum fuzz_written written = FUZZ_FAILED;

    assay_error_set(error, "no memory for a stream");
    assay_stream_reader_init(&memory, whole);
    if (assay_stream_collect(&stream, &memory.reader) == ASSAY_OK)
        written = confirm_and_write(&filling, &stream, error);
    assay_course_clear(&course);
    assay_stream_clear(&stream);
    return written;
}
