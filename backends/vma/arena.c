/*
 * arena.c - miniblocks as ranges, in order of their addresses. Blocks are read off: two miniblocks that touch are
 * of one block.
 */
#include "content.h"

#include <stdlib.h>

struct vma_arena {
    uint64_t size;
    uint64_t allocated;
    struct vma_ranges miniblocks;
    size_t held; /* memory for content */
    /* The miniblock found last: what asks whether it may write there writes there next. */
    struct vma_place last;
};

/* --- finding --- */

/* The first miniblock that ends behind address: often the one found last, or the next. */
static struct vma_place from(const struct vma_arena *arena, uint64_t address)
{
    struct vma_place place = arena->last;

    if (place.leaf && vma_start(place) <= address) {
        if (vma_range(place)->end > address)
            return place;
        bool is_next = vma_range(place)->end == address;
        place = is_next ? vma_ranges_next(place) : vma_ranges_from(&arena->miniblocks, address);
    } else {
        place = vma_ranges_from(&arena->miniblocks, address);
    }
    ((struct vma_arena *)(uintptr_t)arena)->last = place; /* a memory, no part of what it is */
    return place;
}

/* The miniblock that holds address; without a leaf, none. */
static struct vma_place holder(const struct vma_arena *arena, uint64_t address)
{
    struct vma_place place = from(arena, address);

    if (place.leaf && vma_start(place) > address)
        place.leaf = NULL;
    return place;
}

static struct vma_place begins_at(const struct vma_arena *arena, uint64_t address)
{
    struct vma_place place = from(arena, address);

    if (place.leaf && vma_start(place) != address)
        place.leaf = NULL;
    return place;
}

static const struct vma_place nowhere = {NULL, 0};

/* --- miniblocks --- */

struct vma_arena *vma_open(uint64_t size)
{
    struct vma_arena *arena = calloc(1, sizeof *arena);

    if (arena)
        arena->size = size;
    return arena;
}

void vma_close(struct vma_arena *arena)
{
    if (!arena)
        return;
    struct vma_place place = vma_ranges_from(&arena->miniblocks, 0);
    for (; place.leaf; place = vma_ranges_next(place))
        content_free(vma_range(place), vma_start(place), &arena->held);
    vma_ranges_clear(&arena->miniblocks);
    free(arena);
}

enum vma_status vma_alloc(struct vma_arena *arena, uint64_t address, uint64_t size)
{
    struct vma_place place;

    if (size == 0)
        return VMA_INVALID;
    if (address >= arena->size)
        return VMA_OUTSIDE;
    if (size > arena->size - address)
        return VMA_PAST_END;
    enum vma_status status = vma_ranges_add(&arena->miniblocks, address, address + size, &place);
    if (status != VMA_OK)
        return status;
    vma_range(place)->permission = VMA_READ | VMA_WRITE;
    arena->last = place;
    arena->allocated += size;
    return VMA_OK;
}

enum vma_status vma_free(struct vma_arena *arena, uint64_t address)
{
    struct vma_range mini;

    if (!vma_ranges_remove(&arena->miniblocks, address, &mini))
        return VMA_BAD_ADDRESS;
    arena->last = nowhere;
    arena->allocated -= mini.end - address;
    content_free(&mini, address, &arena->held);
    return VMA_OK;
}

enum vma_status vma_protect(struct vma_arena *arena, uint64_t address, unsigned permission)
{
    struct vma_place place = begins_at(arena, address);

    if (!place.leaf)
        return VMA_BAD_ADDRESS;
    vma_range(place)->permission = (uint8_t)(permission & (VMA_READ | VMA_WRITE | VMA_EXEC));
    return VMA_OK;
}

/* --- content --- */

enum vma_status vma_span(const struct vma_arena *arena, uint64_t address, uint64_t size,
                         unsigned permission, uint64_t *count, uint64_t *granted)
{
    struct vma_place place = holder(arena, address);
    enum vma_status status = VMA_OK;
    uint64_t at = address, left = size;

    if (!place.leaf)
        return VMA_BAD_ADDRESS;
    while (left > 0 && place.leaf && vma_start(place) <= at) {
        const struct vma_range *mini = vma_range(place);
        uint64_t part = mini->end - at < left ? mini->end - at : left;
        if ((mini->permission & permission) != permission && status == VMA_OK) {
            status = VMA_DENIED;
            if (granted)
                *granted = at - address;
        }
        at += part;
        left -= part;
        if (left > 0)
            place = vma_ranges_next(place);
    }
    *count = at - address;
    if (status == VMA_OK && granted)
        *granted = *count;
    return status;
}

