/*
 * corpus_files.c - the inputs in folders of libFuzzer, of AFL++, of campaigns and of people.
 *
 * Every byte string is a stream, so names must say what is no input: a file with an ending that is not ours, unless
 * its content is one of our encodings. Of a folder that AFL++ or a campaign wrote it is known what in it is an input.
 */
#include "corpus.h"

#include "cli.h"

#include "assay/bytes.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* Kept with a folder: who wrote it, which those below it inherit from AFL++'s. */
enum writer { PEOPLE, AFL, FINDING };

/* --- names --- */

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool has(const FTSENT *folder, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder->fts_path, name);
    return access(path, F_OK) == 0;
}

static enum writer writer_of(const FTSENT *folder)
{
    if (has(folder, "fuzzer_stats") || has(folder, "fuzzer_setup") ||
        (folder->fts_level > 0 && folder->fts_parent->fts_number == AFL))
        return AFL;
    return has(folder, "report.json") ? FINDING : PEOPLE;
}

/* What a fuzzer keeps beside its inputs, and we beside findings. */
static bool is_passed_over(const FTSENT *file)
{
    const char *name = file->fts_name, *ending = strrchr(name, '.');
    long writer = file->fts_parent->fts_number;

    if (name[0] == '.')
        return true;
    if (writer == AFL)
        return !begins(name, "id:");
    if (writer == FINDING)
        return strcmp(name, "input") != 0 && !(ending && strcmp(ending, ".ops") == 0);
    return ending && (strcmp(ending, ".progress") == 0 || strcmp(ending, ".lock") == 0);
}

/* libFuzzer's and AFL++'s inputs have no ending; what an AFL++ input is called after may have one. */
static bool may_be_bytes(const char *name)
{
    const char *ending = strrchr(name, '.');

    return !ending || begins(name, "id:") || strcmp(ending, ".bytes") == 0;
}

/* "overlap" of "overlap-0123456789abcdef"; false for other names. */
static bool check_of_name(const char *name, char *check, size_t room)
{
    const char *dash = strrchr(name, '-');
    enum assay_check known;

    if (!dash || (size_t)(dash - name) >= room || strspn(dash + 1, "0123456789abcdef") != 16)
        return false;
    memcpy(check, name, (size_t)(dash - name));
    check[dash - name] = '\0';
    if (assay_check_parse(check, &known))
        return true;
    check[0] = '\0';
    return begins(name, "regression-");
}

static bool is_regression(const FTSENT *file)
{
    static const char *const folders[] = {"regressions", "crashes", "hangs"};
    static const char *const names[] = {"crash-", "leak-", "timeout-", "oom-"};

    if (file->fts_parent->fts_number == FINDING)
        return true;
    for (const FTSENT *folder = file->fts_parent; folder->fts_level >= 0;
         folder = folder->fts_parent)
        for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
            const char *slash = strrchr(folder->fts_name, '/');
            if (strcmp(slash ? slash + 1 : folder->fts_name, folders[i]) == 0)
                return true;
        }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (begins(file->fts_name, names[i]))
            return true;
    return false;
}

/* --- content --- */

/* At most so many operations of the reader; false with *error. */
static bool collect(struct assay_stream *stream, struct assay_reader *reader, size_t most,
                    struct assay_error *error)
{
    const struct assay_op *ops;
    size_t count;

    stream->setup = reader->setup;
    while ((count = reader->next(reader, &ops)) != 0) {
        if (count > most - stream->count) {
            assay_error_set(error, "has more operations than a corpus takes (see --max-size)");
            return false;
        }
        for (size_t i = 0; i < count; i++)
            if (assay_stream_append(stream, &ops[i]) != ASSAY_OK) {
                assay_error_set(error, "no memory for its operations");
                return false;
            }
    }
    *error = reader->error;
    return !error->what[0];
}

static bool read_stream(struct assay_stream *stream, const FTSENT *file, uint64_t most_bytes,
                        struct assay_error *error)
{
    struct assay_input *input;

    if (assay_input_open(&input, file->fts_accpath, ASSAY_ENCODING_GUESS, error) != ASSAY_OK) {
        if (!may_be_bytes(file->fts_name)) {
            assay_error_set(error, "is no stream, and its name is none of a fuzzer's input");
            return false;
        }
        if (assay_input_open(&input, file->fts_accpath, ASSAY_ENCODING_BYTES, error) != ASSAY_OK)
            return false;
    }
    bool read = collect(stream, assay_input_reader(input), (size_t)most_bytes / 4, error);
    assay_input_close(input);
    return read;
}

/* --- collecting --- */

/* A line about what is left out. */
static void leave_out(struct corpus *corpus, const char *path, const char *why)
{
    corpus->left_out++;
    fprintf(stderr, "assay: %s: left out: %s\n", path, why);
}

