/*
 * test_reduce_bugs - what random streams find in planted bugs is reduced to a few operations, of which none can go.
 *
 *     test_reduce_bugs [N]        every N-th mutant; 1: all, default 4
 *
 * The bugs are real: not for builds with sanitizers, which would end at each of them.
 */
#include "mutants/planted.h"

#include "assay/campaign.h"
#include "assay/guard.h"
#include "assay/pages.h"
#include "assay/reduce.h"
#include "assay/registry.h"
#include "assay/swarm.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* Of a campaign: nearly all mutants fall sooner. */
#define OPERATIONS 1000000
#define MOST_MUTANTS 1000
/* Of processor time, for a few operations. */
#define HANG_SECONDS 2

static size_t each = 4; /* mutants: one in so many */
#define RECYCLED_BYTES ((size_t)64 << 20)

static struct assay_reduce_result result;

/* --- pages as a campaign gives them --- */

static struct assay_fence fence;
static struct assay_recycler recycler;

static void recycle(void *ctx)
{
    assay_recycler_reset(ctx);
}

static struct assay_reduce_options options_for(uint64_t number)
{
    struct assay_reduce_options options = {.replay = {.content_bytes = (size_t)64 << 10}};

    if (assay_campaign_is_fenced(number)) {
        options.replay.pages = &fence.source;
        options.replay.reset_pages = assay_fence_reset;
        options.replay.reset_ctx = &fence;
    } else {
        options.replay.pages = &recycler.source;
        options.replay.reset_pages = recycle;
        options.replay.reset_ctx = &recycler;
    }
    return options;
}

/* --- running --- */

struct attempt {
    const struct assay_backend *backend;
    const struct assay_stream *stream;
    const struct assay_reduce_options *options;
    enum assay_check check; /* CHECKS: no finding */
};

static void run_attempt(void *arg, volatile uint64_t *progress)
{
    struct attempt *attempt = arg;
    struct assay_replay *replay = assay_replay_open(attempt->backend, &attempt->options->replay);
    struct assay_stream_reader memory;
    struct assay_replay_result seen;
    struct assay_error error;

    (void)progress;
    assay_guard_limit(HANG_SECONDS);
    assay_stream_reader_init(&memory, attempt->stream);
    if (replay && assay_replay_run(replay, &memory.reader, &seen, &error) == ASSAY_OK)
        attempt->check = seen.found ? seen.finding.check : ASSAY_CHECKS;
    assay_replay_close(replay);
}

/* The check by which replay of a stream fails, in a child; CHECKS if it does not. */
static enum assay_check check_of(const struct assay_backend *backend,
                                 const struct assay_stream *stream,
                                 const struct assay_reduce_options *options)
{
    struct attempt *attempt = assay_guard_shared(sizeof *attempt);
    struct assay_guard_outcome outcome;

    assert_non_null(attempt);
    *attempt = (struct attempt){backend, stream, options, ASSAY_CHECK_HANG};
    assert_int_equal(assay_guard_run(run_attempt, attempt, 60, true, &outcome), ASSAY_OK);
    enum assay_check check = attempt->check;
    if (outcome.ending == ASSAY_CRASHED && !assay_guard_hung(&outcome))
        check = ASSAY_CHECK_CRASH;
    assay_guard_unshare(attempt, sizeof *attempt);
    return check;
}

