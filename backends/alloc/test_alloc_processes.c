/*
 * test_alloc_processes.c - many processes and threads at work on one heap, some of which are killed.
 */
#include "alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 128
#define STEPS 2000
#define SLOTS 24
#define LARGE ((size_t)200000)

static int begin(void **state)
{
    (void)state;
    finish_mutex();
    return 0;
}

static struct memory_report assert_sound(void)
{
    struct memory_report report;

    if (!check_memory(&report))
        fail_msg("check_memory: %s", report.what);
    return report;
}

static uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* --- blocks that say what must be in them --- */

struct stamp {
    uint64_t size;
    uint64_t word; /* what all words behind it are */
};

static void stamp(void *block, size_t size, uint64_t word)
{
    uint64_t *words = block;

    *(struct stamp *)block = (struct stamp){size, word};
    for (size_t i = 2; i < size / 8; i++)
        words[i] = word ^ i;
}

static bool is_stamped(const void *block, size_t size)
{
    const struct stamp *said = block;
    const uint64_t *words = block;

    for (size_t i = 2; i < size / 8; i++) {
        if (words[i] != (said->word ^ i))
            return false;
    }
    return true;
}

/* --- one who works --- */

struct worker {
    uint64_t random;
    uint64_t number;
    void *slots[SLOTS];
    _Atomic(void *) *exchange; /* blocks of all, in the heap too; or NULL */
};

static size_t some_size(struct worker *worker)
{
    uint64_t r = random_next(&worker->random);
    size_t most = r % 16 == 0 ? LARGE : r % 4 == 0 ? 4096 : 256;

    return sizeof(struct stamp) + (size_t)(r >> 8) % most;
}

static bool fill_slot(struct worker *worker, void **slot)
{
    size_t size = some_size(worker);
    bool cleared = random_next(&worker->random) % 4 == 0;
    char *block = cleared ? allocate_clear_memory(1, size) : allocate_memory(size);

    if (!block)
        return false;
    for (size_t i = 0; cleared && i < size; i++) {
        if (block[i])
            return false;
    }
    stamp(block, size, worker->number << 32 | (random_next(&worker->random) & 0xffff));
    *slot = block;
    return true;
}

static bool resize_slot(struct worker *worker, void **slot)
{
    const struct stamp said = *(struct stamp *)*slot;
    size_t size = some_size(worker);
    char *block = reallocate_memory(*slot, size);

    if (!block || !is_stamped(block, size < said.size ? size : said.size))
        return false;
    stamp(block, size, said.word);
    *slot = block;
    return true;
}

static bool empty_slot(void **slot)
{
    const struct stamp *said = *slot;

    if (!is_stamped(*slot, said->size))
        return false;
    errno = 0;
    deallocate_memory(*slot);
    *slot = NULL;
    return errno == 0;
}

/* Mine for what another one left there: content is verified, and freed, by whoever has it then. */
static bool exchange_slot(struct worker *worker, void **slot)
{
    _Atomic(void *) *place = &worker->exchange[random_next(&worker->random) % SLOTS];

    *slot = atomic_exchange(place, *slot);
    return !*slot || is_stamped(*slot, ((struct stamp *)*slot)->size);
}

static bool work(struct worker *worker, int steps)
{
    bool good = true;

    for (int step = 0; good && step < steps; step++) {
        void **slot = &worker->slots[random_next(&worker->random) % SLOTS];
        uint64_t what = random_next(&worker->random) % 8;
        if (!*slot)
            good = fill_slot(worker, slot);
        else if (what < 4)
            good = empty_slot(slot);
        else if (what < 6)
            good = resize_slot(worker, slot);
        else if (worker->exchange)
            good = exchange_slot(worker, slot);
    }
    return good;
}

static bool put_away(struct worker *worker)
{
    bool good = true;

    for (int i = 0; i < SLOTS; i++)
        good = (!worker->slots[i] || empty_slot(&worker->slots[i])) && good;
    return good;
}

static pid_t start_worker(uint64_t number, _Atomic(void *) *exchange, int steps)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct worker worker = {.random = number, .number = number, .exchange = exchange};
        _exit(work(&worker, steps) && put_away(&worker) ? 0 : 1);
    }
    return child;
}

/* --- what they do --- */

