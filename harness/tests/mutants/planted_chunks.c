/* planted_chunks.c - chunks and segments of the allocator with bugs; see planted.h. */
#include "planted.h"

#include "assay/sizes.h"

#include <string.h>

#define SEGMENT_BYTES ((size_t)16 << 10)
#define FREED_BYTES 1024 /* of a freed block so many are overwritten at most */

static unsigned char *segment_end(const struct segment *segment)
{
    return (unsigned char *)(uintptr_t)segment + segment->bytes;
}

struct chunk *planted_first(const struct segment *segment)
{
    return planted_at((unsigned char *)(uintptr_t)segment + segment->overhead);
}

struct chunk *planted_after(const struct chunk *chunk)
{
    unsigned char *end = (unsigned char *)(uintptr_t)chunk + chunk->bytes;

    return end < segment_end(chunk->segment) ? planted_at(end) : NULL;
}

/* --- the list of free chunks --- */

void planted_link_free(struct planted_heap *heap, struct chunk *chunk)
{
    chunk->state = PLANTED_FREE;
    chunk->prev_free = NULL;
    chunk->next_free = heap->free_list;
    if (chunk->next_free)
        chunk->next_free->prev_free = chunk;
    if (has(heap, PLANT_FREE_LIST_CYCLE) && chunk->bytes == PLANTED_MIN)
        chunk->next_free = chunk;
    heap->free_list = chunk;
    heap->free_chunks++;
}

void planted_unlink_free(struct planted_heap *heap, struct chunk *chunk)
{
    if (chunk->prev_free)
        chunk->prev_free->next_free = chunk->next_free;
    else
        heap->free_list = chunk->next_free;
    if (has(heap, PLANT_FREE_LIST_LOSES_REST) && chunk->prev_free)
        chunk->prev_free->next_free = NULL;
    if (chunk->next_free)
        chunk->next_free->prev_free = chunk->prev_free;
    heap->free_chunks--;
}

/* --- segments --- */

void planted_add_segment(struct planted_heap *heap, struct segment *segment, size_t bytes,
                         size_t overhead)
{
    struct segment **place = &heap->segments;

    while (*place && *place < segment)
        place = &(*place)->next;
    segment->next = *place; /* NOLINT(clang-analyzer-core.NullDereference): a planted bug */
    *place = segment;
    segment->bytes = bytes;
    segment->overhead = overhead;
    heap->mapped += bytes;

    struct chunk *chunk = planted_first(segment);
    chunk->before = NULL;
    chunk->segment = segment;
    chunk->bytes = bytes - overhead;
    if (has(heap, PLANT_REGION_END_TOO_FAR)) {
        segment->bytes += 48;
        chunk->bytes += 48;
    }
    if (has(heap, PLANT_TAIL_LOST) && chunk->bytes > 4096) {
        segment->bytes -= 4096;
        chunk->bytes -= 4096;
    }
    planted_link_free(heap, chunk);
}

struct segment *planted_grow(struct planted_heap *heap, size_t bytes)
{
    size_t page = heap->pages->page_size;
    size_t room = assay_add(bytes, sizeof(struct segment));
    size_t wanted = assay_align_up(room < SEGMENT_BYTES ? SEGMENT_BYTES : room, page);
    struct segment *segment = NULL;

    if (!(heap->backend->caps & ASSAY_CAP_GROWS))
        return NULL;
    if (wanted > heap->limit - heap->mapped)
        wanted = assay_align_up(room, page);
    if (wanted > heap->limit - heap->mapped)
        return NULL;
    if (has(heap, PLANT_MAPPED_COUNTED_BEFORE_MAP))
        heap->mapped += page;
    if (!(has(heap, PLANT_NO_SERVICE_AFTER_REFUSAL) && heap->is_refused))
        segment = heap->pages->map(heap->pages->ctx, wanted, page);
    if (has(heap, PLANT_MAPPED_COUNTED_BEFORE_MAP) && segment)
        heap->mapped -= page;
    if (!segment)
        heap->is_refused = true;
    if (!segment && !has(heap, PLANT_FAILED_MAP_NOT_CHECKED))
        return NULL;
    planted_add_segment(heap, segment, wanted, sizeof *segment);
    return segment;
}

/* Gives a segment of one free chunk back, unless it is the first. */
static void trim(struct planted_heap *heap, struct chunk *chunk)
{
    struct segment *segment = chunk->segment;
    struct segment **place = &heap->segments;
    size_t bytes = segment->bytes;

    if (segment == &heap->first || chunk->bytes != bytes - segment->overhead)
        return;
    if (has(heap, PLANT_TRIM_KEEPS_LARGE) && bytes > 2 * SEGMENT_BYTES)
        return;
    if (has(heap, PLANT_TRIM_ONLY_FORWARD) && segment->next)
        return;
    planted_unlink_free(heap, chunk);
    while (*place != segment)
        place = &(*place)->next;
    *place = segment->next;
    heap->mapped -= bytes;
    if (has(heap, PLANT_UNMAP_TOO_LONG))
        bytes += heap->pages->page_size;
    if (has(heap, PLANT_UNMAP_TOO_SHORT) && bytes > SEGMENT_BYTES)
        bytes -= heap->pages->page_size;
    heap->pages->unmap(heap->pages->ctx, segment, bytes);
}

/* --- chunks --- */

