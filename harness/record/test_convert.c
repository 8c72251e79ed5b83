/* test_convert - what a process left in its raw file becomes a stream that could have been. */
#include "convert.h"
#include "raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[] = "/tmp/assay-test-convert-XXXXXX";
static struct assay_stream stream;
static struct assay_recording recording;
static struct assay_error error;

/* --- writing a raw file --- */

static FILE *raw;
static bool is_timed;

static void begin_file(bool has_time)
{
    static char page[ASSAY_RAW_HEADER_BYTES];
    struct assay_raw_header head = {.magic = ASSAY_RAW_MAGIC,
                                    .version = ASSAY_RAW_VERSION,
                                    .has_time = has_time,
                                    .pid = 4711,
                                    .command = "program --option"};

    memcpy(page, &head, sizeof head);
    is_timed = has_time;
    raw = fopen(path, "wb");
    assert_non_null(raw);
    assert_int_equal(fwrite(page, sizeof page, 1, raw), 1);
}

static void put(enum assay_raw_kind kind, unsigned thread, uint64_t address, uint64_t value,
                uint64_t time_ns)
{
    uint64_t words[] = {address << ASSAY_RAW_ADDRESS_SHIFT |
                            (uint64_t)thread << ASSAY_RAW_KIND_BITS | kind,
                        value, time_ns};

    assert_int_equal(fwrite(words, is_timed ? 24 : 16, 1, raw), 1);
}

/* --- reading what became of it --- */

static void collect(void *context, const struct assay_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_true(assay_op_is_valid(&ops[i]));
        assert_int_equal(assay_stream_append(context, &ops[i]), ASSAY_OK);
    }
}

static assay_status convert(void)
{
    if (raw)
        fclose(raw);
    raw = NULL;
    assay_stream_clear(&stream);
    return assay_convert(path, collect, &stream, &recording, &error);
}

static void expect_op(size_t index, enum assay_op_kind kind, uint32_t slot, uint64_t size,
                      uint64_t arg)
{
    assert_in_range(index, 0, stream.count - 1);
    assert_int_equal(stream.ops[index].kind, kind);
    assert_int_equal(stream.ops[index].slot, slot);
    assert_int_equal(stream.ops[index].size, size);
    assert_int_equal(stream.ops[index].arg, arg);
}

/* --- tests --- */

static void test_the_slot_emptied_last_is_filled_first(void **state)
{
    (void)state;
    begin_file(false);
    put(ASSAY_RAW_ALLOC, 1, 0x1000, 10, 0);
    put(ASSAY_RAW_ALLOC, 1, 0x2000, 20, 0);
    put(ASSAY_RAW_FREE, 1, 0x1000, 0, 0);
    put(ASSAY_RAW_FREE, 1, 0x2000, 0, 0);
    put(ASSAY_RAW_ALLOC, 1, 0x3000, 30, 0);
    put(ASSAY_RAW_FREE_NULL, 1, 0, 0, 0);
    assert_int_equal(convert(), ASSAY_OK);
    assert_int_equal(stream.count, 6);
    expect_op(0, ASSAY_OP_ALLOC, 0, 10, 0);
    expect_op(1, ASSAY_OP_ALLOC, 1, 20, 0);
    expect_op(2, ASSAY_OP_FREE, 0, 0, 0);
    expect_op(3, ASSAY_OP_FREE, 1, 0, 0);
    expect_op(4, ASSAY_OP_ALLOC, 1, 30, 0);
    expect_op(5, ASSAY_OP_FREE_NULL, 0, 0, 0);
    assert_int_equal(recording.calls, 6);
    assert_int_equal(recording.ops, 6);
    assert_int_equal(recording.peak_bytes, 30);
    assert_int_equal(recording.peak_blocks, 2);
    assert_int_equal(recording.pid, 4711);
    assert_string_equal(recording.command, "program --option");
}

static void test_an_address_taken_over_during_a_realloc_is_another_block(void **state)
{
    (void)state;
    begin_file(false);
    put(ASSAY_RAW_ALLOC, 1, 0x1000, 10, 0);
    put(ASSAY_RAW_REALLOC_BEGIN, 1, 0x1000, 99, 0);
    put(ASSAY_RAW_ALLOC, 7, 0x1000, 11, 0); /* another thread, once the block has moved */
    put(ASSAY_RAW_REALLOC_END, 1, 0x5000, 1, 0);
    put(ASSAY_RAW_FREE, 1, 0x1000, 0, 0);
    put(ASSAY_RAW_FREE, 7, 0x5000, 0, 0);
    assert_int_equal(convert(), ASSAY_OK);
    assert_int_equal(stream.count, 5);
    expect_op(1, ASSAY_OP_ALLOC, 1, 11, 0);
    expect_op(2, ASSAY_OP_REALLOC, 0, 99, 0);
    expect_op(3, ASSAY_OP_FREE, 1, 0, 0);
    expect_op(4, ASSAY_OP_FREE, 0, 0, 0);
    assert_int_equal(recording.threads, 2);
    assert_int_equal(stream.ops[1].thread, 1);
    assert_int_equal(stream.ops[2].thread, 0);
    assert_int_equal(recording.calls, 5);
    assert_int_equal(recording.missed_frees, 0);
}

