/*
 * blocks.c - taking and releasing blocks of a region.
 *
 *   take     The free block that the policy picks is split: its low part is given, what is behind stays free,
 *            unless it is too small for a free block's record; then it is given too.
 *   release  The block and its free neighbours become one free block at once.
 */
#include "region.h"

#include <string.h>

static void set_used(struct region *region, uint32_t place, bool used)
{
    uint64_t bit = (uint64_t)1 << (place % 64);

    if (used)
        region->used[place / 64] |= bit;
    else
        region->used[place / 64] &= ~bit;
}

/* Bytes in front of the first header: instance, starts and used, and what aligns the first block. */
static size_t front(uint32_t units, uint32_t unit)
{
    size_t words = region_bits_words(units) + ((size_t)units + 63) / 64;
    size_t bytes = (sizeof(struct region) + words * sizeof(uint64_t) + 15) / 16 * 16;

    return bytes + unit - REGION_HEADER;
}

/* The most units that fit with their front into `bytes`. */
static size_t units_inside(size_t bytes, uint32_t unit)
{
    size_t low = 0;
    size_t high = bytes / unit < REGION_UNITS_MAX ? bytes / unit : REGION_UNITS_MAX;

    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (front((uint32_t)middle, unit) + middle * unit <= bytes)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

struct region *region_open(const struct assay_page_source *pages, size_t bytes, bool inside,
                           uint32_t unit, enum region_policy policy)
{
    size_t mask = pages->page_size - 1;
    size_t units = inside ? units_inside(bytes & ~mask, unit) : bytes / unit;
    uint32_t least = unit < 16 ? 2 : 1;

    if (units < least || units > REGION_UNITS_MAX)
        return NULL;
    size_t start = front((uint32_t)units, unit);
    size_t mapped = inside ? bytes & ~mask : (start + bytes + mask) & ~mask;
    struct region *region = pages->map(pages->ctx, mapped, pages->page_size);
    if (!region)
        return NULL;
    uint64_t *words = (uint64_t *)(void *)(region + 1);
    region->pages = pages;
    region->mapped = mapped;
    region->base = (unsigned char *)region + start;
    region->units = (uint32_t)units;
    region->unit = unit;
    region->least = least;
    region->policy = policy;
    region_bits_init(&region->starts, words, region->units);
    region->used = words + region_bits_words(region->units);
    region_bits_set(&region->starts, 0);
    region_at(region, 0)->units = region->units;
    region_tree_insert(region, 0);
    return region;
}

void region_close(struct region *region)
{
    region->pages->unmap(region->pages->ctx, region, region->mapped);
}

/* Whether the block's size leads to where another starts, or to the end. */
static bool is_sound(const struct region *region, uint32_t place)
{
    uint32_t units = region_at(region, place)->units;

    return units >= region->least && units <= region->units - place &&
           (units == region->units - place || region_bit(region->starts.level[0], place + units));
}

void *region_take(struct region *region, size_t size)
{
    if (size == 0 || size > (size_t)region->units * region->unit)
        return NULL;
    size_t need = (size + REGION_HEADER + region->unit - 1) / region->unit;
    need = need < region->least ? region->least : need;
    if (need > region->units || region->damaged)
        return NULL;
    uint32_t found = region_tree_find(region, (uint32_t)need);
    if (!found)
        return NULL;
    uint32_t place = found - 1;
    struct region_block *block = region_at(region, place);
    if (!is_sound(region, place) || block->units < need) {
        region->damaged = true;
        return NULL;
    }
    region_tree_remove(region, place);
    if (region->damaged)
        return NULL;
    if (block->units - need >= region->least) {
        uint32_t behind = place + (uint32_t)need;
        region_at(region, behind)->units = block->units - (uint32_t)need;
        block->units = (uint32_t)need;
        region_bits_set(&region->starts, behind);
        region_tree_insert(region, behind);
    }
    set_used(region, place, true);
    block->extra = (uint32_t)((size_t)block->units * region->unit - REGION_HEADER - size);
    region->used_bytes += size;
    region->used_blocks++;
    return (unsigned char *)block + REGION_HEADER;
}

/* The used block whose requested bytes hold address, as a place; UINT32_MAX with *status otherwise. */
static uint32_t around(const struct region *region, const void *address, assay_status *status)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)region->base;

    *status = ASSAY_INVALID;
    if (offset >= (uintptr_t)region->units * region->unit)
        return UINT32_MAX;
    uint32_t place = region_bits_last(&region->starts, (uint32_t)(offset / region->unit));
    if (place == UINT32_MAX || !region_bit(region->used, place))
        return UINT32_MAX;
    const struct region_block *block = region_at(region, place);
    size_t room = (size_t)block->units * region->unit - REGION_HEADER;
    if (!is_sound(region, place) || block->extra >= room) {
        *status = ASSAY_CORRUPT;
        return UINT32_MAX;
    }
    size_t into = offset - (size_t)place * region->unit;
    if (into < REGION_HEADER || into - REGION_HEADER >= room - block->extra)
        return UINT32_MAX;
    *status = ASSAY_OK;
    return place;
}

size_t region_size(const struct region *region, const void *address)
{
    assay_status status;
    uint32_t place = around(region, address, &status);

    if (place == UINT32_MAX)
        return 0;
    const struct region_block *block = region_at(region, place);
    return (size_t)block->units * region->unit - REGION_HEADER - block->extra;
}

assay_status region_release(struct region *region, const void *address)
{
    assay_status status;
    uint32_t place = around(region, address, &status);

    if (place == UINT32_MAX)
        return status;
    struct region_block *block = region_at(region, place);
    size_t size = (size_t)block->units * region->unit - REGION_HEADER - block->extra;
    uint32_t next = place + block->units;
    uint32_t last = place ? region_bits_last(&region->starts, place - 1) : UINT32_MAX;
    bool joins_next = next < region->units && !region_bit(region->used, next);
    bool joins_last = last != UINT32_MAX && !region_bit(region->used, last);
    if (region->damaged || (joins_next && !is_sound(region, next)) ||
        (joins_last && region_at(region, last)->units != place - last)) {
        region->damaged = true;
        return ASSAY_CORRUPT;
    }
    region->used_bytes -= size;
    region->used_blocks--;
    set_used(region, place, false);
    if (joins_next) {
        region_tree_remove(region, next);
        block->units += region_at(region, next)->units;
        region_bits_clear(&region->starts, next);
    }
    if (joins_last) {
        region_tree_remove(region, last);
        region_at(region, last)->units += block->units;
        region_bits_clear(&region->starts, place);
        place = last;
    }
    region_tree_insert(region, place);
    return region->damaged ? ASSAY_CORRUPT : ASSAY_OK;
}
