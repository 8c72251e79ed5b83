/*
 * fuzz_ops - a heap keeps every promise under any stream of operations.
 *
 * The backend is the one that ASSAY_BACKEND names, `list` by default. Its pages are clean and recycled, always at the
 * same address, or fenced where the seed of the stream is odd, as in a campaign: so an input does the same thing each
 * time. The page sources, the shadows and the stream's memory are kept from input to input for speed; what is in them
 * is not. What the heap does is marked in counters, so that a library without coverage guides the fuzzer too.
 */
#include "engine.h"
#include "fuzz.h"

#include "assay/bytes.h"
#include "assay/campaign.h"
#include "assay/registry.h"
#include "assay/replay.h"
#include "assay/report.h"
#include "assay/watch.h"

#include <string.h>

#define DEFAULT_BACKEND "list"
#define PAGES_BYTES ((size_t)16 << 20)
/* Of larger blocks only both ends are written and checked. */
#define CONTENT_BYTES 2048

enum { EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static const char *spec; /* as the user named the backend */
static const struct assay_backend *backend;
static struct assay_recycler recycler;
static struct assay_fence fence;
static struct assay_replay *recycled, *fenced;
static struct assay_stream stream;
static uint8_t counters[ASSAY_WATCH_MARKS] FUZZ_COUNTERS;
static struct assay_watch watch = {.marks = counters};
static struct fuzz_counts *counts; /* NULL: not under `assay fuzz` */
static uint64_t ignored;           /* as the replay has it */

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
        stream.setup.limit = FUZZ_LIMIT;
    assay_stream_reader_init(&reader, &stream);
    return assay_replay_run(assay_campaign_is_fenced(stream.setup.seed) ? fenced : recycled,
                            &reader.reader, result, error) == ASSAY_OK;
}

static void open_replays(void)
{
    struct assay_replay_options options = {
        .pages = &recycler.source,
        .reset_pages = recycle,
        .reset_ctx = &recycler,
        .content_bytes = CONTENT_BYTES,
        .options = getenv("ASSAY_BACKEND_OPTIONS"),
        .ignored = ignored,
        .watch = fuzz_is_guided() ? &watch : NULL,
    };

    assay_replay_close(recycled);
    assay_replay_close(fenced);
    recycled = assay_replay_open(backend, &options);
    options.pages = &fence.source;
    options.reset_pages = assay_fence_reset;
    options.reset_ctx = &fence;
    fenced = assay_replay_open(backend, &options);
    if (!recycled || !fenced)
        stop(EXIT_ENVIRONMENT, "out of memory");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct assay_replay_result result;
    struct assay_error error;

    if (fuzz_add_flags)
        fuzz_add_flags(argc, argv);
    counts = fuzz_engine_open();
    spec = getenv("ASSAY_BACKEND");
    if (!spec || !*spec)
        spec = DEFAULT_BACKEND;
    if (assay_registry_find(spec, &backend, &error) != ASSAY_OK)
        stop(EXIT_USAGE, error.what);
    if (assay_recycler_open(&recycler, PAGES_BYTES, ASSAY_RECYCLER_BASE) != ASSAY_OK)
        stop(EXIT_ENVIRONMENT, "the address range for the heap's pages is not to be had");
    if (assay_fence_open(&fence) != ASSAY_OK)
        stop(EXIT_ENVIRONMENT, "no room for fenced pages");
    open_replays();
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
    bool saved = !counts && fuzz_save(path, &stream);
    snprintf(repeat, sizeof repeat, "assay replay --backend %s --pages %s %s", spec,
             assay_campaign_pages(stream.setup.seed), path);
    assay_report_finding(stderr, finding, saved ? repeat : NULL);
    abort();
}

/* Tells who started us what was done; what is to be ignored may have changed meanwhile. */
static void count(const struct assay_replay_result *result)
{
    counts->ops += result->ops;
    counts->served += result->served;
    counts->refused += result->refused;
    if (ignored != counts->ignored) {
        ignored = counts->ignored;
        open_replays();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_replay_result result;
    struct assay_error error;

    fuzz_engine_begin();
    if (fuzz_engine_marks)
        watch.marks = fuzz_engine_marks(ASSAY_WATCH_MARKS);
    if (assay_bytes_decode(&stream, data, size) != ASSAY_OK)
        return 0;
    if (stream.setup.limit > FUZZ_LIMIT_MAX || !run(&result, &error))
        return 0;
    if (result.found)
        report(&result.finding);
    fuzz_fade_counters();
    if (counts)
        count(&result);
    return 0;
}
