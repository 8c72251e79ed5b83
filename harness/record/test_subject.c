/* test_subject - allocates in every way a program can, and counts it. MODE [ROUNDS]. */
#include "test_counts.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(field) __atomic_fetch_add(&counts[who].field, 1, __ATOMIC_SEQ_CST)

static struct test_counts *counts;
static int who; /* which process: index into counts */
static long rounds;

static void open_counts(void)
{
    const char *path = getenv(TEST_ENV_COUNTS);
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    size_t bytes = TEST_PROCESSES * sizeof *counts;

    counts = file < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (counts == MAP_FAILED)
        _exit(99);
    close(file);
}

static size_t some_size(long i)
{
    return TEST_SIZE_LEAST + (size_t)i % 1000;
}

static void *do_alloc(size_t size)
{
    void *block = malloc(size);

    memset(block, 0xa5, size);
    COUNT(alloc);
    return block;
}

static void do_free(void *block)
{
    free(block);
    COUNT(free);
}

static void *do_realloc(void *block, size_t size)
{
    block = realloc(block, size);
    COUNT(realloc);
    return block;
}

static void do_pairs(long count)
{
    for (long i = 0; i < count; i++)
        do_free(do_alloc(some_size(i)));
}

static void *do_aligned(long i)
{
    size_t size = some_size(i);
    void *block = NULL;

    switch (i % 5) {
    case 0:
        block = aligned_alloc(64, size);
        break;
    case 1:
        if (posix_memalign(&block, 4096, size) != 0)
            _exit(98);
        break;
    case 2:
        block = memalign(32, size);
        break;
    case 3:
        block = valloc(size);
        break;
    default:
        block = pvalloc(size);
        break;
    }
    COUNT(aligned);
    return block;
}

/* Every function, blocks freed in another order than they were made. */
static void mode_kinds(void)
{
    enum { LIVE = 64 };
    void *live[LIVE] = {0};

    for (long i = 0; i < rounds; i++) {
        void **block = &live[i * 7 % LIVE];
        if (*block)
            do_free(*block);
        size_t size = some_size(i);
        switch (i % 6) {
        case 0:
            *block = do_alloc(size);
            break;
        case 1:
            *block = calloc(i % 2 ? 7 : 1, i % 2 ? 1001 : size);
            COUNT(zeroed);
            break;
        case 2:
            *block = do_realloc(NULL, size);
            break;
        case 3:
            *block = do_realloc(do_alloc(size), some_size(i * 31));
            break;
        case 4:
            *block = reallocarray(do_alloc(size), 1001, 7);
            COUNT(realloc);
            break;
        default:
            *block = do_aligned(i);
            break;
        }
        if (malloc_usable_size(*block) < TEST_SIZE_LEAST)
            _exit(97);
    }
    for (int i = 0; i < LIVE; i++)
        if (live[i])
            do_free(live[i]);
    void *freed_by_realloc = realloc(do_alloc(TEST_SIZE_LEAST), 0);
    if (freed_by_realloc)
        _exit(96);
    COUNT(free);
}

/* Between two blocks of marked sizes nothing else in the process allocates. */
static void mode_null(void)
{
    void *first = do_alloc(TEST_SIZE_MOST - 1);

    for (long i = 0; i < rounds; i++) {
        free(NULL);
        COUNT(free_null);
    }
    void *last = do_alloc(TEST_SIZE_MOST);
    do_free(first);
    do_free(last);
}

/* Compilers warn of such arguments where they see them. */
static volatile size_t most = SIZE_MAX;
static volatile size_t no_power = 48;

static void mode_refused(void)
{
    void *kept = do_alloc(TEST_SIZE_LEAST);

    for (long i = 0; i < rounds; i++) {
        void *block = NULL;
        bool is_null = !malloc(TEST_SIZE_REFUSED) && !calloc(TEST_SIZE_REFUSED, 3) &&
                       !calloc(most, 3) && !realloc(kept, TEST_SIZE_REFUSED) &&
                       !realloc(NULL, TEST_SIZE_REFUSED) && !reallocarray(kept, most, 3) &&
                       !aligned_alloc(64, most) && !memalign(no_power, TEST_SIZE_REFUSED) &&
                       posix_memalign(&block, 3, 100) != 0 && !block && !valloc(most) &&
                       !pvalloc(most);
        if (!is_null)
            _exit(95);
        for (int j = 0; j < 11; j++)
            COUNT(refused);
    }
    do_free(kept);
}

enum { SHARED = 64 };
static void *_Atomic shared[SHARED];

static void *exchange(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (long i = 0; i < rounds; i++) {
        seed = seed * 1103515245 + 12345;
        void *block = do_alloc(some_size(seed >> 8));
        if (seed >> 28 == 0)
            block = do_realloc(block, some_size(seed >> 9));
        block = atomic_exchange(&shared[seed >> 16 & (SHARED - 1)], block);
        if (block && seed >> 30 == 0)
            block = do_realloc(block, some_size(seed >> 7));
        if (block)
            do_free(block);
    }
    return NULL;
}

/* Blocks pass from thread to thread and are freed or resized by whoever gets them. */
static void mode_threads(void)
{
    pthread_t threads[4];

    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, exchange, (void *)(i + 1));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SHARED; i++)
        if (shared[i])
            do_free(shared[i]);
}

static void *one_pair(void *arg)
{
    do_pairs(1);
    return arg;
}

/* More threads than a raw file has numbers, one after the other. */
static void mode_many_threads(void)
{
    for (long i = 0; i < rounds; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, one_pair, NULL);
        pthread_join(thread, NULL);
    }
}

