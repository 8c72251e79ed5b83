/* test_trace_damage - whatever a file claims, a trace gives valid operations or one sentence. */
#include "trace_files.h"

#include "../trace_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zstd.h>

#define FRAME ASSAY_TRACE_FRAME_OPS
#define FILE_MAX 4096

/* --- files that were whole once --- */

/* A file small enough to try each of its bytes. */
struct sample {
    struct assay_stream stream;
    uint8_t *data;
    size_t size;
};

/* A file of `plain` operations in full frames, and five that use every column in a short one. */
static struct sample sample_open(size_t plain)
{
    struct sample sample = {.stream = {.setup = {.limit = 1 << 20, .seed = 9}}};

    trace_fill_plain(&sample.stream, plain);
    trace_fill_extreme(&sample.stream, 5, 77, true);
    trace_write(&sample.stream, "sample");
    sample.data = trace_load("sample", &sample.size);
    assert_true(sample.size < FILE_MAX);
    return sample;
}

static void sample_close(struct sample *sample)
{
    free(sample->data);
    assay_stream_clear(&sample->stream);
}

static void test_a_file_cut_anywhere_gives_its_whole_frames_and_says_so(void **state)
{
    struct sample sample = sample_open(FRAME);
    uint64_t before = 0;

    (void)state;
    for (size_t size = 0; size < sample.size; size++) {
        uint8_t *part = malloc(size + 1); /* of this size exactly, for the sanitizer to guard */
        assert_non_null(part);
        memcpy(part, sample.data, size);
        struct trace_outcome outcome = trace_read_memory(&sample.stream, part, size);
        free(part);
        assert_true(outcome.all_right);
        assert_false(outcome.is_whole);
        if (outcome.opened == ASSAY_OK) {
            char expected[80];
            snprintf(expected, sizeof expected,
                     "is cut short after operation %llu:", (unsigned long long)outcome.ops);
            assert_non_null(strstr(outcome.error.what, expected));
        }
        assert_string_not_equal(outcome.error.what, "");
        assert_true(outcome.ops == 0 || outcome.ops == FRAME || outcome.ops == FRAME + 5);
        assert_true(outcome.ops >= before);
        before = outcome.ops;
    }
    assert_int_equal(before, FRAME + 5);
    sample_close(&sample);
}

/* Each `step`th byte is changed in two ways. */
static void expect_changes_found(struct sample *sample, size_t step)
{
    for (size_t i = 0; i < sample->size; i += step)
        for (int all = 0; all < 2; all++) {
            uint8_t change = all ? 0xff : (uint8_t)(1u << (i % 8));
            sample->data[i] ^= change;
            struct trace_outcome outcome =
                trace_read_memory(&sample->stream, sample->data, sample->size);
            sample->data[i] ^= change;
            assert_true(outcome.all_right);
            assert_string_not_equal(outcome.error.what, "");
        }
    struct trace_outcome outcome = trace_read_memory(&sample->stream, sample->data, sample->size);
    assert_true(outcome.is_whole && outcome.all_right);
    assert_int_equal(outcome.ops, sample->stream.count);
    assert_string_equal(outcome.error.what, "");
}

static void test_a_change_of_any_byte_is_found(void **state)
{
    struct sample sample = sample_open(60);

    (void)state;
    expect_changes_found(&sample, 1);
    sample_close(&sample);
}

static void test_a_change_in_any_frame_is_found(void **state)
{
    struct sample sample = sample_open(FRAME);

    (void)state;
    expect_changes_found(&sample, 13);
    sample_close(&sample);
}

static void test_damage_is_named_with_its_frame_and_byte(void **state)
{
    struct sample sample = sample_open(FRAME);
    size_t head = ASSAY_TRACE_HEAD_BYTES + strlen("a test") + ASSAY_TRACE_CHECKSUM_BYTES;
    char expected[160];

    (void)state;
    size_t second =
        head + ASSAY_TRACE_FRAME_HEAD_BYTES + assay_trace_get32(sample.data + head + 16);
    sample.data[second + ASSAY_TRACE_FRAME_HEAD_BYTES + 3] ^= 1;
    struct trace_outcome outcome = trace_read_memory(&sample.stream, sample.data, sample.size);
    assert_int_equal(outcome.ops, FRAME);
    snprintf(expected, sizeof expected,
             "a file is damaged after operation 65536: frame 1 at byte %zu has a wrong checksum",
             second);
    assert_string_equal(outcome.error.what, expected);
    sample_close(&sample);
}

