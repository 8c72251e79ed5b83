/* cells.c - a small heap with a switch for each planted fault. */
#include "cells.h"

#include "assay/sizes.h"

#include <stdint.h>
#include <string.h>

struct cells {
    const struct assay_page_source *pages;
    uint64_t served;
    bool damaged, dead;
    void *extra;
    size_t sizes[CELLS];  /* 0: free; else size + 1 */
    unsigned char *first; /* cell 0 */
    unsigned char mark;   /* what stands behind each block's usable bytes */
};

enum fault planted;

static size_t region_bytes(void)
{
    return assay_align_up(sizeof(struct cells), CELL) + (size_t)CELLS * CELL;
}

static size_t mapped_bytes(void)
{
    return assay_align_up(region_bytes(), 4096);
}

static assay_status cells_create(const struct assay_backend *backend,
                                 const struct assay_heap_config *config, void **self)
{
    (void)backend;
    struct cells *cells =
        config->pages->map(config->pages->ctx, mapped_bytes(), config->pages->page_size);
    if (!cells)
        return ASSAY_NO_MEMORY;
    cells->pages = config->pages;
    cells->first = (unsigned char *)cells + assay_align_up(sizeof *cells, CELL);
    cells->mark = 0xa5;
    *self = cells;
    return ASSAY_OK;
}

static void cells_destroy(void *self)
{
    struct cells *cells = self;
    const struct assay_page_source *pages = cells->pages;

    if (cells->extra)
        pages->unmap(pages->ctx, cells->extra, 4096);
    if (planted != LEAKS)
        pages->unmap(pages->ctx, cells, mapped_bytes());
}

/* Usable are CELL - 16 bytes; behind them stands a mark. */
static unsigned char *cell_at(struct cells *cells, size_t i)
{
    return cells->first + i * CELL;
}

/* With some faults each request asks for a page, so that there is something to refuse. */
static bool asks_for_pages(struct cells *cells)
{
    if (planted == MAPS_MORE || planted == KEEPS_PAGES) {
        if (!cells->extra)
            cells->extra = cells->pages->map(cells->pages->ctx, 4096, 4096);
        return true;
    }
    if (planted != FAULT_DAMAGES && planted != FAULT_KILLS)
        return true;
    void *page = cells->pages->map(cells->pages->ctx, 4096, 4096);
    if (page)
        cells->pages->unmap(cells->pages->ctx, page, 4096);
    else if (planted == FAULT_DAMAGES)
        cells->damaged = true;
    else
        cells->dead = true;
    return page != NULL;
}

static void *cells_alloc(void *self, size_t size)
{
    struct cells *cells = self;
    size_t i = 0;

    if (planted == REFUSES_ALL || planted == REFUSES_AGAINST_STATS || cells->dead ||
        !asks_for_pages(cells) || (planted == ZERO_IS_NULL && size == 0) ||
        (planted == DIES_LATER && cells->served > 70))
        return NULL;
    if (size > CELL - 16 && !(planted == SERVES_HUGE && size > PTRDIFF_MAX))
        return NULL;
    while (i < CELLS && cells->sizes[i])
        i++;
    if (i == CELLS)
        return NULL;
    cells->served++;
    cells->sizes[i] = size + 1;
    unsigned char *block = cell_at(cells, i);
    block[CELL - 16] = cells->mark;
    if (planted == OVERLAPS && i == 2)
        return block - 32;
    if (planted == OUTSIDE && i == 2)
        return (unsigned char *)cells + mapped_bytes() - 16;
    if (planted == MISALIGNED && i == 2)
        return block + 8;
    if (planted == SCRIBBLES && i == 2)
        block[-CELL + 5] ^= 1;
    return block;
}

static size_t index_of(struct cells *cells, const void *block)
{
    uintptr_t first = (uintptr_t)cells->first, at = (uintptr_t)block;

    return at < first || (at - first) % CELL || (at - first) / CELL >= CELLS ? CELLS
                                                                             : (at - first) / CELL;
}

static assay_status cells_free(void *self, void *block)
{
    struct cells *cells = self;
    size_t i = index_of(cells, block);

    if (!block)
        return planted == DENIES_NULL ? ASSAY_INVALID : ASSAY_OK;
    if (i == CELLS)
        return ASSAY_INVALID;
    if (cells->sizes[i] == 0) {
        cells->damaged = planted == HARMS_BY_DOUBLE_FREE;
        return planted == TAKES_DOUBLE_FREE ? ASSAY_OK : ASSAY_INVALID;
    }
    if (planted == DENIES_FREE)
        return ASSAY_INVALID;
    if (planted == LOSES_CELLS)
        return ASSAY_OK;
    cells->sizes[i] = 0;
    return ASSAY_OK;
}

