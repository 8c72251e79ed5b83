/*
 * test_record - a recording holds each operation of a program once, in an order that could have
 * been, however the program starts, forks and ends; and no trace is left when that cannot be said.
 */
#include "record.h"
#include "test_counts.h"
#include "assay/trace.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/assay-test-record-XXXXXX";
static char output[sizeof folder + 16];
static char counts_path[sizeof folder + 16];
static struct test_counts *counts;
static struct assay_record_result result;
static struct assay_error error;

/* --- what a trace holds of the subject's own --- */

struct tally {
    struct test_counts counts;
    uint64_t ops;
    uint64_t total_ns;
    uint64_t *sizes; /* by slot: of the block, plus 1; 0: empty */
    bool between;    /* the two marks of mode "null" */
};

static bool is_ours(uint64_t size)
{
    return size >= TEST_SIZE_LEAST && size <= TEST_SIZE_MOST;
}

static void tally_fill(struct tally *tally, const struct assay_op *op, uint64_t size,
                       uint64_t *count)
{
    assert_int_equal(tally->sizes[op->slot], 0);
    tally->sizes[op->slot] = size + 1;
    *count += is_ours(size);
    if (size >= TEST_SIZE_MOST - 1 && size <= TEST_SIZE_MOST)
        tally->between = size == TEST_SIZE_MOST - 1;
}

static void tally_realloc(struct tally *tally, const struct assay_op *op)
{
    uint64_t *size = &tally->sizes[op->slot];

    /* The operation after a refused one puts the size back. */
    if (*size <= TEST_SIZE_REFUSED)
        tally->counts.realloc += is_ours(op->size);
    *size = op->size == UINT64_MAX ? op->size : op->size + 1;
}

static void tally_op(struct tally *tally, const struct assay_op *op)
{
    assert_true(assay_op_is_valid(op));
    tally->ops++;
    tally->total_ns += op->delta_ns;
    switch (op->kind) {
    case ASSAY_OP_ALLOC:
        tally_fill(tally, op, op->size == UINT64_MAX ? op->size - 1 : op->size,
                   &tally->counts.alloc);
        break;
    case ASSAY_OP_ALLOC_ZEROED:
        tally_fill(tally, op, op->arg > 100000 ? TEST_SIZE_REFUSED : op->size * op->arg,
                   &tally->counts.zeroed);
        break;
    case ASSAY_OP_ALLOC_ALIGNED:
        tally_fill(tally, op, op->size == UINT64_MAX ? op->size - 1 : op->size,
                   &tally->counts.aligned);
        break;
    case ASSAY_OP_REALLOC:
        tally_realloc(tally, op);
        break;
    case ASSAY_OP_FREE:
        assert_int_not_equal(tally->sizes[op->slot], 0);
        tally->counts.free += is_ours(tally->sizes[op->slot] - 1);
        tally->sizes[op->slot] = 0;
        break;
    case ASSAY_OP_FREE_NULL:
        tally->counts.free_null += tally->between;
        break;
    default:
        fail_msg("operation of kind %d", op->kind);
    }
}

static struct tally read_trace(const struct assay_recording *recording)
{
    struct tally tally = {.sizes = calloc(ASSAY_SLOTS, sizeof *tally.sizes)};
    struct assay_trace_reader *trace;
    const struct assay_op *ops;
    size_t count;

