/* test_trace - what is written to a trace is read from it, from any operation on. */
#include "trace_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#define FRAME ((size_t)65536)

static void expect_round_trip(const struct assay_stream *stream)
{
    struct assay_trace_reader *trace;
    struct assay_stream copy = {0};
    struct assay_error error = {""};

    trace_write(stream, "round");
    assert_int_equal(assay_trace_open(&trace, trace_path("round"), &error), ASSAY_OK);
    const struct assay_trace_info *info = assay_trace_info(trace);
    assert_true(info->is_whole);
    assert_int_equal(info->ops, stream->count);
    assert_int_equal(assay_stream_collect(&copy, assay_trace_stream(trace)), ASSAY_OK);
    assert_true(assay_stream_equal(stream, &copy));
    uint32_t slots = 0, threads = 0;
    bool has_time = false;
    for (size_t i = 0; i < stream->count; i++) {
        const struct assay_op *op = &stream->ops[i];
        uint32_t thread = op->thread;
        if (op->kind == ASSAY_OP_HAND_OVER && op->arg > thread)
            thread = (uint32_t)op->arg;
        if (assay_op_shapes[op->kind].has_slot && op->slot >= slots)
            slots = op->slot + 1;
        threads = thread >= threads ? thread + 1 : threads;
        has_time = has_time || op->delta_ns != 0;
    }
    assert_int_equal(info->slots, slots);
    assert_int_equal(info->threads, threads);
    assert_int_equal(info->has_time, has_time);
    assay_trace_close(trace);
    assay_stream_clear(&copy);
}

static void test_every_kind_travels_with_extreme_values(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct assay_stream stream = {.setup = {.limit = UINT64_MAX - seed, .seed = seed}};
        trace_fill_extreme(&stream, (size_t)seed * 97, seed, seed % 2);
        expect_round_trip(&stream);
        assay_stream_clear(&stream);
    }
}

static void test_streams_of_whole_and_broken_frames_travel(void **state)
{
    static const size_t counts[] = {0, 1, 2, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 200000};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct assay_stream stream = {0};
        if (i % 2)
            trace_fill_extreme(&stream, counts[i], i, true);
        else
            trace_fill_plain(&stream, counts[i]);
        expect_round_trip(&stream);
        assay_stream_clear(&stream);
    }
}

static void test_operations_may_be_appended_in_any_portions(void **state)
{
    struct assay_stream stream = {0};
    struct assay_trace_writer *writer;
    struct assay_error error;
    size_t one_size, other_size;

    (void)state;
    trace_fill_extreme(&stream, 70000, 5, false);
    trace_write(&stream, "one");
    assert_int_equal(
        assay_trace_create(&writer, trace_path("other"), &stream.setup, "a test", &error),
        ASSAY_OK);
    for (size_t done = 0, part = 0; done < stream.count; done += part) {
        part = part * 2 % 4097 + 1;
        part = part < stream.count - done ? part : stream.count - done;
        assay_trace_append(writer, stream.ops + done, part);
    }
    assert_int_equal(assay_trace_finish(writer, NULL, &error), ASSAY_OK);
    uint8_t *one = trace_load("one", &one_size), *other = trace_load("other", &other_size);
    assert_int_equal(one_size, other_size);
    assert_memory_equal(one, other, one_size);
    free(one);
    free(other);
    assay_stream_clear(&stream);
}

static void test_the_origin_is_kept_and_cut_to_255_bytes(void **state)
{
    struct assay_setup setup = {.limit = 12345, .seed = 67890};
    struct assay_trace_writer *writer;
    struct assay_trace_reader *trace;
    struct assay_error error;
    char origin[400];

    (void)state;
    memset(origin, 'x', sizeof origin - 1);
    origin[sizeof origin - 1] = '\0';
    assert_int_equal(assay_trace_create(&writer, trace_path("origin"), &setup, origin, &error),
                     ASSAY_OK);
    assert_int_equal(assay_trace_finish(writer, NULL, &error), ASSAY_OK);
    assert_int_equal(assay_trace_open(&trace, trace_path("origin"), &error), ASSAY_OK);
    assert_int_equal(strlen(assay_trace_info(trace)->origin), 255);
    assert_int_equal(assay_trace_stream(trace)->setup.limit, 12345);
    assert_int_equal(assay_trace_stream(trace)->setup.seed, 67890);
    assay_trace_close(trace);
}

