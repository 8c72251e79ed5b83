/* test_bump - a malloc that may be called in signal handlers: it goes round a fixed room. */
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ROOM ((size_t)16 << 20)
#define KEPT ((size_t)1 << 20) /* at the start: blocks of the loader and of libraries */
#define SLACK ((size_t)1 << 20)

static _Alignas(16) unsigned char room[ROOM + SLACK];
static atomic_size_t used;

/* Goes round, for a subject frees its blocks soon. */
static void *take(size_t size)
{
    size_t at = atomic_fetch_add(&used, (size + 31) & ~(size_t)15);

    if (at >= ROOM)
        at = KEPT + (at - KEPT) % (ROOM - KEPT);
    size_t *block = (size_t *)(void *)(room + at);
    block[0] = size;
    return block + 2;
}

void *malloc(size_t size)
{
    return take(size);
}

void *calloc(size_t nmemb, size_t size)
{
    return take(nmemb * size);
}

void *realloc(void *ptr, size_t size)
{
    void *other = take(size);

    if (ptr) {
        size_t before = ((size_t *)ptr)[-2];
        memcpy(other, ptr, before < size ? before : size);
    }
    return other;
}

void free(void *ptr)
{
    (void)ptr;
}
