/*
 * mems - segments of pages behind virtual addresses, first fit; blocks are handles.
 *
 *   handle          bits 42 and up from where the system is in memory, below the virtual address
 *   resolve(handle) where the segment's bytes are
 *
 * A request is served from the HOLE of lowest address, in exactly as many bytes, or else by a mapping of its own whole
 * pages, which stay until the heap ends. So a block may begin at any byte. instance.h has the drawing.
 *
 * Source: the MeMS exercise, whose two levels of linked lists this gives the addresses of.
 */
#include "mems/instance.h"

#include "assay/backend.h"
#include "assay/sizes.h"

#include <stdlib.h>
#include <string.h>

#define SPAN_SHIFT 42

/* "page=BYTES", or nothing: the page source's. */
static bool read_options(const char *options, size_t *page_size)
{
    static const char key[] = "page=";
    char *end;

    if (options[0] == '\0')
        return true;
    if (strncmp(options, key, sizeof key - 1) != 0)
        return false;
    options += sizeof key - 1;
    unsigned long bytes = strtoul(options, &end, 10);
    *page_size = bytes;
    return options[0] >= '1' && options[0] <= '9' && *end == '\0' && bytes <= PTRDIFF_MAX;
}

/* Another one for each of the heaps that live at a time, and in nobody's memory. */
static uint64_t tag_of(const void *self)
{
    return (((uint64_t)(uintptr_t)self >> 12 & 0x1fffff) | 0x200000) << SPAN_SHIFT;
}

static assay_status heap_create(const struct assay_backend *backend,
                                const struct assay_heap_config *config, void **self)
{
    struct mems_setup setup = {.pages = config->pages,
                               .page_size = config->pages->page_size,
                               .limit = config->limit,
                               .first = MEMS_FIRST,
                               .span = ((uint64_t)1 << SPAN_SHIFT) - MEMS_FIRST};

    if (!read_options(config->options, &setup.page_size))
        return ASSAY_INVALID;
    if (config->limit < backend->min_limit)
        return ASSAY_NO_MEMORY;
    *self = mems_open(&setup);
    return *self ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static void heap_destroy(void *self)
{
    mems_close(self);
}

static uint64_t address_of(const void *self, const void *handle)
{
    uint64_t address = (uint64_t)(uintptr_t)handle ^ tag_of(self);

    return address >> SPAN_SHIFT ? 0
                                 : address; /* of another heap, or no handle: never an address */
}

static void *heap_alloc(void *self, size_t size)
{
    uint64_t address = mems_take(self, size);

    return address ? (void *)(uintptr_t)(address | tag_of(self)) : NULL;
}

static void *heap_resolve(void *self, const void *block)
{
    return mems_place(self, address_of(self, block));
}

static void *heap_alloc_zeroed(void *self, size_t count, size_t size)
{
    size_t bytes = assay_multiply(count, size);
    void *block = heap_alloc(self, bytes);

    if (block)
        memset(heap_resolve(self, block), 0, bytes);
    return block;
}

static assay_status heap_free(void *self, void *block)
{
    return block ? mems_release(self, address_of(self, block)) : ASSAY_OK;
}

static size_t heap_usable_size(void *self, const void *block)
{
    uint64_t address = address_of(self, block);
    struct mems_entry process;

    if (!mems_around(self, address, &process) || process.key != address)
        return 0;
    return (size_t)-process.room;
}

static bool heap_owns(void *self, const void *address)
{
    return mems_owns(self, address);
}

static assay_status heap_check(void *self, struct assay_damage *damage)
{
    return mems_check(self, damage);
}

static assay_status heap_walk(void *self, assay_visit_fn *visit, void *arg)
{
    mems_walk(self, visit, arg);
    return ASSAY_OK;
}

static void heap_stats(void *self, struct assay_heap_stats *stats)
{
    const struct mems *mems = self;
    int64_t most = mems_tree_most(&mems->segments);
    size_t largest = most > 0 ? (size_t)most : 0;

    /* Without a record for what is left of a hole, only a request of all of it fits: no size says that. */
    if (largest > 0 && mems->stock.count < 2 * mems_tree_appetite(&mems->segments))
        largest = ASSAY_UNKNOWN;
    *stats = (struct assay_heap_stats){.mapped_bytes = mems->mapped_bytes,
                                       .used_bytes = mems->process_bytes,
                                       .used_blocks = mems->processes,
                                       .largest_free = largest};
}

const struct assay_backend assay_backend_mems = {
    .abi = ASSAY_BACKEND_ABI,
    .caps =
        ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_GROWS | ASSAY_CAP_DETECTS_BAD_FREE,
    .min_align = 1,
    .max_size = PTRDIFF_MAX,
    .min_limit = (size_t)20 << 10,
    .name = "mems",
    .summary = "page-granular segments behind virtual addresses, first fit; blocks are handles",
    .origin = "assay",
    .options_help = "page=BYTES (the page source's)",
    .create = heap_create,
    .destroy = heap_destroy,
    .alloc = heap_alloc,
    .free = heap_free,
    .alloc_zeroed = heap_alloc_zeroed,
    .usable_size = heap_usable_size,
    .owns = heap_owns,
    .resolve = heap_resolve,
    .check = heap_check,
    .walk = heap_walk,
    .stats = heap_stats,
};
