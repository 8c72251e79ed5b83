/* test_process.c - the pair emalloc() and efree(): threads, fork, and how misuse ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <emalloc.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 20000

static void *before_main;

__attribute__((constructor(101))) static void allocate_before_main(void)
{
    before_main = emalloc(100);
}

static void test_a_block_from_before_main_can_be_freed(void **state)
{
    (void)state;
    assert_non_null(before_main);
    assert_int_equal(emalloc_usable_size(before_main), 100);
    efree(before_main);
}

static void test_zero_and_absurd_sizes_are_null(void **state)
{
    (void)state;
    assert_null(emalloc(0));
    assert_null(emalloc(UINT64_MAX));
    assert_null(emalloc(UINT64_MAX / 2));
    assert_null(emalloc((unsigned long)INT_MIN));
    assert_null(emalloc((unsigned long)-1000));
    assert_null(ecalloc(UINT64_MAX / 2, 3));
    assert_null(ealigned_alloc(16, UINT64_MAX - 15));
    assert_null(ealigned_alloc(3, 10));
    assert_null(ealigned_alloc(0, 10));
    assert_null(ealigned_alloc((unsigned long)1 << 62, 10));
    assert_null(erealloc(NULL, 0));
    assert_int_equal(emalloc_usable_size(NULL), 0);
    assert_int_equal(emalloc_usable_size(&state), 0);
    efree(NULL);
}

/* Requests that the system itself refuses, and those that never come so far. */
static const unsigned long too_much[] = {
    ULONG_MAX, ULONG_MAX - 31, ULONG_MAX / 2,       (unsigned long)INT_MIN,
    1UL << 60, 1UL << 50,      (unsigned long)-1000};

static void test_errno_is_left_alone(void **state)
{
    char *block = emalloc(100);

    (void)state;
    errno = 77;
    for (size_t i = 0; i < sizeof too_much / sizeof *too_much; i++) {
        assert_null(emalloc(too_much[i]));
        assert_null(ecalloc(1, too_much[i]));
        assert_null(ecalloc(too_much[i], too_much[i]));
        assert_null(erealloc(block, too_much[i]));
        assert_null(erealloc(NULL, too_much[i]));
        assert_null(ealigned_alloc(64, too_much[i]));
        assert_null(ealigned_alloc(too_much[i], 64));
    }
    assert_int_equal(emalloc_usable_size(block), 100);
    block = erealloc(erealloc(block, 1000000), 10);
    efree(ecalloc(2, 300000));
    efree(block);
    assert_int_equal(errno, 77);
}

static void test_ecalloc_gives_zeros_on_used_memory(void **state)
{
    (void)state;
    for (unsigned long size = 1; size < 300000; size = size * 3 + 1) {
        char *block = emalloc(2 * size);
        memset(block, 0xff, 2 * size);
        efree(block);
        block = ecalloc(2, size);
        for (unsigned long i = 0; i < 2 * size; i++)
            assert_int_equal(block[i], 0);
        efree(block);
    }
    assert_null(ecalloc(0, 8));
    assert_null(ecalloc(8, 0));
}

static void test_erealloc_keeps_the_bytes_of_the_smaller_size_and_of_null_allocates(void **state)
{
    static const unsigned long sizes[] = {3, 64, 65, 5000, 131071, 131072, 400000, 70, 3};
    char *block = erealloc(NULL, 3);

    (void)state;
    memcpy(block, "abc", 3);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        block = erealloc(block, sizes[i]);
        assert_memory_equal(block, "abc", 3);
        assert_int_equal(emalloc_usable_size(block), sizes[i]);
    }
    assert_null(erealloc(block, 0));
    assert_int_equal(emalloc_usable_size(block), 0);
}

static void test_ealigned_alloc_aligns_to_every_power_of_two_and_refuses_others(void **state)
{
    (void)state;
    for (unsigned long align = 1; align <= 1UL << 20; align *= 2) {
        char *block = ealigned_alloc(align, 100);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % align, 0);
        efree(block);
        assert_null(ealigned_alloc(align, 0));
        assert_null(ealigned_alloc(align * 3, 100));
        assert_null(ealigned_alloc(align * 4 + 1, 100));
    }
}

/* --- how misuse ends --- */

