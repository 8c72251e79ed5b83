/*
 * test_names.c - the contracts of the C library's names, in a process whose malloc is libemalloc.so.
 *
 * Without a test framework, which could hide whose malloc answers. Prints what is wrong; exits 1 if anything is.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int wrong;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                        \
            wrong = 1;                                                                             \
        }                                                                                          \
    } while (0)

static bool is_aligned(const void *block, size_t align)
{
    return (uintptr_t)block % align == 0;
}

/* The compiler need not know what these do to a block: here they refuse, or are given what is none. */
static void *(*volatile resize)(void *block, size_t size) = realloc;
static void (*volatile release)(void *block) = free;
static void *(*volatile resize_array)(void *block, size_t count, size_t size) = reallocarray;

static void every_name_is_the_librarys(void)
{
    static const char *const names[] = {
        "malloc",        "free",           "calloc", "realloc", "reallocarray",      "memalign",
        "aligned_alloc", "posix_memalign", "valloc", "pvalloc", "malloc_usable_size"};
    Dl_info info;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *address = dlsym(RTLD_DEFAULT, names[i]);
        EXPECT(address && dladdr(address, &info) && strstr(info.dli_fname, "libemalloc.so"));
    }
}

static void zero_bytes_are_a_block(void)
{
    size_t none = strtoul("0", NULL, 10); /* more than the compiler foresees */
    void *first = malloc(none), *second = malloc(none), *third = calloc(none, 8);

    EXPECT(first && second && third && first != second && second != third);
    free(first);
    free(second);
    free(third);
    EXPECT(resize(malloc(10), none) == NULL);
}

static bool is_refused(void *block)
{
    bool refused = block == NULL && errno == ENOMEM;

    free(block);
    errno = 0;
    return refused;
}

static void refusals_set_enomem_and_change_nothing(void)
{
    volatile size_t huge = SIZE_MAX, half = SIZE_MAX / 2 + 1;
    char *block = malloc(10);

    memcpy(block, "123456789", 10);
    errno = 0;
    EXPECT(is_refused(malloc(huge)));
    EXPECT(is_refused(calloc(half, 2)));
    EXPECT(is_refused(pvalloc(huge)));
    EXPECT(is_refused(valloc(huge)));
    EXPECT(is_refused(memalign(64, huge)));
    EXPECT(is_refused(memalign(half, 10)));
    EXPECT(is_refused(aligned_alloc(64, huge - 63)));
    EXPECT(is_refused(resize(NULL, huge)));
    EXPECT(is_refused(resize_array(NULL, huge, huge)));
    EXPECT(is_refused(resize_array(block, half, 2)));
    EXPECT(is_refused(resize(block, huge)));
    EXPECT(strcmp(block, "123456789") == 0);
    free(block);
}

static const size_t no_alignments[] = {0, 3, 24, SIZE_MAX, SIZE_MAX - 15, (size_t)-64};

static void alignments_are_kept_or_refused(void)
{
    void *block = &wrong;

    errno = 0;
    EXPECT(posix_memalign(&block, 24, 10) == EINVAL && errno == 0 && block == &wrong);
    EXPECT(posix_memalign(&block, 4, 10) == EINVAL && block == &wrong);
    EXPECT(posix_memalign(&block, 64, SIZE_MAX / 2) == ENOMEM && errno == 0 && block == &wrong);
    for (size_t align = sizeof(void *); align <= 1 << 20; align *= 2) {
        EXPECT(posix_memalign(&block, align, 100) == 0 && is_aligned(block, align));
        free(block);
        block = aligned_alloc(align, align);
        EXPECT(block && is_aligned(block, align));
        free(block);
        block = memalign(align, 7);
        EXPECT(block && is_aligned(block, align));
        free(block);
    }
    for (size_t i = 0; i < sizeof no_alignments / sizeof *no_alignments; i++) {
        volatile size_t align = no_alignments[i];
        errno = 0;
        EXPECT(memalign(align, 10) == NULL && errno == EINVAL);
        errno = 0;
        EXPECT(aligned_alloc(align, 10) == NULL && errno == EINVAL);
        block = &wrong;
        errno = 0;
        EXPECT(posix_memalign(&block, align, 10) == EINVAL && errno == 0 && block == &wrong);
    }
    block = valloc(10);
    EXPECT(is_aligned(block, 4096));
    free(block);
    block = pvalloc(10);
    EXPECT(is_aligned(block, 4096) && malloc_usable_size(block) >= 4096);
    free(block);
}

static void free_leaves_errno_alone(void)
{
    void *blocks[] = {malloc(10), malloc(1000), malloc(1000000), NULL};

    for (size_t i = 0; i < 4; i++) {
        errno = 1234;
        free(blocks[i]);
        EXPECT(errno == 1234);
    }
}

static void usable_size_is_what_may_be_written(void)
{
    EXPECT(malloc_usable_size(NULL) == 0);
    for (size_t size = 1; size < 300000; size = size * 3 / 2 + 1) {
        char *block = malloc(size);
        EXPECT(malloc_usable_size(block) >= size);
        memset(block, 1, malloc_usable_size(block));
        free(block);
    }
}

static void calloc_is_zero_on_used_memory(void)
{
    for (size_t size = 1; size < 300000; size = size * 3 / 2 + 1) {
        char *block = malloc(size);
        memset(block, 0xff, size);
        free(block);
        block = calloc(1, size);
        for (size_t i = 0; i < size; i++)
            EXPECT(block[i] == 0);
        free(block);
    }
}

