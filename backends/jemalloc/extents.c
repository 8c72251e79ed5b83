/* extents.c - extent hooks on a page source, and the borders between its mappings. */
#include "extents.h"

#include "assay/sizes.h"

#include <stddef.h>

/* Under the lock. */
static void *map(struct extents *extents, size_t bytes, size_t align)
{
    const struct assay_page_source *pages = extents->pages;
    void *start = NULL;

    if (bytes <= extents->limit - extents->mapped_bytes)
        start = pages->map(pages->ctx, bytes, align);
    if (start)
        extents->mapped_bytes += bytes;
    else
        extents->refusals++;
    return start;
}

/* Under the lock. */
static void unmap(struct extents *extents, void *start, size_t bytes)
{
    extents->pages->unmap(extents->pages->ctx, start, bytes);
    extents->mapped_bytes -= bytes;
}

static size_t table_bytes(const struct extents *extents)
{
    return assay_align_up(extents->borders.room * sizeof *extents->borders.table,
                          extents->pages->page_size);
}

/* Where page is, or the empty place where it belongs. */
static uintptr_t *place(const struct borders *borders, uintptr_t page)
{
    /* Knuth, TAOCP vol. 3, 6.4: multiplicative hashing, here by 2^64 over the golden ratio. */
    size_t i = (size_t)((page * UINT64_C(0x9E3779B97F4A7C15)) >> 32);

    while (borders->table[i & (borders->room - 1)] != 0 &&
           borders->table[i & (borders->room - 1)] != page)
        i++;
    return &borders->table[i & (borders->room - 1)];
}

static bool is_border(const struct extents *extents, const void *address)
{
    uintptr_t page = (uintptr_t)address / extents->pages->page_size;

    return extents->borders.lost || *place(&extents->borders, page) == page;
}

static bool grow_borders(struct extents *extents)
{
    struct borders old = extents->borders;
    size_t old_bytes = table_bytes(extents);
    struct borders new = {.room = old.room * 2, .count = old.count};

    new.table =
        map(extents, assay_align_up(new.room * sizeof *new.table, extents->pages->page_size),
            extents->pages->page_size);
    if (!new.table)
        return false;
    for (size_t i = 0; i < old.room; i++) {
        if (old.table[i] != 0)
            *place(&new, old.table[i]) = old.table[i];
    }
    extents->borders = new;
    if (old.table != extents->first_borders)
        unmap(extents, old.table, old_bytes);
    return true;
}

static void add_border(struct extents *extents, const void *address)
{
    struct borders *borders = &extents->borders;

    if (is_border(extents, address))
        return;
    if (borders->count * 2 >= borders->room && !grow_borders(extents)) {
        borders->lost = true;
        return;
    }
    uintptr_t page = (uintptr_t)address / extents->pages->page_size;
    *place(borders, page) = page;
    borders->count++;
}

static void *hook_alloc(extent_hooks_t *hooks, void *at, size_t bytes, size_t align, bool *zero,
                        bool *commit, unsigned arena)
{
    struct extents *extents = (struct extents *)hooks;
    void *start = NULL;

    (void)arena;
    if (at) /* growing in place: a page source has no say in where it maps */
        return NULL;
    if (align < extents->pages->page_size)
        align = extents->pages->page_size;
    pthread_mutex_lock(&extents->lock);
    start = map(extents, bytes, align);
    if (start)
        add_border(extents, start);
    pthread_mutex_unlock(&extents->lock);
    *zero = start != NULL;
    *commit = start != NULL;
    return start;
}

static void give_back(struct extents *extents, void *start, size_t bytes)
{
    pthread_mutex_lock(&extents->lock);
    unmap(extents, start, bytes);
    /* What follows may have been part of the same mapping; what is mapped here next will not be. */
    add_border(extents, (char *)start + bytes);
    pthread_mutex_unlock(&extents->lock);
}

static bool hook_dalloc(extent_hooks_t *hooks, void *start, size_t bytes, bool committed,
                        unsigned arena)
{
    (void)committed;
    (void)arena;
    give_back((struct extents *)hooks, start, bytes);
    return false;
}

static void hook_destroy(extent_hooks_t *hooks, void *start, size_t bytes, bool committed,
                         unsigned arena)
{
    (void)committed;
    (void)arena;
    give_back((struct extents *)hooks, start, bytes);
}

static bool hook_split(extent_hooks_t *hooks, void *start, size_t bytes, size_t first,
                       size_t second, bool committed, unsigned arena)
{
    (void)hooks;
    (void)start;
    (void)bytes;
    (void)first;
    (void)second;
    (void)committed;
    (void)arena;
    return false;
}

static bool hook_merge(extent_hooks_t *hooks, void *first, size_t first_bytes, void *second,
                       size_t second_bytes, bool committed, unsigned arena)
{
    struct extents *extents = (struct extents *)hooks;

    (void)first;
    (void)first_bytes;
    (void)second_bytes;
    (void)committed;
    (void)arena;
    pthread_mutex_lock(&extents->lock);
    bool refused = is_border(extents, second);
    pthread_mutex_unlock(&extents->lock);
    return refused;
}

void extents_open(struct extents *extents, const struct assay_heap_config *config, size_t own_bytes)
{
    /* Commit, decommit and purge stay NULL: a page source maps and unmaps, nothing between. */
    extents->hooks = (extent_hooks_t){.alloc = hook_alloc,
                                      .dalloc = hook_dalloc,
                                      .destroy = hook_destroy,
                                      .split = hook_split,
                                      .merge = hook_merge};
    extents->pages = config->pages;
    extents->limit = config->limit;
    extents->mapped_bytes = own_bytes;
    extents->refusals = 0;
    extents->borders = (struct borders){.table = extents->first_borders, .room = FIRST_BORDERS};
    for (size_t i = 0; i < FIRST_BORDERS; i++)
        extents->first_borders[i] = 0;
    pthread_mutex_init(&extents->lock, NULL);
}

void extents_close(struct extents *extents)
{
    if (extents->borders.table != extents->first_borders)
        unmap(extents, extents->borders.table, table_bytes(extents));
    pthread_mutex_destroy(&extents->lock);
}
