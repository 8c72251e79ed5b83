/*
 * fuzz_ops - a heap keeps every promise under any stream of operations.
 *
 * The backend is the one that ASSAY_BACKEND names, `list` by default. Its pages are always at the same
 * address and clean, so an input does the same thing each time. The page source, the shadow and the stream's
 * memory are kept from input to input for speed; what is in them is not. What the heap does is marked in counters, so
 * that a library without coverage guides the fuzzer too.
 */
#include "fuzz.h"

#include "assay/bytes.h"
#include "assay/registry.h"
#include "assay/replay.h"
#include "assay/report.h"
#include "assay/watch.h"

#include <string.h>

#define DEFAULT_BACKEND "list"
#define DEFAULT_LIMIT ((size_t)32 << 10)
#define PAGES_BYTES ((size_t)16 << 20)
/* Streams that ask for more are not run: clearing that much would be all the target does. */
#define LIMIT_MAX ((size_t)256 << 10)
/* Of larger blocks only both ends are written and checked. */
#define CONTENT_BYTES 2048

enum { EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static const char *spec; /* as the user named the backend */
static const struct assay_backend *backend;
static struct assay_recycler recycler;
static struct assay_replay *replay;
static struct assay_stream stream;
static uint8_t counters[ASSAY_WATCH_MARKS] FUZZ_COUNTERS;
static struct assay_watch watch = {.marks = counters};

static __attribute__((noreturn)) void stop(int code, const char *why)
{
    fprintf(stderr, "fuzz_ops: %s\n", why);
    exit(code);
}

static void recycle(void *ctx)
{
    assay_recycler_reset(ctx);
}

/* Runs `stream`; false if no heap can be made of its set-up. */
static bool run(struct assay_replay_result *result, struct assay_error *error)
{
    struct assay_stream_reader reader;

    if (stream.setup.limit == 0)
        stream.setup.limit = DEFAULT_LIMIT;
    assay_stream_reader_init(&reader, &stream);
    return assay_replay_run(replay, &reader.reader, result, error) == ASSAY_OK;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct assay_replay_result result;
    struct assay_error error;

    if (fuzz_add_flags)
        fuzz_add_flags(argc, argv);
    spec = getenv("ASSAY_BACKEND");
    if (!spec || !*spec)
        spec = DEFAULT_BACKEND;
    if (assay_registry_find(spec, &backend, &error) != ASSAY_OK)
        stop(EXIT_USAGE, error.what);
    if (assay_recycler_open(&recycler, PAGES_BYTES, ASSAY_RECYCLER_BASE) != ASSAY_OK)
        stop(EXIT_ENVIRONMENT, "the address range for the heap's pages is not to be had");
    const struct assay_replay_options options = {
        .pages = &recycler.source,
        .reset_pages = recycle,
        .reset_ctx = &recycler,
        .content_bytes = CONTENT_BYTES,
        .watch = fuzz_is_guided() ? &watch : NULL,
    };
    replay = assay_replay_open(backend, &options);
    if (!replay)
        stop(EXIT_ENVIRONMENT, "out of memory");
    /* A backend that gives no heap at all would pass everything. */
    if (!run(&result, &error))
        stop(EXIT_ENVIRONMENT, error.what);
    return 0;
}

static __attribute__((noreturn)) void report(const struct assay_finding *finding)
{
    const char *check = assay_check_name(finding->check);
    char path[200], repeat[4096];

    snprintf(path, sizeof path, FUZZ_FINDINGS "/%s-%s-%zu.ops", backend->name, check, stream.count);
    bool saved = fuzz_save(path, &stream);
    snprintf(repeat, sizeof repeat, "assay replay --backend %s %s", spec, path);
    assay_report_finding(stderr, finding, saved ? repeat : NULL);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_replay_result result;
    struct assay_error error;

    if (assay_bytes_decode(&stream, data, size) != ASSAY_OK)
        return 0;
    if (stream.setup.limit > LIMIT_MAX || !run(&result, &error))
        return 0;
    if (result.found)
        report(&result.finding);
    return 0;
}
