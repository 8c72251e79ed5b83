/* test_process.c - the pair emalloc() and efree(): threads, fork, and how misuse ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <emalloc.h>
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

static void free_twice(void)
{
    char *volatile block = emalloc(10);
    efree(block);
    efree(block);
}

static void free_inside(void)
{
    char *volatile block = emalloc(100);
    efree(block + 16);
}

static void free_local(void)
{
    char local[64];
    char *volatile address = local + 16;
    efree(address);
}

static void free_code(void)
{
    efree((void *)(uintptr_t)free_local);
}

static void free_foreign(void)
{
    efree(malloc(100));
}

static void free_last_address(void)
{
    efree((void *)UINTPTR_MAX);
}

static void resize_local(void)
{
    char local[64];
    char *volatile address = local + 16;
    address = erealloc(address, 100);
}

static void resize_freed(void)
{
    char *volatile block = emalloc(1000);
    efree(block);
    block = erealloc(block, 2000);
}

static void resize_inside_to_nothing(void)
{
    char *volatile block = emalloc(200000);
    block = erealloc(block + 4096, 0);
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
    assert_stops(free_twice, "no block is there");
    assert_stops(free_inside, "no block is there");
    assert_stops(free_local, "no block is there");
    assert_stops(free_code, "no block is there");
    assert_stops(free_foreign, "no block is there");
    assert_stops(free_last_address, "no block is there");
    assert_stops(resize_local, "no block is there");
    assert_stops(resize_freed, "no block is there");
    assert_stops(resize_inside_to_nothing, "no block is there");
}

static void test_what_is_no_block_has_no_usable_size(void **state)
{
    static const uintptr_t numbers[] = {
        1, 16, 4096, UINTPTR_MAX, UINTPTR_MAX - 15, UINTPTR_MAX / 2};
    void *foreign = malloc(100);

    (void)state;
    for (unsigned long size = 10; size < 1000000; size *= 100) {
        char *volatile block = emalloc(size);
        assert_int_equal(emalloc_usable_size(block + size / 2), 0);
        assert_int_equal(emalloc_usable_size(block - 1), 0);
        efree(block);
        assert_int_equal(emalloc_usable_size(block), 0);
    }
    assert_int_equal(emalloc_usable_size((void *)(uintptr_t)free_code), 0);
    assert_int_equal(emalloc_usable_size(foreign), 0);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_int_equal(emalloc_usable_size((void *)numbers[i]), 0);
    free(foreign);
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
        cmocka_unit_test(test_misuse_ends_the_process_with_one_line_that_names_it),
        cmocka_unit_test(test_a_forked_child_frees_a_copy),
        cmocka_unit_test(test_what_is_no_block_has_no_usable_size),
        cmocka_unit_test(test_threads_free_each_others_blocks_while_others_fork),
        cmocka_unit_test(test_a_thread_may_allocate_while_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