static void on_signal(int number)
{
    (void)number;
    do_pairs(1);
}

/* The handler interrupts the recorder anywhere; needs a malloc that is safe in handlers. */
static void mode_signal(void)
{
    struct itimerval often = {{0, 50}, {0, 50}};
    struct itimerval never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    do_pairs(rounds);
    setitimer(ITIMER_REAL, &never, NULL);
}

static void reap(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        _exit(94);
}

static void mode_fork(void)
{
    do_pairs(10);
    void *inherited = do_alloc(TEST_SIZE_LEAST);
    pid_t pid = fork();
    if (pid == 0) {
        who = 1;
        do_pairs(rounds);
        free(inherited); /* not in the child's trace: nobody saw it allocated there */
        _exit(0);
    }
    do_pairs(rounds);
    reap(pid);
    do_free(inherited);
}

/* The child of vfork is in its parent's memory, and changes its parent's heap. */
static void mode_vfork(void)
{
    do_pairs(rounds);
    volatile pid_t pid = vfork(); // NOLINT(clang-analyzer-security.insecureAPI.vfork)
    if (pid == 0) {
        do_pairs(rounds); // NOLINT(clang-analyzer-unix.Vfork)
        _exit(0);
    }
    reap(pid);
    do_pairs(rounds);
}

extern char **environ;
static char second[] = "second";
static char *second_run[] = {second, second, NULL, NULL};

static void mode_spawn(void)
{
    pid_t pid;

    do_pairs(rounds);
    if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, second_run, environ) != 0)
        _exit(93);
    reap(pid);
}

static void mode_exec(void)
{
    do_pairs(rounds);
    execv("/proc/self/exe", second_run);
    _exit(92);
}

static void mode_second(void)
{
    who = 1;
    do_pairs(rounds);
}

static void mode_module(void)
{
    void *module = dlopen(TEST_MODULE, RTLD_NOW);
    long (*pairs)(long count, size_t size) = NULL;

    if (module)
        *(void **)&pairs = dlsym(module, "test_module_pairs");
    if (!pairs)
        _exit(91);
    for (long i = pairs(rounds, TEST_SIZE_LEAST); i > 0; i--) {
        COUNT(alloc);
        COUNT(free);
    }
    dlclose(module);
}

/* What some programs do to their surroundings: none of it may stop the recorder. */
static void mode_hostile(void)
{
    clearenv();
    if (close_range(3, ~0u, 0) != 0 || chdir("/") != 0)
        _exit(90);
    do_pairs(rounds);
    pid_t pid = fork();
    if (pid == 0) {
        who = 1;
        do_pairs(rounds);
        _exit(0);
    }
    reap(pid);
}

static void mode_file_limit(void)
{
    struct rlimit limit = {1 << 20, 1 << 20};

    setrlimit(RLIMIT_FSIZE, &limit);
    do_pairs(rounds);
}

static void mode_exit_at_once(void)
{
    do_pairs(rounds);
    _exit(7);
}

static void mode_abort(void)
{
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    do_pairs(rounds);
    abort();
}

static void mode_kill(void)
{
    do_pairs(rounds);
    kill(getpid(), SIGKILL);
}

static void *keep_on(void *arg)
{
    for (;;)
        do_pairs(100);
    return arg;
}

/* Killed while another thread is anywhere in the recorder. */
static void mode_kill_busy(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, keep_on, NULL);
    do_pairs(rounds);
    kill(getpid(), SIGKILL);
}

/* As Ctrl-C: the signal comes to whoever records, too. */
static void mode_interrupt(void)
{
    kill(getppid(), SIGINT);
    do_pairs(rounds);
    kill(getpid(), SIGINT);
}

/* Outlives its parent. */
static void mode_orphan(void)
{
    do_pairs(rounds);
    if (fork() == 0) {
        who = 1;
        usleep(50000);
        do_pairs(rounds);
        _exit(0);
    }
}

static void mode_pairs(void)
{
    do_pairs(rounds);
}

static bool is_early;

static void mode_early(void)
{
    do_pairs(rounds);
}

__attribute__((constructor)) static void before_main(int argc, char **argv)
{
    open_counts();
    is_early = argc > 1 && strcmp(argv[1], "early") == 0;
    if (is_early)
        do_pairs(11);
}

static void at_exit(void)
{
    if (is_early)
        do_pairs(13);
}

__attribute__((destructor)) static void after_main(void)
{
    if (is_early)
        do_pairs(17);
}

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {
    {"abort", mode_abort},
    {"early", mode_early},
    {"exec", mode_exec},
    {"exit", mode_exit_at_once},
    {"file-limit", mode_file_limit},
    {"fork", mode_fork},
    {"hostile", mode_hostile},
    {"interrupt", mode_interrupt},
    {"kill", mode_kill},
    {"kill-busy", mode_kill_busy},
    {"kinds", mode_kinds},
    {"many-threads", mode_many_threads},
    {"module", mode_module},
    {"null", mode_null},
    {"orphan", mode_orphan},
    {"pairs", mode_pairs},
    {"refused", mode_refused},
    {"second", mode_second},
    {"signal", mode_signal},
    {"spawn", mode_spawn},
    {"threads", mode_threads},
    {"vfork", mode_vfork},
};

int main(int argc, char **argv)
{
    rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;
    second_run[2] = argv[2];
    atexit(at_exit);
    for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++)
        if (strcmp(argv[1], modes[i].name) == 0) {
            modes[i].run();
            return 0;
        }
    return 100;
}
