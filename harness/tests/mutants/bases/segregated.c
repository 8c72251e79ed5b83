/*
 * segregated - a slab of blocks for each class of sizes, and a mapping of its own for what is larger.
 *
 *   slab   [ slab | block | block | ... | block ]      16 KiB, at a multiple of 16 KiB
 *   large  [ slab | block ...................... ]     whole pages, at a multiple of 16 KiB
 *
 * A slab's free blocks are linked through their first word, those never given out are counted. A slab
 * with room is in the list of its class, all others are in one list. What becomes empty is unmapped. The
 * slab of a block is at the last multiple of 16 KiB before it, also where a large alignment puts the
 * block far behind the start of its mapping.
 *
 * A correct allocator to plant bugs in: it answers no questions, so all must be seen from outside.
 */
#include "assay/backend.h"
#include "assay/sizes.h"

#include <string.h>

#define SLAB_BYTES ((size_t)16 << 10)
#define UNIT 16

static const uint16_t class_sizes[] = {16,  32,  48,  64,  96,   128,  192,
                                       256, 384, 512, 768, 1024, 1536, 2048};
#define CLASSES (sizeof class_sizes / sizeof *class_sizes)
#define LARGE CLASSES

struct slab {
    struct slab *next, *previous;
    unsigned char *start; /* of the mapping */
    size_t bytes;         /* of the mapping */
    size_t class;         /* or LARGE */
    void *free;           /* the block freed last */
    size_t used;          /* blocks */
    size_t fresh;         /* blocks never given out */
};
_Static_assert(sizeof(struct slab) == 64, "blocks behind it are aligned");

struct heap {
    const struct assay_page_source *pages;
    size_t limit;
    size_t mapped;
    struct slab *with_room[CLASSES];
    struct slab *others; /* full ones, and large */
};

/* --- slabs --- */

static struct slab *slab_of(const void *block)
{
    return (struct slab *)(((uintptr_t)block - 1) & ~(uintptr_t)(SLAB_BYTES - 1));
}

static size_t capacity(size_t class)
{
    return (SLAB_BYTES - sizeof(struct slab)) / class_sizes[class];
}

static void link_in(struct slab **list, struct slab *slab)
{
    slab->previous = NULL;
    slab->next = *list;
    if (*list)
        (*list)->previous = slab;
    *list = slab;
}

static void link_out(struct slab **list, struct slab *slab)
{
    if (slab->previous)
        slab->previous->next = slab->next;
    else
        *list = slab->next;
    if (slab->next)
        slab->next->previous = slab->previous;
}

/* Maps pages with a slab in front of `offset` bytes from their start. */
static struct slab *slab_map(struct heap *heap, size_t bytes, size_t align, size_t offset)
{
    if (bytes > heap->limit - heap->mapped)
        return NULL;
    unsigned char *start = heap->pages->map(heap->pages->ctx, bytes, align);
    if (!start)
        return NULL;
    struct slab *slab = slab_of(start + offset);
    slab->start = start;
    slab->bytes = bytes;
    heap->mapped += bytes;
    return slab;
}

static void slab_unmap(struct heap *heap, struct slab *slab)
{
    heap->mapped -= slab->bytes;
    heap->pages->unmap(heap->pages->ctx, slab->start, slab->bytes);
}

/* --- small --- */

static size_t class_of(size_t size)
{
    size_t class = 0;

    while (class < CLASSES && class_sizes[class] < size)
        class ++;
    return class;
}

static void *take_small(struct heap *heap, size_t class)
{
    struct slab *slab = heap->with_room[class];

    if (!slab) {
        slab = slab_map(heap, SLAB_BYTES, SLAB_BYTES, sizeof *slab);
        if (!slab)
            return NULL;
        slab->class = class;
        slab->free = NULL;
        slab->used = 0;
        slab->fresh = capacity(class);
        link_in(&heap->with_room[class], slab);
    }
    void *block = slab->free;
    if (block) {
        slab->free = *(void **)block;
    } else {
        block = (unsigned char *)(slab + 1) + (capacity(class) - slab->fresh) * class_sizes[class];
        slab->fresh--;
    }
    slab->used++;
    if (!slab->free && !slab->fresh) {
        link_out(&heap->with_room[class], slab);
        link_in(&heap->others, slab);
    }
    return block;
}

static void give_small(struct heap *heap, struct slab *slab, void *block)
{
    bool was_full = !slab->free && !slab->fresh;

    *(void **)block = slab->free;
    slab->free = block;
    slab->used--;
    if (was_full) {
        link_out(&heap->others, slab);
        link_in(&heap->with_room[slab->class], slab);
    }
    if (slab->used == 0) {
        link_out(&heap->with_room[slab->class], slab);
        slab_unmap(heap, slab);
    }
}

/* --- large --- */

