/*
 * heap.h - emalloc as an instance: pool, buddy and mappings behind one lock, a mark around every block.
 *
 * All functions but open and close may be called by several threads at once. A request of 0 bytes is NULL.
 */
#ifndef ASSAY_EMALLOC_HEAP_H
#define ASSAY_EMALLOC_HEAP_H

#include "buddy/buddy.h"
#include "emalloc/lock.h"
#include "emalloc/mark.h"
#include "mmap_large/large.h"
#include "pool/pool.h"

#define EMALLOC_ALIGN 16
#define EMALLOC_SMALL 64     /* up to here a request is a chunk of the pool */
#define EMALLOC_LARGE 131072 /* from here it is a mapping; between, a block of the buddy */
#define EMALLOC_CHUNK (EMALLOC_SMALL + MARK_BYTES)
#define EMALLOC_FIRST_SLAB (EMALLOC_CHUNK << 7)
#define EMALLOC_LEAST_ORDER 7
#define EMALLOC_MEDIUM_ORDER 18 /* of the largest block that a request takes from the buddy */
#define EMALLOC_KEEP ((size_t)4 << 20) /* bytes of freed mappings that are kept for the next ones */

struct emalloc_heap {
    struct emalloc_lock lock;
    struct assay_pool small;
    struct assay_buddy medium;
    struct assay_large large;
    size_t used_bytes; /* requests in all blocks */
    struct assay_regions regions;
};

/* Why a block was not freed or not resized; the block is as it was. */
struct emalloc_fault {
    enum mark_fault fault;
    enum mark_kind kind;
};

assay_status emalloc_heap_open(const struct assay_heap_config *config, struct emalloc_heap **heap);
void emalloc_heap_close(struct emalloc_heap *heap);

/* size bytes aligned to align, any power of two; zeroed on request. NULL if there is no memory. */
void *emalloc_heap_alloc(struct emalloc_heap *heap, size_t align, size_t size, bool zeroed);

/* ASSAY_INVALID if no block is at address; ASSAY_CORRUPT, with *why, if there is one with a damaged mark. */
assay_status emalloc_heap_free(struct emalloc_heap *heap, void *address, struct emalloc_fault *why);

/*
 * Makes a block one of size bytes, where it is if it can. *resized is then its address, or NULL, if there is no
 * memory, with ASSAY_NO_MEMORY; else as free. An alignment that was asked for is not kept when it moves.
 */
assay_status emalloc_heap_resize(struct emalloc_heap *heap, void *address, size_t size,
                                 void **resized, struct emalloc_fault *why);

/* What was asked for; 0 if there is no block. */
size_t emalloc_heap_size(struct emalloc_heap *heap, const void *address);

/* --- audit.c --- */

bool emalloc_heap_owns(struct emalloc_heap *heap, const void *address);
/* Every mark of every block, and the records of the three parts. O(all blocks). */
assay_status emalloc_heap_check(struct emalloc_heap *heap, struct assay_damage *damage);
assay_status emalloc_heap_walk(struct emalloc_heap *heap, assay_visit_fn *visit, void *arg);
void emalloc_heap_stats(struct emalloc_heap *heap, struct assay_heap_stats *stats);

/* --- for the files of emalloc --- */

/* A block as the records of the heap know it, whatever its mark says. */
struct emalloc_block {
    enum mark_kind kind;
    struct assay_region *region;
    char *start;    /* what the part gave */
    char *base;     /* where the mark begins: start, or behind it for the sake of alignment */
    size_t bytes;   /* S of the mark */
    size_t size;    /* what was asked for */
    unsigned order; /* of a medium one */
    uint8_t *tag;   /* of a small one */
};

/* False if no block's user pointer is address, which may be anything. */
bool emalloc_find(struct emalloc_heap *heap, const void *address, struct emalloc_block *block);

/* The block that the medium part has at start. */
struct emalloc_block emalloc_medium(struct emalloc_heap *heap, struct assay_region *region,
                                    char *start, unsigned order);

static inline enum mark_fault emalloc_verify(const struct emalloc_block *block)
{
    return mark_verify(block->base, block->bytes, block->size, block->kind);
}

#endif