/* Bytes of a chunk for a block of `size`, or SIZE_MAX where none can be that large. */
size_t planted_chunk_bytes(const struct planted_heap *heap, size_t size)
{
    if (has(heap, PLANT_HUGE_SIZE_WRAPS))
        return (PLANTED_HEADER + PLANTED_GUARD + size + 15) & ~(size_t)15;
    if (has(heap, PLANT_NOT_ROUNDED_UP))
        return assay_align_up(assay_add(PLANTED_HEADER + PLANTED_GUARD, size), 8);
    return assay_align_up(assay_add(PLANTED_HEADER + PLANTED_GUARD, size), PLANTED_ALIGN);
}

size_t planted_size_taken(const struct planted_heap *heap, size_t size)
{
    if (has(heap, PLANT_SIZE_CUT_TO_32_BITS))
        return (uint32_t)size;
    if (has(heap, PLANT_SIZE_CUT_TO_31_BITS) && size >> 31 == 1)
        return size & 0x7FFFFFFF;
    return size;
}

void planted_set_used(struct planted_heap *heap, struct chunk *chunk, size_t asked)
{
    size_t guard =
        has(heap, PLANT_GUARD_INSIDE_BLOCK) && asked % 64 == 0 && asked ? asked - 1 : asked;

    chunk->state = PLANTED_USED;
    chunk->asked = asked;
    if (heap->backend->caps & ASSAY_CAP_DETECTS_OVERRUN)
        memset(planted_payload(chunk) + guard, PLANTED_GUARD_BYTE, PLANTED_GUARD);
}

/* Cuts chunk after `bytes` if the rest can be a chunk; the rest is merged upwards and free. */
void planted_cut(struct planted_heap *heap, struct chunk *chunk, size_t bytes)
{
    size_t rest = chunk->bytes - bytes;
    size_t least = has(heap, PLANT_SPLIT_LEAVES_TOO_LITTLE) ? PLANTED_ALIGN : PLANTED_MIN;

    if (rest < least)
        return;
    struct chunk *after = planted_after(chunk);
    struct chunk *upper = planted_at((unsigned char *)chunk + bytes);
    chunk->bytes = bytes;
    upper->before = chunk;
    upper->segment = chunk->segment;
    upper->bytes = rest;
    if (after && after->state == PLANTED_FREE) {
        planted_unlink_free(heap, after);
        upper->bytes += after->bytes;
        after = planted_after(upper);
    }
    if (after && !has(heap, PLANT_SPLIT_FORGETS_BACK_LINK))
        after->before = upper;
    planted_link_free(heap, upper);
    if (has(heap, PLANT_SPLIT_LOSES_SMALL_REST) && upper->bytes < 200)
        planted_unlink_free(heap, upper);
}

/* Makes a free chunk free of its list and used. */
void *planted_take(struct planted_heap *heap, struct chunk *chunk, size_t bytes, size_t asked)
{
    planted_unlink_free(heap, chunk);
    chunk->former_asked = 0;
    planted_set_used(heap, chunk, 0);
    planted_cut(heap, chunk, bytes);
    planted_set_used(heap, chunk, asked);
    return planted_payload(chunk);
}

struct chunk *planted_merge(struct planted_heap *heap, struct chunk *lower, struct chunk *upper)
{
    lower->bytes += upper->bytes;
    if (has(heap, PLANT_MERGES_TOO_FAR) && upper->bytes > 4096)
        lower->bytes += PLANTED_ALIGN;
    struct chunk *after = planted_after(lower);
    if (after && !has(heap, PLANT_MERGE_FORGETS_BACK_LINK))
        after->before = lower;
    return lower;
}

void planted_release(struct planted_heap *heap, struct chunk *chunk)
{
    struct chunk *after = planted_after(chunk);
    struct chunk *before = chunk->before;
    size_t poison = chunk->asked < FREED_BYTES ? chunk->asked : FREED_BYTES;

    if (has(heap, PLANT_POISON_BEYOND_BLOCK))
        poison = chunk->bytes - PLANTED_HEADER + PLANTED_ALIGN;
    memset(planted_payload(chunk), PLANTED_FREED_BYTE, poison);
    if (has(heap, PLANT_FREED_MARK_AT_FORMER_END) && chunk->former_asked > 8)
        memset(planted_payload(chunk) + chunk->former_asked - 8, PLANTED_FREED_BYTE, 8);
    chunk->state = PLANTED_FREE;
    if (after && after->state == PLANTED_FREE && !has(heap, PLANT_NEVER_MERGES_UPWARDS)) {
        planted_unlink_free(heap, after);
        chunk = planted_merge(heap, chunk, after);
    }
    if (has(heap, PLANT_MERGES_INTO_USED) && before && before->asked % 256 == 255)
        planted_link_free(heap, before);
    if (before && before->state == PLANTED_FREE && !has(heap, PLANT_NEVER_MERGES_DOWNWARDS)) {
        planted_unlink_free(heap, before);
        chunk = planted_merge(heap, before, chunk);
    }
    if (has(heap, PLANT_FREE_LEAKS_SMALL) && chunk->bytes < 112) {
        chunk->state = PLANTED_USED;
        chunk->asked = 0;
        memset(planted_payload(chunk), PLANTED_GUARD_BYTE, PLANTED_GUARD);
        return;
    }
    planted_link_free(heap, chunk);
    if (heap->backend->caps & ASSAY_CAP_TRIMS)
        trim(heap, chunk);
}