static void *take_large(struct heap *heap, size_t align, size_t size)
{
    size_t offset = align > sizeof(struct slab) ? align : sizeof(struct slab);
    size_t bytes = assay_align_up(assay_add(offset, size), heap->pages->page_size);
    struct slab *slab = slab_map(heap, bytes, align > SLAB_BYTES ? align : SLAB_BYTES, offset);

    if (!slab)
        return NULL;
    slab->class = LARGE;
    link_in(&heap->others, slab);
    return slab->start + offset;
}

static void give_large(struct heap *heap, struct slab *slab)
{
    link_out(&heap->others, slab);
    slab_unmap(heap, slab);
}

/* Gives back the pages that a block of `size` bytes does not need. */
static void cut_large(struct heap *heap, struct slab *slab, const unsigned char *block, size_t size)
{
    size_t offset = (size_t)(block - slab->start);
    size_t bytes = assay_align_up(offset + size, heap->pages->page_size);

    if (bytes == slab->bytes)
        return;
    heap->pages->unmap(heap->pages->ctx, slab->start + bytes, slab->bytes - bytes);
    heap->mapped -= slab->bytes - bytes;
    slab->bytes = bytes;
}

/* --- the table --- */

static assay_status segregated_create(const struct assay_backend *backend,
                                      const struct assay_heap_config *config, void **self)
{
    const struct assay_page_source *pages = config->pages;
    struct heap *heap;

    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    heap = pages->map(pages->ctx, pages->page_size, pages->page_size);
    if (!heap)
        return ASSAY_NO_MEMORY;
    heap->pages = pages;
    heap->limit = config->limit;
    heap->mapped = pages->page_size;
    *self = heap;
    return ASSAY_OK;
}

static void unmap_all(struct heap *heap, struct slab *slab)
{
    while (slab) {
        struct slab *next = slab->next;
        slab_unmap(heap, slab);
        slab = next;
    }
}

static void segregated_destroy(void *self)
{
    struct heap *heap = self;

    for (size_t class = 0; class < CLASSES; class ++)
        unmap_all(heap, heap->with_room[class]);
    unmap_all(heap, heap->others);
    heap->pages->unmap(heap->pages->ctx, heap, heap->pages->page_size);
}

static void *segregated_alloc_aligned(void *self, size_t align, size_t size)
{
    size_t class = class_of(size);

    if (class == LARGE || align > UNIT)
        return take_large(self, align, size);
    return take_small(self, class);
}

static void *segregated_alloc(void *self, size_t size)
{
    return segregated_alloc_aligned(self, UNIT, size);
}

static assay_status segregated_free(void *self, void *block)
{
    if (!block)
        return ASSAY_OK;
    struct slab *slab = slab_of(block);
    if (slab->class == LARGE)
        give_large(self, slab);
    else
        give_small(self, slab, block);
    return ASSAY_OK;
}

static void *segregated_alloc_zeroed(void *self, size_t count, size_t size)
{
    size_t bytes = assay_multiply(count, size);
    void *block = segregated_alloc(self, bytes);

    /* Pages come zeroed, slabs have been used. */
    if (block && slab_of(block)->class != LARGE)
        memset(block, 0, bytes);
    return block;
}

static size_t segregated_usable_size(void *self, const void *block)
{
    const struct slab *slab = slab_of(block);

    (void)self;
    if (slab->class == LARGE)
        return slab->bytes - (size_t)((const unsigned char *)block - slab->start);
    return class_sizes[slab->class];
}

static void *segregated_realloc(void *self, void *block, size_t size)
{
    if (!block)
        return segregated_alloc(self, size);
    size_t usable = segregated_usable_size(self, block);
    struct slab *slab = slab_of(block);
    if (slab->class != LARGE && class_of(size) == slab->class)
        return block;
    if (slab->class == LARGE && class_of(size) == LARGE && size <= usable) {
        cut_large(self, slab, block, size);
        return block;
    }
    void *moved = segregated_alloc(self, size);
    if (!moved)
        return NULL;
    memcpy(moved, block, size < usable ? size : usable);
    return segregated_free(self, block) == ASSAY_OK ? moved : NULL;
}

const struct assay_backend assay_backend_segregated = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_GROWS | ASSAY_CAP_TRIMS |
            ASSAY_CAP_ZERO_SIZE_BLOCK,
    .min_align = UNIT,
    .max_size = SIZE_MAX,
    .min_limit = (size_t)64 << 10,
    .name = "segregated",
    .summary = "slabs of size classes, larger blocks in mappings of their own",
    .origin = "assay",
    .options_help = "",
    .create = segregated_create,
    .destroy = segregated_destroy,
    .alloc = segregated_alloc,
    .free = segregated_free,
    .alloc_zeroed = segregated_alloc_zeroed,
    .alloc_aligned = segregated_alloc_aligned,
    .realloc = segregated_realloc,
    .usable_size = segregated_usable_size,
};
