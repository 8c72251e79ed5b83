/*
 * process.c - what the private copy of jemalloc finds in place of the process around it.
 *
 * It does not hear the user's environment, and what it maps for itself lies in one reservation.
 *
 * Its settings: the same stream must give the same addresses, so nothing depends on time (no
 * decay), on the thread (one automatic arena, which heaps do not use, and no thread caches) or on a
 * random offset (cache_oblivious places large blocks at one). retain and dss are off so that arenas
 * get memory from their hooks alone.
 */
#include "private.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/types.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define RESERVED ((size_t)1 << 30) /* what is needed beyond is mapped as it comes */

extern bool assay_je_opt_cache_oblivious;
char *assay_jemalloc_getenv(const char *name);
void *assay_jemalloc_mmap(void *at, size_t bytes, int protection, int flags, int file,
                          off_t offset);
ssize_t assay_jemalloc_readlink(const char *path, char *text, size_t room);

const char *je_malloc_conf = "abort_conf:true,narenas:1,tcache:false,dirty_decay_ms:-1,"
                             "muzzy_decay_ms:0,retain:false,dss:disabled,oversize_threshold:0,"
                             "background_thread:false";

/* This version has no key for it. */
bool assay_je_opt_cache_oblivious = false;

/* Stands in for secure_getenv: MALLOC_CONF is not for this copy. */
char *assay_jemalloc_getenv(const char *name)
{
    (void)name;
    return NULL;
}

/* Stands in for readlink: /etc/malloc.conf is not for this copy. */
ssize_t assay_jemalloc_readlink(const char *path, char *text, size_t room)
{
    (void)path;
    (void)text;
    (void)room;
    return -1;
}

/*
 * Stands in for mmap: heaps map through their hooks, so this is for the index from addresses to
 * extents and the list of arenas. The index grows by 2 MiB, mostly untouched, for each GiB of
 * address space in which an extent ever lay. One reservation for it all, so that no mapping of its
 * own comes between those of a heap, at a moment that depends on where the kernel puts things.
 */
void *assay_jemalloc_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset)
{
    static char *_Atomic reserved;
    static _Atomic size_t used;
    char *start = reserved;

    if (!start) {
        /* jemalloc wants its records at huge pages and maps whole ones. */
        char *fresh = mmap(NULL, RESERVED + HUGE_PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (fresh == MAP_FAILED)
            return mmap(at, bytes, protection, flags, file, offset);
        fresh += -(uintptr_t)fresh & (HUGE_PAGE - 1);
        /* The loser of a race keeps a reservation that nobody uses. */
        if (atomic_compare_exchange_strong(&reserved, &start, fresh))
            start = fresh;
    }
    size_t from = used;
    do {
        if (at || file != -1 || !(protection & PROT_WRITE) || bytes > RESERVED - from)
            return mmap(at, bytes, protection, flags, file, offset);
    } while (!atomic_compare_exchange_weak(&used, &from, from + bytes));
    return start + from;
}