static void test_bytes_behind_the_end_are_damage(void **state)
{
    struct sample sample = sample_open(FRAME);
    uint8_t longer[FILE_MAX + 1] = {0};

    (void)state;
    memcpy(longer, sample.data, sample.size);
    struct trace_outcome outcome = trace_read_memory(&sample.stream, longer, sample.size + 1);
    assert_true(outcome.all_right && !outcome.is_whole);
    assert_int_equal(outcome.ops, FRAME + 5);
    assert_non_null(strstr(outcome.error.what, "is damaged after operation 65541"));
    sample_close(&sample);
}

static void test_foreign_files_are_refused_with_a_sentence(void **state)
{
    static const char text[] = "assay-ops 1\nalloc s0 64\nfree s0\n# and more, to be long enough\n";
    struct assay_trace_reader *trace;
    struct assay_error error;

    (void)state;
    assert_int_equal(assay_trace_open_memory(&trace, "x.ops", text, sizeof text, &error),
                     ASSAY_INVALID);
    assert_null(trace);
    assert_string_equal(error.what, "x.ops is no trace: it begins differently");
    assert_int_equal(assay_trace_open_memory(&trace, "empty", "", 0, &error), ASSAY_INVALID);
    assert_string_equal(error.what, "empty is no trace: it is too short");
    assert_int_equal(assay_trace_open(&trace, trace_path("nothing"), &error), ASSAY_INVALID);
    assert_non_null(strstr(error.what, "No such file or directory"));
    assert_int_equal(assay_trace_open(&trace, trace_path("."), &error), ASSAY_INVALID);
    assert_non_null(strstr(error.what, "not a regular file"));
    assert_false(assay_trace_recognises(text, sizeof text));
    assert_true(assay_trace_recognises(ASSAY_TRACE_MAGIC, 8));
    assert_false(assay_trace_recognises(ASSAY_TRACE_MAGIC, 7));
}

/* --- files made to harm: every checksum is right --- */

struct forgery {
    uint8_t data[FILE_MAX];
    size_t size;
};

static void forge_head(struct forgery *forgery)
{
    memset(forgery, 0, sizeof *forgery);
    memcpy(forgery->data, ASSAY_TRACE_MAGIC, ASSAY_TRACE_MAGIC_BYTES);
    assay_trace_put32(forgery->data + 8, ASSAY_TRACE_VERSION);
    assay_trace_put64(forgery->data + 32, XXH64(forgery->data, 32, 0));
    forgery->size = 40;
}

/* Adds a frame that claims `ops`, these columns and `packed` bytes of which it has `there`. */
static void forge_frame(struct forgery *forgery, uint32_t ops,
                        const uint32_t column[ASSAY_TRACE_COLUMNS], const void *packed,
                        uint32_t claimed, size_t there)
{
    uint8_t *head = forgery->data + forgery->size;

    assay_trace_put32(head, ASSAY_TRACE_FRAME_MARK);
    assay_trace_put32(head + 4, ops);
    assay_trace_put64(head + 8, 0);
    assay_trace_put32(head + 16, claimed);
    for (size_t i = 0; i < ASSAY_TRACE_COLUMNS; i++)
        assay_trace_put32(head + 20 + 4 * i, column[i]);
    memcpy(head + ASSAY_TRACE_FRAME_HEAD_BYTES, packed, there);
    assay_trace_put64(head + 48,
                      assay_trace_frame_sum(head, head + ASSAY_TRACE_FRAME_HEAD_BYTES, there));
    forgery->size += ASSAY_TRACE_FRAME_HEAD_BYTES + there;
}

/* A file of one frame with this content. */
static void forge_content(struct forgery *forgery, const uint32_t column[ASSAY_TRACE_COLUMNS],
                          const uint8_t *content)
{
    uint8_t packed[FILE_MAX / 2];
    size_t bytes = 0;

    for (int i = 0; i < ASSAY_TRACE_COLUMNS; i++)
        bytes += column[i];
    bytes = ZSTD_compress(packed, sizeof packed, content, bytes, 1);
    assert_false(ZSTD_isError(bytes));
    forge_head(forgery);
    forge_frame(forgery, column[ASSAY_TRACE_CODES], column, packed, (uint32_t)bytes, bytes);
}

static struct trace_outcome read_forgery(const struct forgery *forgery)
{
    const struct assay_stream none = {0};

    return trace_read_memory(&none, forgery->data, forgery->size);
}

