/*
 * list - one region, a doubly linked list of all blocks by address, first fit.
 *
 *   [ instance | list | index ][ header | payload ][ header | payload ] ... [ edge ]
 *               \______ offsets only, no pointers, nothing outside ___________/
 *
 * Rules, from which every address follows (blocks are whole multiples of 16 bytes, header included, and
 * a request of n bytes needs need(n) = 32 + n rounded up to 16, n = 0 counting as 1):
 *
 *   take     The free block of lowest address with size >= need is split: its low part is given,
 *            what is behind stays free, unless that would be less than 48 bytes, which are given too.
 *   aligned  As take, but the free block must hold, at or behind its start, a header whose payload
 *            is aligned, with a gap before it of nothing or at least 48 bytes; the lowest such place
 *            is taken, and the gap stays free.
 *   release  The block and its free neighbours become one free block at once.
 *   resize   Within the block and its free right neighbour, if need fits there: what is behind
 *            stays free, unless it would be less than 48 bytes. Else take, copy, release.
 *
 * Free blocks are found by an index (index.c), so time does not grow with the number of blocks; only an
 * aligned request may have to look at several free blocks that are large enough but hold no such place.
 * The region is config->limit rounded down to whole pages, at most 64 GiB.
 *
 * A header that is not as we wrote it, or not where we wrote it, is never followed: the call answers
 * ASSAY_CORRUPT or NULL, check() says where.
 *
 * Idea: D. Knuth, TAOCP vol. 1, 2.5, first fit by address with liberation by neighbours.
 */
#include "index.h"

#include <string.h>

/* In front of the list: what only the process that made the region needs. */
struct instance {
    _Alignas(64) const struct assay_page_source *pages;
    size_t bytes;
};

struct assay_list *assay_list_of(void *self)
{
    struct instance *instance = self;

    return (struct assay_list *)(void *)(instance + 1);
}

/* Only checked=0 and checked=1, separated by commas; the last one counts. */
static bool parse_options(const char *options, bool *checked)
{
    static const char key[] = "checked=";

    *checked = false;
    while (*options) {
        if (strncmp(options, key, sizeof key - 1) != 0)
            return false;
        options += sizeof key - 1;
        if (*options != '0' && *options != '1')
            return false;
        *checked = *options++ == '1';
        if (*options == ',' && options[1])
            options++;
        else if (*options)
            return false;
    }
    return true;
}

static assay_status list_create(const struct assay_backend *backend,
                                const struct assay_heap_config *config, void **self)
{
    const struct assay_page_source *pages = config->pages;
    size_t bytes = config->limit < LIST_REGION_MAX ? config->limit : LIST_REGION_MAX;
    struct instance *instance;
    bool checked;

    if (!parse_options(config->options, &checked))
        return ASSAY_INVALID;
    bytes = assay_align_down(bytes, pages->page_size);
    if (config->limit < backend->min_limit || !bytes)
        return ASSAY_NO_MEMORY;
    instance = pages->map(pages->ctx, bytes, pages->page_size);
    if (!instance)
        return ASSAY_NO_MEMORY;
    instance->pages = pages;
    instance->bytes = bytes;
    if (!assay_list_format(assay_list_of(instance), bytes - sizeof *instance, config->seed,
                           checked)) {
        pages->unmap(pages->ctx, instance, bytes);
        return ASSAY_NO_MEMORY;
    }
    *self = instance;
    return ASSAY_OK;
}

static void list_destroy(void *self)
{
    struct instance *instance = self;

    instance->pages->unmap(instance->pages->ctx, instance, instance->bytes);
}

static void *list_alloc(void *self, size_t size)
{
    return assay_list_take(assay_list_of(self), LIST_UNIT, size);
}

static void *list_alloc_aligned(void *self, size_t align, size_t size)
{
    return assay_list_take(assay_list_of(self), align, size);
}

