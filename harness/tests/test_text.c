/* test_text - texts come back as they were, and a wrong word is named with what would be right. */
#include "assay/text.h"

#include "streams.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SEED 21

static assay_status decode(struct assay_stream *stream, const char *text, struct assay_error *error)
{
    error->what[0] = '\0';
    return assay_text_decode(stream, "t.ops", text, strlen(text), error);
}

/* The sentence for a text that is `head` and then `line`. */
static void assert_error(const char *text, const char *expected)
{
    struct assay_stream stream = {0};
    struct assay_error error;

    assert_int_equal(decode(&stream, text, &error), ASSAY_INVALID);
    assert_string_equal(error.what, expected);
    assert_null(stream.ops);
    assert_int_equal(stream.count, 0);
}

static void test_random_streams_come_back_with_time_and_thread(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    struct assay_stream stream = {0}, back = {0};
    struct assay_error error;
    for (int run = 0; run < 200; run++) {
        char *text = NULL;
        size_t size = 0;
        assert_true(random_stream(&stream, &state, 60, true));
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        assert_true(assay_text_write_setup(out, &stream.setup));
        for (size_t i = 0; i < stream.count; i++)
            assert_true(assay_text_write_op(out, &stream.ops[i]));
        assert_int_equal(fclose(out), 0);
        assay_stream_clear(&back);
        assert_int_equal(assay_text_decode(&back, "t.ops", text, size, &error), ASSAY_OK);
        assert_true(assay_stream_equal(&stream, &back));
        assert_true(assay_text_recognises(text, size));
        free(text);
    }
    assay_stream_clear(&stream);
    assay_stream_clear(&back);
}

static void test_comments_blank_lines_crlf_and_a_missing_last_newline_are_fine(void **unused)
{
    (void)unused;
    struct assay_stream stream = {0};
    struct assay_error error;
    assert_int_equal(decode(&stream,
                            "# why\r\n\r\nassay-ops 1 # version\r\n\tlimit 64KiB\r\nseed 9\n"
                            "   \n@2 +250 realloc s5 2k#no space\n+1 free-null\n@1 free s5",
                            &error),
                     ASSAY_OK);
    assert_int_equal(stream.setup.limit, 65536);
    assert_int_equal(stream.setup.seed, 9);
    assert_int_equal(stream.count, 3);
    assert_int_equal(stream.ops[0].thread, 2);
    assert_int_equal(stream.ops[0].delta_ns, 250);
    assert_int_equal(stream.ops[0].size, 2048);
    assert_int_equal(stream.ops[1].delta_ns, 1);
    assert_int_equal(stream.ops[2].kind, ASSAY_OP_FREE);
    assay_stream_clear(&stream);
}

static void test_a_misspelt_operation_gets_the_nearest_suggested(void **unused)
{
    (void)unused;
    assert_error("assay-ops 1\n\naloc s0 64\n",
                 "t.ops:3: 'aloc' is not an operation (did you mean 'alloc'?)");
    assert_error("assay-ops 1\nbananas s0\n",
                 "t.ops:2: 'bananas' is not an operation: expected alloc, free, realloc or "
                 "another of harness/doc/text.md");
    assert_error("assay-ops 1\n@1\n", "t.ops:2: the operation is missing: expected one after "
                                      "'@1', as in '@1 free s0'");
}