static void expect_from(struct assay_trace_reader *trace, const struct assay_stream *stream,
                        size_t op)
{
    struct assay_reader *reader = assay_trace_stream(trace);
    const struct assay_op *ops;

    assert_int_equal(assay_trace_seek(trace, op), ASSAY_OK);
    for (size_t at = op, batches = 0; batches < 3; batches++) {
        size_t count = reader->next(reader, &ops);
        assert_int_equal(count == 0, at == stream->count);
        assert_memory_equal(ops, stream->ops + at, count * sizeof *ops);
        at += count;
        if (count == 0)
            break;
    }
}

static void seek_everywhere(struct assay_trace_reader *trace, const struct assay_stream *stream,
                            size_t end)
{
    static const size_t places[] = {0,     1,         1023,      1024,          1025, FRAME - 1,
                                    FRAME, FRAME + 1, 2 * FRAME, 2 * FRAME + 7, 0};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i] < end)
            expect_from(trace, stream, places[i]);
    expect_from(trace, stream, end - 5);
}

static void test_seeking_reaches_any_operation_and_refuses_beyond(void **state)
{
    struct assay_stream stream = {0};
    struct assay_trace_reader *trace;
    const struct assay_op *ops;
    struct assay_error error;

    (void)state;
    trace_fill_extreme(&stream, 150000, 11, true);
    trace_write(&stream, "seek");
    assert_int_equal(assay_trace_open(&trace, trace_path("seek"), &error), ASSAY_OK);
    seek_everywhere(trace, &stream, stream.count);
    expect_from(trace, &stream, stream.count);
    assert_int_equal(assay_trace_seek(trace, stream.count + 1), ASSAY_INVALID);
    assert_int_equal(assay_trace_seek(trace, UINT64_MAX), ASSAY_INVALID);
    expect_from(trace, &stream, 100);
    struct assay_reader *reader = assay_trace_stream(trace);
    while (reader->next(reader, &ops) != 0)
        ;
    assert_string_equal(reader->error.what, "");
    assay_trace_close(trace);
    assay_stream_clear(&stream);
}

static void test_seeking_without_an_index_goes_as_far_as_the_frames(void **state)
{
    struct assay_stream stream = {0};
    struct assay_trace_reader *trace;
    struct assay_error error;
    size_t size;

    (void)state;
    trace_fill_extreme(&stream, 2 * FRAME + 100, 12, false);
    trace_write(&stream, "seek");
    uint8_t *data = trace_load("seek", &size);
    assert_int_equal(assay_trace_open_memory(&trace, "seek", data, size - 1, &error), ASSAY_OK);
    assert_false(assay_trace_info(trace)->is_whole);
    seek_everywhere(trace, &stream, stream.count);
    assert_int_equal(assay_trace_seek(trace, stream.count + 1), ASSAY_INVALID);
    assay_trace_close(trace);
    assert_int_equal(assay_trace_open_memory(&trace, "seek", data, size / 2, &error), ASSAY_OK);
    expect_from(trace, &stream, 0);
    expect_from(trace, &stream, 1000);
    assert_int_equal(assay_trace_seek(trace, stream.count - 1), ASSAY_INVALID);
    assert_non_null(strstr(assay_trace_stream(trace)->error.what, "cut short after operation"));
    expect_from(trace, &stream, 1000);
    assay_trace_close(trace);
    free(data);
    assay_stream_clear(&stream);
}

/* --- writing where it cannot be written --- */

