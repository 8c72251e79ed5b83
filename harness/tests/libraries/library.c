/*
 * library.c - a malloc library for the tests of `assay doctor`, with one planted bug or none.
 *
 *   [ size | block ... ]   powers of two up to 32 KiB, cut from chunks of 64 KiB, a free list for each
 *   [ size | block ... ]   larger ones are mappings of their own
 *
 * LIBRARY_BUG names the bug. Functions call each other by static names, so that the tests of sanitized builds can use
 * it too; CALLS_BY_NAME calls what it exports, as many libraries do.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum {
    NO_BUG,
    FEW_FUNCTIONS, /* malloc and free only, which is no bug */
    CALLS_BY_NAME, /* realloc calls the malloc and free that are exported, which is no bug either */
    CRASHES_AT_LOAD,
    LOOPS_AT_LOAD,
    EXITS_AT_LOAD,
    LOOPS_IN_FREE,     /* of a block above 16 KiB */
    PAGES_NOT_CHECKED, /* a refused mapping is written to */
    GIVES_UP,          /* once refused, it never asks for pages again */
    REALLOC_FREES,     /* a refused realloc frees the old block */
    LOSES_LIST,        /* a refused chunk empties the list of another size */
    CRASHES_ON_FAILED_UNMAP,
    ERRNO_FORGOTTEN,
    REALLOC_TOO_SHORT, /* copies a byte too few */
    CALLOC_WRAPS,
    LOSES_A_SIZE, /* blocks of 64 bytes are not used again */
    LOSES_BLOCKS_OF_THREADS,
    SIZE_OF_32_BITS, /* of what is not refused at once */
};

#define CHUNK ((size_t)64 << 10)
#define HEAD ((size_t)16)
#define CLASSES 12 /* 16 << 0 .. 16 << 11 */

struct block {
    size_t bytes; /* of the block, its head not counted */
    struct block *next;
};

static struct block *lists[CLASSES];
static unsigned char *chunk, *chunk_end;
static int has_failed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Volatile, for a compiler may take a loop that does nothing to end. */
static volatile int planted = LIBRARY_BUG;

static int has(int bug)
{
    return planted == bug;
}

static void *pages(size_t bytes)
{
    if (has(GIVES_UP) && has_failed)
        return NULL;
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start != MAP_FAILED)
        return start;
    has_failed = 1;
    if (has(LOSES_LIST))
        lists[2] = lists[2] ? lists[3] : NULL;
    errno = has(ERRNO_FORGOTTEN) ? 0 : ENOMEM;
    return has(PAGES_NOT_CHECKED) ? start : NULL;
}

static void *payload(struct block *block)
{
    return (unsigned char *)block + HEAD;
}

static struct block *block_of(void *address)
{
    return (void *)((unsigned char *)address - HEAD);
}

static int class_of(size_t size)
{
    int class = 0;

    while (class < CLASSES && ((size_t)16 << class) < size)
        class ++;
    return class;
}

static struct block *cut(size_t bytes)
{
    size_t whole = HEAD + bytes;

    if ((size_t)(chunk_end - chunk) < whole) {
        unsigned char *start = pages(CHUNK);
        if (!start)
            return NULL;
        chunk = start;
        chunk_end = start + CHUNK;
    }
    struct block *block = (void *)chunk;
    chunk += whole;
    block->bytes = bytes;
    return block;
}

static void *take(size_t size)
{
    if (size > PTRDIFF_MAX - CHUNK) {
        errno = ENOMEM;
        return NULL;
    }
    if (has(SIZE_OF_32_BITS))
        size = (uint32_t)size;
    int class = class_of(size);
    if (class == CLASSES) {
        struct block *large = pages(HEAD + size);
        if (!large)
            return NULL;
        large->bytes = size;
        return payload(large);
    }
    pthread_mutex_lock(&lock);
    struct block *block = lists[class];
    if (block)
        lists[class] = block->next;
    else
        block = cut((size_t)16 << class);
    pthread_mutex_unlock(&lock);
    return block ? payload(block) : NULL;
}

/* Other than the first of the process. */
static int is_a_thread(void)
{
    static pthread_t first; /* that asks */

    if (!first)
        first = pthread_self();
    return !pthread_equal(first, pthread_self());
}

static void give(void *address)
{
    if (!address)
        return;
    struct block *block = block_of(address);
    int class = class_of(block->bytes);
    while (has(LOOPS_IN_FREE) && block->bytes > 16384)
        ;
    if (class == CLASSES) {
        if (munmap(block, HEAD + block->bytes) != 0 && has(CRASHES_ON_FAILED_UNMAP))
            raise(SIGABRT);
        return;
    }
    if ((has(LOSES_A_SIZE) && block->bytes == 64) ||
        (has(LOSES_BLOCKS_OF_THREADS) && is_a_thread()))
        return;
    pthread_mutex_lock(&lock);
    block->next = lists[class];
    lists[class] = block;
    pthread_mutex_unlock(&lock);
}

void *malloc(size_t size);
void free(void *block);

void *malloc(size_t size)
{
    return take(size);
}

void free(void *block)
{
    give(block);
}

#ifndef LIBRARY_IS_SMALL
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
size_t malloc_usable_size(void *block);

void *calloc(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) && !has(CALLOC_WRAPS)) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = take(bytes);
    return block ? memset(block, 0, bytes) : NULL;
}

void *realloc(void *old, size_t size)
{
    void *block = has(CALLS_BY_NAME) ? malloc(size) : take(size);

    if (!old)
        return block;
    if (!block) {
        if (has(REALLOC_FREES))
            give(old);
        return NULL;
    }
    size_t kept = block_of(old)->bytes < size ? block_of(old)->bytes : size;
    memcpy(block, old, kept - (has(REALLOC_TOO_SHORT) && kept > 0));
    if (has(CALLS_BY_NAME))
        free(old);
    else
        give(old);
    return block;
}

size_t malloc_usable_size(void *block)
{
    return block ? block_of(block)->bytes : 0;
}
#endif

__attribute__((constructor)) static void load(void)
{
    if (has(CRASHES_AT_LOAD))
        raise(SIGSEGV);
    while (has(LOOPS_AT_LOAD))
        ;
    if (has(EXITS_AT_LOAD)) {
        /* What a library does that finds its environment lacking. */
        extern _Noreturn void _exit(int status);
        _exit(7);
    }
}
