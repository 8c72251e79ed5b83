/* posix_threads.c - malloc and its family in threads that end, and in children of processes that have threads. */
#include "posix_questions.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCHES 80
#define ENDING_THREADS 4 /* at the same time */
#define FAREWELLS 3      /* the later ones come when the library's own destructor has run */
#define FAREWELL_BLOCKS 16
#define FORKS 60
#define BUSY_THREADS 3
#define SECONDS_OF_A_CHILD 4

/* Blocks that a thread holds while its data are destroyed. */
struct farewell {
    struct trial *trial;
    pthread_t thread;
    void *blocks[FAREWELL_BLOCKS];
    pthread_key_t key;
    int rounds;
};

static size_t farewell_size(size_t i)
{
    return 24 + i * 40;
}

static void take_blocks(struct farewell *farewell)
{
    for (size_t i = 0; i < FAREWELL_BLOCKS; i++) {
        farewell->blocks[i] = farewell->trial->functions->malloc(farewell_size(i));
        EXPECT(farewell->trial, farewell->blocks[i], "malloc(%zu) is refused", farewell_size(i));
        trial_write(farewell->blocks[i], farewell_size(i), (uintptr_t)farewell + i);
    }
}

static void end_blocks(struct farewell *farewell)
{
    for (size_t i = 0; i < FAREWELL_BLOCKS; i++) {
        EXPECT(farewell->trial,
               trial_holds(farewell->blocks[i], farewell_size(i), (uintptr_t)farewell + i),
               "a live block changed its content when threads ended");
        farewell->trial->functions->free(farewell->blocks[i]);
    }
}

static void say_farewell(void *arg)
{
    struct farewell *farewell = arg;

    end_blocks(farewell);
    if (--farewell->rounds == 0)
        return;
    take_blocks(farewell);
    sched_yield(); /* to another that ends */
    pthread_setspecific(farewell->key, farewell);
}

static void *run_farewell(void *arg)
{
    struct farewell *farewell = arg;

    take_blocks(farewell);
    pthread_setspecific(farewell->key, farewell);
    return NULL;
}

void posix_threads_free_while_they_end(struct trial *trial)
{
    struct farewell farewells[ENDING_THREADS];
    pthread_key_t key;

    EXPECT(trial, pthread_key_create(&key, say_farewell) == 0, "the test has no key");
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < ENDING_THREADS; i++) {
            farewells[i] = (struct farewell){.trial = trial, .key = key, .rounds = FAREWELLS};
            EXPECT(trial,
                   pthread_create(&farewells[i].thread, NULL, run_farewell, &farewells[i]) == 0,
                   "the test has no thread");
        }
        for (int i = 0; i < ENDING_THREADS; i++) {
            pthread_join(farewells[i].thread, NULL);
            EXPECT(trial, farewells[i].rounds == 0,
                   "the destructor of a thread's data did not run to its end");
        }
    }
}

struct crowd {
    const struct assay_c_functions *functions;
    atomic_bool
        is_waiting; /* for a child: threads that went on would use up the time of the test */
    atomic_bool is_over;
};

static void *keep_allocating(void *arg)
{
    struct crowd *crowd = arg;
    void *blocks[32] = {NULL};

    for (unsigned i = 0; !atomic_load_explicit(&crowd->is_over, memory_order_relaxed); i++) {
        void **block = &blocks[i * 7 % 32];
        if (atomic_load_explicit(&crowd->is_waiting, memory_order_relaxed)) {
            usleep(200);
            continue;
        }
        crowd->functions->free(*block);
        *block = crowd->functions->malloc(16 + i * 131 % 3000);
    }
    for (unsigned i = 0; i < 32; i++)
        crowd->functions->free(blocks[i]);
    return NULL;
}

/* The child has this thread alone; a lock that another held at the fork is held for good. */
static void be_a_child(const struct assay_c_functions *functions)
{
    void *blocks[64];

    alarm(SECONDS_OF_A_CHILD);
    for (unsigned i = 0; i < 64; i++)
        blocks[i] = functions->malloc(16 + i * 97);
    for (unsigned i = 0; i < 64; i++)
        functions->free(blocks[i]);
    _exit(EXIT_SUCCESS);
}

static void fork_once(struct trial *trial, struct crowd *crowd)
{
    int status = 0;

    atomic_store(&crowd->is_waiting, false);
    usleep(500);
    pid_t child = fork();
    if (child == 0)
        be_a_child(trial->functions);
    atomic_store(&crowd->is_waiting, true);
    EXPECT(trial, child > 0 && waitpid(child, &status, 0) == child, "the test has no child");
    EXPECT(trial, !WIFSIGNALED(status), "forked while other threads allocate, a child %s",
           WTERMSIG(status) == SIGALRM ? "waits for a lock for good" : "crashes");
}

void posix_children_of_many_threads(struct trial *trial)
{
    struct crowd crowd = {.functions = trial->functions};
    pthread_t threads[BUSY_THREADS];

    for (int i = 0; i < BUSY_THREADS; i++)
        EXPECT(trial, pthread_create(&threads[i], NULL, keep_allocating, &crowd) == 0,
               "the test has no thread");
    for (int i = 0; i < FORKS; i++)
        fork_once(trial, &crowd);
    atomic_store(&crowd.is_waiting, false);
    atomic_store(&crowd.is_over, true);
    for (int i = 0; i < BUSY_THREADS; i++)
        pthread_join(threads[i], NULL);
}
