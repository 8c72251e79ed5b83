/* test_features - features tell apart what heaps do, and repeat. */
#include "mutants/planted.h"

#include "assay/features.h"
#include "assay/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct assay_features first, second;

/* Of slots 0 .. count - 1, 64 bytes each and then freed in the given direction. */
static void fill_and_free(struct assay_stream *stream, uint32_t count, bool last_first)
{
    for (uint32_t i = 0; i < count; i++) {
        struct assay_op op = {.kind = ASSAY_OP_ALLOC, .slot = i, .size = 64};
        assert_int_equal(assay_stream_append(stream, &op), ASSAY_OK);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct assay_op op = {.kind = ASSAY_OP_FREE, .slot = last_first ? count - 1 - i : i};
        assert_int_equal(assay_stream_append(stream, &op), ASSAY_OK);
    }
}

static void run_on(struct assay_features *features, struct planted *planted,
                   const struct assay_stream *stream)
{
    const struct assay_replay_options options = {.content_bytes = 4096};
    struct assay_error error = {""};

    assert_int_equal(assay_features_run(features, &planted->backend, stream, &options, &error),
                     ASSAY_OK);
}

static void test_the_same_stream_has_the_same_features(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_NOTHING);
    struct assay_stream stream = {.count = 0};

    (void)state;
    fill_and_free(&stream, 20, true);
    run_on(&first, &planted, &stream);
    run_on(&second, &planted, &stream);
    assert_false(first.found);
    assert_int_equal(first.ops, 40);
    assert_memory_equal(first.seen, second.seen, sizeof first.seen);
    assert_int_equal(assay_features_add(&first, &second), 0);
    assay_stream_clear(&stream);
}

static void test_the_order_of_frees_makes_other_features(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_NOTHING);
    struct assay_stream forward = {.count = 0}, backward = {.count = 0};
    const struct assay_op again = {.kind = ASSAY_OP_ALLOC, .slot = 30, .size = 64};

    (void)state;
    fill_and_free(&forward, 20, false);
    fill_and_free(&backward, 20, true);
    assert_int_equal(assay_stream_append(&forward, &again), ASSAY_OK);
    assert_int_equal(assay_stream_append(&backward, &again), ASSAY_OK);
    run_on(&first, &planted, &forward);
    run_on(&second, &planted, &backward);
    assert_true(assay_features_add(&first, &second) > 0);
    assay_stream_clear(&forward);
    assay_stream_clear(&backward);
}

static void *alloc_elsewhere(void *self, size_t size)
{
    static _Alignas(16) char memory[64];

    (void)self;
    (void)size;
    return memory;
}

static void test_a_finding_is_a_feature(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_NOTHING);
    struct assay_stream stream = {.count = 0};

    (void)state;
    fill_and_free(&stream, 20, true);
    run_on(&first, &planted, &stream);
    planted.backend.alloc = alloc_elsewhere;
    run_on(&second, &planted, &stream);
    assert_true(second.found);
    assert_true(assay_features_add(&first, &second) > 0);
    assay_stream_clear(&stream);
}

static assay_status abort_free(void *self, void *block)
{
    (void)self;
    (void)block;
    abort();
}

static void test_a_heap_that_ends_its_process_keeps_what_was_seen(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_NOTHING);
    const struct assay_replay_options options = {.content_bytes = 4096};
    struct assay_stream stream = {.count = 0};
    struct assay_error error = {""};
    static const struct assay_features none;

    (void)state;
    planted.backend.free = abort_free;
    fill_and_free(&stream, 20, true);
    assert_int_equal(assay_features_run(&first, &planted.backend, &stream, &options, &error),
                     ASSAY_OK);
    assert_true(first.found);
    assert_int_equal(first.check, ASSAY_CHECK_CRASH);
    assert_int_equal(first.ops, 20);
    second = none;
    assert_true(assay_features_add(&second, &first) > 2);
    assay_stream_clear(&stream);
}

static void test_a_heap_that_cannot_be_made_is_an_error(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_NOTHING);
    const struct assay_replay_options options = {.content_bytes = 4096};
    const struct assay_stream stream = {.setup.limit = UINT64_C(1) << 62};
    struct assay_error error = {""};

    (void)state;
    assert_int_equal(assay_features_run(&first, &planted.backend, &stream, &options, &error),
                     ASSAY_NO_MEMORY);
    assert_non_null(strstr(error.what, "cannot create a heap"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_stream_has_the_same_features),
        cmocka_unit_test(test_the_order_of_frees_makes_other_features),
        cmocka_unit_test(test_a_finding_is_a_feature),
        cmocka_unit_test(test_a_heap_that_ends_its_process_keeps_what_was_seen),
        cmocka_unit_test(test_a_heap_that_cannot_be_made_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
