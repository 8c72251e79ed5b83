/* test_op - operations are valid or not by one table, and streams in memory keep them. */
#include "assay/op.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ASSAY_OP_KINDS; i++) {
        assert_non_null(assay_op_shapes[i].name);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(assay_op_shapes[i].name, assay_op_shapes[j].name);
    }
}

static void test_a_field_that_the_kind_does_not_use_must_be_zero(void **state)
{
    (void)state;
    struct assay_op op = {.kind = ASSAY_OP_FREE, .slot = 3};
    assert_true(assay_op_is_valid(&op));
    op.size = 1;
    assert_false(assay_op_is_valid(&op));
    op = (struct assay_op){.kind = ASSAY_OP_CHECK, .slot = 1};
    assert_false(assay_op_is_valid(&op));
}

static void test_an_alignment_must_be_a_power_of_two(void **state)
{
    (void)state;
    struct assay_op op = {.kind = ASSAY_OP_ALLOC_ALIGNED, .size = 10, .arg = 64};
    assert_true(assay_op_is_valid(&op));
    op.arg = 0;
    assert_false(assay_op_is_valid(&op));
    op.arg = 48;
    assert_false(assay_op_is_valid(&op));
}

static void test_slot_and_thread_are_bounded(void **state)
{
    (void)state;
    struct assay_op op = {
        .kind = ASSAY_OP_FREE, .slot = ASSAY_SLOTS - 1, .thread = ASSAY_THREADS - 1};
    assert_true(assay_op_is_valid(&op));
    op.slot++;
    assert_false(assay_op_is_valid(&op));
    op = (struct assay_op){.kind = ASSAY_OP_FREE, .thread = ASSAY_THREADS};
    assert_false(assay_op_is_valid(&op));
}

static void test_collecting_a_reader_gives_an_equal_stream(void **state)
{
    (void)state;
    struct assay_stream stream = {.setup = {.limit = 65536, .seed = 7}};
    for (uint32_t i = 0; i < 1000; i++) {
        struct assay_op op = {.kind = ASSAY_OP_ALLOC, .slot = i, .size = (uint64_t)i * 3};
        assert_int_equal(assay_stream_append(&stream, &op), ASSAY_OK);
    }
    struct assay_stream_reader memory;
    struct assay_stream copy = {0};
    assay_stream_reader_init(&memory, &stream);
    assert_int_equal(assay_stream_collect(&copy, &memory.reader), ASSAY_OK);
    assert_true(assay_stream_equal(&stream, &copy));
    copy.ops[500].size++;
    assert_false(assay_stream_equal(&stream, &copy));
    assay_stream_clear(&stream);
    assay_stream_clear(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_has_a_name_of_its_own),
        cmocka_unit_test(test_a_field_that_the_kind_does_not_use_must_be_zero),
        cmocka_unit_test(test_an_alignment_must_be_a_power_of_two),
        cmocka_unit_test(test_slot_and_thread_are_bounded),
        cmocka_unit_test(test_collecting_a_reader_gives_an_equal_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