enum vma_status vma_write(struct vma_arena *arena, uint64_t address, const void *bytes, size_t size)
{
    const unsigned char *next = bytes;

    while (size > 0) {
        struct vma_place place = holder(arena, address);
        if (!place.leaf)
            return VMA_BAD_ADDRESS;
        struct vma_range *mini = vma_range(place);
        size_t part = mini->end - address < size ? (size_t)(mini->end - address) : size;
        if (content_write(mini, vma_start(place), address, next, part, &arena->held) != VMA_OK)
            return VMA_NO_MEMORY;
        address += part;
        next += part;
        size -= part;
    }
    return VMA_OK;
}

bool vma_next_piece(const struct vma_arena *arena, uint64_t address, uint64_t end,
                    struct vma_piece *piece)
{
    struct vma_place place = from(arena, address);

    for (; place.leaf && vma_start(place) < end; place = vma_ranges_next(place)) {
        const struct vma_range *mini = vma_range(place);
        uint64_t start = vma_start(place), first = address > start ? address : start;
        if (content_next(mini, start, first, end < mini->end ? end : mini->end, piece))
            return true;
    }
    return false;
}

unsigned char *vma_pin(struct vma_arena *arena, uint64_t address)
{
    struct vma_place place = begins_at(arena, address);

    return place.leaf ? content_pin(vma_range(place), address, &arena->held) : NULL;
}

/* --- what there is --- */

bool vma_next_miniblock(const struct vma_arena *arena, uint64_t address,
                        struct vma_miniblock *miniblock)
{
    struct vma_place place = from(arena, address);

    if (place.leaf && vma_start(place) < address)
        place = vma_ranges_next(place);
    if (!place.leaf)
        return false;
    const struct vma_range *mini = vma_range(place);
    *miniblock = (struct vma_miniblock){vma_start(place), mini->end, mini->permission};
    return true;
}

/* Whether a miniblock ends where another begins, so that none of its block begins there. */
static bool is_continued(const struct vma_arena *arena, uint64_t start)
{
    return start > 0 && holder(arena, start - 1).leaf;
}

bool vma_next_block(const struct vma_arena *arena, uint64_t address, struct vma_block *block)
{
    struct vma_miniblock next;

    do {
        if (!vma_next_miniblock(arena, address, &next))
            return false;
        address = next.end;
    } while (is_continued(arena, next.start));
    *block = (struct vma_block){next.start, next.end, 0};
    do {
        block->end = next.end;
        block->miniblocks++;
    } while (vma_next_miniblock(arena, block->end, &next) && next.start == block->end);
    return true;
}

void vma_totals(const struct vma_arena *arena, struct vma_totals *totals)
{
    *totals = (struct vma_totals){.size = arena->size,
                                  .allocated = arena->allocated,
                                  .blocks = arena->miniblocks.runs,
                                  .miniblocks = arena->miniblocks.count,
                                  .record_bytes = arena->miniblocks.nodes * sizeof(struct vma_node),
                                  .content_bytes = arena->held};
}

const char *vma_damage(const struct vma_arena *arena)
{
    const char *damage = vma_ranges_damage(&arena->miniblocks);
    uint64_t allocated = 0;

    if (damage)
        return damage;
    struct vma_place place = vma_ranges_from(&arena->miniblocks, 0);
    for (; place.leaf; place = vma_ranges_next(place))
        allocated += vma_range(place)->end - vma_start(place);
    return allocated == arena->allocated ? NULL : "what is allocated is not the sum of its parts";
}

bool vma_find_gap(const struct vma_arena *arena, uint64_t size, uint64_t align, uint64_t *address)
{
    bool is_power_of_two = align > 0 && (align & (align - 1)) == 0;

    return size > 0 && is_power_of_two &&
           vma_ranges_gap(&arena->miniblocks, arena->size, size, align, address);
}
