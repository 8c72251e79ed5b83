/*
 * import_subject - what tools record so that imports can be counted: calls each function of the heap, and
 * prints how often. import_subject ROUNDS.
 *
 * Sizes are from 7000 to 7999, which nobody else in the process asks for, and 2^60, which is refused.
 */
#include <malloc.h>
#include <mcheck.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCKS 64
#define REFUSED ((size_t)1 << 60)

static struct {
    unsigned malloc, calloc, aligned, realloc, realloc_null, free, refused;
} counts;

static void *blocks[BLOCKS];

static size_t some_size(unsigned i)
{
    return 7000 + i * 37 % 1000;
}

static void *allocate(unsigned i)
{
    void *block = NULL;

    switch (i % 6) {
    case 0:
        counts.calloc++;
        return calloc(1, some_size(i));
    case 1:
        counts.aligned++;
        return aligned_alloc(64, some_size(i));
    case 2:
        counts.aligned++;
        return posix_memalign(&block, 256, some_size(i)) == 0 ? block : NULL;
    case 3:
        counts.realloc_null++;
        return realloc(NULL, some_size(i));
    default:
        counts.malloc++;
        return malloc(some_size(i));
    }
}

static void release(void **block)
{
    if (*block)
        counts.free++;
    free(*block);
    *block = NULL;
}

/* Frees what the other thread allocated. */
static void *release_all(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < BLOCKS; i++)
        release(&blocks[i]);
    return NULL;
}

static void grow(void **block, unsigned i)
{
    void *grown = realloc(*block, some_size(i));

    counts.realloc++;
    if (!grown)
        abort();
    *block = grown;
    /* What is refused leaves the block as it was. */
    if (i % 8 == 0) {
        counts.refused += 2;
        if (realloc(*block, REFUSED) || malloc(REFUSED))
            abort();
    }
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100;
    pthread_t other;

    mtrace();
    for (unsigned i = 0; i < rounds; i++) {
        void **block = &blocks[i * 11 % BLOCKS];
        if (*block && i % 3 == 0) {
            grow(block, i);
        } else {
            release(block);
            *block = allocate(i);
            if (!*block)
                abort();
        }
    }
    if (pthread_create(&other, NULL, release_all, NULL) != 0)
        abort();
    pthread_join(other, NULL);
    muntrace();
    printf("malloc=%u calloc=%u aligned=%u realloc=%u realloc_null=%u free=%u refused=%u\n",
           counts.malloc, counts.calloc, counts.aligned, counts.realloc, counts.realloc_null,
           counts.free, counts.refused);
    return 0;
}
