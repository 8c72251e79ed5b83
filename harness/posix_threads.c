/* posix_threads.c - malloc and its family in threads that end, and in children of processes that have threads. */
#include "posix_questions.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENDING_THREADS 200
#define FORKS 60
#define BUSY_THREADS 3
#define SECONDS_OF_A_CHILD 5

/* Thread-specific data whose destructor comes again this often: after the library's own has run. */
struct farewell {
    const struct assay_c_functions *functions;
    pthread_key_t key;
    void *block;
    int rounds;
};

static void say_farewell(void *arg)
{
    struct farewell *farewell = arg;

    farewell->functions->free(farewell->block);
    farewell->block = farewell->functions->malloc(300);
    if (--farewell->rounds > 0) {
        pthread_setspecific(farewell->key, farewell);
        return;
    }
    farewell->functions->free(farewell->block);
    farewell->block = NULL;
}

static void *run_farewell(void *arg)
{
    struct farewell *farewell = arg;

    farewell->block = farewell->functions->malloc(40);
    pthread_setspecific(farewell->key, farewell);
    return NULL;
}

void posix_threads_free_while_they_end(struct trial *trial)
{
    struct farewell farewell = {.functions = trial->functions};
    unsigned char *kept = trial->functions->malloc(1000);
    pthread_t thread;

    EXPECT(trial, kept, "malloc(1000) is refused");
    trial_write(kept, 1000, 7);
    EXPECT(trial, pthread_key_create(&farewell.key, say_farewell) == 0, "the test has no key");
    for (int i = 0; i < ENDING_THREADS; i++) {
        farewell.rounds = 3;
        EXPECT(trial, pthread_create(&thread, NULL, run_farewell, &farewell) == 0,
               "the test has no thread");
        pthread_join(thread, NULL);
        EXPECT(trial, !farewell.block, "the destructor of a thread's data did not run to its end");
    }
    EXPECT(trial, trial_holds(kept, 1000, 7),
           "a live block changed its content when threads ended");
    trial->functions->free(kept);
}

struct crowd {
    const struct assay_c_functions *functions;
    atomic_bool is_over;
};

static void *keep_allocating(void *arg)
{
    struct crowd *crowd = arg;
    void *blocks[32] = {NULL};

    for (unsigned i = 0; !atomic_load_explicit(&crowd->is_over, memory_order_relaxed); i++) {
        void **block = &blocks[i * 7 % 32];
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

static void fork_once(struct trial *trial)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        be_a_child(trial->functions);
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
        fork_once(trial);
    atomic_store(&crowd.is_over, true);
    for (int i = 0; i < BUSY_THREADS; i++)
        pthread_join(threads[i], NULL);
}
