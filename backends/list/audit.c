/*
 * audit.c - reading the list without trusting it: check, walk, and whose block an address is in.
 */
#include "index.h"

#include <stdio.h>
#include <string.h>

/* Neither 0, nor -1, nor the low half of a status: what programs write by mistake differs from it. */
#define FILL 0xd6

void assay_list_fill(struct assay_list *list, uint64_t from, uint64_t to)
{
    memset(list_at(list, from), FILL, to - from);
}

/* Where the first byte that differs is; `to` if there is none. */
static uint64_t stain(const struct assay_list *list, uint64_t from, uint64_t to)
{
    const unsigned char *bytes = list_at(list, 0);

    if (to > list->touched)
        to = list->touched;
    for (; from < to; from++) {
        if (bytes[from] != FILL)
            return from;
    }
    return UINT64_MAX;
}

bool assay_list_is_filled(const struct assay_list *list, uint64_t from, uint64_t to)
{
    return stain(list, from, to) == UINT64_MAX;
}

static assay_status report(struct assay_damage *damage, const void *where, const char *what)
{
    damage->where = where;
    snprintf(damage->what, sizeof damage->what, "%s", what);
    return ASSAY_CORRUPT;
}

const char *assay_list_fault(const struct assay_list *list, const struct list_header *header,
                             const struct list_header *previous)
{
    uint64_t offset = list_offset(list, header);

    if (!list_is_sound(list, header))
        return "a block's header was overwritten";
    if (header->previous != list_offset(list, previous))
        return "a block does not name the one before it";
    if (offset == list->last)
        return list_status(header) == LIST_EDGE ? NULL : "the last header is not the edge";
    if (list_size(header) < LIST_BLOCK_MIN || list_size(header) > list->last - offset ||
        header->next != offset + list_size(header))
        return "a block's size does not reach the next block";
    if (list_is_free(header) && list_is_free(previous))
        return "two free blocks adjoin";
    if (!list_is_free(header) && list_status(header) != LIST_USED)
        return "a block is neither used nor free";
    return NULL;
}

/* The same, and whether the index agrees. */
static const char *fault(const struct assay_list *list, const struct list_header *header,
                         const struct list_header *previous)
{
    const char *what = assay_list_fault(list, header, previous);

    if (!what && list_is_free(header) != list_index_has(list, list_offset(list, header)))
        return "the index and a block differ on whether it is free";
    return what;
}

/* What check() adds up on its way. */
struct tally {
    uint64_t used_blocks;
    uint64_t used_bytes;
    uint64_t free_blocks;
    uint64_t leaf;
    uint64_t leaf_largest;
};

/* False if a leaf that ends before this free block has another maximum in the index. */
static bool tally_free(const struct assay_list *list, struct tally *tally, uint64_t offset,
                       uint64_t size)
{
    uint64_t leaf = list_leaf(list, offset);
    bool agrees = true;

    if (tally->leaf_largest && leaf != tally->leaf) {
        agrees = list_index_leaf_largest(list, tally->leaf) == tally->leaf_largest;
        tally->leaf_largest = 0;
    }
    tally->free_blocks++;
    tally->leaf = leaf;
    tally->leaf_largest = size > tally->leaf_largest ? size : tally->leaf_largest;
    return agrees;
}

assay_status assay_list_check(const struct assay_list *list, struct assay_damage *damage)
{
    const struct list_header *previous = &list->front;
    const struct list_header *header = list_at(list, list->first);
    struct tally tally = {0};
    const char *what;

    if (!list_is_sound(list, previous) || previous->next != list->first)
        return report(damage, previous, "the front edge was overwritten");
    for (;; previous = header, header = list_at(list, header->next)) {
        uint64_t offset = list_offset(list, header);
        what = fault(list, header, previous);
        if (what)
            return report(damage, header, what);
        if (offset == list->last)
            break;
        if (!list_is_free(header)) {
            tally.used_blocks++;
            tally.used_bytes += list_size(header) - LIST_HEADER;
            continue;
        }
        if (!tally_free(list, &tally, offset, list_size(header)))
            return report(damage, header, "the index has a wrong maximum before this block");
        if (list->checked) {
            uint64_t at = stain(list, offset + LIST_HEADER, header->next);
            if (at != UINT64_MAX)
                return report(damage, list_at(list, at), "freed memory was written to");
        }
    }
    if (tally.leaf_largest && list_index_leaf_largest(list, tally.leaf) != tally.leaf_largest)
        return report(damage, NULL, "the index has a wrong maximum for the last free block");
    if (!assay_list_index_agrees(list, tally.free_blocks))
        return report(damage, NULL, "the levels of the index contradict each other");
    if (tally.used_blocks != list->used_blocks || tally.used_bytes != list->used_bytes)
        return report(damage, NULL, "the counts of used blocks and bytes are wrong");
    return ASSAY_OK;
}

assay_status assay_list_walk(const struct assay_list *list, size_t lead, assay_visit_fn *visit,
                             void *arg)
{
    struct assay_extent extent = {(const char *)list - lead, lead + list->first, ASSAY_EXTENT_META};
    const struct list_header *previous = &list->front;

    for (uint64_t offset = list->first; visit(arg, &extent); offset = previous->next) {
        const struct list_header *header = list_at(list, offset);
        if (fault(list, header, previous))
            return ASSAY_CORRUPT;
        extent.start = header;
        if (offset == list->last) {
            extent.bytes = LIST_HEADER;
            extent.kind = ASSAY_EXTENT_META;
            visit(arg, &extent);
            return ASSAY_OK;
        }
        extent.bytes = list_size(header);
        extent.kind = list_is_free(header) ? ASSAY_EXTENT_FREE : ASSAY_EXTENT_USED;
        previous = header;
    }
    return ASSAY_OK;
}

struct list_header *assay_list_around(const struct assay_list *list, uint64_t offset)
{
    uint64_t at = assay_list_index_before(list, offset);
    struct list_header *header = list_at(list, at ? at : list->first);

    while (list_is_sound(list, header)) {
        if (header->next > offset)
            return header;
        header = list_at(list, header->next);
        if (list_offset(list, header) == offset)
            return header;
    }
    return NULL;
}
