/*
 * fuzz_folder.c - the folder of a campaign: its name, its lock, and progress that outlives us.
 *
 * Two campaigns would take each other's slices for done. A lock is one process's alone, not its children's, and goes
 * with it; the file stays.
 */
#include "fuzz.h"

#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fuzz_set_name(struct fuzz *fuzz)
{
    const char *slash = strrchr(fuzz->spec, '/'), *from = slash ? slash + 1 : fuzz->spec;
    size_t length = strlen(from);

    if (length > 3 && strcmp(from + length - 3, ".so") == 0)
        length -= 3;
    snprintf(fuzz->name, sizeof fuzz->name, "%.*s", (int)(length < 63 ? length : 63), from);
    for (char *at = fuzz->name; *at; at++)
        *at = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at)
              : *at == '_'                ? '_'
                                          : '-';
}

static void progress_path(const struct fuzz *fuzz, char *path, size_t room)
{
    const char *engine = fuzz_engine_name(fuzz->engine);
    bool random = fuzz->engine == FUZZ_RANDOM;

    snprintf(path, room, "%s/%s%s%s.progress", fuzz->folder, fuzz->name, random ? "" : ".",
             random ? "" : engine);
}

/* "seed 1" to 1; false if the line is something else. */
static bool read_line(FILE *file, const char *word, unsigned long long *number)
{
    char line[64], *end;
    size_t length = strlen(word);

    if (!fgets(line, sizeof line, file) || strncmp(line, word, length) != 0 ||
        !isdigit((unsigned char)line[length]))
        return false;
    errno = 0;
    *number = strtoull(line + length, &end, 10);
    return errno == 0 && strcmp(end, "\n") == 0;
}

int fuzz_load_progress(struct fuzz *fuzz)
{
    unsigned long long version, of_seed, slice;
    char path[4096];

    progress_path(fuzz, path, sizeof path);
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT)
        return 0;
    if (!file)
        return cli_fail(CLI_ENVIRONMENT, "cannot read %s: %s", path, strerror(errno));
    bool good = read_line(file, "assay-fuzz ", &version) && version == 1 &&
                read_line(file, "seed ", &of_seed) && read_line(file, "slice ", &slice);
    fclose(file);
    if (!good)
        return cli_fail(CLI_ENVIRONMENT,
                        "%s is not the progress of a campaign: remove it to begin anew", path);
    if (of_seed == fuzz->seed)
        atomic_store(&fuzz->shared->next_slice, slice);
    return 0;
}

int fuzz_save_progress(const struct fuzz *fuzz)
{
    unsigned long long first = atomic_load(&fuzz->shared->next_slice);
    struct cli_output output;
    char path[4096];

    for (unsigned i = 0; i < fuzz->jobs; i++) {
        const struct fuzz_worker *worker = &fuzz->shared->worker[i];
        if (atomic_load(&worker->has_slice) && atomic_load(&worker->slice) < first)
            first = atomic_load(&worker->slice);
    }
    progress_path(fuzz, path, sizeof path);
    int code = cli_output_open(&output, path);
    if (code)
        return code;
    fprintf(output.file, "assay-fuzz 1\nseed %" PRIu64 "\nslice %llu\n", fuzz->seed, first);
    return cli_output_close(&output, true);
}

int fuzz_lock(const char *path, const char *what, const char *way_out)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (file < 0)
        return cli_fail(CLI_ENVIRONMENT, "cannot write %s: %s", path, strerror(errno));
    if (fcntl(file, F_SETLK, &all) == 0)
        return 0; /* open until we end */
    int why = errno;
    close(file);
    if (why != EACCES && why != EAGAIN)
        return cli_fail(CLI_ENVIRONMENT, "cannot lock %s: %s", path, strerror(why));
    return cli_fail(CLI_ENVIRONMENT, "another campaign on %s is under way in %s", what, way_out);
}

int fuzz_make_folder(const char *path, const char *option)
{
    struct stat status;

    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return cli_fail(CLI_ENVIRONMENT, "cannot make %s: %s", path, strerror(errno));
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return cli_fail(CLI_ENVIRONMENT, "%s is not a folder: name one with %s", path, option);
    if (access(path, R_OK | W_OK | X_OK) != 0)
        return cli_fail(CLI_ENVIRONMENT, "cannot read and write in %s: %s", path, strerror(errno));
    return 0;
}

int fuzz_open_folder(const struct fuzz *fuzz)
{
    char path[4096], way_out[4096];
    int code = fuzz_make_folder(fuzz->folder, "--output");

    if (code)
        return code;
    snprintf(path, sizeof path, "%s/%s.lock", fuzz->folder, fuzz->name);
    snprintf(way_out, sizeof way_out, "%s: use its --jobs, or another --output", fuzz->folder);
    code = fuzz_lock(path, fuzz->spec, way_out);
    if (code)
        return code;
    fuzz_tidy(fuzz->folder);
    return 0;
}
