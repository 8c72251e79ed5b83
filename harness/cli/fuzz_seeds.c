/*
 * fuzz_seeds.c - the inputs that an engine begins with: what lies in the corpus, whoever left it there, some random
 * streams, and the windows of real programs that lie beside the engine.
 *
 * They are copied to a folder of their own, in the fuzzer's form: an input by which something is found would end the
 * target each time it is read, and is taken out of there, never out of the corpus.
 */
#include "cli.h"
#include "corpus.h"
#include "fuzz.h"

#include "assay/bytes.h"
#include "assay/swarm.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files larger than that hold no seed. */
#define MOST_FILE_BYTES ((uint64_t)1 << 20)
#define RANDOM_SEEDS 16
#define RANDOM_OPS 200

/* 0, or the exit code after having printed why not. */
static int write_seed(const struct fuzz *fuzz, const char *name, const void *bytes, size_t size)
{
    struct cli_output output;
    char path[1300];

    snprintf(path, sizeof path, "%s/%s", fuzz->seeds, name);
    int code = cli_output_open(&output, path);
    if (code)
        return code;
    fwrite(bytes, 1, size, output.file);
    return cli_output_close(&output, true);
}

static int write_stream(const struct fuzz *fuzz, uint64_t number)
{
    static unsigned char bytes[FUZZ_INPUT_MAX];
    struct assay_stream stream = {0};
    char name[40];

    if (assay_swarm_stream(&stream, number) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "no memory for a stream");
    if (stream.count > RANDOM_OPS)
        stream.count = RANDOM_OPS;
    if (stream.setup.limit > FUZZ_LIMIT_MAX)
        stream.setup.limit = FUZZ_LIMIT_MAX;
    size_t size = assay_bytes_encode(&stream, bytes, sizeof bytes);
    assay_stream_clear(&stream);
    snprintf(name, sizeof name, "random-%" PRIu64, number);
    return write_seed(fuzz, name, bytes, size < sizeof bytes ? size : sizeof bytes);
}

static int write_inputs(const struct fuzz *fuzz, struct corpus *corpus)
{
    size_t left = 0;
    int code = 0;

    for (size_t i = 0; i < corpus->count; i++) {
        struct corpus_input *input = &corpus->inputs[i];
        if (input->size > FUZZ_INPUT_MAX) {
            fprintf(stderr, "assay: %s: left out: has more than %zu operations\n", input->path,
                    FUZZ_INPUT_MAX / 4);
            free(input->path);
            free(input->bytes);
        } else {
            corpus->inputs[left++] = *input;
        }
    }
    corpus->count = left;
    corpus_sort(corpus);
    for (size_t i = 0; code == 0 && i < corpus->count; i++) {
        char name[40];
        snprintf(name, sizeof name, "%016" PRIx64, corpus->inputs[i].hash);
        code = write_seed(fuzz, name, corpus->inputs[i].bytes, corpus->inputs[i].size);
    }
    return code;
}

/*
 * AFL++ passes over a seed that ends the target, without a word of it, and gives up if all do: those are taken for found
 * before it begins. 0, or the exit code.
 */
static int sift(const struct fuzz *fuzz, const char *name)
{
    static unsigned char bytes[FUZZ_INPUT_MAX];
    struct assay_stream stream = {0};
    enum assay_check check;
    char path[4096], artifact[4096];
    bool good = true;

    snprintf(path, sizeof path, "%s/%s", fuzz->seeds, name);
    snprintf(artifact, sizeof artifact, "%s/0-seed-%s", fuzz->artifacts, name);
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file)
        fclose(file);
    if (assay_bytes_decode(&stream, bytes, size) == ASSAY_OK) {
        if (stream.setup.limit == 0)
            stream.setup.limit = FUZZ_LIMIT;
        good = !fuzz_fails(fuzz, &stream, &check) || rename(path, artifact) == 0;
    }
    assay_stream_clear(&stream);
    return good ? 0 : cli_fail(CLI_ENVIRONMENT, "cannot write %s: %s", artifact, strerror(errno));
}

static int sift_all(const struct fuzz *fuzz)
{
    DIR *folder = opendir(fuzz->seeds);
    const struct dirent *entry;
    int code = 0;

    while (folder && code == 0 && (entry = readdir(folder)))
        code = entry->d_name[0] == '.' ? 0 : sift(fuzz, entry->d_name);
    if (folder)
        closedir(folder);
    return code;
}

/* The build cuts them; an engine of another place may have none. */
static bool find_windows(const struct fuzz *fuzz, char *path)
{
    const char *slash = strrchr(fuzz->program, '/');

    snprintf(path, PATH_MAX, "%.*s/windows", (int)(slash - fuzz->program), fuzz->program);
    return access(path, R_OK | X_OK) == 0;
}

int fuzz_make_seeds(struct fuzz *fuzz)
{
    const struct assay_stream nothing = {.setup.limit = FUZZ_LIMIT};
    unsigned char head[4];
    char windows[PATH_MAX];
    char *const folders[] = {fuzz->corpus, find_windows(fuzz, windows) ? windows : NULL, NULL};
    struct corpus corpus = {.but = fuzz->kept}; /* the engine has those */
    int code = 0;

    for (uint64_t i = 0; code == 0 && i < RANDOM_SEEDS; i++)
        code = write_stream(fuzz, (fuzz->seed << 32) + i);
    if (code == 0)
        code = corpus_collect(&corpus, folders, MOST_FILE_BYTES) ? write_inputs(fuzz, &corpus)
                                                                 : CLI_ENVIRONMENT;
    corpus_clear(&corpus);
    if (code == 0 && fuzz->engine == FUZZ_AFLPP)
        code = sift_all(fuzz);
    assay_bytes_encode(&nothing, head, sizeof head);
    code = code ? code : write_seed(fuzz, "nothing", head, sizeof head);
    atomic_store(&fuzz->shared->has_seeds, code == 0);
    return code;
}

static bool has_bytes(const char *path, const void *bytes, size_t size)
{
    static unsigned char there[FUZZ_INPUT_MAX];
    struct stat status;
    FILE *file =
        stat(path, &status) == 0 && (size_t)status.st_size == size ? fopen(path, "re") : NULL;

    if (!file)
        return false;
    bool same = size <= sizeof there && fread(there, 1, size, file) == size &&
                memcmp(there, bytes, size) == 0;
    fclose(file);
    return same;
}

/* The file in a folder that has these bytes; false if there is none. */
static bool find(const char *folder_path, const void *bytes, size_t size, char *path, size_t room)
{
    DIR *folder = opendir(folder_path);
    const struct dirent *entry;
    bool found = false;

    while (folder && !found && (entry = readdir(folder))) {
        snprintf(path, room, "%s/%s", folder_path, entry->d_name);
        found = entry->d_name[0] != '.' && has_bytes(path, bytes, size);
    }
    if (folder)
        closedir(folder);
    return found;
}

bool fuzz_drop_seed(const struct fuzz *fuzz, const void *bytes, size_t size)
{
    char path[4096], moved[4096], folder[1200];

    /* Another worker may have found the same, and be as far. */
    while (find(fuzz->seeds, bytes, size, path, sizeof path))
        if (unlink(path) != 0 && errno != ENOENT)
            return false;
    if (!find(fuzz->kept, bytes, size, path, sizeof path))
        return true;
    /* The engine kept it when the backend was another one. */
    snprintf(folder, sizeof folder, "%s/regressions", fuzz->corpus);
    snprintf(moved, sizeof moved, "%s/%s", folder, strrchr(path, '/') + 1);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return false;
    return rename(path, moved) == 0 || errno == ENOENT;
}