static void test_a_frame_made_by_hand_is_read(void **state)
{
    /* alloc into slot 0, alloc into 1, free the one named last but one */
    static const uint8_t content[] = {ASSAY_OP_ALLOC, ASSAY_OP_ALLOC, ASSAY_OP_FREE, 1, 64, 65};
    struct forgery forgery;
    struct assay_trace_reader *trace;
    struct assay_error error;
    const struct assay_op *ops;

    (void)state;
    forge_content(&forgery, (uint32_t[ASSAY_TRACE_COLUMNS]){3, 1, 0, 2}, content);
    assert_int_equal(assay_trace_open_memory(&trace, "hand", forgery.data, forgery.size, &error),
                     ASSAY_OK);
    assert_int_equal(assay_trace_stream(trace)->next(assay_trace_stream(trace), &ops), 3);
    assert_true(ops[0].slot == 0 && ops[0].size == 64);
    assert_true(ops[1].slot == 1 && ops[1].size == 65);
    assert_true(ops[2].kind == ASSAY_OP_FREE && ops[2].slot == 0);
    assay_trace_close(trace);
}

struct bad_content {
    const char *what;
    uint32_t column[ASSAY_TRACE_COLUMNS];
    uint8_t content[64];
};

static const struct bad_content bad_contents[] = {
    {"a kind that is none", {1}, {31}},
    {"an unknown flag", {1}, {ASSAY_OP_CHECK | 0x80}},
    {"an age before the first name", {1, 1}, {ASSAY_OP_FREE, 0}},
    {"an age of 2^63", {1, 10}, {ASSAY_OP_FREE, 255, 255, 255, 255, 255, 255, 255, 255, 127, 0}},
    {"a slot beyond the last", {1, 0, 4, 1}, {ASSAY_OP_ALLOC | 0x20, 128, 128, 128, 16, 1}},
    {"a slot below the first", {1, 0, 1, 1}, {ASSAY_OP_ALLOC | 0x20, 1, 1}},
    {"a size of 0 to realloc", {1, 0, 1, 1}, {ASSAY_OP_REALLOC | 0x20, 0, 0}},
    {"an alignment of 2^64", {1, 0, 0, 1, 1}, {ASSAY_OP_ALLOC_ALIGNED, 8, 64}},
    {"a thread beyond the last", {1, 0, 0, 0, 0, 2}, {ASSAY_OP_CHECK | 0x40, 128, 32}},
    {"a hand-over beyond the last", {1, 0, 1, 0, 2}, {ASSAY_OP_HAND_OVER | 0x20, 0, 128, 32}},
    {"no size where one is needed", {1}, {ASSAY_OP_ALLOC}},
    {"a size too many", {1, 0, 0, 2}, {ASSAY_OP_ALLOC, 1, 2}},
    {"a number without its end", {1, 0, 0, 2}, {ASSAY_OP_ALLOC, 128, 128}},
    {"a number longer than any",
     {1, 0, 0, 12},
     {ASSAY_OP_ALLOC, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1}},
    {"a flag for a slot where there is none", {1, 0, 1}, {ASSAY_OP_CHECK | 0x20, 0}},
};

static void test_content_that_no_writer_makes_is_refused(void **state)
{
    struct forgery forgery;

    (void)state;
    for (size_t i = 0; i < sizeof bad_contents / sizeof *bad_contents; i++) {
        forge_content(&forgery, bad_contents[i].column, bad_contents[i].content);
        struct trace_outcome outcome = read_forgery(&forgery);
        if (outcome.opened != ASSAY_OK || outcome.ops != 0 ||
            !strstr(outcome.error.what, "a file is damaged after operation 0: "))
            fail_msg("%s: %d operations, \"%s\"", bad_contents[i].what, (int)outcome.ops,
                     outcome.error.what);
    }
}

static void expect_refused(const struct forgery *forgery)
{
    struct trace_outcome outcome = read_forgery(forgery);

    assert_int_equal(outcome.ops, 0);
    assert_string_not_equal(outcome.error.what, "");
}

static void test_claimed_lengths_are_not_believed(void **state)
{
    struct forgery forgery;
    struct rusage before, after;
    uint8_t packed[64];
    size_t bytes = ZSTD_compress(packed, sizeof packed, "", 1, 1);

    (void)state;
    getrusage(RUSAGE_SELF, &before);
    static const uint32_t counts[] = {0, 1, 2, FRAME, FRAME + 1, INT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++)
            for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
                uint32_t column[ASSAY_TRACE_COLUMNS] = {counts[i], 0, counts[j], counts[j]};
                forge_head(&forgery);
                forge_frame(&forgery, counts[i], column, packed,
                            counts[k] == 2 ? (uint32_t)bytes : counts[k], bytes);
                struct trace_outcome outcome = read_forgery(&forgery);
                assert_true(outcome.ops <= 1); /* the one frame that is what it claims */
                assert_string_not_equal(outcome.error.what, "");
            }
    getrusage(RUSAGE_SELF, &after);
    assert_true((size_t)(after.ru_maxrss - before.ru_maxrss) < ASSAY_TRACE_MEMORY / 1024);
}