static void test_a_write_error_is_told_at_the_end_and_leaves_no_file(void **state)
{
    struct rlimit old, low;
    struct assay_stream stream = {0};
    struct assay_trace_writer *writer;
    struct assay_error error = {""};
    size_t before = trace_count_files();

    (void)state;
    trace_fill_extreme(&stream, 3 * FRAME, 3, true);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 100000;
    assert_int_equal(
        assay_trace_create(&writer, trace_path("full"), &stream.setup, "a test", &error), ASSAY_OK);
    assert_int_equal(trace_count_files(), before + 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    assay_trace_append(writer, stream.ops, stream.count);
    assay_status status = assay_trace_finish(writer, NULL, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, ASSAY_INVALID);
    assert_non_null(strstr(error.what, trace_path("full")));
    assert_non_null(strstr(error.what, "File too large"));
    assert_int_equal(trace_count_files(), before);
    assay_stream_clear(&stream);
}

static void test_a_path_that_cannot_be_written_is_refused_at_once(void **state)
{
    struct assay_setup setup = {0};
    struct assay_trace_writer *writer;
    struct assay_error error;

    (void)state;
    assert_int_equal(assay_trace_create(&writer, trace_path("no/such/folder"), &setup, "", &error),
                     ASSAY_INVALID);
    assert_null(writer);
    assert_non_null(strstr(error.what, "No such file or directory"));
    assert_int_equal(assay_trace_create(&writer, "/dev/null", &setup, "", &error), ASSAY_INVALID);
    assert_non_null(strstr(error.what, "not a regular file"));
    assert_int_equal(assay_trace_create(&writer, trace_path("."), &setup, "", &error),
                     ASSAY_INVALID);
}

static void test_a_name_taken_by_a_folder_meanwhile_is_told_at_the_end(void **state)
{
    struct assay_setup setup = {0};
    struct assay_trace_writer *writer;
    struct assay_error error;
    size_t before = trace_count_files();

    (void)state;
    assert_int_equal(assay_trace_create(&writer, trace_path("taken"), &setup, "", &error),
                     ASSAY_OK);
    assert_int_equal(mkdir(trace_path("taken"), 0777), 0);
    assert_int_equal(assay_trace_finish(writer, NULL, &error), ASSAY_INVALID);
    assert_non_null(strstr(error.what, "Is a directory"));
    assert_int_equal(rmdir(trace_path("taken")), 0);
    assert_int_equal(trace_count_files(), before);
}

static void test_an_abandoned_trace_leaves_the_old_file(void **state)
{
    struct assay_stream stream = {0};
    struct assay_trace_writer *writer;
    struct assay_error error;
    size_t old_size, size;

    (void)state;
    trace_fill_plain(&stream, 1000);
    trace_write(&stream, "kept");
    size_t before = trace_count_files();
    uint8_t *old = trace_load("kept", &old_size);
    assert_int_equal(assay_trace_create(&writer, trace_path("kept"), &stream.setup, "", &error),
                     ASSAY_OK);
    assay_trace_append(writer, stream.ops, 500);
    assay_trace_abandon(writer);
    assay_trace_abandon(NULL);
    assert_int_equal(trace_count_files(), before);
    uint8_t *now = trace_load("kept", &size);
    assert_int_equal(size, old_size);
    assert_memory_equal(now, old, size);
    free(old);
    free(now);
    assay_stream_clear(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_travels_with_extreme_values),
        cmocka_unit_test(test_streams_of_whole_and_broken_frames_travel),
        cmocka_unit_test(test_operations_may_be_appended_in_any_portions),
        cmocka_unit_test(test_the_origin_is_kept_and_cut_to_255_bytes),
        cmocka_unit_test(test_seeking_reaches_any_operation_and_refuses_beyond),
        cmocka_unit_test(test_seeking_without_an_index_goes_as_far_as_the_frames),
        cmocka_unit_test(test_a_write_error_is_told_at_the_end_and_leaves_no_file),
        cmocka_unit_test(test_a_path_that_cannot_be_written_is_refused_at_once),
        cmocka_unit_test(test_a_name_taken_by_a_folder_meanwhile_is_told_at_the_end),
        cmocka_unit_test(test_an_abandoned_trace_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, trace_make_folder, trace_remove_folder);
}
