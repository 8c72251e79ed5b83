/*
 * pages.h - page sources of the harness: counted and refused, recycled, fenced. The system's is os_pages.h.
 */
#ifndef ASSAY_PAGES_H
#define ASSAY_PAGES_H

#include "assay/backend.h"
#include "assay/ranges.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * --- metered: counts, limits and refuses what goes to another source ---
 *
 * Give &meter->source to a heap. Counts whole pages, and so does the limit, rounded up. Mapping is
 * thread-safe if the inner source is; read the numbers and ask only while no thread is mapping. A
 * meter and a recycler stay where they were opened: their sources point to them.
 */
struct assay_meter {
    struct assay_page_source source;
    const struct assay_page_source *inner;
    struct assay_ranges *mappings; /* what is mapped now; value counts up from 0 by map */
    size_t mapped_bytes;
    size_t peak_bytes;
    size_t limit;  /* refuses what would take mapped_bytes above it */
    size_t budget; /* bytes that may still be mapped; SIZE_MAX: no bound */
    uint64_t refuse_next;
    uint64_t maps; /* requests that were served */
    uint64_t unmaps;
    uint64_t refusals;   /* requests that were refused, whoever refused them */
    uint64_t exhausted;  /* of those, what only the inner source refused */
    uint64_t bad_unmaps; /* unmap() of what is not mapped: a fault of the heap, not passed on */
    void *lock;
};

/* ASSAY_NO_MEMORY leaves nothing to close. inner must outlive the meter. */
ASSAY_MUST_CHECK assay_status assay_meter_open(struct assay_meter *meter,
                                               const struct assay_page_source *inner, size_t limit);
/* Does not unmap what is still mapped. */
void assay_meter_close(struct assay_meter *meter);
/* Unmaps what is still mapped, and sets counts, limit and faults as after assay_meter_open(). */
void assay_meter_reset(struct assay_meter *meter, size_t limit);
/* Whether all of [start, start + bytes) is mapped, possibly by several adjoining mappings. */
bool assay_meter_holds(const struct assay_meter *meter, const void *start, size_t bytes);
/* Which mapping (in order of map calls) holds address, and where in what is left of it in one piece:
 * what a transcript says in place of an address. False if none does. */
bool assay_meter_locate(const struct assay_meter *meter, const void *address, uint32_t *mapping,
                        size_t *offset);

/*
 * --- recycled: one reservation, reused for input after input ---
 *
 * Serves map() from one range reserved at open, lowest address first, and clears what was given out
 * when it is reset, without a system call. Not thread-safe.
 */
struct assay_recycler {
    struct assay_page_source source;
    unsigned char *base;
    size_t bytes;                /* whole range */
    size_t given;                /* high-water mark since the last reset */
    size_t lowest_free;          /* all pages below this one are given out */
    unsigned char *map_of_pages; /* one byte a page: clean, given out, or dirty; in a book */
};

/*
 * Reserves bytes (rounded up to pages). at: the address to sit at, so that runs repeat bit by bit, or NULL
 * for anywhere; ASSAY_INVALID if that address is taken. ASSAY_NO_MEMORY if there is no room.
 */
ASSAY_MUST_CHECK assay_status assay_recycler_open(struct assay_recycler *recycler, size_t bytes,
                                                  void *at);
void assay_recycler_close(struct assay_recycler *recycler);
/* Takes everything back, and makes it zero again. O(bytes given out since the last reset). */
void assay_recycler_reset(struct assay_recycler *recycler);
/* An address at which programs have nothing, those with sanitizers neither, for `at`. */
#define ASSAY_RECYCLER_BASE ((void *)0x7e9000000000)

/*
 * --- fenced: never gives an address twice, until it is reset ---
 *
 * An inaccessible page lies on either side of every mapping, and what was unmapped becomes inaccessible:
 * what touches a byte too many, or too late, crashes. Not thread-safe.
 */
struct assay_fence {
    struct assay_page_source source;
    unsigned char *base;
    unsigned char *next;
};

/* Reserves 4 GiB of addresses. The fence stays where it was opened: its source points to it. */
ASSAY_MUST_CHECK assay_status assay_fence_open(struct assay_fence *fence);
void assay_fence_close(struct assay_fence *fence);
/* Takes everything back and begins anew at the base; `ctx` is a struct assay_fence. */
void assay_fence_reset(void *ctx);

#ifdef __cplusplus
}
#endif

#endif
