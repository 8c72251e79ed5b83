/*
 * blocks.c - taking and releasing blocks of a region.
 *
 *   take     The free block that the policy picks is split: its low part is given, what is behind stays free,
 *            unless it is too small for a free block's record; then it is given too.
 *   release  The block and its free neighbours become one free block at once.
 *   resize   The block and the hole behind it are split anew.
 */
#include "region.h"

#include <string.h>

static void mark_hole(struct region *region, uint32_t place, bool is_hole)
{
    uint64_t bit = (uint64_t)1 << (place % 64);

    if (is_hole)
        region->holes[place / 64] |= bit;
    else
        region->holes[place / 64] &= ~bit;
}

static size_t root_words(uint32_t units)
{
    return (region_tree_roots(units) + 1) / 2;
}

/* Bytes in front of the first header: instance, roots, starts and holes, and what aligns the first block. */
static size_t front(uint32_t units, uint32_t unit)
{
    size_t words = root_words(units) + region_bits_words(units) + ((size_t)units + 63) / 64;
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

static void add_hole(struct region *region, uint32_t place)
{
    mark_hole(region, place, true);
    region_tree_insert(region, place);
}

static void remove_hole(struct region *region, uint32_t place)
{
    region_tree_remove(region, place);
    mark_hole(region, place, false);
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
    region->pages = pages;
    region->mapped = mapped;
    region->base = (unsigned char *)region + start;
    region->units = (uint32_t)units;
    region->unit = unit;
    region->least = least;
    region->policy = policy;
    uint64_t *words = (uint64_t *)(void *)(region + 1);
    region_tree_init(region, (uint32_t *)(void *)words);
    words += root_words(region->units);
    region_bits_init(&region->starts, words, region->units);
    region->holes = words + region_bits_words(region->units);
    region_bits_set(&region->starts, 0);
    region_at(region, 0)->units = region->units;
    add_hole(region, 0);
    return region;
}

void region_close(struct region *region)
{
    region->pages->unmap(region->pages->ctx, region, region->mapped);
}

/* Whether the block's size leads to where the next one starts, or to the end. */
static bool is_sound(const struct region *region, uint32_t place)
{
    uint32_t units = region_at(region, place)->units;

    if (units < region->least || units > region->units - place)
        return false;
    uint32_t end = place + units;
    return region_bits_last(&region->starts, end - 1) == place &&
           (end == region->units || region_bits_has(&region->starts, end));
}

/* Units of a block for `size` bytes; 0 if no block is that large. */
static uint32_t units_for(const struct region *region, size_t size)
{
    if (size == 0 || size > (size_t)region->units * region->unit)
        return 0;
    size_t need = (size + REGION_HEADER + region->unit - 1) / region->unit;
    need = need < region->least ? region->least : need;
    return need > region->units ? 0 : (uint32_t)need;
}

/* Ends the block at place after `need` of its `room` units, if a block can be behind; that becomes a hole. */
static void end_block(struct region *region, uint32_t place, uint32_t room, uint32_t need,
                      size_t size)
{
    struct region_block *block = region_at(region, place);
    uint32_t rest = room - need;

    if (rest >= region->least) {
        region_at(region, place + need)->units = rest;
        region_bits_set(&region->starts, place + need);
        add_hole(region, place + need);
        room = need;
    }
    block->units = room;
    block->extra = (uint32_t)((size_t)room * region->unit - REGION_HEADER - size);
}

/* Takes `need` units from `gap` units behind the start of the hole that was found. NULL if it is damaged. */
static void *carve(struct region *region, uint32_t place, uint32_t gap, uint32_t need, size_t size)
{
    if (!is_sound(region, place) || region_at(region, place)->units < gap + need) {
        region->damaged = true;
        return NULL;
    }
    uint32_t room = region_at(region, place)->units - gap;
    remove_hole(region, place);
    if (region->damaged)
        return NULL;
    if (gap) {
        region_at(region, place)->units = gap;
        add_hole(region, place);
        place += gap;
        region_bits_set(&region->starts, place);
    }
    end_block(region, place, room, need, size);
    region->used_bytes += size;
    region->used_blocks++;
    return (unsigned char *)region_at(region, place) + REGION_HEADER;
}

void *region_take(struct region *region, size_t size)
{
    uint32_t need = units_for(region, size);

    if (!need || region->damaged)
        return NULL;
    uint32_t found = region_tree_find(region, need);
    return found ? carve(region, found - 1, 0, need, size) : NULL;
}

/* How many units behind the start of a hole its first block at a multiple of align is; false: nowhere. */
static bool aligned_gap(const struct region *region, uint32_t found, size_t align, uint32_t need,
                        uint32_t *gap)
{
    const struct region_block *hole = region_at(region, found - 1);
    size_t units = (-((uintptr_t)hole + REGION_HEADER) & (align - 1)) / region->unit;

    if (units && units < region->least)
        units += align / region->unit;
    *gap = (uint32_t)units;
    return hole->units >= need && units <= hole->units - need;
}

void *region_take_aligned(struct region *region, size_t align, size_t size)
{
    uint32_t need = units_for(region, size);
    uint32_t gap = 0;

    if (align <= region->unit)
        return region_take(region, size);
    if (!need || region->damaged)
        return NULL;
    uint32_t found = region_tree_find(region, need);
    if (found && !aligned_gap(region, found, align, need, &gap)) {
        /* Not the one that the policy picks: the first that serves, in the order of the index. */
        found = 0;
        do
            found = region_tree_next(region, need, found);
        while (found && !region->damaged && !aligned_gap(region, found, align, need, &gap));
    }
    if (region->damaged)
        return NULL;
    return found ? carve(region, found - 1, gap, need, size) : NULL;
}

/* The used block whose requested bytes hold address, as a place; UINT32_MAX with *status otherwise. */
static uint32_t around(const struct region *region, const void *address, assay_status *status)
{
    uintptr_t offset = (uintptr_t)address - (uintptr_t)region->base;

    *status = ASSAY_INVALID;
    if (offset >= (uintptr_t)region->units * region->unit)
        return UINT32_MAX;
    uint32_t place = region_bits_last(&region->starts, (uint32_t)(offset / region->unit));
    if (place == UINT32_MAX || region_is_hole(region, place))
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

static size_t size_of(const struct region *region, const struct region_block *block)
{
    return (size_t)block->units * region->unit - REGION_HEADER - block->extra;
}

size_t region_size(const struct region *region, const void *address)
{
    assay_status status;
    uint32_t place = around(region, address, &status);

    if (place == UINT32_MAX)
        return 0;
    return size_of(region, region_at(region, place));
}

bool region_is_block(const struct region *region, const void *address)
{
    assay_status status;
    uint32_t place = around(region, address, &status);

    return place != UINT32_MAX &&
           address == (unsigned char *)region_at(region, place) + REGION_HEADER;
}

assay_status region_release(struct region *region, const void *address)
{
    assay_status status;
    uint32_t place = around(region, address, &status);

    if (place == UINT32_MAX)
        return status;
    struct region_block *block = region_at(region, place);
    size_t size = size_of(region, block);
    uint32_t next = place + block->units;
    uint32_t last = place ? region_bits_last(&region->starts, place - 1) : UINT32_MAX;
    bool joins_next = next < region->units && region_is_hole(region, next);
    bool joins_last = last != UINT32_MAX && region_is_hole(region, last);
    if (region->damaged || (joins_next && !is_sound(region, next)) ||
        (joins_last && region_at(region, last)->units != place - last)) {
        region->damaged = true;
        return ASSAY_CORRUPT;
    }
    region->used_bytes -= size;
    region->used_blocks--;
    if (joins_next) {
        remove_hole(region, next);
        block->units += region_at(region, next)->units;
        region_bits_clear(&region->starts, next);
    }
    if (joins_last) {
        remove_hole(region, last);
        region_at(region, last)->units += block->units;
        region_bits_clear(&region->starts, place);
        place = last;
    }
    add_hole(region, place);
    return region->damaged ? ASSAY_CORRUPT : ASSAY_OK;
}

bool region_resize(struct region *region, void *address, size_t size)
{
    uint32_t need = units_for(region, size);

    if (!need || region->damaged || !region_is_block(region, address))
        return false;
    struct region_block *block = (void *)((unsigned char *)address - REGION_HEADER);
    uint32_t place = (uint32_t)(((uintptr_t)block - (uintptr_t)region->base) / region->unit);
    size_t before = size_of(region, block);
    uint32_t room = block->units;
    uint32_t next = place + room;
    bool joins = need != room && next < region->units && region_is_hole(region, next);
    if (joins && !is_sound(region, next)) {
        region->damaged = true;
        return false;
    }
    room += joins ? region_at(region, next)->units : 0;
    if (need > room)
        return false;
    if (joins) {
        remove_hole(region, next);
        region_bits_clear(&region->starts, next);
        if (region->damaged)
            return false;
    }
    end_block(region, place, room, need, size);
    region->used_bytes += size - before;
    return true;
}