static void *list_alloc_zeroed(void *self, size_t count, size_t size)
{
    struct assay_list *list = assay_list_of(self);
    uint64_t touched = list->touched;
    size_t bytes = assay_multiply(count, size);
    void *block = assay_list_take(list, LIST_UNIT, bytes);

    /* What was never touched is zero already. */
    if (block && list_offset(list, block) < touched) {
        uint64_t dirty = touched - list_offset(list, block);
        memset(block, 0, bytes < dirty ? bytes : dirty);
    }
    return block;
}

static assay_status list_free(void *self, void *block)
{
    return block ? assay_list_release(assay_list_of(self), block) : ASSAY_OK;
}

static void *list_realloc(void *self, void *block, size_t size)
{
    struct assay_list *list = assay_list_of(self);
    assay_status status;

    if (!block)
        return list_alloc(self, size);
    struct list_header *header = assay_list_header(list, block, &status);
    if (!header)
        return NULL;
    if (size == 0) {
        status = assay_list_release(list, block);
        return NULL;
    }
    if (assay_list_resize(list, header, size))
        return block;
    size_t kept = list_size(header) - LIST_HEADER;
    void *moved = assay_list_take(list, LIST_UNIT, size);
    if (!moved)
        return NULL;
    memcpy(moved, block, size < kept ? size : kept);
    status = assay_list_release(list, block);
    if (status == ASSAY_OK)
        return moved;
    /* Its neighbours are damaged: it stays, and the new one goes if it can. */
    status = assay_list_release(list, moved);
    return NULL;
}

static size_t list_usable_size(void *self, const void *block)
{
    assay_status status;
    const struct list_header *header = assay_list_header(assay_list_of(self), block, &status);

    return header ? list_size(header) - LIST_HEADER : 0;
}

static bool list_owns(void *self, const void *address)
{
    struct assay_list *list = assay_list_of(self);
    uintptr_t offset = (uintptr_t)address - (uintptr_t)list;

    if (offset < list->first || offset >= list->last)
        return false;
    const struct list_header *header = assay_list_around(list, offset);
    return header && list_status(header) == LIST_USED &&
           offset >= list_offset(list, header) + LIST_HEADER;
}

static assay_status list_check(void *self, struct assay_damage *damage)
{
    return assay_list_check(assay_list_of(self), damage);
}

static assay_status list_walk(void *self, assay_visit_fn *visit, void *arg)
{
    return assay_list_walk(assay_list_of(self), sizeof(struct instance), visit, arg);
}

static void list_stats(void *self, struct assay_heap_stats *stats)
{
    const struct instance *instance = self;
    const struct assay_list *list = assay_list_of(self);
    uint64_t largest = assay_list_index_largest(list);

    stats->mapped_bytes = instance->bytes;
    stats->used_bytes = list->used_bytes;
    stats->used_blocks = list->used_blocks;
    stats->largest_free = largest ? largest - LIST_HEADER : 0;
}

const struct assay_backend assay_backend_list = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_MANY_HEAPS | ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_COALESCES |
            ASSAY_CAP_ZERO_SIZE_BLOCK | ASSAY_CAP_DETECTS_BAD_FREE | ASSAY_CAP_DETECTS_OVERRUN |
            ASSAY_CAP_DETECTS_UNDERRUN | ASSAY_CAP_REALLOC_ZERO_FREES,
    .min_align = LIST_UNIT,
    .max_size = LIST_REGION_MAX,
    .min_limit = 4096,
    .name = "list",
    .summary = "address-ordered first fit with 32-byte headers, free blocks indexed",
    .origin = "assay",
    .options_help = "checked=0: fill freed payloads and verify them on reuse and in check()",
    .create = list_create,
    .destroy = list_destroy,
    .alloc = list_alloc,
    .free = list_free,
    .alloc_zeroed = list_alloc_zeroed,
    .alloc_aligned = list_alloc_aligned,
    .realloc = list_realloc,
    .usable_size = list_usable_size,
    .owns = list_owns,
    .check = list_check,
    .walk = list_walk,
    .stats = list_stats,
};