static void test_128_processes_at_once_never_see_the_blocks_of_others(void **state)
{
    pid_t children[PROCESSES];
    int status;

    (void)state;
    init_mutex();
    size_t whole = assert_sound().largest_free;
    for (int i = 0; i < PROCESSES; i++)
        children[i] = start_worker((uint64_t)i + 1, NULL, STEPS);
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(assert_sound().used_blocks, 0);
    assert_int_equal(assert_sound().largest_free, whole);
}

static void test_blocks_pass_from_process_to_process(void **state)
{
    pid_t children[PROCESSES];
    int status;

    (void)state;
    _Atomic(void *) *exchange = allocate_clear_memory(SLOTS, sizeof *exchange);
    for (int i = 0; i < PROCESSES; i++)
        children[i] = start_worker((uint64_t)i + 1000, exchange, STEPS);
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < SLOTS; i++) {
        void *left = exchange[i];
        assert_true(!left || empty_slot(&left));
    }
    assert_int_equal(assert_sound().used_blocks, 1);
}

static void test_those_who_wait_for_one_that_is_killed_go_on(void **state)
{
    enum { ROUNDS = 60, WORKERS = 3 };
    pid_t workers[WORKERS];
    int status;

    (void)state;
    init_mutex();
    for (int i = 0; i < WORKERS; i++)
        workers[i] = start_worker((uint64_t)i + 1, NULL, 20000);
    uint64_t random = 1;
    for (int round = 0; round < ROUNDS; round++) {
        pid_t victim = start_worker((uint64_t)round + 100, NULL, INT32_MAX);
        for (uint64_t wait = random_next(&random) % 200; wait > 0; wait--)
            deallocate_memory(allocate_memory(wait));
        kill(victim, SIGKILL);
        assert_int_equal(waitpid(victim, &status, 0), victim);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
        assert_int_equal(status, 0);
    }
    /* What the killed ones had is still theirs: nobody knows who else has its address. */
    assert_true(assert_sound().used_blocks <= (size_t)ROUNDS * (SLOTS + 1));
}

/* --- threads --- */

static void *work_in_thread(void *arg)
{
    struct worker *worker = arg;

    return work(worker, STEPS) && put_away(worker) ? worker : NULL;
}

static void test_threads_of_one_process_share_it_too(void **state)
{
    enum { THREADS = 8 };
    static struct worker workers[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    /* Also all come first. */
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.random = (uint64_t)i + 1, .number = (uint64_t)i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, work_in_thread, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &workers[i]);
    }
    assert_int_equal(assert_sound().used_blocks, 0);
}

static void *exit_holding_blocks(void *arg)
{
    *(void **)arg = allocate_memory(1000);
    pthread_exit(NULL);
}

static void test_a_thread_that_ends_leaves_its_blocks(void **state)
{
    pthread_t thread;
    void *block = NULL;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, exit_holding_blocks, &block), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(assert_sound().used_blocks, 1);
    deallocate_memory(block);
    assert_int_equal(assert_sound().used_blocks, 0);
}

static atomic_bool enough;

static void *work_until_enough(void *arg)
{
    struct worker *worker = arg;
    bool good = true;

    while (good && !enough)
        good = work(worker, 50);
    return good && put_away(worker) ? worker : NULL;
}

static void test_a_child_forked_while_threads_hold_the_lock_works(void **state)
{
    struct worker worker = {.random = 5, .number = 5};
    pthread_t thread;
    void *result;
    int status;

    (void)state;
    init_mutex();
    enough = false;
    assert_int_equal(pthread_create(&thread, NULL, work_until_enough, &worker), 0);
    for (int i = 0; i < 50; i++) {
        pid_t child = start_worker((uint64_t)i + 10, NULL, 20);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    enough = true;
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &worker);
    assert_int_equal(assert_sound().used_blocks, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_128_processes_at_once_never_see_the_blocks_of_others),
        TEST(test_blocks_pass_from_process_to_process),
        TEST(test_those_who_wait_for_one_that_is_killed_go_on),
        TEST(test_threads_of_one_process_share_it_too),
        TEST(test_a_thread_that_ends_leaves_its_blocks),
        TEST(test_a_child_forked_while_threads_hold_the_lock_works),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