/* Runs misuse in a child; expects abort() and one line with `what` in it. */
static void assert_stops(void (*misuse)(void), const char *what)
{
    char line[256] = "";
    int ends[2], status;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        misuse();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < sizeof line - 1;
         length += (size_t)(got > 0 ? got : 0))
        got = read(ends[0], line + length, sizeof line - 1 - length);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    if (!strstr(line, what) || strchr(line, '\n') != line + length - 1)
        fail_msg("the message is: %s", line);
}

/* Where the compiler does not see it. */
static void write_at(char *block, long at, char byte)
{
    *(volatile char *)(block + at) = byte;
}

static void overrun_small(void)
{
    char *block = emalloc(10);
    write_at(block, 10, 'x');
    efree(block);
}

static void overrun_medium(void)
{
    char *block = emalloc(1000);
    write_at(block, 1000, 0);
    efree(block);
}

static void overrun_large(void)
{
    char *block = emalloc(200000);
    write_at(block, 200008, 1);
    write_at(block, 200009, 2);
    efree(block);
}

static void underrun(void)
{
    char *block = emalloc(10);
    write_at(block, -1, 'x');
    efree(erealloc(block, 20));
}

/* --- what is no block --- */

enum place { STACK, CODE, CONSTANT, STATIC, FREED, INSIDE, BEFORE, FOREIGN, NUMBERS };

static const uintptr_t numbers[] = {1, 8, 16, 4096, UINTPTR_MAX, UINTPTR_MAX - 15, UINTPTR_MAX / 2};
#define PLACES (NUMBERS + sizeof numbers / sizeof *numbers)

/* An address of each kind; of blocks of each part, by size. */
static char *no_block(size_t place, unsigned long size)
{
    static char global[64], *foreign;
    char *volatile block = emalloc(size);

    switch (place) {
    case STACK:
        return (char *)__builtin_frame_address(0) - 64;
    case CODE:
        return (char *)(uintptr_t)no_block;
    case CONSTANT:
        return (char *)(uintptr_t)numbers;
    case STATIC:
        return global + 16;
    case FREED:
        efree(block);
        return block;
    case INSIDE:
        return block + 16;
    case BEFORE:
        return block - 16;
    case FOREIGN:
        free(foreign);
        return foreign = malloc(size);
    default:
        return (char *)numbers[place - NUMBERS];
    }
}

static size_t asked_place;
static unsigned long asked_size;

static void free_no_block(void)
{
    efree(no_block(asked_place, asked_size));
}

static void resize_no_block(void)
{
    char *volatile resized = erealloc(no_block(asked_place, asked_size), 100);
    (void)resized;
}

static void resize_no_block_to_nothing(void)
{
    char *volatile resized = erealloc(no_block(asked_place, asked_size), 0);
    (void)resized;
}

static void resize_no_block_to_too_much(void)
{
    char *volatile resized = erealloc(no_block(asked_place, asked_size), ULONG_MAX);
    (void)resized;
}

static void test_every_function_ends_at_what_is_no_block(void **state)
{
    static const unsigned long sizes[] = {10, 1000, 200000};

    (void)state;
    for (asked_place = 0; asked_place < PLACES; asked_place++) {
        asked_size = sizes[asked_place % 3];
        assert_stops(free_no_block, "emalloc: efree(0x");
        assert_stops(free_no_block, "): no block is there");
        assert_stops(resize_no_block, "): no block is there");
        assert_stops(resize_no_block_to_nothing, "emalloc: erealloc(0x");
        assert_stops(resize_no_block_to_nothing, "): no block is there");
        assert_stops(resize_no_block_to_too_much, "): no block is there");
    }
}

static void test_what_is_no_block_has_no_usable_size(void **state)
{
    (void)state;
    for (size_t place = 0; place < PLACES; place++)
        for (unsigned long size = 10; size < 1000000; size *= 100)
            assert_int_equal(emalloc_usable_size(no_block(place, size)), 0);
}

static void test_misuse_ends_the_process_with_one_line_that_names_it(void **state)
{
    (void)state;
    assert_stops(overrun_small, "efree(0x");
    assert_stops(overrun_small, "the slack of a small block was overwritten");
    assert_stops(overrun_medium, "the slack of a medium block was overwritten");
    assert_stops(overrun_large, "the footer of a large block was overwritten");
    assert_stops(underrun, "erealloc(0x");
    assert_stops(underrun, "the header of a small block was overwritten");
}

/* --- threads and fork --- */

