/*
 * diff_streams.c - random streams on several backends in step.
 *
 *     diff_streams OPERATIONS FIRST KNOWN SPEC SPEC...
 *
 * Streams FIRST, FIRST + 1, ... of swarm.h, until so many operations have been run on each heap. Exit 1 with
 * the parting where two part. KNOWN is a check whose findings are known and not told, or "-".
 */
#include "assay/diff.h"
#include "assay/registry.h"
#include "assay/swarm.h"

#include <stdlib.h>

enum { EXIT_PARTED = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static int stop(int code, const char *why)
{
    fprintf(stderr, "diff_streams: %s\n", why);
    return code;
}

/* What all streams came to. */
struct total {
    uint64_t streams, ops, compared, not_applicable;
    uint64_t allowed[ASSAY_DIFF_RULES];
};

static void add(struct total *total, const struct assay_diff_result *result)
{
    total->streams++;
    total->ops += result->ops;
    total->compared += result->compared;
    total->not_applicable += result->not_applicable;
    for (unsigned rule = 0; rule < ASSAY_DIFF_RULES; rule++)
        total->allowed[rule] += result->allowed[rule];
}

static void print(const struct total *total)
{
    printf("%llu streams, %llu operations, %llu answers compared, %llu n/a\n",
           (unsigned long long)total->streams, (unsigned long long)total->ops,
           (unsigned long long)total->compared, (unsigned long long)total->not_applicable);
    for (unsigned rule = 0; rule < ASSAY_DIFF_RULES; rule++)
        printf("  %-10s %llu\n", assay_diff_rule_name((enum assay_diff_rule)rule),
               (unsigned long long)total->allowed[rule]);
}

/* Runs stream after stream from `number` on; the exit code. */
static int run_streams(struct assay_diff *diff, uint64_t number, uint64_t most_ops)
{
    struct assay_stream stream = {.count = 0};
    struct assay_stream_reader reader;
    struct assay_diff_result result;
    struct assay_error error;
    struct total total = {0};
    char name[40];

    for (; total.ops < most_ops; number++) {
        if (assay_swarm_stream(&stream, number) != ASSAY_OK)
            return stop(EXIT_ENVIRONMENT, "no memory for a stream");
        assay_stream_reader_init(&reader, &stream);
        if (assay_diff_run(diff, &reader.reader, &result, &error) != ASSAY_OK)
            return stop(EXIT_ENVIRONMENT, error.what);
        add(&total, &result);
        if (!result.parted)
            continue;
        snprintf(name, sizeof name, "stream %llu", (unsigned long long)number);
        assay_report_parting(stdout, &result.parting, name);
        return EXIT_PARTED;
    }
    assay_stream_clear(&stream);
    print(&total);
    return 0;
}

int main(int argc, char **argv)
{
    const struct assay_backend *backends[ASSAY_DIFF_HEAPS];
    struct assay_diff_options options = {.strict = 0};
    struct assay_error error;
    enum assay_check known;
    unsigned count = 0;

    if (argc < 6 || argc - 4 > (int)ASSAY_DIFF_HEAPS)
        return stop(EXIT_USAGE, "usage: diff_streams OPERATIONS FIRST KNOWN SPEC SPEC...");
    if (assay_check_parse(argv[3], &known))
        options.replay.ignored = UINT64_C(1) << known;
    for (int i = 4; i < argc; i++)
        if (assay_registry_find(argv[i], &backends[count++], &error) != ASSAY_OK)
            return stop(EXIT_USAGE, error.what);
    struct assay_diff *diff = assay_diff_open(backends, count, &options);
    if (!diff)
        return stop(EXIT_ENVIRONMENT, "out of memory");
    int code = run_streams(diff, strtoull(argv[2], NULL, 10), strtoull(argv[1], NULL, 10));
    assay_diff_close(diff);
    return code;
}