static void what_succeeds_leaves_errno_alone(void)
{
    void *block = NULL;

    errno = 1234;
    free(malloc(10));
    free(calloc(300, 1000));
    free(memalign(64, 100));
    free(aligned_alloc(4096, 4096));
    free(valloc(1));
    free(pvalloc(1));
    free(resize(resize_array(NULL, 10, 10), 200000));
    EXPECT(posix_memalign(&block, 64, 0) == 0 && block);
    free(block);
    EXPECT(errno == 1234);
}

/* --- when it may be called --- */

static char *before_main;

__attribute__((constructor(101))) static void allocate_before_main(void)
{
    before_main = malloc(1000);
}

static void a_block_from_before_main_can_be_resized_and_freed(void)
{
    EXPECT(before_main && malloc_usable_size(before_main) >= 1000);
    before_main = resize(before_main, 300000);
    EXPECT(before_main);
    free(before_main);
}

static void allocate_at_the_end(void *block)
{
    free(block);
    free(calloc(3, 50000));
}

static void *leave_a_block(void *key)
{
    EXPECT(pthread_setspecific(*(pthread_key_t *)key, malloc(30)) == 0);
    return malloc(2000);
}

static void a_thread_may_allocate_while_it_ends(void)
{
    pthread_key_t key;
    pthread_t thread;
    void *left = NULL;

    EXPECT(pthread_key_create(&key, allocate_at_the_end) == 0);
    EXPECT(pthread_create(&thread, NULL, leave_a_block, &key) == 0);
    EXPECT(pthread_join(thread, &left) == 0 && left);
    free(left);
    pthread_key_delete(key);
}

static atomic_bool enough;

static void *allocate_until_enough(void *arg)
{
    while (!enough)
        free(resize(malloc(100), 5000));
    return arg;
}

static void a_child_frees_and_allocates_whatever_other_threads_were_at(void)
{
    pthread_t thread;
    char *block = malloc(1000);
    int status;

    memset(block, 'p', 1000);
    EXPECT(pthread_create(&thread, NULL, allocate_until_enough, NULL) == 0);
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (child == 0) {
            bool whole = block[0] == 'p' && block[999] == 'p';
            free(block);
            _exit(whole && malloc(1 << 20) && calloc(3, 20) ? 0 : 1);
        }
        EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    }
    enough = true;
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(block[0] == 'p' && block[999] == 'p');
    free(block);
}

/* --- what is no block --- */

enum caller { FREE, REALLOC, REALLOC_0, REALLOCARRAY, CALLERS };
enum place { STACK, CODE, STATIC, FREED, INSIDE, ONE, LAST, PLACES };

static char *no_block(enum place place)
{
    char *volatile block = malloc(1000);

    switch (place) {
    case STACK:
        return (char *)__builtin_frame_address(0) - 64;
    case CODE:
        return (char *)(uintptr_t)no_block;
    case STATIC:
        return (char *)&wrong;
    case FREED:
        free(block);
        return block;
    case INSIDE:
        return block + 16;
    case ONE:
        return (char *)1;
    default:
        return (char *)UINTPTR_MAX;
    }
}

static void misuse(enum caller caller, char *address)
{
    void *volatile resized = NULL;

    if (caller == FREE)
        release(address);
    else if (caller == REALLOCARRAY)
        resized = resize_array(address, 10, 10);
    else
        resized = resize(address, caller == REALLOC ? 100 : 0);
    (void)resized;
}

/* A child's one line on stderr, if abort() ended it; "" if not. */
static const char *last_words(enum caller caller, enum place place)
{
    static char line[256];
    int ends[2], status = 0;
    size_t length = 0;

    EXPECT(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        misuse(caller, no_block(place));
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t got; length < sizeof line - 1 &&
                      (got = read(ends[0], line + length, sizeof line - 1 - length)) > 0;)
        length += (size_t)got;
    line[length] = '\0';
    close(ends[0]);
    EXPECT(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? line : "";
}

static void misuse_ends_the_process_with_one_line_that_names_the_function(void)
{
    static const char *const begins[] = {"emalloc: free(0x", "emalloc: realloc(0x",
                                         "emalloc: realloc(0x", "emalloc: realloc(0x"};

    for (enum caller caller = FREE; caller < CALLERS; caller++)
        for (enum place place = STACK; place < PLACES; place++) {
            const char *line = last_words(caller, place);
            EXPECT(strncmp(line, begins[caller], strlen(begins[caller])) == 0);
            EXPECT(strstr(line, "): no block is there\n"));
        }
    for (enum place place = STACK; place < PLACES; place++)
        EXPECT(malloc_usable_size(no_block(place)) == 0);
}

int main(void)
{
    a_block_from_before_main_can_be_resized_and_freed();
    what_succeeds_leaves_errno_alone();
    a_thread_may_allocate_while_it_ends();
    a_child_frees_and_allocates_whatever_other_threads_were_at();
    misuse_ends_the_process_with_one_line_that_names_the_function();
    every_name_is_the_librarys();
    zero_bytes_are_a_block();
    refusals_set_enomem_and_change_nothing();
    alignments_are_kept_or_refused();
    free_leaves_errno_alone();
    usable_size_is_what_may_be_written();
    calloc_is_zero_on_used_memory();
    return wrong;
}