static void test_a_forked_child_frees_a_copy(void **state)
{
    char *block = emalloc(1000);
    int status = 0;

    (void)state;
    memset(block, 'p', 1000);
    pid_t child = fork();
    if (child == 0) {
        bool is_whole = block[0] == 'p' && block[999] == 'p';
        efree(block);
        _exit(is_whole && emalloc_usable_size(block) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(emalloc_usable_size(block), 1000);
    assert_true(block[0] == 'p' && block[999] == 'p');
    efree(block);
}

static char *given;

static void free_twice(void)
{
    efree(given);
    efree(given);
}

static void test_misuse_in_a_child_leaves_its_parent_alone(void **state)
{
    (void)state;
    for (unsigned long size = 10; size < 1000000; size *= 100) {
        given = emalloc(size);
        memset(given, 'p', size);
        assert_stops(free_twice, "): no block is there");
        assert_int_equal(emalloc_usable_size(given), size);
        given = erealloc(given, size + 1);
        assert_true(given[0] == 'p' && given[size - 1] == 'p');
        efree(given);
    }
}

static void free_given(void)
{
    efree(given);
}

static void test_a_block_of_a_child_is_none_of_its_parent(void **state)
{
    for (unsigned long size = 10; size < 1000000; size *= 100) {
        int ends[2], status;
        (void)state;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            char *block = emalloc(size);
            _exit(write(ends[1], &block, sizeof block) == sizeof block ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(read(ends[0], &given, sizeof given), sizeof given);
        close(ends[0]);
        close(ends[1]);
        assert_int_equal(emalloc_usable_size(given), 0);
        assert_stops(free_given, "): no block is there");
    }
}

static _Atomic(char *) cells[64];

static void *exchange(void *arg)
{
    uint64_t random = (uintptr_t)arg * 7919 + 1;

    for (int i = 0; i < ROUNDS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t size = 1 + (random >> 33) % (random >> 60 ? 300 : 200000);
        char *block = emalloc(size);
        if (!block)
            return arg;
        block[0] = block[size - 1] = 'e';
        block = atomic_exchange(&cells[random >> 20 & 63], block);
        if (block && block[0] != 'e')
            return arg;
        efree(block);
    }
    return NULL;
}

static void test_threads_free_each_others_blocks_while_others_fork(void **state)
{
    pthread_t threads[THREADS];
    void *result;

    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, exchange, (void *)(i + 1)), 0);
    for (int i = 0; i < 30; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            /* The heap is whole and unlocked, whatever the other threads were at. */
            char *block = emalloc(50), *larger = erealloc(block, 5000);
            efree(larger);
            /* Not by exit(): the thread sanitizer would miss the threads that only the parent has. */
            raise(larger ? SIGKILL : SIGTERM);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    for (int i = 0; i < 64; i++)
        efree(cells[i]);
}

static void free_at_exit(void *block)
{
    efree(block);
    efree(emalloc(70));
}

static void *leave_a_block(void *key)
{
    pthread_setspecific(*(pthread_key_t *)key, emalloc(30));
    return NULL;
}

static void test_a_thread_may_allocate_while_it_ends(void **state)
{
    pthread_key_t key;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_key_create(&key, free_at_exit), 0);
    assert_int_equal(pthread_create(&thread, NULL, leave_a_block, &key), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_key_delete(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_from_before_main_can_be_freed),
        cmocka_unit_test(test_zero_and_absurd_sizes_are_null),
        cmocka_unit_test(test_errno_is_left_alone),
        cmocka_unit_test(test_ecalloc_gives_zeros_on_used_memory),
        cmocka_unit_test(test_erealloc_keeps_the_bytes_of_the_smaller_size_and_of_null_allocates),
        cmocka_unit_test(test_ealigned_alloc_aligns_to_every_power_of_two_and_refuses_others),
        cmocka_unit_test(test_every_function_ends_at_what_is_no_block),
        cmocka_unit_test(test_misuse_ends_the_process_with_one_line_that_names_it),
        cmocka_unit_test(test_a_forked_child_frees_a_copy),
        cmocka_unit_test(test_misuse_in_a_child_leaves_its_parent_alone),
        cmocka_unit_test(test_a_block_of_a_child_is_none_of_its_parent),
        cmocka_unit_test(test_what_is_no_block_has_no_usable_size),
        cmocka_unit_test(test_threads_free_each_others_blocks_while_others_fork),
        cmocka_unit_test(test_a_thread_may_allocate_while_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
