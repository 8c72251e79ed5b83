/*
 * vma - an arena of 2^42 addresses, first fit; blocks are handles, their bytes the content of miniblocks.
 *
 *   handle          bits 42 and up from the address of the arena, below the address in the arena
 *   resolve(handle) where the miniblock's content is, in memory of the C library
 *
 * alloc takes the lowest gap that is large enough (ranges.h), free ends the miniblock. The bytes of each are
 * in one piece from the start, for users of the table write to them in place; so this measures the tree and
 * the C library's malloc, and tests both.
 */
#include "vma/vma.h"

#include "assay/backend.h"
#include "assay/sizes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks begin at its multiples, so that an address a few bytes off is none. */
#define UNIT 16
#define ARENA_SHIFT 42
#define ARENA_BYTES ((uint64_t)1 << ARENA_SHIFT)

static assay_status arena_create(const struct assay_backend *backend,
                                 const struct assay_heap_config *config, void **self)
{
    (void)backend;
    if (config->options[0] != '\0')
        return ASSAY_INVALID;
    *self = vma_open(ARENA_BYTES);
    return *self ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static void arena_destroy(void *self)
{
    vma_close(self);
}

/*
 * The handle of address 0: another one for each of the heaps that live at a time, which are more than 32 bytes apart;
 * neither NULL nor 1 << 63, which is an address that programs get wrong.
 */
static uint64_t first_handle(const void *self)
{
    return (((uint64_t)(uintptr_t)self >> 4 & 0x1fffff) | 0x200001) << ARENA_SHIFT;
}

static uint64_t address_of(const void *self, const void *handle)
{
    return (uint64_t)(uintptr_t)handle - first_handle(self);
}

/*
 * All blocks begin at multiples of UNIT, and so does the end of the arena: where whole units fit, the block does, and
 * the other way round. Asked for these, no gap is looked at that is too small only by its alignment.
 */
static void *arena_alloc(void *self, size_t size)
{
    uint64_t units = assay_align_up(size, UNIT), address;

    if (!vma_find_gap(self, units, UNIT, &address) || vma_alloc(self, address, size) != VMA_OK)
        return NULL;
    if (vma_pin(self, address))
        return (void *)(uintptr_t)(first_handle(self) + address);
    vma_free(self, address);
    return NULL;
}

static void *arena_alloc_zeroed(void *self, size_t count, size_t size)
{
    return arena_alloc(self, assay_multiply(count, size)); /* what was not written is 0 */
}

static assay_status arena_free(void *self, void *block)
{
    if (!block)
        return ASSAY_OK;
    return vma_free(self, address_of(self, block)) == VMA_OK ? ASSAY_OK : ASSAY_INVALID;
}

/* The miniblock that begins at a handle; false if none does. */
static bool find(void *self, const void *handle, struct vma_miniblock *mini)
{
    return vma_next_miniblock(self, address_of(self, handle), mini) &&
           mini->start == address_of(self, handle);
}

static size_t arena_usable_size(void *self, const void *block)
{
    struct vma_miniblock mini;

    return find(self, block, &mini) ? (size_t)(mini.end - mini.start) : 0;
}

static void *arena_resolve(void *self, const void *block)
{
    return vma_pin(self, address_of(self, block));
}

static void *arena_realloc(void *self, void *block, size_t size)
{
    if (!block)
        return arena_alloc(self, size);
    size_t before = arena_usable_size(self, block);
    void *moved = before ? arena_alloc(self, size) : NULL;
    if (!moved)
        return NULL;
    memcpy(arena_resolve(self, moved), arena_resolve(self, block), size < before ? size : before);
    vma_free(self, address_of(self, block));
    return moved;
}

static assay_status arena_check(void *self, struct assay_damage *damage)
{
    const char *what = vma_damage(self);

    if (!what)
        return ASSAY_OK;
    *damage = (struct assay_damage){.where = NULL};
    snprintf(damage->what, sizeof damage->what, "%s", what);
    return ASSAY_CORRUPT;
}

static int by_start(const void *left, const void *right)
{
    const struct assay_extent *a = left, *b = right;

    return (a->start > b->start) - (a->start < b->start);
}

/* The miniblocks by where their bytes are. */
static assay_status arena_walk(void *self, assay_visit_fn *visit, void *arg)
{
    struct vma_miniblock mini = {0};
    struct vma_totals totals;
    size_t count = 0;

    vma_totals(self, &totals);
    struct assay_extent *extents = calloc(totals.miniblocks + 1, sizeof *extents);
    if (!extents)
        return ASSAY_NO_MEMORY;
    for (; vma_next_miniblock(self, mini.end, &mini); count++)
        extents[count] = (struct assay_extent){vma_pin(self, mini.start),
                                               (size_t)(mini.end - mini.start), ASSAY_EXTENT_USED};
    qsort(extents, count, sizeof *extents, by_start);
    for (size_t i = 0; i < count && visit(arg, &extents[i]); i++)
        continue;
    free(extents);
    return ASSAY_OK;
}

static void arena_stats(void *self, struct assay_heap_stats *stats)
{
    struct vma_totals totals;

    vma_totals(self, &totals);
    *stats = (struct assay_heap_stats){.mapped_bytes = ASSAY_UNKNOWN,
                                       .used_bytes = (size_t)totals.allocated,
                                       .used_blocks = totals.miniblocks,
                                       .largest_free = ASSAY_UNKNOWN};
}

const struct assay_backend assay_backend_vma = {
    .abi = ASSAY_BACKEND_ABI,
    .caps =
        ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_GROWS | ASSAY_CAP_COALESCES | ASSAY_CAP_DETECTS_BAD_FREE,
    .min_align = UNIT,
    .max_size = PTRDIFF_MAX,
    .min_limit = 0,
    .name = "vma",
    .summary = "a virtual memory arena: miniblocks in a B+-tree, first fit; blocks are handles",
    .origin = "assay",
    .options_help = "",
    .create = arena_create,
    .destroy = arena_destroy,
    .alloc = arena_alloc,
    .free = arena_free,
    .alloc_zeroed = arena_alloc_zeroed,
    .realloc = arena_realloc,
    .usable_size = arena_usable_size,
    .resolve = arena_resolve,
    .check = arena_check,
    .walk = arena_walk,
    .stats = arena_stats,
};
