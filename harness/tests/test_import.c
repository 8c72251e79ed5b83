/* test_import - what other tools write becomes the stream that it tells of, or a sentence with its line. */
#include "assay/import.h"

#include "assay/input.h"
#include "assay/rep.h"
#include "assay/text.h"

#include "streams.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SEED 77

static struct assay_import_counts counts;

static struct assay_import *open_text(enum assay_import_format format, const char *text)
{
    struct assay_import *import;
    struct assay_error error = {""};
    const struct assay_import_source source = {"log", text, strlen(text), -1};

    assert_int_equal(assay_import_open(&import, format, &source, &error), ASSAY_OK);
    return import;
}

/* The stream as text, without its first line; the caller frees it. *error is what ended it. */
static char *import_text(enum assay_import_format format, const char *text,
                         struct assay_error *error)
{
    struct assay_import *import = open_text(format, text);
    struct assay_reader *reader = assay_import_reader(import);
    const struct assay_op *ops;
    char *got = NULL;
    size_t size = 0, count;
    FILE *out = open_memstream(&got, &size);

    assert_non_null(out);
    while ((count = reader->next(reader, &ops)) != 0)
        for (size_t i = 0; i < count; i++) {
            assert_true(assay_op_is_valid(&ops[i]));
            assert_true(assay_text_write_op(out, &ops[i]));
        }
    assert_int_equal(fclose(out), 0);
    *error = reader->error;
    counts = assay_import_counts(import);
    assay_import_close(import);
    return got;
}

static void assert_imports(enum assay_import_format format, const char *text, const char *expected)
{
    struct assay_error error;
    char *got = import_text(format, text, &error);

    assert_string_equal(error.what, "");
    assert_string_equal(got, expected);
    free(got);
}

static void assert_refused(enum assay_import_format format, const char *text, const char *expected)
{
    struct assay_error error;

    free(import_text(format, text, &error));
    if (!strstr(error.what, expected))
        fail_msg("'%s' is not in '%s'", expected, error.what);
}

/* --- malloclab --- */

static void test_a_rep_of_either_head_is_the_same_stream(void **unused)
{
    (void)unused;
    const char *expected = "alloc s0 512\nalloc s1 128\nrealloc s0 640\nfree s1\nfree s0\n";
    const char *ops = "a 0 512\na 1 128\nr 0 640\nf 1\nf 0\n";
    char text[256];
    snprintf(text, sizeof text, "20000\n2\n5\n1\n%s", ops);
    assert_imports(ASSAY_IMPORT_REP, text, expected);
    snprintf(text, sizeof text, "1\n2\n5\n20000\n%s", ops);
    assert_imports(ASSAY_IMPORT_REP, text, expected);
    snprintf(text, sizeof text, "20000 2 5 1\n%s", ops);
    assert_imports(ASSAY_IMPORT_REP, text, expected);
}

static void test_a_rep_may_end_lines_as_dos_does_and_have_blank_ones(void **unused)
{
    (void)unused;
    assert_imports(ASSAY_IMPORT_REP, "1\r\n1\r\n2\r\n1\r\na 0 5\r\n\r\nf 0\r\n\r\n",
                   "alloc s0 5\nfree s0\n");
    assert_imports(ASSAY_IMPORT_REP, "1\n1\n2\n1\na 0 5\nf 0", "alloc s0 5\nfree s0\n");
}

static void test_realloc_of_a_new_id_allocates_and_of_zero_bytes_frees(void **unused)
{
    (void)unused;
    assert_imports(ASSAY_IMPORT_REP, "0\n3\n6\n1\nr 2 9\nr 0 0\nr 2 0\nr 2 8\nf -1\nf 2\n",
                   "realloc s0 9\nalloc s1 0\nfree s0\nrealloc s0 8\nfree-null\nfree s0\n");
}

static void test_ids_share_slots_when_their_blocks_do_not_live_together(void **unused)
{
    (void)unused;
    assert_imports(ASSAY_IMPORT_REP, "0\n3\n6\n1\na 0 1\nf 0\na 1 2\nf 1\na 2 3\nf 2\n",
                   "alloc s0 1\nfree s0\nalloc s0 2\nfree s0\nalloc s0 3\nfree s0\n");
}