static struct corpus_input *new_input(struct corpus *corpus)
{
    if (corpus->count == corpus->room) {
        size_t room = corpus->room ? 2 * corpus->room : 64;
        struct corpus_input *inputs = realloc(corpus->inputs, room * sizeof *inputs);
        if (!inputs)
            return NULL;
        corpus->inputs = inputs;
        corpus->room = room;
    }
    corpus->inputs[corpus->count] = (struct corpus_input){.path = NULL};
    return &corpus->inputs[corpus->count];
}

static bool add_stream(struct corpus *corpus, const FTSENT *file, const struct assay_stream *stream)
{
    struct corpus_input *input = new_input(corpus);

    if (!input)
        return false;
    input->size = assay_bytes_encode(stream, NULL, 0);
    input->path = strdup(file->fts_path);
    input->bytes = malloc(input->size);
    if (!input->path || !input->bytes) {
        free(input->path);
        free(input->bytes);
        return false;
    }
    assay_bytes_encode(stream, input->bytes, input->size);
    input->hash = XXH64(input->bytes, input->size, 0);
    input->is_regression =
        check_of_name(file->fts_name, input->check, sizeof input->check) || is_regression(file);
    corpus->count++;
    corpus->files++;
    return true;
}

/* False: no memory. */
static bool add_file(struct corpus *corpus, const FTSENT *file, uint64_t most_bytes)
{
    struct assay_stream stream = {0};
    struct assay_error error = {""};
    bool added = true;

    if (is_passed_over(file))
        return true;
    if (access(file->fts_accpath, R_OK) != 0) {
        corpus->is_unreadable = true;
        leave_out(corpus, file->fts_path, strerror(errno));
    } else if (file->fts_statp->st_size == 0) {
        leave_out(corpus, file->fts_path, "is empty");
    } else if ((uint64_t)file->fts_statp->st_size > most_bytes) {
        leave_out(corpus, file->fts_path, "is larger than a corpus takes (see --max-size)");
    } else if (!read_stream(&stream, file, most_bytes, &error)) {
        leave_out(corpus, file->fts_path, error.what);
    } else {
        added = add_stream(corpus, file, &stream);
    }
    assay_stream_clear(&stream);
    return added;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

bool corpus_collect(struct corpus *corpus, char *const *folders, uint64_t most_bytes)
{
    FTS *tour = fts_open(folders, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    bool good = tour != NULL;
    FTSENT *entry;

    while (good && (entry = fts_read(tour))) {
        switch (entry->fts_info) {
        case FTS_D:
            entry->fts_number = writer_of(entry);
            if ((entry->fts_name[0] == '.' && entry->fts_level > 0) ||
                (corpus->but && strcmp(entry->fts_path, corpus->but) == 0))
                fts_set(tour, entry, FTS_SKIP);
            break;
        case FTS_F:
            good = add_file(corpus, entry, most_bytes);
            break;
        case FTS_DNR:
        case FTS_ERR:
        case FTS_NS:
            corpus->is_unreadable = true;
            leave_out(corpus, entry->fts_path, strerror(entry->fts_errno));
            break;
        case FTS_DP:
            break;
        default:
            leave_out(corpus, entry->fts_path, "is not a regular file");
        }
    }
    if (tour)
        fts_close(tour);
    if (!good)
        cli_fail(CLI_ENVIRONMENT, "corpus: no memory for the inputs");
    return good;
}

/* --- order --- */

static int by_size(const void *a, const void *b)
{
    const struct corpus_input *one = a, *other = b;

    if (one->size != other->size)
        return one->size < other->size ? -1 : 1;
    if (one->hash != other->hash)
        return one->hash < other->hash ? -1 : 1;
    if (one->is_regression != other->is_regression)
        return one->is_regression ? -1 : 1;
    /* A name that says the check comes first. */
    int check = strcmp(other->check, one->check);
    return check ? check : strcmp(one->path, other->path);
}

static void clear_input(struct corpus_input *input)
{
    free(input->path);
    free(input->bytes);
}

void corpus_sort(struct corpus *corpus)
{
    size_t kept = 0;

    if (corpus->count)
        qsort(corpus->inputs, corpus->count, sizeof *corpus->inputs, by_size);
    for (size_t i = 0; i < corpus->count; i++) {
        struct corpus_input *input = &corpus->inputs[i];
        const struct corpus_input *last = kept ? &corpus->inputs[kept - 1] : NULL;
        if (last && last->size == input->size && memcmp(last->bytes, input->bytes, last->size) == 0)
            clear_input(input);
        else
            corpus->inputs[kept++] = *input;
    }
    corpus->count = kept;
}

void corpus_clear(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++)
        clear_input(&corpus->inputs[i]);
    free(corpus->inputs);
    *corpus = (struct corpus){.count = 0};
}
