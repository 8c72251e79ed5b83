/* extents.h - where an arena of jemalloc gets its extents: config->pages, within config->limit. */
#ifndef ASSAY_JEMALLOC_EXTENTS_H
#define ASSAY_JEMALLOC_EXTENTS_H

#include "assay/backend.h"
#include "private.h"

#include <pthread.h>

/*
 * Page numbers at which extents must not be merged: a page source takes back parts of one mapping,
 * not stretches of two. Open addressing with linear probing; 0 is empty, nothing is ever taken out.
 * A border that has become needless costs a merge, no more.
 */
struct borders {
    uintptr_t *table;
    size_t room; /* a power of two */
    size_t count;
    bool lost; /* one could not be written down: no merges any more */
};

#define FIRST_BORDERS 256

struct extents {
    extent_hooks_t hooks; /* first: jemalloc hands its address to each hook */
    const struct assay_page_source *pages;
    size_t limit;
    _Atomic size_t mapped_bytes; /* written under the lock, read without */
    _Atomic uint64_t refusals;   /* likewise */
    pthread_mutex_t lock; /* jemalloc calls hooks of one arena from several threads at once */
    struct borders borders;
    uintptr_t first_borders[FIRST_BORDERS];
};

/* own_bytes: what the caller has mapped for *extents itself, and will unmap. */
void extents_open(struct extents *extents, const struct assay_heap_config *config,
                  size_t own_bytes);
/* After the arena is gone. */
void extents_close(struct extents *extents);

#endif