static void test_each_answer_of_realloc_has_its_form(void **state)
{
    (void)state;
    begin_file(false);
    put(ASSAY_RAW_REALLOC_NULL, 1, 0x1000, 10, 0);
    put(ASSAY_RAW_REALLOC_NULL, 1, 0x2000, 0, 0);
    put(ASSAY_RAW_REALLOC_BEGIN, 1, 0x1000, UINT64_MAX, 0); /* refused */
    put(ASSAY_RAW_REALLOC_END, 1, 0, 2, 0);
    put(ASSAY_RAW_REALLOC_BEGIN, 1, 0x1000, 0, 0); /* freed */
    put(ASSAY_RAW_REALLOC_END, 1, 0, 4, 0);
    put(ASSAY_RAW_REALLOC_BEGIN, 1, 0x2000, 0, 0); /* a small block, as some libraries do */
    put(ASSAY_RAW_REALLOC_END, 1, 0x2000, 6, 0);
    put(ASSAY_RAW_REALLOC_BEGIN, 1, 0x7000, 50, 0); /* of a block from before */
    put(ASSAY_RAW_REALLOC_END, 1, 0x8000, 8, 0);
    assert_int_equal(convert(), ASSAY_OK);
    assert_int_equal(stream.count, 7);
    expect_op(0, ASSAY_OP_REALLOC, 0, 10, 0);
    expect_op(1, ASSAY_OP_ALLOC, 1, 0, 0);
    expect_op(2, ASSAY_OP_REALLOC, 0, UINT64_MAX, 0);
    expect_op(3, ASSAY_OP_REALLOC, 0, 10, 0);
    expect_op(4, ASSAY_OP_FREE, 0, 0, 0);
    expect_op(5, ASSAY_OP_REALLOC, 1, 1, 0);
    expect_op(6, ASSAY_OP_REALLOC, 0, 50, 0);
    assert_int_equal(recording.calls, 6);
    assert_int_equal(recording.refused, 1);
    assert_int_equal(recording.unknown_reallocs, 1);
}

static void test_arguments_that_do_not_fit_stand_in_a_record_of_their_own(void **state)
{
    (void)state;
    begin_file(false);
    put(ASSAY_RAW_ZEROED, 1, 0x1000, UINT64_C(3) << 32 | 7, 0);
    put(ASSAY_RAW_ARG, 1, 0, UINT64_MAX, 0);
    put(ASSAY_RAW_ZEROED, 1, 0, UINT64_C(1) << 40, 0);
    put(ASSAY_RAW_ALIGNED, 1, 0x2000, UINT64_C(12) << ASSAY_RAW_ALIGN_SHIFT | 100, 0);
    put(ASSAY_RAW_ARG, 1, 0, 48, 0);
    put(ASSAY_RAW_ALIGNED, 1, 0x3000, 200, 0);
    assert_int_equal(convert(), ASSAY_OK);
    assert_int_equal(stream.count, 5);
    expect_op(0, ASSAY_OP_ALLOC_ZEROED, 0, 7, 3);
    expect_op(1, ASSAY_OP_ALLOC_ZEROED, 1, UINT64_C(1) << 40, UINT64_MAX);
    expect_op(2, ASSAY_OP_FREE, 1, 0, 0);
    expect_op(3, ASSAY_OP_ALLOC_ALIGNED, 1, 100, 4096);
    expect_op(4, ASSAY_OP_ALLOC_ALIGNED, 2, 200, 64);
    assert_int_equal(recording.calls, 4);
}

static void test_frees_of_unknown_blocks_are_counted_and_left_out(void **state)
{
    (void)state;
    begin_file(false);
    put(ASSAY_RAW_FREE, 1, 0x9000, 0, 0);
    put(ASSAY_RAW_REALLOC_BEGIN, 1, 0x9000, 0, 0);
    put(ASSAY_RAW_REALLOC_END, 1, 0, 1, 0);
    put(ASSAY_RAW_ALLOC, 1, 0x9000, 1, 0);
    assert_int_equal(convert(), ASSAY_OK);
    assert_int_equal(stream.count, 1);
    assert_int_equal(recording.unknown_frees, 2);
    assert_int_equal(recording.calls, 3);
}