    assert_non_null(tally.sizes);
    if (assay_trace_open(&trace, recording->path, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    struct assay_reader *reader = assay_trace_stream(trace);
    while ((count = reader->next(reader, &ops)) != 0)
        for (size_t i = 0; i < count; i++)
            tally_op(&tally, &ops[i]);
    assert_string_equal(reader->error.what, "");
    const struct assay_trace_info *info = assay_trace_info(trace);
    assert_true(info->is_whole);
    assert_int_equal(info->ops, tally.ops);
    assert_int_equal(recording->ops, tally.ops);
    assert_int_equal(info->threads, recording->threads);
    assert_int_equal(info->has_time, recording->has_time);
    assert_string_equal(info->origin, recording->command);
    assay_trace_close(trace);
    free(tally.sizes);
    tally.sizes = NULL;
    return tally;
}

/* --- running a subject --- */

static bool is_left(const char *name)
{
    char path[sizeof folder + 32];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* How many files are in the folder, the counts left out. */
static int files_left(void)
{
    DIR *listing = opendir(folder);
    struct dirent *entry;
    int count = 0;

    assert_non_null(listing);
    while ((entry = readdir(listing)))
        count += entry->d_name[0] != '.' && strcmp(entry->d_name, "counts") != 0;
    closedir(listing);
    return count;
}

static assay_status record_command(const char *program, const char *mode, const char *rounds,
                                   bool time)
{
    char *command[] = {(char *)program, (char *)mode, (char *)rounds, NULL};
    struct assay_record_options options = {.output = output, .command = command, .time = time};

    memset(counts, 0, TEST_PROCESSES * sizeof *counts);
    error.what[0] = '\0';
    return assay_record(&options, &result, &error);
}

static void record(const char *mode, const char *rounds)
{
    if (record_command(TEST_SUBJECT, mode, rounds, false) != ASSAY_OK)
        fail_msg("%s", error.what);
}

static void expect_counts(size_t process)
{
    assert_in_range(process, 0, result.count - 1);
    struct test_counts is = read_trace(&result.processes[process]).counts;
    const struct test_counts *wanted = &counts[process];

    assert_int_equal(is.alloc, wanted->alloc);
    assert_int_equal(is.zeroed, wanted->zeroed);
    assert_int_equal(is.aligned, wanted->aligned);
    assert_int_equal(is.realloc, wanted->realloc);
    assert_int_equal(is.free, wanted->free);
    assert_int_equal(is.free_null, wanted->free_null);
    assert_int_equal(result.processes[process].refused, wanted->refused);
    assert_int_equal(result.processes[process].missed_frees, 0);
    assert_int_equal(result.processes[process].unfinished, 0);
    assert_int_equal(result.processes[process].lost, 0);
    assert_int_not_equal(is.alloc + is.free, 0);
}

static void expect_one_process(const char *mode, const char *rounds, int status)
{
    record(mode, rounds);
    assert_int_equal(assay_record_exit_status(&result), status);
    assert_int_equal(result.count, 1);
    assert_int_equal(files_left(), 1);
    expect_counts(0);
}

static void expect_two_processes(const char *mode, const char *rounds)
{
    record(mode, rounds);
    assert_int_equal(assay_record_exit_status(&result), 0);
    assert_int_equal(result.count, 2);
    assert_true(is_left("trace") && is_left("trace.1"));
    assert_int_equal(files_left(), 2);
    expect_counts(0);
    expect_counts(1);
}

/* --- one process --- */

static void test_each_kind_of_call_is_counted(void **state)
{
    (void)state;
    expect_one_process("kinds", "10000", 0);
    assert_int_equal(result.processes[0].threads, 1);
}

static void test_calls_are_all_there_is(void **state)
{
    (void)state;
    record("pairs", "1");
    uint64_t without = result.processes[0].calls;
    assay_record_clear(&result);
    record("pairs", "500001");
    assert_int_equal(result.processes[0].calls - without, 1000000);
}

static void test_free_of_null_is_recorded(void **state)
{
    (void)state;
    expect_one_process("null", "1000", 0);
}

static void test_refused_calls_leave_nothing_behind(void **state)
{
    (void)state;
    expect_one_process("refused", "100", 0);
    assert_int_equal(result.processes[0].refused, 1100);
}

static void test_constructors_and_exit_handlers_are_recorded(void **state)
{
    (void)state;
    expect_one_process("early", "100", 0);
    assert_int_equal(counts[0].alloc, 100 + 11 + 13 + 17);
}

static void test_an_opened_library_is_recorded(void **state)
{
    (void)state;
    expect_one_process("module", "1000", 0);
}

static void test_new_and_delete_are_recorded(void **state)
{
    (void)state;
    assert_int_equal(record_command(TEST_SUBJECT_NEW, NULL, NULL, false), ASSAY_OK);
    assert_int_equal(counts[0].alloc, 3000);
    expect_counts(0);
}

static void test_times_are_recorded_on_request(void **state)
{
    (void)state;
    assert_int_equal(record_command(TEST_SUBJECT, "kinds", "10000", true), ASSAY_OK);
    assert_true(result.processes[0].has_time);
    expect_counts(0);
    assert_int_not_equal(read_trace(&result.processes[0]).total_ns, 0);
}

/* --- threads and signals --- */

static void test_blocks_passed_between_threads_keep_their_order(void **state)
{
    (void)state;
    expect_one_process("threads", "50000", 0);
    assert_int_equal(result.processes[0].threads, 5);
}

static void test_more_threads_than_numbers_share_them_in_turn(void **state)
{
    (void)state;
    expect_one_process("many-threads", "5000", 0);
    assert_in_range(result.processes[0].threads, 1000, ASSAY_THREADS);
}

static void test_signal_handlers_may_interrupt_the_recorder(void **state)
{
    (void)state;
    setenv("LD_PRELOAD", TEST_BUMP, 1);
    record("signal", "300000");
    unsetenv("LD_PRELOAD");
    assert_int_equal(assay_record_exit_status(&result), 0);
    assert_in_range(counts[0].alloc, 300001, UINT64_MAX);
    expect_counts(0);
}

/* --- several processes --- */

static void test_a_forked_child_has_its_own_trace(void **state)
{
    (void)state;
    expect_two_processes("fork", "50000");
    assert_int_equal(result.processes[1].unknown_frees, 1);
}

static void test_the_child_of_vfork_is_in_its_parents_trace(void **state)
{
    (void)state;
    expect_one_process("vfork", "20000", 0);
}

static void test_a_spawned_program_has_its_own_trace(void **state)
{
    (void)state;
    expect_two_processes("spawn", "1000");
}

static void test_the_program_after_exec_has_its_own_trace(void **state)
{
    (void)state;
    expect_two_processes("exec", "1000");
    assert_int_equal(result.processes[0].pid, result.processes[1].pid);
}

static void test_a_process_that_outlives_the_program_is_waited_for(void **state)
{
    (void)state;
    expect_two_processes("orphan", "1000");
}

static void test_closed_files_and_a_cleared_environment_do_no_harm(void **state)
{
    (void)state;
    expect_two_processes("hostile", "50000");
}

/* --- how a program ends --- */

static void test_nothing_is_lost_by_exiting_at_once(void **state)
{
    (void)state;
    expect_one_process("exit", "10000", 7);
}

static void test_nothing_is_lost_by_abort(void **state)
{
    (void)state;
    expect_one_process("abort", "10000", 128 + SIGABRT);
}

static void test_nothing_is_lost_by_sigkill(void **state)
{
    (void)state;
    expect_one_process("kill", "10000", 128 + SIGKILL);
}

static void test_nothing_is_lost_by_an_interrupt(void **state)
{
    (void)state;
    expect_one_process("interrupt", "10000", 128 + SIGINT);
}

static void test_a_thread_killed_inside_a_call_leaves_a_whole_trace(void **state)
{
    (void)state;
    record("kill-busy", "50000");
    struct test_counts is = read_trace(&result.processes[0]).counts;
    /* It dies after its call was recorded and before it counted it, or in the middle of the call. */
    assert_in_range(is.alloc, counts[0].alloc, counts[0].alloc + 1);
    assert_in_range(is.free, counts[0].free, counts[0].free + 1);
    assert_int_equal(result.processes[0].missed_frees, 0);
    assert_in_range(result.processes[0].unfinished, 0, 1);
}

/* --- what goes wrong --- */

static void expect_refusal(assay_status status, const char *words)
{
    assert_int_not_equal(status, ASSAY_OK);
    if (!strstr(error.what, words))
        fail_msg("'%s' is not in: %s", words, error.what);
    assert_null(strchr(error.what, '\n'));
    assert_int_equal(files_left(), 0);
}

static void test_a_program_that_cannot_be_executed_is_named(void **state)
{
    (void)state;
    expect_refusal(record_command("/nonexistent/program", NULL, NULL, false),
                   "cannot execute '/nonexistent/program'");
}

static void test_a_program_that_does_not_load_the_recorder_is_an_error(void **state)
{
    (void)state;
    expect_refusal(record_command(TEST_STATIC, NULL, NULL, false), "recorded nothing of");
    assert_int_equal(assay_record_exit_status(&result), 3);
}

static void test_an_output_that_cannot_be_written_is_told_before_the_run(void **state)
{
    (void)state;
    char before[sizeof output];

    strcpy(before, output);
    strcpy(output, "/nonexistent/trace");
    expect_refusal(record_command(TEST_SUBJECT, "pairs", "10", false), "/nonexistent/trace");
    strcpy(output, folder);
    expect_refusal(record_command(TEST_SUBJECT, "pairs", "10", false), "is not a regular file");
    strcpy(output, before);
    assert_int_equal(counts[0].alloc, 0);
}

static void test_a_file_size_limit_stops_recording_and_not_the_program(void **state)
{
    (void)state;
    expect_refusal(record_command(TEST_SUBJECT, "file-limit", "100000", false),
                   "stopped: File too large");
    assert_int_equal(assay_record_exit_status(&result), 0);
    assert_int_equal(counts[0].free, 100000);
}

static void test_a_full_disk_stops_recording_and_not_the_program(void **state)
{
    (void)state;
    char disk[sizeof folder + 8], before[sizeof output];

    snprintf(disk, sizeof disk, "%s/disk", folder);
    assert_int_equal(mkdir(disk, 0700), 0);
    if (mount("none", disk, "tmpfs", 0, "size=512k") != 0) {
        rmdir(disk);
        print_message("mounting is not permitted: %s\n", strerror(errno));
        skip();
    }
    strcpy(before, output);
    snprintf(output, sizeof output, "%s/disk/trace", folder);
    assay_status status = record_command(TEST_SUBJECT, "pairs", "100000", false);
    strcpy(output, before);
    bool is_empty = rmdir(disk) != 0 && errno == EBUSY && umount(disk) == 0 && rmdir(disk) == 0;
    assert_true(is_empty);
    expect_refusal(status, "No space left");
    assert_int_equal(assay_record_exit_status(&result), 0);
    assert_int_equal(counts[0].free, 100000);
}

/* --- the folder --- */

static int make_folder(void **state)
{
    (void)state;
    size_t bytes = TEST_PROCESSES * sizeof *counts;

    if (!mkdtemp(folder))
        return -1;
    snprintf(output, sizeof output, "%s/trace", folder);
    snprintf(counts_path, sizeof counts_path, "%s/counts", folder);
    int file = open(counts_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, (off_t)bytes) != 0)
        return -1;
    counts = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    setenv(TEST_ENV_COUNTS, counts_path, 1);
    setenv(ASSAY_RECORD_ENV_LIBRARY, TEST_LIBRARY, 1);
    return counts == MAP_FAILED ? -1 : 0;
}

static int clear_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < result.count; i++)
        unlink(result.processes[i].path);
    assay_record_clear(&result);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(counts_path);
    return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_teardown(name, clear_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_kind_of_call_is_counted),
        TEST(test_calls_are_all_there_is),
        TEST(test_free_of_null_is_recorded),
        TEST(test_refused_calls_leave_nothing_behind),
        TEST(test_constructors_and_exit_handlers_are_recorded),
        TEST(test_an_opened_library_is_recorded),
        TEST(test_new_and_delete_are_recorded),
        TEST(test_times_are_recorded_on_request),
        TEST(test_blocks_passed_between_threads_keep_their_order),
        TEST(test_more_threads_than_numbers_share_them_in_turn),
        TEST(test_signal_handlers_may_interrupt_the_recorder),
        TEST(test_a_forked_child_has_its_own_trace),
        TEST(test_the_child_of_vfork_is_in_its_parents_trace),
        TEST(test_a_spawned_program_has_its_own_trace),
        TEST(test_the_program_after_exec_has_its_own_trace),
        TEST(test_a_process_that_outlives_the_program_is_waited_for),
        TEST(test_closed_files_and_a_cleared_environment_do_no_harm),
        TEST(test_nothing_is_lost_by_exiting_at_once),
        TEST(test_nothing_is_lost_by_abort),
        TEST(test_nothing_is_lost_by_sigkill),
        TEST(test_nothing_is_lost_by_an_interrupt),
        TEST(test_a_thread_killed_inside_a_call_leaves_a_whole_trace),
        TEST(test_a_program_that_cannot_be_executed_is_named),
        TEST(test_a_program_that_does_not_load_the_recorder_is_an_error),
        TEST(test_an_output_that_cannot_be_written_is_told_before_the_run),
        TEST(test_a_file_size_limit_stops_recording_and_not_the_program),
        TEST(test_a_full_disk_stops_recording_and_not_the_program),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
