/* reference.c - plain address-ordered first fit. */
#include "reference.h"

#include <assert.h>
#include <string.h>

enum { HEADER = 32, LEAST = 48, ALIGN = 16 };

void reference_init(struct reference *reference, uintptr_t base, size_t bytes)
{
    reference->base = base;
    reference->count = 1;
    reference->extents[0] = (struct reference_extent){0, bytes, false};
}

static size_t need(size_t size)
{
    if (size > SIZE_MAX / 2)
        return SIZE_MAX / 2;
    return HEADER + (size + !size + ALIGN - 1) / ALIGN * ALIGN;
}

/* Makes extent i end after `size` bytes; what is behind becomes an extent of its own. */
static void cut(struct reference *reference, size_t i, size_t size)
{
    struct reference_extent *extent = &reference->extents[i];

    assert(reference->count < REFERENCE_EXTENTS);
    memmove(extent + 1, extent, (reference->count - i) * sizeof *extent);
    reference->count++;
    extent[0].size = size;
    extent[1].start += size;
    extent[1].size -= size;
}

/* Makes extents i and i + 1 one. */
static void join(struct reference *reference, size_t i)
{
    struct reference_extent *extent = &reference->extents[i];

    extent->size += extent[1].size;
    reference->count--;
    memmove(extent + 1, extent + 2, (reference->count - i - 1) * sizeof *extent);
}

static size_t find(const struct reference *reference, size_t payload)
{
    for (size_t i = 0; i < reference->count; i++) {
        if (reference->extents[i].start + HEADER == payload)
            return i;
    }
    assert(!"a payload that the reference gave");
    return 0;
}

size_t reference_take(struct reference *reference, size_t align, size_t size)
{
    for (size_t i = 0; i < reference->count; i++) {
        struct reference_extent *extent = &reference->extents[i];
        size_t gap = 0;
        while (gap <= extent->size &&
               ((reference->base + extent->start + gap + HEADER) % align || (gap && gap < LEAST)))
            gap += ALIGN;
        if (extent->used || gap > extent->size || extent->size - gap < need(size))
            continue;
        if (gap)
            cut(reference, i++, gap);
        extent = &reference->extents[i];
        if (extent->size - need(size) >= LEAST)
            cut(reference, i, need(size));
        extent->used = true;
        return extent->start + HEADER;
    }
    return REFERENCE_NONE;
}

void reference_release(struct reference *reference, size_t payload)
{
    size_t i = find(reference, payload);

    reference->extents[i].used = false;
    if (i + 1 < reference->count && !reference->extents[i + 1].used)
        join(reference, i);
    if (i > 0 && !reference->extents[i - 1].used)
        join(reference, i - 1);
}

size_t reference_resize(struct reference *reference, size_t payload, size_t size)
{
    size_t i = find(reference, payload);
    bool right_is_free = i + 1 < reference->count && !reference->extents[i + 1].used;
    size_t room = reference->extents[i].size + (right_is_free ? reference->extents[i + 1].size : 0);

    if (room < need(size)) {
        size_t moved = reference_take(reference, ALIGN, size);
        if (moved != REFERENCE_NONE)
            reference_release(reference, payload);
        return moved;
    }
    if (right_is_free)
        join(reference, i);
    if (room - need(size) >= LEAST) {
        cut(reference, i, need(size));
        reference->extents[i + 1].used = false;
    }
    return payload;
}

size_t reference_usable(const struct reference *reference, size_t payload)
{
    return reference->extents[find(reference, payload)].size - HEADER;
}

size_t reference_largest(const struct reference *reference)
{
    size_t largest = 0;

    for (size_t i = 0; i < reference->count; i++) {
        if (!reference->extents[i].used && reference->extents[i].size > largest)
            largest = reference->extents[i].size;
    }
    return largest ? largest - HEADER : 0;
}