static void test_a_wrong_field_is_named_with_what_would_be_right(void **unused)
{
    (void)unused;
    assert_error("assay-ops 1\nalloc 5 64\n", "t.ops:2: '5' is not a slot: expected s0 to "
                                              "s16777215, as in 'alloc sN SIZE'");
    assert_error("assay-ops 1\nfree s16777216\n", "t.ops:2: 's16777216' is not a slot: expected "
                                                  "s0 to s16777215, as in 'free sN'");
    assert_error("assay-ops 1\nalloc s5\n",
                 "t.ops:2: the size is missing: expected 'alloc sN SIZE'");
    assert_error("assay-ops 1\nalloc s5 64q\n",
                 "t.ops:2: '64q' is not a size: expected a number up to 18446744073709551615 such "
                 "as 100, 64k or 2MiB, as in 'alloc sN SIZE'");
    assert_error("assay-ops 1\nrealloc s5 0\n",
                 "t.ops:2: size 0 is out of range: expected 1 to 18446744073709551615");
    assert_error("assay-ops 1\naligned s5 48 64\n", "t.ops:2: alignment 48 is not a power of two");
    assert_error("assay-ops 1\nhand-over s5 4096\n",
                 "t.ops:2: thread 4096 is out of range: expected 0 to 4095");
    assert_error("assay-ops 1\nfree s5 6\n",
                 "t.ops:2: '6' is too much: expected 'free sN' and no more");
    assert_error("assay-ops 1\n@4096 free s5\n",
                 "t.ops:2: '@4096' is not a thread: expected @0 to @4095");
    assert_error("assay-ops 1\n+1k free s5\n",
                 "t.ops:2: '+1k' is not a time: expected + and nanoseconds, as in +250");
}

static void test_the_first_lines_are_checked(void **unused)
{
    (void)unused;
    assert_error("", "t.ops:1: the text is empty: expected 'assay-ops 1' as its first line");
    assert_error("# a\n", "t.ops:2: the text is empty: expected 'assay-ops 1' as its first line");
    assert_error("alloc s0 1\n", "t.ops:1: 'alloc' where 'assay-ops 1' was expected: the first "
                                 "line of every .ops file");
    assert_error("assay-ops 2\n",
                 "t.ops:1: version '2' of assay-ops is not known: expected 'assay-ops 1'");
    assert_error("assay-ops 1\nlimit 1\nlimit 2\n", "t.ops:3: 'limit' is there twice");
    assert_error("assay-ops 1\ncheck\nseed 2\n",
                 "t.ops:3: 'seed' belongs before the first operation");
    assert_error("assay-ops 1\nseed 64k\n", "t.ops:2: '64k' is not a seed: expected a number up to "
                                            "18446744073709551615, as in 'seed NUMBER'");
}

static void test_a_zero_byte_and_an_endless_line_are_refused(void **unused)
{
    (void)unused;
    static const char zero[] = "assay-ops 1\nfree\0 s0\n";
    char endless[3000];
    struct assay_stream stream = {0};
    struct assay_error error;
    assert_int_equal(assay_text_decode(&stream, "t.ops", zero, sizeof zero - 1, &error),
                     ASSAY_INVALID);
    assert_string_equal(error.what, "t.ops:2: a zero byte: this is not a text (a trace or a byte "
                                    "string perhaps)");
    memset(endless, 'a', sizeof endless);
    assert_int_equal(assay_text_decode(&stream, "t.ops", endless, sizeof endless, &error),
                     ASSAY_INVALID);
    assert_string_equal(error.what, "t.ops:1: the line is longer than 1024 bytes");
    assert_int_equal(assay_text_decode(&stream, "t.ops", endless, 1000, &error), ASSAY_INVALID);
    assert_non_null(strstr(error.what, "aaa...'"));
}

static void test_what_a_terminal_should_not_get_is_not_repeated(void **unused)
{
    (void)unused;
    assert_error("assay-ops 1\n\x1b[2Jfree s0\n",
                 "t.ops:2: '.[2Jfree' is not an operation: expected alloc, free, realloc or "
                 "another of harness/doc/text.md");
}

static void test_sizes_are_read_as_people_write_them(void **unused)
{
    (void)unused;
    const struct {
        const char *text;
        uint64_t size;
    } good[] = {
        {"0", 0},
        {"4096", 4096},
        {"100B", 100},
        {"64k", 65536},
        {"64K", 65536},
        {"16Mi", UINT64_C(16) << 20},
        {"16MiB", UINT64_C(16) << 20},
        {"3g", UINT64_C(3) << 30},
        {"1t", UINT64_C(1) << 40},
        {"16777215TiB", UINT64_C(16777215) << 40},
        {"18446744073709551615", UINT64_MAX},
    };
    const char *const bad[] = {"",     "k",    "-1",   "1.5k", "64kb",
                               "64 k", "64kk", "1iB",  "0x10", "18446744073709551616",
                               "1p",   "64KB", "+1",   " 1",   "16777216t",
                               "1Bi",  "64kI", "1MiBB"};
    uint64_t size;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(assay_text_parse_size(good[i].text, &size));
        assert_int_equal(size, good[i].size);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (assay_text_parse_size(bad[i], &size))
            fail_msg("'%s' was taken for a size", bad[i]);
}

