/*
 * test_reduce - what is left of a stream leads to the same end, and comes soon, whatever the heap does; where there
 * is nothing to be found the stream stays. Real bugs are in test_reduce_bugs.
 */
#include "mutants/planted.h"

#include "assay/reduce.h"
#include "assay/swarm.h"

#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct assay_reduce_result result;

static void test_a_stream_without_a_finding_stays_as_it_was(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_NOTHING);
    struct assay_reduce_options options = {.hang_us = 0};
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
        cmocka_unit_test(test_a_stream_without_a_finding_stays_as_it_was),
        cmocka_unit_test(test_a_heap_that_cannot_be_created_is_an_error),
        cmocka_unit_test(test_a_crash_is_reduced_to_what_leads_to_it),
        cmocka_unit_test(test_a_hang_is_reduced_to_what_leads_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
