/*
 * fuzz_take.c - takes in the inputs by which an engine found something: each is run again without the engine, and goes
 * once what it finds is written.
 */
#include "fuzz.h"

#include "retell.h"

#include "assay/bytes.h"
#include "assay/campaign.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool read_bytes(const char *path, unsigned char *bytes, size_t *size)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return false;
    *size = fread(bytes, 1, FUZZ_INPUT_MAX, file);
    bool good = !ferror(file);
    fclose(file);
    return good;
}

bool fuzz_fails(const struct fuzz *fuzz, const struct assay_stream *stream, enum assay_check *check)
{
    const struct retell retell = {fuzz->spec,    fuzz->backend,
                                  fuzz->options, assay_campaign_pages(stream->setup.seed),
                                  FUZZ_CONTENT,  FUZZ_HANG_SECONDS};
    struct assay_course course = {.found = false};
    struct assay_error error;

    bool found = cli_retell_run(&course, &retell, stream, &error) == ASSAY_OK && course.found;
    *check = course.finding.check;
    assay_course_clear(&course);
    return found;
}

/* An input that is no finding outside the engine is kept, for it was one there. */
static bool keep_unconfirmed(const struct fuzz *fuzz, const char *path)
{
    char folder[4096], moved[4200];

    snprintf(folder, sizeof folder, "%s/%s.unconfirmed", fuzz->folder, fuzz->name);
    snprintf(moved, sizeof moved, "%s/%s", folder, strrchr(path, '/') + 1);
    return (mkdir(folder, 0777) == 0 || errno == EEXIST) && rename(path, moved) == 0;
}

static enum fuzz_written take_stream(const struct fuzz *fuzz, unsigned number,
                                     const struct assay_stream *stream)
{
    struct fuzz_worker *worker = &fuzz->shared->worker[number];
    enum assay_check check;

    if (!fuzz_fails(fuzz, stream, &check)) {
        worker->unconfirmed++;
        return FUZZ_UNCONFIRMED;
    }
    if (atomic_load(&fuzz->shared->ignored) >> check & 1) {
        worker->known++;
        return FUZZ_KNOWN;
    }
    return fuzz_take(fuzz, number, stream, check, assay_campaign_pages(stream->setup.seed));
}

/* The file goes once what is found by it is written. */
static bool take_file(const struct fuzz *fuzz, unsigned number, const char *path)
{
    static unsigned char bytes[FUZZ_INPUT_MAX];
    struct assay_stream stream = {0};
    enum fuzz_written written = FUZZ_FAILED;
    bool done = false;
    size_t size;

    if (!read_bytes(path, bytes, &size) || !fuzz_drop_seed(fuzz, bytes, size)) {
        fuzz_fail_with(fuzz, path, strerror(errno));
        return false;
    }
    if (assay_bytes_decode(&stream, bytes, size) == ASSAY_OK) {
        if (stream.setup.limit == 0)
            stream.setup.limit = FUZZ_LIMIT;
        written = take_stream(fuzz, number, &stream);
    }
    assay_stream_clear(&stream);
    if (written != FUZZ_FAILED) {
        done = written == FUZZ_UNCONFIRMED ? keep_unconfirmed(fuzz, path) : unlink(path) == 0;
        if (!done)
            fuzz_fail_with(fuzz, path, strerror(errno));
    }
    return done;
}

/* Whether it is ours to take: those of workers that there are no more go to the first. */
static bool is_ours(const struct fuzz *fuzz, unsigned number, const char *name)
{
    char *end;
    unsigned long of = strtoul(name, &end, 10);

    return end != name && (of == number || (of >= fuzz->jobs && number == 0));
}

bool fuzz_take_artifacts(const struct fuzz *fuzz, unsigned number)
{
    DIR *folder = opendir(fuzz->artifacts);
    const struct dirent *entry;
    char path[4096];
    bool good = true;

    while (folder && good && (entry = readdir(folder))) {
        snprintf(path, sizeof path, "%s/%s", fuzz->artifacts, entry->d_name);
        good = !is_ours(fuzz, number, entry->d_name) || take_file(fuzz, number, path);
    }
    if (folder)
        closedir(folder);
    return good;
}

/* --- AFL++'s own folders --- */

/* A file that may still be written is left for the next time. */
static bool is_whole(const char *path, bool ended)
{
    struct stat status;

    return stat(path, &status) == 0 && (ended || time(NULL) - status.st_mtime > 1);
}

static bool move_from(const struct fuzz *fuzz, const char *instance, const char *kind, bool ended)
{
    char path[4096], from[4400], to[4400];
    const struct dirent *entry;
    bool good = true;

    snprintf(path, sizeof path, "%s/%s/%s", fuzz->kept, instance, kind);
    DIR *folder = opendir(path);
    while (folder && good && (entry = readdir(folder))) {
        if (strncmp(entry->d_name, "id:", 3) != 0)
            continue;
        snprintf(from, sizeof from, "%s/%s", path, entry->d_name);
        snprintf(to, sizeof to, "%s/%s-%s-%.200s", fuzz->artifacts, instance, kind, entry->d_name);
        good = !is_whole(from, ended) || rename(from, to) == 0;
    }
    if (folder)
        closedir(folder);
    if (!good)
        fuzz_fail_with(fuzz, to, strerror(errno));
    return good;
}

bool fuzz_move_crashes(const struct fuzz *fuzz, unsigned number, bool ended)
{
    DIR *folder = opendir(fuzz->kept);
    const struct dirent *entry;
    bool good = true;

    while (folder && good && (entry = readdir(folder)))
        good = !is_ours(fuzz, number, entry->d_name) ||
               (move_from(fuzz, entry->d_name, "crashes", ended) &&
                move_from(fuzz, entry->d_name, "hangs", ended));
    if (folder)
        closedir(folder);
    return good;
}