static void reduce_swarm(const struct assay_backend *backend, struct assay_stream *stream,
                         uint64_t number)
{
    struct assay_reduce_options options = options_for(number);
    struct assay_error error = {""};

    assert_int_equal(assay_swarm_stream(stream, number), ASSAY_OK);
    if (assay_reduce(backend, stream, &options, &result, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
}

static struct assay_campaign_result find(const struct assay_backend *backend)
{
    const struct assay_campaign_options options = {.seed = 1, .most_ops = OPERATIONS};
    struct assay_campaign_result found;
    struct assay_error error = {""};

    if (assay_campaign_run(backend, &options, &found, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    return found;
}

static int by_size(const void *one, const void *other)
{
    size_t a = *(const size_t *)one, b = *(const size_t *)other;

    return (a > b) - (a < b);
}

/* The names of all mutants, from the list that is built with them; returns how many. */
static size_t list_mutants(char names[][64], size_t room)
{
    FILE *list = fopen(MUTANTS "/list", "r");
    char line[1024];
    size_t count = 0;

    assert_non_null(list);
    while (count < room && fgets(line, sizeof line, list))
        count += sscanf(line, "mutant\t%63[^\t]", names[count]) == 1;
    fclose(list);
    return count;
}

/* How many operations are left of the first stream that finds the mutant; SIZE_MAX if none does. */
static size_t reduce_mutant(const char *name)
{
    const struct assay_backend *backend;
    struct assay_stream stream = {.count = 0};
    struct assay_error error = {""};
    char spec[4096];

    snprintf(spec, sizeof spec, "plugin:" MUTANTS "/%s.so", name);
    if (assay_registry_find(spec, &backend, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    struct assay_campaign_result found = find(backend);
    if (!found.found)
        return SIZE_MAX;
    reduce_swarm(backend, &stream, found.stream);
    size_t count = stream.count;
    assay_stream_clear(&stream);
    /* By another check now and then: what lies around the pages is not what lay there in the campaign. */
    return result.found ? count : SIZE_MAX;
}

static void test_half_of_all_mutants_are_left_with_six_operations_or_fewer(void **state)
{
    static char names[MOST_MUTANTS][64];
    size_t left[MOST_MUTANTS], count = 0, mutants = list_mutants(names, MOST_MUTANTS);

    (void)state;
    assert_true(mutants > 0);
    for (size_t i = 0; i < mutants; i += each) {
        size_t ops = reduce_mutant(names[i]);
        if (ops == SIZE_MAX)
            continue;
        print_message("%4zu of %4llu operations, %5llu attempts, %s: %s\n", ops,
                      (unsigned long long)result.ops, (unsigned long long)result.attempts, names[i],
                      assay_check_name(result.finding.check));
        left[count++] = ops;
    }
    assert_true(count > mutants / each / 2);
    qsort(left, count, sizeof *left, by_size);
    print_message("%zu mutants, median %zu operations\n", count, left[count / 2]);
    assert_true(left[count / 2] <= 6);
}

/* --- what the result is --- */

static bool fails_without(const struct assay_backend *backend, const struct assay_stream *stream,
                          size_t left_out, const struct assay_reduce_options *options,
                          enum assay_check check)
{
    struct assay_stream shorter = {.setup = stream->setup};

    for (size_t i = 0; i < stream->count; i++)
        if (i != left_out)
            assert_int_equal(assay_stream_append(&shorter, &stream->ops[i]), ASSAY_OK);
    bool fails = check_of(backend, &shorter, options) == check;
    assay_stream_clear(&shorter);
    return fails;
}

static void test_no_single_operation_can_go(void **state)
{
    static const enum planted_bug some[] = {
        PLANT_SHRINK_CUTS_TOO_MUCH,
        PLANT_SPLIT_LOSES_SMALL_REST,
        PLANT_EXACT_FIT_MISSED,
        PLANT_FRONT_GAP_LEAKED,
    };

    (void)state;
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        struct planted planted = planted_make(PLANTED_REGION, some[i]);
        struct assay_campaign_result found = find(&planted.backend);
        struct assay_reduce_options options = options_for(found.stream);
        struct assay_stream stream = {.count = 0};
        assert_true(found.found);
        reduce_swarm(&planted.backend, &stream, found.stream);
        enum assay_check check = result.finding.check;
        assert_int_equal(check_of(&planted.backend, &stream, &options), check);
        for (size_t k = 0; k < stream.count; k++)
            assert_false(fails_without(&planted.backend, &stream, k, &options, check));
        assay_stream_clear(&stream);
    }
}

static void test_the_same_stream_gives_the_same_result(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_SPLIT_LOSES_SMALL_REST);
    struct assay_campaign_result found = find(&planted.backend);
    struct assay_stream one = {.count = 0}, other = {.count = 0};

    (void)state;
    reduce_swarm(&planted.backend, &one, found.stream);
    reduce_swarm(&planted.backend, &other, found.stream);
    assert_true(assay_stream_equal(&one, &other));
    assay_stream_clear(&one);
    assay_stream_clear(&other);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_single_operation_can_go),
        cmocka_unit_test(test_the_same_stream_gives_the_same_result),
        cmocka_unit_test(test_half_of_all_mutants_are_left_with_six_operations_or_fewer),
    };

    if (argc > 1 && strtoul(argv[1], NULL, 10) > 0)
        each = strtoul(argv[1], NULL, 10);
    if (assay_fence_open(&fence) != ASSAY_OK ||
        assay_recycler_open(&recycler, RECYCLED_BYTES, NULL) != ASSAY_OK)
        return 3;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
