/*
 * fuzz_diff - heaps that are given the same operations differ only as rules allow.
 *
 * The backends are those that ASSAY_BACKENDS names, separated by blanks, `list jemalloc` by default. Each has
 * pages of its own at the same address in every run, clean for every input. What heaps do is marked in counters, those of
 * the first apart.
 */
#include "fuzz.h"

#include "assay/bytes.h"
#include "assay/diff.h"
#include "assay/registry.h"
#include "assay/report.h"
#include "assay/watch.h"

#include <string.h>

#define DEFAULT_BACKENDS "list jemalloc"
#define DEFAULT_LIMIT ((size_t)32 << 10)
#define PAGES_BYTES ((size_t)16 << 20)
/* Streams that ask for more are not run: clearing that much would be all the target does. */
#define LIMIT_MAX ((size_t)256 << 10)
/* Of larger blocks only both ends are written and checked. */
#define CONTENT_BYTES 2048

enum { EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static char specs[4096]; /* each ends with a zero byte */
static const char *spec[ASSAY_DIFF_HEAPS];
static struct assay_recycler recyclers[ASSAY_DIFF_HEAPS];
static unsigned count;
static struct assay_diff *diff;
static struct assay_stream stream;
static struct assay_diff_result result;
static uint8_t counters[2][ASSAY_WATCH_MARKS] FUZZ_COUNTERS;
static struct assay_watch watches[ASSAY_DIFF_HEAPS];

static __attribute__((noreturn)) void stop(int code, const char *why)
{
    fprintf(stderr, "fuzz_diff: %s\n", why);
    exit(code);
}

static void recycle(void *ctx)
{
    assay_recycler_reset(ctx);
}

/* Runs `stream`; false if no heaps can be made of its set-up. */
static bool run(struct assay_error *error)
{
    struct assay_stream_reader reader;

    if (stream.setup.limit == 0)
        stream.setup.limit = DEFAULT_LIMIT;
    assay_stream_reader_init(&reader, &stream);
    return assay_diff_run(diff, &reader.reader, &result, error) == ASSAY_OK;
}

/* Fills in `spec` and the backends from the words of the environment. */
static void find_backends(const struct assay_backend **backends)
{
    const char *given = getenv("ASSAY_BACKENDS");
    struct assay_error error;

    snprintf(specs, sizeof specs, "%s", given && *given ? given : DEFAULT_BACKENDS);
    for (char *word = strtok(specs, " "); word; word = strtok(NULL, " ")) {
        if (count == ASSAY_DIFF_HEAPS)
            stop(EXIT_USAGE, "ASSAY_BACKENDS names too many");
        if (assay_registry_find(word, &backends[count], &error) != ASSAY_OK)
            stop(EXIT_USAGE, error.what);
        spec[count++] = word;
    }
    if (count < 2)
        stop(EXIT_USAGE, "ASSAY_BACKENDS names fewer than two");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct assay_backend *backends[ASSAY_DIFF_HEAPS];
    const struct assay_page_source *pages[ASSAY_DIFF_HEAPS];
    void *contexts[ASSAY_DIFF_HEAPS];
    struct assay_error error;

    if (fuzz_add_flags)
        fuzz_add_flags(argc, argv);
    find_backends(backends);
    for (unsigned i = 0; i < count; i++) {
        char *base = (char *)ASSAY_RECYCLER_BASE + PAGES_BYTES * 2 * i;
        if (assay_recycler_open(&recyclers[i], PAGES_BYTES, base) != ASSAY_OK)
            stop(EXIT_ENVIRONMENT, "the address range for a heap's pages is not to be had");
        pages[i] = &recyclers[i].source;
        contexts[i] = &recyclers[i];
        watches[i].marks = counters[i > 0];
    }
    const struct assay_diff_options options = {
        .replay = {.reset_pages = recycle, .content_bytes = CONTENT_BYTES},
        .pages = pages,
        .reset_ctx = contexts,
        .watches = fuzz_is_guided() ? watches : NULL,
    };
    diff = assay_diff_open(backends, count, &options);
    if (!diff)
        stop(EXIT_ENVIRONMENT, "out of memory");
    if (!run(&error))
        stop(EXIT_ENVIRONMENT, error.what);
    return 0;
}

static __attribute__((noreturn)) void report(void)
{
    char path[200], repeat[8192] = "assay diff";
    size_t length = strlen(repeat);

    snprintf(path, sizeof path, FUZZ_FINDINGS "/diff-%s-%zu.ops",
             assay_diff_rule_name(result.parting.rule), stream.count);
    bool saved = fuzz_save(path, &stream);
    for (unsigned i = 0; i < count; i++)
        length +=
            (size_t)snprintf(repeat + length, sizeof repeat - length, " --backend %s", spec[i]);
    snprintf(repeat + length, sizeof repeat - length, " %s", path);
    assay_report_parting(stderr, &result.parting, saved ? repeat : NULL);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_error error;

    if (assay_bytes_decode(&stream, data, size) != ASSAY_OK)
        return 0;
    if (stream.setup.limit > LIMIT_MAX || !run(&error))
        return 0;
    if (result.parted)
        report();
    fuzz_fade_counters();
    return 0;
}
