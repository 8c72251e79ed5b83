/*
 * test_reduce - what is left of a stream shows the same, has nothing in it that could go, and comes soon, whatever
 * the heap does.
 */
#include "mutants/planted.h"

#include "assay/campaign.h"
#include "assay/pages.h"
#include "assay/reduce.h"
#include "assay/swarm.h"

#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define OPERATIONS 20000000
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

    /* Odd places in a campaign are even numbers. */
    if (number % 2 == 0) {
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

/* The check by which replay of a stream fails; CHECKS if it does not. Not for heaps that crash. */
static enum assay_check check_of(const struct assay_backend *backend,
                                 const struct assay_stream *stream,
                                 const struct assay_reduce_options *options)
{
    struct assay_replay *replay = assay_replay_open(backend, &options->replay);
    struct assay_stream_reader memory;
    struct assay_replay_result seen;
    struct assay_error error;

    assert_non_null(replay);
    assay_stream_reader_init(&memory, stream);
    assert_int_equal(assay_replay_run(replay, &memory.reader, &seen, &error), ASSAY_OK);
    assay_replay_close(replay);
    return seen.found ? seen.finding.check : ASSAY_CHECKS;
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

static const struct {
    enum planted_bug bug;
    enum planted_kind kind;
    const char *name;
} bugs[] = {
#define MUTANT(bug, kind, class, difficulty, story) {PLANT_##bug, PLANTED_##kind, #bug},
#define AGAIN(bug, kind, class, difficulty)
#include "mutants/mutants.inc"
#undef MUTANT
#undef AGAIN
};
#define BUGS (sizeof bugs / sizeof *bugs)

static void test_half_of_all_planted_bugs_are_left_with_six_operations_or_fewer(void **state)
{
    size_t left[BUGS], count = 0;

    (void)state;
    for (size_t i = 0; i < BUGS; i++) {
        struct planted planted = planted_make(bugs[i].kind, bugs[i].bug);
        struct assay_campaign_result found = find(&planted.backend);
        struct assay_stream stream = {.count = 0};
        if (!found.found)
            continue;
        reduce_swarm(&planted.backend, &stream, found.stream);
        assert_int_equal(result.finding.check, found.finding.check);
        if (getenv("VERBOSE"))
            printf("%3zu of %4llu, %5llu attempts, %s: %s\n", stream.count,
                   (unsigned long long)result.ops, (unsigned long long)result.attempts,
                   bugs[i].name, assay_check_name(result.finding.check));
        left[count++] = stream.count;
        assay_stream_clear(&stream);
    }
    assert_true(count > BUGS / 2);
    qsort(left, count, sizeof *left, by_size);
    if (left[count / 2] > 6)
        fail_msg("the median is %zu operations", left[count / 2]);
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
        assert_int_equal(check_of(&planted.backend, &stream, &options), found.finding.check);
        for (size_t k = 0; k < stream.count; k++)
            assert_false(
                fails_without(&planted.backend, &stream, k, &options, found.finding.check));
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

static void test_a_stream_without_a_finding_stays_as_it_was(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_NOTHING);
    struct assay_reduce_options options = options_for(1);
    struct assay_stream stream = {.count = 0}, same = {.count = 0};
    struct assay_error error = {""};

    (void)state;
    assert_int_equal(assay_swarm_stream(&stream, 1), ASSAY_OK);
    assert_int_equal(assay_swarm_stream(&same, 1), ASSAY_OK);
    assert_int_equal(assay_reduce(&planted.backend, &stream, &options, &result, &error), ASSAY_OK);
    assert_false(result.found);
    assert_true(assay_stream_equal(&stream, &same));
    assay_stream_clear(&stream);
    assay_stream_clear(&same);
}

static void test_a_heap_that_cannot_be_created_is_an_error(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_NOTHING);
    struct assay_reduce_options options = {.hang_us = 0};
    struct assay_stream stream = {.count = 0};
    struct assay_error error = {""};

    (void)state;
    assert_int_equal(assay_swarm_stream(&stream, 1), ASSAY_OK);
    stream.setup.limit = UINT64_C(1) << 62;
    assert_int_equal(assay_reduce(&planted.backend, &stream, &options, &result, &error),
                     ASSAY_NO_MEMORY);
    assert_non_null(strstr(error.what, "cannot create a heap"));
    assay_stream_clear(&stream);
}

/* --- heaps that end or stop the process --- */

static struct planted wild;
static struct assay_backend tame;
static unsigned live; /* blocks of the one heap that there is */
static enum { CRASHES, EXITS, SPINS } way;

static assay_status create_wild(const struct assay_backend *backend,
                                const struct assay_heap_config *config, void **self)
{
    live = 0;
    return tame.create(backend, config, self);
}

/* With three blocks there is no way back from one of 777 bytes. */
static void *alloc_wild(void *self, size_t size)
{
    if (size >= 777 && live >= 3) {
        if (way == CRASHES)
            raise(SIGSEGV);
        if (way == EXITS)
            _exit(7);
        for (volatile int forever = 1; forever;)
            ;
    }
    live++;
    return tame.alloc(self, size);
}

static assay_status free_wild(void *self, void *block)
{
    live -= live > 0 && block;
    return tame.free(self, block);
}

/* A thousand operations, of which the last is the one too many. */
static void make_long_stream(struct assay_stream *stream)
{
    stream->setup = (struct assay_setup){.limit = 1 << 20, .seed = 9};
    for (uint32_t i = 0; i < 999; i++) {
        uint32_t round = i / 9, step = i % 9;
        struct assay_op op = {.kind = step < 6 ? ASSAY_OP_ALLOC : ASSAY_OP_FREE,
                              .slot = step < 6 ? step + round % 3 : (step - 6) + round % 3,
                              .size = step < 6 ? 16 + (round * 37 + step * 11) % 700 : 0};
        assert_int_equal(assay_stream_append(stream, &op), ASSAY_OK);
    }
    const struct assay_op last = {.kind = ASSAY_OP_ALLOC, .slot = 900, .size = 12345};
    assert_int_equal(assay_stream_append(stream, &last), ASSAY_OK);
}

static void reduce_wild(enum assay_check check)
{
    struct assay_reduce_options options = {.hang_us = 0};
    struct assay_stream stream = {.count = 0};
    struct assay_error error = {""};

    wild = planted_make(PLANTED_PLAIN, PLANT_NOTHING);
    tame = wild.backend;
    wild.backend.create = create_wild;
    wild.backend.alloc = alloc_wild;
    wild.backend.free = free_wild;
    wild.backend.alloc_zeroed = NULL;
    make_long_stream(&stream);
    if (assay_reduce(&wild.backend, &stream, &options, &result, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    assert_int_equal(result.ops, 1000);
    assert_int_equal(result.finding.check, check);
    assert_int_equal(result.finding.op, 3);
    assert_int_equal(stream.count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(stream.ops[i].kind, ASSAY_OP_ALLOC);
        assert_int_equal(stream.ops[i].slot, i);
        assert_int_equal(stream.ops[i].size, i < 3 ? 1 : 1024);
    }
    assert_int_equal(stream.setup.seed, 0);
    assay_stream_clear(&stream);
}

static void test_a_crash_is_reduced_to_what_leads_to_it(void **state)
{
    (void)state;
    way = CRASHES;
    reduce_wild(ASSAY_CHECK_CRASH);
    assert_non_null(strstr(result.finding.what, "Segmentation fault"));
    way = EXITS;
    reduce_wild(ASSAY_CHECK_CRASH);
    assert_non_null(strstr(result.finding.what, "exit(7)"));
}

static void test_a_hang_is_reduced_to_what_leads_to_it(void **state)
{
    (void)state;
    way = SPINS;
    reduce_wild(ASSAY_CHECK_HANG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_single_operation_can_go),
        cmocka_unit_test(test_the_same_stream_gives_the_same_result),
        cmocka_unit_test(test_a_stream_without_a_finding_stays_as_it_was),
        cmocka_unit_test(test_a_heap_that_cannot_be_created_is_an_error),
        cmocka_unit_test(test_a_crash_is_reduced_to_what_leads_to_it),
        cmocka_unit_test(test_a_hang_is_reduced_to_what_leads_to_it),
        cmocka_unit_test(test_half_of_all_planted_bugs_are_left_with_six_operations_or_fewer),
    };

    if (assay_fence_open(&fence) != ASSAY_OK ||
        assay_recycler_open(&recycler, RECYCLED_BYTES, NULL) != ASSAY_OK)
        return 3;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
