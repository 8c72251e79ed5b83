/*
 * regions.h - everything that a heap has mapped, in one table by address.
 *
 * A heap that maps pages in several pieces must know, for any address, whether it lies in one of them and
 * who owns that one; it must show all of them in order; and it must never map more than its limit. Here are
 * all three. The table is a tree whose nodes are also linked by address. It lies in the heap's own first page until
 * it outgrows that, and then in pages which are entries of the table themselves.
 *
 * Bytes are whole pages. Nothing here locks: the heap does.
 */
#ifndef ASSAY_REGIONS_H
#define ASSAY_REGIONS_H

#include "assay/backend.h"
#include "assay/sizes.h"

/* A piece of memory from the page source. */
struct assay_region {
    uintptr_t start;
    size_t bytes;
    const void *owner; /* the part of the heap whose blocks lie here; NULL: records, no blocks */
    void *data;        /* what the owner wants to find with an address */
    size_t info;
    uint32_t next; /* places in the table of the neighbours by address; 0: there is none */
    uint32_t previous;
    uint32_t left; /* and of the halves of the tree below */
    uint32_t right;
};

#define ASSAY_REGIONS_INLINE 30
/* 2^15 bytes of addresses share a place in the memory of what was found last. */
#define ASSAY_REGIONS_GRAIN 15
#define ASSAY_REGIONS_RECENT 512

struct assay_regions {
    const struct assay_page_source *pages;
    size_t limit;
    size_t mapped_bytes;
    struct assay_region
        *at; /* at[0] is none: its right half is the whole tree, its next the first */
    size_t count;
    size_t room;    /* regions that the table can hold */
    uint32_t used;  /* places up to here were used */
    uint32_t spare; /* one of them that is free, and leads to the next such */
    bool remembers; /* whether `recent` is kept */
    uint16_t recent[ASSAY_REGIONS_RECENT]; /* the place of a region found there before; 0: none */
    struct assay_region first[ASSAY_REGIONS_INLINE + 1];
};

/*
 * Maps `bytes` for a heap's own record, in which the table itself lies `offset` bytes from the start, and
 * makes that mapping its first entry. With `remembers`, find() is constant time for addresses that were
 * found before. NULL if refused.
 */
void *assay_regions_open(const struct assay_heap_config *config, size_t bytes, size_t offset,
                         bool remembers);

/* Unmaps all, the heap's own record, in which the table lies, last. */
void assay_regions_close(struct assay_regions *regions);

/*
 * Maps whole pages and enters them. NULL with nothing changed if the limit, the page source or the table
 * refuses. O(log n). The result is valid until the next region is mapped or unmapped.
 */
struct assay_region *assay_regions_map(struct assay_regions *regions, size_t bytes, size_t align,
                                       const void *owner);

/* Unmaps a region and takes it out of the table. O(log n). */
void assay_regions_unmap(struct assay_regions *regions, uintptr_t start);

/* Gives back the front or the back of a region, which is some whole pages of more than there are. */
void assay_regions_cut(struct assay_regions *regions, struct assay_region *region, size_t front,
                       size_t back);

/* The region in which address lies; NULL if there is none. O(log n). */
struct assay_region *assay_regions_search(struct assay_regions *regions, uintptr_t address);

/* The same, fast where `remembers`. */
static inline struct assay_region *assay_regions_find(struct assay_regions *regions,
                                                      const void *address)
{
    uintptr_t at = (uintptr_t)address;
    uint16_t place = regions->recent[(at >> ASSAY_REGIONS_GRAIN) % ASSAY_REGIONS_RECENT];
    struct assay_region *region = &regions->at[place];

    /* A place without a region has no bytes. */
    return at - region->start < region->bytes ? region : assay_regions_search(regions, at);
}

/* The first region that begins above address; NULL if there is none. O(log n). */
struct assay_region *assay_regions_after(const struct assay_regions *regions, uintptr_t address);

/* The next one by address, of none the first one; NULL behind the last. */
static inline struct assay_region *assay_regions_next(const struct assay_regions *regions,
                                                      const struct assay_region *region)
{
    uint32_t next = region ? region->next : regions->at[0].next;

    return next ? &regions->at[next] : NULL;
}

/*
 * Whether to unmap `unused` bytes may let a request be served that was refused, and that needs `least` to `most`
 * bytes of pages: a refusal that nothing can prevent must not cost what is kept. Of a heap without a limit nobody
 * knows.
 */
static inline bool assay_regions_gain(const struct assay_regions *regions, size_t least,
                                      size_t most, size_t unused)
{
    size_t left = regions->limit - regions->mapped_bytes;

    if (regions->at != regions->first) /* its pages go with what it is there for */
        unused +=
            assay_align_up((regions->room + 1) * sizeof *regions->at, regions->pages->page_size);
    return unused > 0 &&
           (regions->limit == SIZE_MAX || (most > left && least <= assay_add(left, unused)));
}

/* Whole pages that hold `bytes`; SIZE_MAX where that does not fit. */
static inline size_t assay_regions_round(const struct assay_regions *regions, size_t bytes)
{
    return assay_align_up(bytes, regions->pages->page_size);
}

#endif