static void test_a_wrong_rep_is_refused_with_its_line(void **unused)
{
    (void)unused;
    const struct {
        const char *text, *expected;
    } wrong[] = {
        {"", "log:1: the file ends within"},
        {"1\n2\n", "log:3: the file ends within"},
        {"x\n", "log:1: 'x' where the head"},
        {"1\n1\n-1\n1\n", "log:3: '-1' where the head"},
        {"1\n1\n1\n1 1\n", "log:4: '1' stands behind the four"},
        {"1\n1\n1\n1\nb 0 5\n", "log:5: expected 'a ID BYTES'"},
        {"1\n1\n1\n1\na 0\n", "log:5: expected 'a ID BYTES'"},
        {"1\n1\n1\n1\na 0 5 5\n", "log:5: expected 'a ID BYTES'"},
        {"1\n1\n1\n1\na 1 5\n", "log:5: id 1, but the head promises 1"},
        {"1\n1\n1\n1\na -1 5\n", "log:5: '-1' is not an id"},
        {"1\n1\n1\n1\na 0 99999999999999999999\n", "log:5: '99999999999999999999' is not a number"},
        {"1\n1\n2\n1\na 0 5\na 0 5\n", "log:6: id 0 is allocated again"},
        {"1\n1\n1\n1\nf 0\n", "log:5: id 0 is freed, but not allocated"},
        {"1\n1\n1\n1\na 0 5\nf 0\n", "log:6: more operations than the 1"},
        {"1\n1\n3\n1\na 0 5\nf 0\n", "log:7: the file ends after 2 operations, but the head"},
        {"18446744073709551616\n", "log:1: '18446744073709551616' where"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(ASSAY_IMPORT_REP, wrong[i].text, wrong[i].expected);
}

/* --- mtrace --- */

static void test_mtrace_is_read_from_the_end_of_its_lines(void **unused)
{
    (void)unused;
    assert_imports(
        ASSAY_IMPORT_MTRACE,
        "= Start\n"
        "@ ./my program:(f+0x1c)[0x121c] + 0x1000 0xa\n"
        "@ ./my program:[0x1231] < 0x1000\n"
        "@ ./my program:[0x1231] > 0x2000 0x3e8\n"
        "+ 0x1000 0\n"
        "@ a:[0x1] + (nil) 0x1000000000000000\n"
        "@ a:[0x1] ! 0x2000 0x2000000000000000\n"
        "- 0x2000\n"
        "- 0x7777\n"
        "= End\n",
        "alloc s0 10\nrealloc s0 1000\nalloc s1 0\nalloc s2 1152921504606846976\nfree s2\n"
        "realloc s0 2305843009213693952\nrealloc s0 1000\nfree s0\n");
    assert_int_equal(counts.calls.unknown_frees, 1);
    assert_int_equal(counts.calls.refused, 2);
    assert_int_equal(counts.calls.peak_bytes, 1000);
}

static void test_a_wrong_line_of_mtrace_is_named(void **unused)
{
    (void)unused;
    assert_refused(ASSAY_IMPORT_MTRACE, "= Start\nhello\n", "log:2: expected a line");
    assert_refused(ASSAY_IMPORT_MTRACE, "= Start\n+ 0x10\n", "log:2: expected a line");
    assert_refused(ASSAY_IMPORT_MTRACE, "= Start\n- zz\n", "log:2: 'zz' is not an address");
    assert_refused(ASSAY_IMPORT_MTRACE, "+ 0x10 many\n", "log:1: 'many' is not a number of bytes");
    assert_refused(ASSAY_IMPORT_MTRACE, "> 0x10 0x1\n", "log:1: '>' with no '<'");
    assert_refused(ASSAY_IMPORT_MTRACE, "< 0x10\n< 0x10\n", "log:2: a second '<'");
    assert_refused(ASSAY_IMPORT_MTRACE, "< (nil)\n", "log:1: realloc of a block at address 0");
}

/* --- heaptrack --- */

static void test_raw_heaptrack_is_read_by_address(void **unused)
{
    (void)unused;
    assert_imports(ASSAY_IMPORT_HEAPTRACK,
                   "v 10400 3\nx a /bin/a\nX a\nt 7f 0\nc 0\n+ a 1 1000\nc 3\n+ 14 1 2000\n- 1000\n"
                   "c 5\n- 2000\nR 3f8\n",
                   "alloc s0 10\nalloc s1 20\nfree s0\n+2000000 free s1\n");
    assert_int_equal(counts.unknown_lines, 0);
}

static void test_interpreted_heaptrack_ends_the_block_of_a_pair_that_came_last(void **unused)
{
    (void)unused;
    assert_imports(
        ASSAY_IMPORT_HEAPTRACK,
        "v 10400 3\na a 1\na 1f 2\n+ 0\n+ 1\n+ 0\n- 0\n+ 1\n- 1\n- 0\n- 0\n# end\n",
        "alloc s0 10\nalloc s1 31\nalloc s2 10\nfree s2\nalloc s2 31\nfree s2\nfree s0\n");
    assert_int_equal(counts.calls.unknown_frees, 1);
}

static void test_wrong_heaptrack_data_is_named(void **unused)
{
    (void)unused;
    assert_refused(ASSAY_IMPORT_HEAPTRACK, "", "log:1: the file is empty");
    assert_refused(ASSAY_IMPORT_HEAPTRACK, "+ 1 1 1\n", "log:1: heaptrack's data begins with");
    assert_refused(ASSAY_IMPORT_HEAPTRACK, "v 10400 4\n", "log:1: version 4 of heaptrack's data");
    assert_refused(ASSAY_IMPORT_HEAPTRACK, "v 1 1\n+ 0\n", "log:2: '+ 0', but there were only 0");
    assert_refused(ASSAY_IMPORT_HEAPTRACK, "v 1 1\na 1 1\n- 1\n", "log:3: '- 1', but there were");
    assert_refused(ASSAY_IMPORT_HEAPTRACK, "v 1 1\n+ g 1 1\n", "log:2: expected '+ SIZE PLACE");
    assert_refused(ASSAY_IMPORT_HEAPTRACK, "v 1 1\n+ 1 1\n", "log:2: expected '+ SIZE PLACE");
    assert_refused(ASSAY_IMPORT_HEAPTRACK, "v 1 1\na\n- \n", "log:3: expected '- ADDRESS'");
    assert_refused(ASSAY_IMPORT_HEAPTRACK, "v 1 1\nc x\n", "log:2: expected 'c MILLI");
}

/* --- Valgrind --- */

static void test_calls_within_calls_of_valgrind_get_the_right_answers(void **unused)
{
    (void)unused;
    assert_imports(
        ASSAY_IMPORT_VALGRIND,
        "==5== Memcheck, a memory error detector\n"
        "what the program prints\n"
        "--5-- malloc(10) = 0x4A42040\n"
        "--5-- calloc(3,7) = 0x4A424C0\n"
        "--5-- memalign(al 64, size 100) = 0x4A42580\n"
        "--5-- realloc(0x0,5)malloc(5) = 0x4A42520\n"
        "--5-- realloc(0x4A42520,0)free(0x4A42520)\n"
        "--5--  = 0\n"
        "--5-- realloc(0x4A42040,1000) = 0x4A42090\n"
        "--5-- calloc(4611686018427387904,8)malloc(9)Argument 'size' is fishy\n"
        "==5==    at 0x48417B4: malloc\n"
        "--5--  = 0x0\n"
        "--5-- malloc_usable_size(0x4A42090) = 1000\n"
        "--5-- free(0x0)\n"
        "--5-- free(0x4A42090)\n",
        "alloc s0 10\nzeroed s1 3 7\naligned s2 64 100\nalloc s3 5\nfree s3\n"
        "realloc s0 1000\nzeroed s3 4611686018427387904 8\nfree s3\nalloc s3 9\nfree s3\n"
        "free-null\nfree s0\n");
}

static void test_operators_new_and_delete_are_calls_of_the_heap(void **unused)
{
    (void)unused;
    assert_imports(ASSAY_IMPORT_VALGRIND,
                   "--5-- _Znwm(4) = 0x10\n--5-- _ZnamSt11align_val_t(size 128, al 64) = 0x200\n"
                   "--5-- _ZnwmRKSt9nothrow_t(5) = 0x300\n--5-- _ZdlPvm(0x10)\n"
                   "--5-- _ZdaPvSt11align_val_t(0x200)\n",
                   "alloc s0 4\naligned s1 64 128\nalloc s2 5\nfree s0\nfree s1\n");
}

static void test_other_processes_of_valgrind_are_left_out(void **unused)
{
    (void)unused;
    assert_imports(ASSAY_IMPORT_VALGRIND,
                   "--5-- malloc(1) = 0x10\n--6-- malloc(2) = 0x20\n--6-- free(0x10)\n"
                   "--5-- REDIR: 0x40 (ld.so:strlen)\n--5-- free(0x10)\n",
                   "alloc s0 1\nfree s0\n");
    assert_int_equal(counts.other_processes, 2);
    assert_int_equal(counts.unknown_lines, 1);
}

static void test_a_wrong_line_of_valgrind_is_named(void **unused)
{
    (void)unused;
    assert_refused(ASSAY_IMPORT_VALGRIND, "--5-- malloc(1", "log:1: the arguments of a call");
    assert_refused(ASSAY_IMPORT_VALGRIND, "\n--5-- malloc()\n", "log:2: the arguments of a call");
    assert_refused(ASSAY_IMPORT_VALGRIND, "--5-- calloc(1)\n", "log:1: a call lacks an argument");
    assert_refused(ASSAY_IMPORT_VALGRIND, "--5-- memalign(size 1)", "log:1: a call lacks an");
    assert_refused(ASSAY_IMPORT_VALGRIND, "--5-- malloc(1) = x\n", "log:1: the answer of a call");
    assert_refused(ASSAY_IMPORT_VALGRIND,
                   "--5-- free(0x1)free(0x1)free(0x1)free(0x1)free(0x1)free(0x1)free(0x1)free(0x1)"
                   "free(0x1)\n",
                   "log:1: more calls in a line");
}

/* --- Mozilla --- */

static void test_threads_of_logalloc_are_kept_and_other_processes_left_out(void **unused)
{
    (void)unused;
    assert_imports(ASSAY_IMPORT_MOZILLA,
                   "13 40 malloc(42)=0x7f00\n13 50 calloc(3,16)=0x7f80\n14 1 malloc(9)=0x10\n"
                   "13 50 posix_memalign(64,100)=0x8000\n13 40 realloc(0x7f00,60)=0x9000\n"
                   "13 50 free(0x9000)\n13 40 jemalloc_stats()\n13 40 valloc(1)=0xA000\n"
                   "13 50 memalign(48,1)=0x0\n13 40 free(0x0)\n",
                   "alloc s0 42\n@1 zeroed s1 3 16\n@1 aligned s2 64 100\nrealloc s0 60\n"
                   "@1 free s0\naligned s0 4096 1\n@1 aligned s3 64 1\n@1 free s3\nfree-null\n");
    assert_int_equal(counts.other_processes, 1);
}

static void test_a_log_made_for_the_replay_of_logalloc_is_the_same_format(void **unused)
{
    (void)unused;
    assert_imports(ASSAY_IMPORT_MOZILLA,
                   "1 malloc(42)=#1\n1 realloc(#1,48)=#2\n1 malloc(3)=#1\n1 free(#2)\n1 free(#0)\n",
                   "alloc s0 42\nrealloc s0 48\nalloc s1 3\nfree s0\nfree-null\n");
}

static void test_a_wrong_line_of_logalloc_is_named(void **unused)
{
    (void)unused;
    assert_refused(ASSAY_IMPORT_MOZILLA, "hello\n", "log:1: expected '13663");
    assert_refused(ASSAY_IMPORT_MOZILLA, "1 2 mallok(1)=#1\n", "log:1: 'mallok(1)=#1' is no func");
    assert_refused(ASSAY_IMPORT_MOZILLA, "1 2 malloc(x)=#1\n", "log:1: the arguments of malloc");
    assert_refused(ASSAY_IMPORT_MOZILLA, "1 2 calloc(1)=#1\n", "log:1: the arguments of calloc");
    assert_refused(ASSAY_IMPORT_MOZILLA, "1 2 malloc(1)\n", "log:1: the result of malloc");
    assert_refused(ASSAY_IMPORT_MOZILLA, "1 2 free(#1) \n", "log:1: ' ' is too much");
    assert_refused(ASSAY_IMPORT_MOZILLA, "1 18446744073709551615 free(#1)\n", "is no thread");
}

/* --- Android --- */

static void test_threads_and_times_of_android_are_kept(void **unused)
{
    (void)unused;
    assert_imports(
        ASSAY_IMPORT_ANDROID,
        "900: malloc 0x1000 20 1000 1450\n901: calloc 0x2000 32 8 2500 2600\n"
        "900: memalign 0xb000 16 104 2400 2500\n901: realloc 0x3000 0x1000 40 2600 2700\n"
        "901: thread_done 0x0 2800\n902: realloc 0x1000 0x0 12 2900 3000\n"
        "900: free 0x3000 4000 4100\n",
        "alloc s0 20\n@1 +1500 zeroed s1 32 8\naligned s2 16 104\n"
        "@1 +100 realloc s0 40\n@1 +300 realloc s3 12\n+1100 free s0\n");
}

static void test_a_thread_that_is_done_leaves_its_number(void **unused)
{
    (void)unused;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (unsigned i = 0; i < 5 * ASSAY_THREADS; i++)
        fprintf(out, "%u: free 0x0\n%u: thread_done 0x0\n", i, i);
    fclose(out);
    struct assay_error error;
    char *got = import_text(ASSAY_IMPORT_ANDROID, text, &error);
    assert_string_equal(error.what, "");
    assert_null(strchr(got, '@'));
    free(got);
    free(text);
}

static void test_more_threads_than_a_stream_can_name_are_refused(void **unused)
{
    (void)unused;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (unsigned i = 0; i <= ASSAY_THREADS; i++)
        fprintf(out, "%u: free 0x0\n", i);
    fclose(out);
    assert_refused(ASSAY_IMPORT_ANDROID, text, "log:4097: more than 4096 threads");
    free(text);
}

static void test_a_wrong_line_of_android_is_named(void **unused)
{
    (void)unused;
    assert_refused(ASSAY_IMPORT_ANDROID, "1: free\n", "log:1: expected a thread");
    assert_refused(ASSAY_IMPORT_ANDROID, "x: free 0x1\n", "log:1: expected a thread");
    assert_refused(ASSAY_IMPORT_ANDROID, "\n1: fry 0x1\n", "log:2: 'fry' is not malloc");
    assert_refused(ASSAY_IMPORT_ANDROID, "1: free y\n", "log:1: 'y' is not an address");
    assert_refused(ASSAY_IMPORT_ANDROID, "1: malloc 0x1\n", "log:1: malloc lacks a number");
    assert_refused(ASSAY_IMPORT_ANDROID, "1: malloc 0x1 z\n", "log:1: 'z' is not a number");
    assert_refused(ASSAY_IMPORT_ANDROID, "1: realloc 0x1 z 1\n", "log:1: 'z' is not an address");
    assert_refused(ASSAY_IMPORT_ANDROID, "1: free 0x1 5\n", "log:1: free has 3 words, and 2 times");
    assert_refused(ASSAY_IMPORT_ANDROID, "1: free 0x1 5 t\n", "log:1: 't' is not a time");
}

/* --- all formats --- */

static void test_each_format_is_recognised_by_its_first_lines(void **unused)
{
    (void)unused;
    static const char *const texts[ASSAY_IMPORT_FORMATS] = {
        [ASSAY_IMPORT_REP] = "1\r\n2\r\n3\r\n4\r\na 0 1\r\n",
        [ASSAY_IMPORT_MTRACE] = "= Start\n@ a:[0x1] + 0x1 0x1\n",
        [ASSAY_IMPORT_HEAPTRACK] = "v 10400 3\nX a\n",
        [ASSAY_IMPORT_VALGRIND] = "the program's\n\n==12== Memcheck\n--12-- malloc(1) = 0x1\n",
        [ASSAY_IMPORT_MOZILLA] = "12 malloc(1)=0x1\n",
        [ASSAY_IMPORT_ANDROID] = "12: malloc 0x1 1\n",
    };
    enum assay_import_format format;
    for (unsigned i = 0; i < ASSAY_IMPORT_FORMATS; i++) {
        assert_true(assay_import_recognise(texts[i], strlen(texts[i]), &format));
        assert_int_equal(format, i);
    }
    static const char *const others[] = {"",        "\n",    "1\n2\n",        "1\n2\n3\n4\nassay\n",
                                         "hello\n", "v x\n", "12: fry 0x1\n", "12 fry(1)\n",
                                         "a\0b"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(assay_import_recognise(others[i], strlen(others[i]), &format));
}

static void test_a_block_given_out_twice_is_freed_between(void **unused)
{
    (void)unused;
    assert_imports(ASSAY_IMPORT_ANDROID, "1: malloc 0x10 5\n1: malloc 0x10 6\n1: free 0x10\n",
                   "alloc s0 5\nfree s0\nalloc s1 6\nfree s1\n");
    assert_int_equal(counts.calls.missed_frees, 1);
}

/* --- through a file --- */

static struct assay_input *open_file(const char *path)
{
    struct assay_input *input;
    struct assay_error error = {""};

    if (assay_input_open(&input, path, ASSAY_ENCODING_GUESS, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    return input;
}

static void test_a_file_of_a_tool_is_read_again_after_rewinding(void **unused)
{
    (void)unused;
    struct assay_error error = {""};
    struct assay_stream streams[2] = {{.count = 0}, {.count = 0}};
    struct assay_input *input = open_file(IMPORTS "/subject.heaptrack-raw.zst");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(assay_stream_collect(&streams[i], assay_input_reader(input)), ASSAY_OK);
        assert_int_equal(assay_input_rewind(input, &error), ASSAY_OK);
    }
    assert_true(streams[0].count > 100);
    assert_true(assay_stream_equal(&streams[0], &streams[1]));
    assay_stream_clear(&streams[0]);
    assay_stream_clear(&streams[1]);
    assay_input_close(input);
}

static void test_packed_by_gzip_or_zstd_a_file_says_the_same(void **unused)
{
    (void)unused;
    static const char *const paths[2] = {IMPORTS "/subject.heaptrack-raw.zst",
                                         IMPORTS "/subject.heaptrack-raw.gz"};
    struct assay_stream streams[2] = {{.count = 0}, {.count = 0}};
    for (int i = 0; i < 2; i++) {
        struct assay_input *input = open_file(paths[i]);
        assert_int_equal(assay_stream_collect(&streams[i], assay_input_reader(input)), ASSAY_OK);
        assay_input_close(input);
    }
    assert_true(assay_stream_equal(&streams[0], &streams[1]));
    assay_stream_clear(&streams[0]);
    assay_stream_clear(&streams[1]);
}

/* --- out again --- */

/* What assay_rep_write() makes of stream; the caller frees it. */
static char *write_rep(const struct assay_stream *stream, struct assay_rep_counts *written)
{
    struct assay_stream_reader memory;
    struct assay_error error = {""};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assay_stream_reader_init(&memory, stream);
    assert_non_null(out);
    if (assay_rep_write(out, &memory.reader, written, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void collect(struct assay_stream *stream, enum assay_import_format format, const char *text)
{
    struct assay_import *import = open_text(format, text);
    struct assay_reader *reader = assay_import_reader(import);

    stream->count = 0;
    assert_int_equal(assay_stream_collect(stream, reader), ASSAY_OK);
    assert_string_equal(reader->error.what, "");
    assay_import_close(import);
}

static void test_a_rep_that_is_read_and_written_is_the_same_file(void **unused)
{
    (void)unused;
    const char *text = "640\n3\n8\n1\na 0 512\na 1 128\nr 0 20\nf 1\nr 2 600\nf -1\nf 0\nf 2\n";
    struct assay_stream stream = {.count = 0};
    struct assay_rep_counts written;
    collect(&stream, ASSAY_IMPORT_REP, text);
    char *again = write_rep(&stream, &written);
    assert_string_equal(again, text);
    assert_int_equal(written.left_out, 0);
    free(again);
    assay_stream_clear(&stream);
}

static void test_what_a_rep_cannot_hold_is_left_out_and_counted(void **unused)
{
    (void)unused;
    const char *text = "assay-ops 1\nzeroed s0 3 5\naligned s1 64 7\ntouch s0\ncheck\n"
                       "alloc s2 2147483648\nrealloc s2 9\nfree s2\nalloc s2 2147483647\n"
                       "realloc s0 4294967296\nalloc s0 4\nfree s5\nfree s0\n";
    struct assay_stream stream = {.count = 0};
    struct assay_error error;
    struct assay_rep_counts written;
    assert_int_equal(assay_text_decode(&stream, "t", text, strlen(text), &error), ASSAY_OK);
    char *rep = write_rep(&stream, &written);
    assert_string_equal(rep, "2147483669\n3\n4\n1\na 0 15\na 1 7\na 2 2147483647\nf 0\n");
    assert_int_equal(written.plain, 2);
    assert_int_equal(written.left_out, 6);
    free(rep);
    assay_stream_clear(&stream);
}

static void test_any_stream_becomes_a_rep_that_becomes_the_same_rep(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    for (int i = 0; i < 20; i++) {
        struct assay_stream stream = {.count = 0}, again = {.count = 0};
        struct assay_rep_counts first, second;
        assert_true(random_stream(&stream, &state, 3000, true));
        char *one = write_rep(&stream, &first);
        collect(&again, ASSAY_IMPORT_REP, one);
        char *two = write_rep(&again, &second);
        assert_string_equal(one, two);
        assert_int_equal(second.left_out, 0);
        free(one);
        free(two);
        assay_stream_clear(&stream);
        assay_stream_clear(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rep_of_either_head_is_the_same_stream),
        cmocka_unit_test(test_a_rep_may_end_lines_as_dos_does_and_have_blank_ones),
        cmocka_unit_test(test_realloc_of_a_new_id_allocates_and_of_zero_bytes_frees),
        cmocka_unit_test(test_ids_share_slots_when_their_blocks_do_not_live_together),
        cmocka_unit_test(test_a_wrong_rep_is_refused_with_its_line),
        cmocka_unit_test(test_mtrace_is_read_from_the_end_of_its_lines),
        cmocka_unit_test(test_a_wrong_line_of_mtrace_is_named),
        cmocka_unit_test(test_raw_heaptrack_is_read_by_address),
        cmocka_unit_test(test_interpreted_heaptrack_ends_the_block_of_a_pair_that_came_last),
        cmocka_unit_test(test_wrong_heaptrack_data_is_named),
        cmocka_unit_test(test_calls_within_calls_of_valgrind_get_the_right_answers),
        cmocka_unit_test(test_operators_new_and_delete_are_calls_of_the_heap),
        cmocka_unit_test(test_other_processes_of_valgrind_are_left_out),
        cmocka_unit_test(test_a_wrong_line_of_valgrind_is_named),
        cmocka_unit_test(test_threads_of_logalloc_are_kept_and_other_processes_left_out),
        cmocka_unit_test(test_a_log_made_for_the_replay_of_logalloc_is_the_same_format),
        cmocka_unit_test(test_a_wrong_line_of_logalloc_is_named),
        cmocka_unit_test(test_threads_and_times_of_android_are_kept),
        cmocka_unit_test(test_a_thread_that_is_done_leaves_its_number),
        cmocka_unit_test(test_more_threads_than_a_stream_can_name_are_refused),
        cmocka_unit_test(test_a_wrong_line_of_android_is_named),
        cmocka_unit_test(test_each_format_is_recognised_by_its_first_lines),
        cmocka_unit_test(test_a_block_given_out_twice_is_freed_between),
        cmocka_unit_test(test_a_file_of_a_tool_is_read_again_after_rewinding),
        cmocka_unit_test(test_packed_by_gzip_or_zstd_a_file_says_the_same),
        cmocka_unit_test(test_a_rep_that_is_read_and_written_is_the_same_file),
        cmocka_unit_test(test_what_a_rep_cannot_hold_is_left_out_and_counted),
        cmocka_unit_test(test_any_stream_becomes_a_rep_that_becomes_the_same_rep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