static void test_more_content_than_claimed_is_refused(void **state)
{
    struct forgery forgery;
    uint8_t packed[FILE_MAX / 2];
    uint8_t *zeros = calloc(1, 1 << 24);
    uint32_t column[ASSAY_TRACE_COLUMNS] = {FRAME};

    (void)state;
    assert_non_null(zeros);
    size_t bytes = ZSTD_compress(packed, sizeof packed, zeros, 1 << 24, 1);
    free(zeros);
    assert_false(ZSTD_isError(bytes));
    forge_head(&forgery);
    forge_frame(&forgery, FRAME, column, packed, (uint32_t)bytes, bytes);
    expect_refused(&forgery);
    assert_non_null(strstr(read_forgery(&forgery).error.what, "zstd"));
}

/* An index without entries and an end with these claims, behind what there is. */
static void forge_end(struct forgery *forgery, uint64_t ops, uint32_t slots, uint32_t threads,
                      uint64_t frames, uint64_t index)
{
    uint8_t *at = forgery->data + forgery->size;

    assay_trace_put32(at, ASSAY_TRACE_INDEX_MARK);
    assay_trace_put32(at + 4, (uint32_t)frames);
    assay_trace_put64(at + 8, XXH64(at, 8, 0));
    at += 16;
    assay_trace_put32(at, ASSAY_TRACE_END_MARK);
    assay_trace_put64(at + 8, ops);
    assay_trace_put32(at + 16, slots);
    assay_trace_put32(at + 20, threads);
    assay_trace_put64(at + 24, frames);
    assay_trace_put64(at + 32, index);
    forgery->size += 16 + ASSAY_TRACE_END_BYTES;
    assay_trace_put64(at + 40, forgery->size);
    assay_trace_put64(at + 48, XXH64(at, 48, 0));
}

static void test_an_index_that_lies_is_found_when_it_is_used(void **state)
{
    struct sample sample = sample_open(FRAME);
    struct assay_trace_reader *trace;
    struct assay_error error;
    uint8_t *index = sample.data + assay_trace_get64(sample.data + sample.size - 24);
    static const uint64_t lies[] = {0, 46, 47, UINT64_MAX, 1000000, UINT64_MAX - 20};

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        assay_trace_put64(index + 24, lies[i]); /* the offset of the second frame */
        assay_trace_put64(index + 40, XXH64(index, 40, 0));
        assert_int_equal(assay_trace_open_memory(&trace, "lies", sample.data, sample.size, &error),
                         ASSAY_OK);
        assert_true(assay_trace_info(trace)->is_whole);
        assert_int_equal(assay_trace_seek(trace, FRAME + 1), ASSAY_CORRUPT);
        assert_string_not_equal(assay_trace_stream(trace)->error.what, "");
        assert_int_equal(assay_trace_seek(trace, FRAME - 1), ASSAY_OK);
        assay_trace_close(trace);
    }
    sample_close(&sample);
}

static void test_totals_that_cannot_be_are_not_believed(void **state)
{
    static const uint64_t odd[] = {0, 1, 39, 40, 41, 1 << 20, UINT32_MAX, UINT64_MAX};
    struct forgery forgery;

    (void)state;
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < 8; j++)
            for (size_t k = 0; k < 8; k++) {
                forge_head(&forgery);
                forge_end(&forgery, odd[i], 1, 1, odd[j], odd[k]);
                struct trace_outcome outcome = read_forgery(&forgery);
                assert_false(outcome.is_whole);
                assert_string_not_equal(outcome.error.what, "");
            }
    forge_head(&forgery);
    forge_end(&forgery, 0, 0, 0, 0, 40);
    assert_true(read_forgery(&forgery).is_whole);
    assert_string_equal(read_forgery(&forgery).error.what, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_cut_anywhere_gives_its_whole_frames_and_says_so),
        cmocka_unit_test(test_a_change_of_any_byte_is_found),
        cmocka_unit_test(test_a_change_in_any_frame_is_found),
        cmocka_unit_test(test_damage_is_named_with_its_frame_and_byte),
        cmocka_unit_test(test_bytes_behind_the_end_are_damage),
        cmocka_unit_test(test_foreign_files_are_refused_with_a_sentence),
        cmocka_unit_test(test_a_frame_made_by_hand_is_read),
        cmocka_unit_test(test_content_that_no_writer_makes_is_refused),
        cmocka_unit_test(test_claimed_lengths_are_not_believed),
        cmocka_unit_test(test_more_content_than_claimed_is_refused),
        cmocka_unit_test(test_an_index_that_lies_is_found_when_it_is_used),
        cmocka_unit_test(test_totals_that_cannot_be_are_not_believed),
    };
    return cmocka_run_group_tests(tests, trace_make_folder, trace_remove_folder);
}
