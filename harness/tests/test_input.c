/* test_input - a stream is opened by what is in its file, and what is no stream is named. */
#include "assay/input.h"

#include "assay/bytes.h"
#include "assay/text.h"

#include "streams.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define SEED 22
#define TEXT "# a comment\nassay-ops 1\nlimit 64k\nseed 3\nalloc s0 10\nfree s0\n"

static char folder[] = "/tmp/assay-input-XXXXXX";
static char path[64];

static void put(const void *data, size_t size)
{
    FILE *out = fopen(path, "wb");

    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

static int make_folder(void **unused)
{
    (void)unused;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/f", folder);
    return 0;
}

static int remove_folder(void **unused)
{
    (void)unused;
    unlink(path);
    return rmdir(folder);
}

static struct assay_input *open_file(enum assay_encoding encoding)
{
    struct assay_input *input;
    struct assay_error error = {""};

    if (assay_input_open(&input, path, encoding, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    return input;
}

/* The sentence with which `name` is refused, without the name's folder. */
static void assert_refused(const char *name, enum assay_encoding encoding, const char *expected)
{
    struct assay_input *input;
    struct assay_error error = {""};

    assert_int_not_equal(assay_input_open(&input, name, encoding, &error), ASSAY_OK);
    assert_null(input);
    if (!strstr(error.what, expected))
        fail_msg("'%s' is not in '%s'", expected, error.what);
    assert_non_null(strstr(error.what, strcmp(name, "-") == 0 ? "standard input" : name));
}

static void assert_reads_twice(struct assay_input *input, const struct assay_stream *expected)
{
    struct assay_error error;
    struct assay_stream got = {0};

    for (int reading = 0; reading < 2; reading++) {
        got.count = 0;
        assert_int_equal(assay_stream_collect(&got, assay_input_reader(input)), ASSAY_OK);
        assert_true(assay_stream_equal(&got, expected));
        assert_int_equal(assay_input_rewind(input, &error), ASSAY_OK);
    }
    assay_stream_clear(&got);
}

static void test_a_text_is_guessed_and_read_again_after_rewinding(void **unused)
{
    (void)unused;
    struct assay_stream expected = {0};
    struct assay_error error;
    put(TEXT, strlen(TEXT));
    assert_int_equal(assay_text_decode(&expected, "t", TEXT, strlen(TEXT), &error), ASSAY_OK);
    struct assay_input *input = open_file(ASSAY_ENCODING_GUESS);
    assert_int_equal(assay_input_encoding(input), ASSAY_ENCODING_TEXT);
    assert_null(assay_input_trace_info(input));
    assert_reads_twice(input, &expected);
    assay_input_close(input);
    assay_stream_clear(&expected);
}

static void test_a_trace_is_guessed_and_read_again_after_rewinding(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    struct assay_stream expected = {0};
    struct assay_trace_writer *writer;
    struct assay_error error = {""};
    assert_true(random_stream(&expected, &state, 1000, true));
    assert_int_equal(assay_trace_create(&writer, path, &expected.setup, "test", &error), ASSAY_OK);
    assay_trace_append(writer, expected.ops, expected.count);
    assert_int_equal(assay_trace_finish(writer, NULL, &error), ASSAY_OK);
    struct assay_input *input = open_file(ASSAY_ENCODING_GUESS);
    assert_int_equal(assay_input_encoding(input), ASSAY_ENCODING_TRACE);
    assert_int_equal(assay_input_trace_info(input)->ops, 1000);
    assert_reads_twice(input, &expected);
    assay_input_close(input);
    assay_stream_clear(&expected);
}

static void test_bytes_are_never_guessed_but_always_read(void **unused)
{
    (void)unused;
    const uint8_t data[20] = {1, 2, 3, 4, 5};
    struct assay_stream expected = {0};
    put(data, sizeof data);
    assert_refused(path, ASSAY_ENCODING_GUESS, "neither a trace nor a text");
    assert_int_equal(assay_bytes_decode(&expected, data, sizeof data), ASSAY_OK);
    struct assay_input *input = open_file(ASSAY_ENCODING_BYTES);
    assert_reads_twice(input, &expected);
    assay_input_close(input);
    assay_stream_clear(&expected);
}

static void test_what_is_no_stream_is_named(void **unused)
{
    (void)unused;
    assert_refused("/nowhere/x.ops", ASSAY_ENCODING_GUESS, "No such file");
    assert_refused("/nowhere/x.trace", ASSAY_ENCODING_TRACE, "No such file");
    assert_refused(folder, ASSAY_ENCODING_GUESS, "is a folder");
    assert_refused(folder, ASSAY_ENCODING_TRACE, "is a folder");
    put("", 0);
    assert_refused(path, ASSAY_ENCODING_GUESS, "is empty");
    assert_refused(path, ASSAY_ENCODING_TEXT, "is empty");
    put("\x7f"
        "ELF",
        4);
    assert_refused(path, ASSAY_ENCODING_GUESS, "neither a trace nor a text");
    put("assay-ops 1\nfree\n", 17);
    assert_refused(path, ASSAY_ENCODING_GUESS, ":2: the slot is missing");
}

static void test_a_file_that_may_not_be_read_is_named(void **unused)
{
    (void)unused;
    put(TEXT, strlen(TEXT));
    assert_int_equal(chmod(path, 0), 0);
    if (access(path, R_OK) == 0) {
        chmod(path, 0600);
        skip(); /* root reads everything */
    }
    assert_refused(path, ASSAY_ENCODING_GUESS, "Permission denied");
    chmod(path, 0600);
}

static void test_a_text_that_is_too_long_is_refused(void **unused)
{
    (void)unused;
    put(TEXT, strlen(TEXT));
    assert_int_equal(truncate(path, (off_t)ASSAY_INPUT_MAX + 1), 0);
    assert_refused(path, ASSAY_ENCODING_GUESS, "longer than 1024 MiB");
    unlink(path);
}

static void test_standard_input_is_read_whole(void **unused)
{
    (void)unused;
    int kept = dup(STDIN_FILENO);
    struct assay_input *input;
    struct assay_error error = {""};
    put(TEXT, strlen(TEXT));
    assert_non_null(freopen(path, "r", stdin));
    assert_int_equal(assay_input_open(&input, "-", ASSAY_ENCODING_GUESS, &error), ASSAY_OK);
    struct assay_stream got = {0};
    assert_int_equal(assay_stream_collect(&got, assay_input_reader(input)), ASSAY_OK);
    assert_int_equal(got.count, 2);
    assay_stream_clear(&got);
    assay_input_close(input);
    assert_refused("-", ASSAY_ENCODING_GUESS, "is empty"); /* read to its end */
    dup2(kept, STDIN_FILENO);
    close(kept);
}

static void test_the_words_for_encodings_are_known(void **unused)
{
    (void)unused;
    enum assay_encoding encoding;
    assert_true(assay_encoding_parse("trace", &encoding));
    assert_int_equal(encoding, ASSAY_ENCODING_TRACE);
    assert_true(assay_encoding_parse("text", &encoding));
    assert_int_equal(encoding, ASSAY_ENCODING_TEXT);
    assert_true(assay_encoding_parse("bytes", &encoding));
    assert_int_equal(encoding, ASSAY_ENCODING_BYTES);
    assert_false(assay_encoding_parse("guess", &encoding));
    assert_false(assay_encoding_parse("", &encoding));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_is_guessed_and_read_again_after_rewinding),
        cmocka_unit_test(test_a_trace_is_guessed_and_read_again_after_rewinding),
        cmocka_unit_test(test_bytes_are_never_guessed_but_always_read),
        cmocka_unit_test(test_what_is_no_stream_is_named),
        cmocka_unit_test(test_a_file_that_may_not_be_read_is_named),
        cmocka_unit_test(test_a_text_that_is_too_long_is_refused),
        cmocka_unit_test(test_standard_input_is_read_whole),
        cmocka_unit_test(test_the_words_for_encodings_are_known),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
