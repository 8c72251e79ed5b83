/*
 * test_names.c - the contracts of the C library's names, in a process whose malloc is libemalloc.so.
 *
 * Without a test framework, which could hide whose malloc answers. Prints what is wrong; exits 1 if anything is.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The compiler need not know that a refusal leaves the block. */
static void *(*volatile resize)(void *block, size_t size) = realloc;
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
    EXPECT(is_refused(resize_array(block, half, 2)));
    EXPECT(is_refused(resize(block, huge)));
    EXPECT(strcmp(block, "123456789") == 0);
    free(block);
}

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
    errno = 0;
    EXPECT(memalign(3, 10) == NULL && errno == EINVAL);
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

int main(void)
{
    every_name_is_the_librarys();
    zero_bytes_are_a_block();
    refusals_set_enomem_and_change_nothing();
    alignments_are_kept_or_refused();
    free_leaves_errno_alone();
    usable_size_is_what_may_be_written();
    calloc_is_zero_on_used_memory();
    return wrong;
}
