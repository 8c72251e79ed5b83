/* test_report - what users see of a finding, to the letter. */
#include "assay/report.h"

#include "json.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *text;
static size_t length;

static FILE *open_text(void)
{
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    return out;
}

static void expect_text(FILE *out, const char *expected)
{
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

static struct assay_finding overlap(void)
{
    return (struct assay_finding){
        .check = ASSAY_CHECK_OVERLAP,
        .backend = "buddy",
        .op = 123,
        .operation = {.kind = ASSAY_OP_ALLOC, .slot = 4, .size = 64},
        .seed = 42,
        .has_block = true,
        .has_other = true,
        .block = {.op = 123, .slot = 4, .size = 64, .usable = 80},
        .other = {.op = 97, .slot = 1, .size = 32, .usable = 32},
        .what = "block of 64 bytes overlaps that of op 97 by 16 bytes",
    };
}

static struct assay_finding leak(void)
{
    return (struct assay_finding){.check = ASSAY_CHECK_LEAK,
                                  .backend = "list",
                                  .op = 7,
                                  .at_end = true,
                                  .what = "4096 bytes are still mapped after destroy"};
}

static void test_text_names_check_operation_and_both_blocks(void **state)
{
    FILE *out = open_text();
    struct assay_finding finding = overlap();

    (void)state;
    assay_report_finding(out, &finding, "assay replay --backend buddy crash.ops");
    expect_text(out, "finding: backend=buddy check=overlap op=123 seed=42: "
                     "block of 64 bytes overlaps that of op 97 by 16 bytes\n"
                     "  alloc s4 64\n"
                     "  block: slot 4, 64 bytes (80 usable), made by op 123\n"
                     "  other: slot 1, 32 bytes, made by op 97\n"
                     "repeat:  assay replay --backend buddy crash.ops\n");
}

static void test_text_of_a_finding_at_the_end_says_so(void **state)
{
    FILE *out = open_text();
    struct assay_finding finding = leak();

    (void)state;
    assay_report_finding(out, &finding, NULL);
    expect_text(out, "finding: backend=list check=leak op=7 seed=0: "
                     "4096 bytes are still mapped after destroy\n"
                     "  at the end of the stream\n");
}

static void test_json_has_the_same_on_one_line(void **state)
{
    FILE *out = open_text();
    struct assay_finding finding = overlap();

    (void)state;
    json_finding(out, &finding, "assay replay \"a\\b\"");
    expect_text(out,
                "{\"schema\":1,\"kind\":\"finding\",\"backend\":\"buddy\",\"check\":\"overlap\","
                "\"op\":123,\"seed\":42,"
                "\"what\":\"block of 64 bytes overlaps that of op 97 by 16 bytes\","
                "\"operation\":\"alloc s4 64\","
                "\"block\":{\"slot\":4,\"size\":64,\"usable\":80,\"op\":123},"
                "\"other\":{\"slot\":1,\"size\":32,\"usable\":32,\"op\":97},"
                "\"repeat\":\"assay replay \\\"a\\\\b\\\"\"}\n");
}

static void test_json_at_the_end_has_no_operation(void **state)
{
    FILE *out = open_text();
    struct assay_finding finding = leak();

    (void)state;
    strcpy(finding.what, "a\nb");
    json_finding(out, &finding, NULL);
    expect_text(out, "{\"schema\":1,\"kind\":\"finding\",\"backend\":\"list\",\"check\":\"leak\","
                     "\"op\":7,\"seed\":0,\"what\":\"a\\nb\"}\n");
}

static void test_words_of_a_command_are_quoted_where_a_shell_would_split_them(void **state)
{
    FILE *out = open_text();

    (void)state;
    assay_report_word(out, "plugin:/usr/lib/x-1.so");
    fputc(' ', out);
    assay_report_word(out, "a file's $name");
    fputc(' ', out);
    assay_report_word(out, "");
    expect_text(out, "plugin:/usr/lib/x-1.so 'a file'\\''s $name' ''");
}

static void test_every_check_has_a_name_that_parses_and_a_promise(void **state)
{
    enum assay_check parsed;

    (void)state;
    for (int i = 0; i < ASSAY_CHECKS; i++) {
        assert_true(assay_check_parse(assay_check_name((enum assay_check)i), &parsed));
        assert_int_equal(parsed, i);
        assert_true(strlen(assay_check_promise((enum assay_check)i)) > 10);
    }
    assert_false(assay_check_parse("overlaps", &parsed));
    assert_false(assay_check_parse("", &parsed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_names_check_operation_and_both_blocks),
        cmocka_unit_test(test_text_of_a_finding_at_the_end_says_so),
        cmocka_unit_test(test_json_has_the_same_on_one_line),
        cmocka_unit_test(test_json_at_the_end_has_no_operation),
        cmocka_unit_test(test_words_of_a_command_are_quoted_where_a_shell_would_split_them),
        cmocka_unit_test(test_every_check_has_a_name_that_parses_and_a_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