static void *cells_zeroed(void *self, size_t count, size_t size)
{
    size_t bytes = planted == SERVES_HUGE ? count * size : assay_multiply(count, size);
    void *block = cells_alloc(self, bytes);

    if (block && planted != DIRTY_ZEROS)
        memset(block, 0, bytes);
    return block;
}

static void *cells_realloc(void *self, void *block, size_t size)
{
    struct cells *cells = self;

    if (!block)
        return cells_alloc(self, size);
    size_t i = index_of(cells, block);
    if (size > CELL - 16) {
        if (planted == ROLLS_NOTHING_BACK)
            memset(block, 0, cells->sizes[i] - 1);
        return NULL;
    }
    cells->sizes[i] = size + 1;
    if (planted == LOSES_PREFIX)
        *(unsigned char *)block ^= 1;
    return block;
}

static size_t cells_usable(void *self, const void *block)
{
    struct cells *cells = self;

    return planted == SMALL_USABLE ? cells->sizes[index_of(cells, block)] - 2 : CELL - 16;
}

static bool cells_owns(void *self, const void *address)
{
    struct cells *cells = self;
    uintptr_t first = (uintptr_t)cells->first, at = (uintptr_t)address;

    if (planted == OWNS_NOTHING || at < first || at >= first + (uintptr_t)CELLS * CELL)
        return false;
    return cells->sizes[(at - first) / CELL] && (at - first) % CELL < CELL - 16;
}

static assay_status cells_check(void *self, struct assay_damage *damage)
{
    struct cells *cells = self;

    if (planted == CHECK_FAILS || cells->damaged) {
        strcpy(damage->what, "planted damage");
        return ASSAY_CORRUPT;
    }
    for (size_t i = 0; i < CELLS && planted != OVERRUN_UNSEEN; i++) {
        if (cells->sizes[i] && cell_at(cells, i)[CELL - 16] != cells->mark) {
            strcpy(damage->what, "mark gone");
            return ASSAY_CORRUPT;
        }
    }
    return ASSAY_OK;
}

static assay_status cells_walk(void *self, assay_visit_fn *visit, void *arg)
{
    struct cells *cells = self;
    struct assay_extent extent = {cells, (size_t)(cells->first - (unsigned char *)cells),
                                  ASSAY_EXTENT_META};

    if (!visit(arg, &extent))
        return ASSAY_OK;
    for (size_t i = 0; i < CELLS; i++) {
        bool used = cells->sizes[i] && !(planted == WALK_SKIPS && i == 1);
        extent = (struct assay_extent){cell_at(cells, i), CELL,
                                       used ? ASSAY_EXTENT_USED : ASSAY_EXTENT_FREE};
        if (!visit(arg, &extent))
            return ASSAY_OK;
    }
    extent.start = cell_at(cells, CELLS);
    extent.bytes = mapped_bytes() - region_bytes();
    extent.kind = ASSAY_EXTENT_META;
    if (planted != WALK_LOSES_BYTES && extent.bytes > 0)
        visit(arg, &extent);
    return ASSAY_OK;
}

static void cells_stats(void *self, struct assay_heap_stats *stats)
{
    struct cells *cells = self;
    size_t used = 0;

    for (size_t i = 0; i < CELLS; i++)
        used += cells->sizes[i] != 0;
    stats->mapped_bytes = ASSAY_UNKNOWN;
    stats->used_blocks = used + (planted == COUNTS_WRONG);
    stats->used_bytes = used * (CELL - 16);
    stats->largest_free =
        planted == REFUSES_AGAINST_STATS && used < CELLS ? CELL - 16 : ASSAY_UNKNOWN;
    if (planted == UNDERSTATES_ROOM)
        stats->largest_free = 1;
}

const struct assay_backend cells_backend = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_COALESCES |
            ASSAY_CAP_ZERO_SIZE_BLOCK | ASSAY_CAP_DETECTS_BAD_FREE | ASSAY_CAP_DETECTS_OVERRUN,
    .min_align = 16,
    .max_size = CELL - 16,
    .min_limit = 4096,
    .name = "cells",
    .summary = "cells of one size",
    .origin = "test",
    .options_help = "",
    .create = cells_create,
    .destroy = cells_destroy,
    .alloc = cells_alloc,
    .free = cells_free,
    .alloc_zeroed = cells_zeroed,
    .realloc = cells_realloc,
    .usable_size = cells_usable,
    .owns = cells_owns,
    .check = cells_check,
    .walk = cells_walk,
    .stats = cells_stats,
};