static void test_a_block_given_out_twice_is_freed_between(void **state)
{
    (void)state;
    begin_file(false);
    put(ASSAY_RAW_ALLOC, 1, 0x9000, 1, 0);
    put(ASSAY_RAW_ALLOC, 1, 0x9000, 2, 0);
    assert_int_equal(convert(), ASSAY_OK);
    assert_int_equal(stream.count, 3);
    expect_op(1, ASSAY_OP_FREE, 0, 0, 0);
    assert_int_equal(recording.missed_frees, 1);
    assert_int_equal(recording.peak_bytes, 2);
}

static void test_records_never_written_are_passed_over(void **state)
{
    (void)state;
    begin_file(false);
    put(ASSAY_RAW_ALLOC, 1, 0x1000, 1, 0);
    put(ASSAY_RAW_NONE, 0, 0, 0, 0);
    put(ASSAY_RAW_ARG, 1, 0, 3, 0);
    put(ASSAY_RAW_NONE, 0, 0, 0, 0);
    put(ASSAY_RAW_ZEROED, 1, 0x2000, UINT64_C(1) << 32 | 5, 0);
    put(ASSAY_RAW_REALLOC_BEGIN, 1, 0x2000, 50, 0);
    for (int i = 0; i < 1000; i++)
        put(ASSAY_RAW_NONE, 0, 0, 0, 0);
    assert_int_equal(convert(), ASSAY_OK);
    assert_int_equal(stream.count, 2);
    expect_op(1, ASSAY_OP_ALLOC_ZEROED, 1, 5, 1);
    assert_int_equal(recording.unfinished, 3);
}

static void test_times_become_differences(void **state)
{
    (void)state;
    begin_file(true);
    put(ASSAY_RAW_ALLOC, 1, 0x1000, 1, 5000);
    put(ASSAY_RAW_ALLOC, 2, 0x2000, 1, 5300);
    put(ASSAY_RAW_FREE, 1, 0x1000, 0, 5200); /* another core's clock */
    put(ASSAY_RAW_FREE, 1, 0x7000, 0, 5400); /* left out: its time passes all the same */
    put(ASSAY_RAW_FREE, 2, 0x2000, 0, 5500);
    assert_int_equal(convert(), ASSAY_OK);
    assert_int_equal(stream.count, 4);
    assert_int_equal(stream.ops[0].delta_ns, 0);
    assert_int_equal(stream.ops[1].delta_ns, 300);
    assert_int_equal(stream.ops[2].delta_ns, 0);
    assert_int_equal(stream.ops[3].delta_ns, 200);
}

static void test_many_blocks_keep_their_slots(void **state)
{
    (void)state;
    enum { BLOCKS = 20000 };
    begin_file(false);
    for (uint64_t i = 0; i < BLOCKS; i++)
        put(ASSAY_RAW_ALLOC, 1, 0x100000 + i * 48, i, 0);
    for (uint64_t i = 0; i < BLOCKS; i++)
        put(ASSAY_RAW_FREE, 1, 0x100000 + i * 7919 % BLOCKS * 48, 0, 0);
    assert_int_equal(convert(), ASSAY_OK);
    assert_int_equal(stream.count, 2 * BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++)
        assert_int_equal(stream.ops[BLOCKS + i].slot, i * 7919 % BLOCKS);
    assert_int_equal(recording.unknown_frees, 0);
}

static void test_a_foreign_or_cut_file_is_refused(void **state)
{
    (void)state;
    begin_file(false);
    assert_int_equal(ftruncate(fileno(raw), 100), 0);
    assert_int_not_equal(convert(), ASSAY_OK);
    assert_non_null(strstr(error.what, path));
    begin_file(false);
    rewind(raw);
    assert_int_equal(fwrite("something", 9, 1, raw), 1);
    assert_int_not_equal(convert(), ASSAY_OK);
    assert_non_null(strstr(error.what, path));
    assert_int_not_equal(assay_convert("/nonexistent/raw", collect, &stream, &recording, &error),
                         ASSAY_OK);
    assert_non_null(strstr(error.what, "/nonexistent/raw"));
}

static int make_file(void **state)
{
    (void)state;
    int file = mkstemp(path);

    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    assay_stream_clear(&stream);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_slot_emptied_last_is_filled_first),
        cmocka_unit_test(test_an_address_taken_over_during_a_realloc_is_another_block),
        cmocka_unit_test(test_each_answer_of_realloc_has_its_form),
        cmocka_unit_test(test_arguments_that_do_not_fit_stand_in_a_record_of_their_own),
        cmocka_unit_test(test_frees_of_unknown_blocks_are_counted_and_left_out),
        cmocka_unit_test(test_a_block_given_out_twice_is_freed_between),
        cmocka_unit_test(test_records_never_written_are_passed_over),
        cmocka_unit_test(test_times_become_differences),
        cmocka_unit_test(test_many_blocks_keep_their_slots),
        cmocka_unit_test(test_a_foreign_or_cut_file_is_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
