/* shared.h - what a heap keeps in front of its list, for all processes that have it mapped. */
#ifndef ASSAY_ALLOC_SHARED_H
#define ASSAY_ALLOC_SHARED_H

#include "list/journal.h"

#include <pthread.h>

struct shared_heap {
    _Alignas(64) pthread_mutex_t lock; /* of all below, and of all behind */
    const struct assay_page_source *pages;
    uint64_t bytes;              /* of the whole region */
    struct list_journal journal; /* of the list */
    uint64_t leaving; /* address of the new block that the last caller went away with, or 0 */
    uint64_t repairs;
    uint64_t orphan; /* `leaving` of one that was ended, or 0 */
};

/* The heap of assay_backend_list behind it. */
static inline void *shared_list(struct shared_heap *heap)
{
    return heap + 1;
}

/*
 * Takes the lock, and repairs the list if the last one to hold it was ended. False, with errno set, if the
 * caller holds it already (EDEADLK), or the list is beyond repair (ENOTRECOVERABLE), now and ever after.
 */
ASSAY_MUST_CHECK bool assay_shared_enter(struct shared_heap *heap);
/* Gives the lock back; `block` is a new one that the caller goes away with, or NULL. Returns it. */
void *assay_shared_leave(struct shared_heap *heap, void *block);
/* A heap that no one holds yet. False if the system has no such locks. */
ASSAY_MUST_CHECK bool assay_shared_open(struct shared_heap *heap);

#endif