static void test_random_damage_to_a_text_is_an_error_or_a_valid_stream(void **unused)
{
    (void)unused;
    static const char text[] = "assay-ops 1\nlimit 64k\nseed 5\n@1 +20 alloc s0 100\n"
                               "zeroed s1 3 7\naligned s2 64 100\ncheck\nfree s0\n";
    uint64_t state = SEED;
    struct assay_stream stream = {0};
    struct assay_error error;
    for (int run = 0; run < 20000; run++) {
        char damaged[sizeof text];
        memcpy(damaged, text, sizeof text);
        for (uint64_t i = random_next(&state) % 3; i < 3; i++)
            damaged[random_next(&state) % (sizeof text - 1)] = (char)random_next(&state);
        size_t size = random_next(&state) % sizeof text;
        stream.count = 0;
        if (assay_text_decode(&stream, "t.ops", damaged, size, &error) == ASSAY_OK)
            for (size_t i = 0; i < stream.count; i++)
                assert_true(assay_op_is_valid(&stream.ops[i]));
        else
            assert_true(strncmp(error.what, "t.ops:", 6) == 0);
    }
    assay_stream_clear(&stream);
}

/* TEXT_PAGE is the page that describes the form. */
static void test_every_kind_has_an_example_in_the_page_that_reads_as_it_says(void **unused)
{
    (void)unused;
    char row[ASSAY_TEXT_LINE], text[ASSAY_TEXT_LINE + 20];
    bool seen[ASSAY_OP_KINDS] = {false};
    struct assay_stream stream = {0};
    struct assay_error error;
    FILE *page = fopen(TEXT_PAGE, "r");
    assert_non_null(page);
    while (fgets(row, sizeof row, page)) {
        char *end = strncmp(row, "| `", 3) == 0 ? strchr(row + 3, '`') : NULL;
        if (!end)
            continue;
        snprintf(text, sizeof text, "assay-ops 1\n%.*s", (int)(end - (row + 3)), row + 3);
        stream.count = 0;
        if (decode(&stream, text, &error) != ASSAY_OK)
            fail_msg("%s", error.what);
        assert_int_equal(stream.count, 1);
        const struct assay_op_shape *shape = &assay_op_shapes[stream.ops[0].kind];
        assert_int_equal(shape->has_arg, strncmp(end, "` | |", 5) != 0);
        seen[stream.ops[0].kind] = true;
    }
    fclose(page);
    for (unsigned kind = 0; kind < ASSAY_OP_KINDS; kind++)
        if (!seen[kind])
            fail_msg("no example of %s", assay_op_shapes[kind].name);
    assay_stream_clear(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_streams_come_back_with_time_and_thread),
        cmocka_unit_test(test_comments_blank_lines_crlf_and_a_missing_last_newline_are_fine),
        cmocka_unit_test(test_a_misspelt_operation_gets_the_nearest_suggested),
        cmocka_unit_test(test_a_wrong_field_is_named_with_what_would_be_right),
        cmocka_unit_test(test_the_first_lines_are_checked),
        cmocka_unit_test(test_a_zero_byte_and_an_endless_line_are_refused),
        cmocka_unit_test(test_what_a_terminal_should_not_get_is_not_repeated),
        cmocka_unit_test(test_sizes_are_read_as_people_write_them),
        cmocka_unit_test(test_random_damage_to_a_text_is_an_error_or_a_valid_stream),
        cmocka_unit_test(test_every_kind_has_an_example_in_the_page_that_reads_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
