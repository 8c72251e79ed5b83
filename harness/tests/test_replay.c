/*
 * test_replay - a small correct heap (cells.h) gives no finding, and each way of breaking it gives
 * its own.
 */
#include "cells.h"

#include "assay/registry.h"
#include "assay/replay.h"
#include "assay/sizes.h"
#include "assay/text.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* --- running --- */

static struct assay_replay_result result;

static void run_stream(const struct assay_backend *backend, const struct assay_stream *stream,
                       const struct assay_replay_options *options)
{
    struct assay_replay *replay = assay_replay_open(backend, options);
    struct assay_stream_reader memory;
    struct assay_error error = {""};

    assert_non_null(replay);
    assay_stream_reader_init(&memory, stream);
    assay_status status = assay_replay_run(replay, &memory.reader, &result, &error);
    if (status != ASSAY_OK)
        fail_msg("%s", error.what);
    assay_replay_close(replay);
}

static void run_text(const struct assay_backend *backend, const char *text)
{
    struct assay_stream stream = {.count = 0};
    struct assay_error error = {""};
    struct assay_replay_options options = {.transcript = true};

    if (assay_text_decode(&stream, "test", text, strlen(text), &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    run_stream(backend, &stream, &options);
    assay_stream_clear(&stream);
}

#define HEAD "assay-ops 1\nlimit 65536\nseed 5\n"
/* Touches every promise that the correct heap makes. */
#define EVERYTHING                                                                                 \
    HEAD "alloc s0 100\nalloc s1 64\nalloc s2 0\nzeroed s3 3 20\nfree-null\ncheck\n"               \
         "free s1\nzeroed s1 10 10\nrealloc s0 200\nrealloc s0 50\nrealloc s0 1000\ntouch s0\n"    \
         "alloc s4 9223372036854775808\nzeroed s5 9223372036854775808 2\nfree s3\n"                \
         "double-free s3\nfree-interior s0 5\nfree-foreign 3\nfree-misaligned s0 3\n"              \
         "overrun s0 1\ncheck\nrefuse-next 1\nalloc s7 10\nalloc s8 10\nrefuse-next 0\n"           \
         "alloc s9 10\nhand-over s0 3\n"

static void expect(enum fault fault, const char *text, enum assay_check check)
{
    struct assay_backend backend = cells_backend;

    planted = fault;
    if (fault == FAULT_DAMAGES || fault == FAULT_KILLS || fault == KEEPS_PAGES)
        backend.caps |= ASSAY_CAP_GROWS | ASSAY_CAP_TRIMS;
    if (fault == FAULT_DAMAGES || fault == FAULT_KILLS || fault == KEEPS_PAGES ||
        fault == MAPS_MORE)
        backend.walk = NULL;
    run_text(&backend, text);
    planted = NONE;
    assert_true(result.found);
    if (result.finding.check != check)
        fail_msg("%s: %s", assay_check_name(result.finding.check), result.finding.what);
    assert_string_equal(result.finding.backend, "cells");
    assert_int_equal(result.finding.seed, 5);
    assert_null(strstr(result.finding.what, "0x7"));
}

static void test_a_correct_heap_gives_no_finding(void **state)
{
    (void)state;
    run_text(&cells_backend, EVERYTHING);
    if (result.found)
        fail_msg("%s: %s", assay_check_name(result.finding.check), result.finding.what);
    assert_int_equal(result.ops, 27);
    assert_int_equal(result.served, 10);
    assert_int_equal(result.refused, 3);
    for (int kind = 0; kind < ASSAY_OP_KINDS; kind++)
        assert_int_equal(result.skipped[kind], 0);
}

static void test_each_planted_fault_is_found_by_its_check(void **state)
{
    static const struct {
        enum fault fault;
        enum assay_check check;
    } table[] = {
        {OVERLAPS, ASSAY_CHECK_OVERLAP},
        {OUTSIDE, ASSAY_CHECK_REGION},
        {MISALIGNED, ASSAY_CHECK_ALIGNMENT},
        {SCRIBBLES, ASSAY_CHECK_CONTENT},
        {LOSES_PREFIX, ASSAY_CHECK_PREFIX},
        {DIRTY_ZEROS, ASSAY_CHECK_ZEROING},
        {SMALL_USABLE, ASSAY_CHECK_USABLE},
        {REFUSES_ALL, ASSAY_CHECK_REFUSAL},
        {REFUSES_AGAINST_STATS, ASSAY_CHECK_REFUSAL},
        {SERVES_HUGE, ASSAY_CHECK_HUGE},
        {ROLLS_NOTHING_BACK, ASSAY_CHECK_ROLLBACK},
        {ZERO_IS_NULL, ASSAY_CHECK_EDGE},
        {DENIES_NULL, ASSAY_CHECK_EDGE},
        {DENIES_FREE, ASSAY_CHECK_FREE},
        {TAKES_DOUBLE_FREE, ASSAY_CHECK_MISUSE},
        {HARMS_BY_DOUBLE_FREE, ASSAY_CHECK_MISUSE},
        {OVERRUN_UNSEEN, ASSAY_CHECK_OVERRUN},
        {CHECK_FAILS, ASSAY_CHECK_SELF},
        {WALK_SKIPS, ASSAY_CHECK_WALK},
        {WALK_LOSES_BYTES, ASSAY_CHECK_WALK},
        {COUNTS_WRONG, ASSAY_CHECK_STATS},
        {UNDERSTATES_ROOM, ASSAY_CHECK_STATS},
        {OWNS_NOTHING, ASSAY_CHECK_OWNS},
        {MAPS_MORE, ASSAY_CHECK_LIMIT},
        {KEEPS_PAGES, ASSAY_CHECK_TRIM},
        {LEAKS, ASSAY_CHECK_LEAK},
        {FAULT_DAMAGES, ASSAY_CHECK_STEADY},
        {FAULT_KILLS, ASSAY_CHECK_SERVICE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(table[i].fault, EVERYTHING, table[i].check);
}

static void test_a_finding_says_where_it_was_seen(void **state)
{
    (void)state;
    expect(OVERLAPS, HEAD "alloc s0 10\nalloc s1 20\nalloc s2 30\n", ASSAY_CHECK_OVERLAP);
    assert_int_equal(result.finding.op, 2);
    assert_int_equal(result.finding.operation.slot, 2);
    assert_int_equal(result.finding.block.op, 2);
    assert_int_equal(result.finding.other.op, 1);
    assert_false(result.finding.at_end);
    expect(LEAKS, HEAD "alloc s0 10\n", ASSAY_CHECK_LEAK);
    assert_true(result.finding.at_end);
    assert_int_equal(result.finding.op, 1);
}

/* The correct heap without what would tell on it first. */
static struct assay_backend taciturn(void)
{
    struct assay_backend backend = cells_backend;

    backend.walk = NULL;
    backend.stats = NULL;
    backend.owns = NULL;
    return backend;
}

static void test_a_heap_that_loses_blocks_is_found_when_emptied(void **state)
{
    struct assay_backend backend = taciturn();
    char text[4096] = HEAD;

    (void)state;
    for (int i = 0; i < CELLS; i++)
        sprintf(text + strlen(text), "alloc s%d 10\n", i);
    run_text(&backend, text);
    assert_false(result.found);
    planted = LOSES_CELLS;
    run_text(&backend, text);
    planted = NONE;
    assert_true(result.found && result.finding.at_end);
    assert_int_equal(result.finding.check, ASSAY_CHECK_CONSERVATION);
}

static void test_a_heap_that_dies_half_way_is_dead(void **state)
{
    struct assay_backend backend = taciturn();
    char text[16384] = HEAD "alloc s59 10\n";

    (void)state;
    for (int i = 0; i < 400; i++)
        sprintf(text + strlen(text), "alloc s1 10\nfree s1\n");
    run_text(&backend, text);
    assert_false(result.found);
    planted = DIES_LATER;
    run_text(&backend, text);
    planted = NONE;
    assert_true(result.found && result.finding.at_end);
    assert_int_equal(result.finding.check, ASSAY_CHECK_DEAD);
}

static void test_operations_in_the_wrong_state_are_skipped_and_counted(void **state)
{
    (void)state;
    run_text(&cells_backend,
             HEAD "free s0\nalloc s0 1\nalloc s0 2\ntouch s5\ndouble-free s0\n"
                  "double-free s9\naligned s3 64 10\nunderrun s0 1\nhand-over s7 1\n");
    assert_false(result.found);
    assert_int_equal(result.skipped[ASSAY_OP_FREE], 1);
    assert_int_equal(result.skipped[ASSAY_OP_ALLOC], 1);
    assert_int_equal(result.skipped[ASSAY_OP_TOUCH], 1);
    assert_int_equal(result.skipped[ASSAY_OP_DOUBLE_FREE], 2);
    assert_int_equal(result.skipped[ASSAY_OP_ALLOC_ALIGNED], 1);
    assert_int_equal(result.skipped[ASSAY_OP_UNDERRUN], 1);
    assert_int_equal(result.skipped[ASSAY_OP_HAND_OVER], 1);
    assert_int_equal(result.served, 1);
}

/* --- transcripts and long streams --- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static uint64_t random_size(uint64_t *seed)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   4095,
                                   4096,
                                   4097,
                                   65535,
                                   UINT64_C(1) << 31,
                                   UINT64_C(1) << 32,
                                   INT64_MAX,
                                   UINT64_MAX,
                                   UINT64_MAX - 15,
                                   UINT64_C(1) << 63};
    uint64_t choice = next_random(seed) % 100;

    if (choice < 90)
        return next_random(seed) % 256;
    if (choice < 98)
        return next_random(seed) % 8192;
    return odd[next_random(seed) % (sizeof odd / sizeof *odd)];
}

/* Mostly what programs do, with all else in between, for every kind in the range of its fields. */
static void fill_randomly(struct assay_stream *stream, uint64_t seed, size_t count, uint32_t slots)
{
    seed = seed * 2 + 99991;
    for (size_t i = 0; i < count; i++) {
        struct assay_op op = {.kind = (uint8_t)(next_random(&seed) % 10 < 8
                                                    ? next_random(&seed) % (ASSAY_OP_FREE + 1)
                                                    : next_random(&seed) % ASSAY_OP_KINDS)};
        const struct assay_op_shape *shape = &assay_op_shapes[op.kind];
        if (next_random(&seed) % 3 == 0 && op.kind < ASSAY_OP_FREE) {
            op.kind = ASSAY_OP_FREE;
            shape = &assay_op_shapes[op.kind];
        }
        if (shape->has_slot)
            op.slot = (uint32_t)(next_random(&seed) % slots);
        if (shape->has_size)
            op.size = random_size(&seed);
        if (op.size < shape->size_min)
            op.size = shape->size_min;
        if (shape->arg_is_power_of_two)
            op.arg = UINT64_C(1) << next_random(&seed) % 13;
        else if (shape->has_arg)
            op.arg = shape->arg_min + next_random(&seed) % 40;
        if (op.kind == ASSAY_OP_REFUSE_BEYOND)
            op.arg = next_random(&seed) % 2 ? UINT64_MAX : next_random(&seed) % 100000;
        assert_true(assay_op_is_valid(&op));
        assert_int_equal(assay_stream_append(stream, &op), ASSAY_OK);
    }
}

static void test_random_streams_find_nothing_on_correct_backends(void **state)
{
    size_t count;
    const struct assay_backend *const *all = assay_registry_all(&count);
    static const uint64_t limits[] = {65536, 1 << 20, (64 << 20) + 12345};

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (uint64_t seed = 0; seed < 30; seed++) {
            struct assay_stream stream = {.setup = {.limit = limits[seed % 3], .seed = seed}};
            struct assay_replay_options options = {.check_interval = seed % 5 ? 0 : 100};
            fill_randomly(&stream, seed, 2000, seed % 2 ? 40 : 400);
            run_stream(all[i], &stream, &options);
            if (result.found)
                fail_msg("%s, seed %u: %s at op %u: %s", all[i]->name, (unsigned)seed,
                         assay_check_name(result.finding.check), (unsigned)result.finding.op,
                         result.finding.what);
            assay_stream_clear(&stream);
        }
    }
}

static void reset_recycler(void *recycler)
{
    assay_recycler_reset(recycler);
}

static void test_transcripts_do_not_depend_on_addresses(void **state)
{
    size_t count;
    const struct assay_backend *const *all = assay_registry_all(&count);
    struct assay_stream stream = {.setup = {.limit = 1 << 20, .seed = 3}};

    (void)state;
    fill_randomly(&stream, 3, 3000, 60);
    for (size_t i = 0; i < count; i++) {
        if (!(all[i]->caps & ASSAY_CAP_PAGE_SOURCE) || !strcmp(all[i]->name, "jemalloc"))
            continue;
        struct assay_replay_options options = {.transcript = true};
        run_stream(all[i], &stream, &options);
        uint64_t expected = result.transcript;
        for (int base = 0; base < 3; base++) {
            struct assay_recycler recycler;
            void *at = base == 0 ? NULL : (char *)ASSAY_RECYCLER_BASE + (size_t)base * 0x345000;
            assert_int_equal(assay_recycler_open(&recycler, 4 << 20, at), ASSAY_OK);
            options.pages = &recycler.source;
            options.reset_pages = reset_recycler;
            options.reset_ctx = &recycler;
            run_stream(all[i], &stream, &options);
            assert_false(result.found);
            /* Who gives pages back meets freed addresses again where the source of pages wants. */
            if (base == 0 && all[i]->caps & ASSAY_CAP_TRIMS)
                expected = result.transcript;
            if (result.transcript != expected)
                fail_msg("%s at base %d answers otherwise", all[i]->name, base);
            assay_recycler_close(&recycler);
        }
    }
    assay_stream_clear(&stream);
}

static void test_one_replay_runs_stream_after_stream(void **state)
{
    struct assay_replay_options options = {.transcript = true};
    struct assay_replay *replay = assay_replay_open(&cells_backend, &options);
    struct assay_stream stream = {.setup = {.limit = LIMIT, .seed = 1}};
    struct assay_stream_reader memory;
    struct assay_error error = {""};
    uint64_t first = 0;

    (void)state;
    fill_randomly(&stream, 8, 500, 30);
    for (int i = 0; i < 10; i++) {
        planted = i % 3 == 1 ? SCRIBBLES : NONE;
        assay_stream_reader_init(&memory, &stream);
        assert_int_equal(assay_replay_run(replay, &memory.reader, &result, &error), ASSAY_OK);
        assert_int_equal(result.found, planted == SCRIBBLES);
        if (i == 0)
            first = result.transcript;
        if (planted == NONE)
            assert_true(result.transcript == first);
    }
    planted = NONE;
    assay_replay_close(replay);
    assay_stream_clear(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_correct_heap_gives_no_finding),
        cmocka_unit_test(test_each_planted_fault_is_found_by_its_check),
        cmocka_unit_test(test_a_finding_says_where_it_was_seen),
        cmocka_unit_test(test_a_heap_that_loses_blocks_is_found_when_emptied),
        cmocka_unit_test(test_a_heap_that_dies_half_way_is_dead),
        cmocka_unit_test(test_operations_in_the_wrong_state_are_skipped_and_counted),
        cmocka_unit_test(test_random_streams_find_nothing_on_correct_backends),
        cmocka_unit_test(test_transcripts_do_not_depend_on_addresses),
        cmocka_unit_test(test_one_replay_runs_stream_after_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
