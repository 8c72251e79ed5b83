/* planted_audit.c - what the allocator with bugs says about itself; see planted.h. */
#include "planted.h"

#include <stdio.h>

struct chunk *planted_find(const struct planted_heap *heap, const void *address)
{
    uintptr_t wanted = (uintptr_t)address;

    for (struct segment *segment = heap->segments; segment; segment = segment->next) {
        uintptr_t start = (uintptr_t)segment;
        if (wanted < start || wanted - start >= segment->bytes)
            continue;
        for (struct chunk *chunk = planted_first(segment); chunk; chunk = planted_after(chunk)) {
            uintptr_t payload = (uintptr_t)planted_payload(chunk);
            if (chunk->segment != segment || chunk->bytes < PLANTED_HEADER)
                return NULL; /* damaged */
            if (wanted < payload)
                return NULL;
            if (wanted == payload || wanted - payload < chunk->asked)
                if (chunk->state == PLANTED_USED)
                    return chunk;
        }
    }
    return NULL;
}

bool planted_guard_is_whole(const struct planted_heap *heap, const struct chunk *chunk)
{
    const unsigned char *guard = planted_payload(chunk) + chunk->asked;
    size_t first = has(heap, PLANT_GUARD_FIRST_BYTE_UNSEEN) ? 1 : 0;

    if (!(heap->backend->caps & ASSAY_CAP_DETECTS_OVERRUN))
        return true;
    if (has(heap, PLANT_GUARD_OF_WHOLE_WORDS_UNSEEN) && chunk->asked % 8 == 0)
        return true;
    for (size_t i = first; i < PLANTED_GUARD; i++)
        if (guard[i] != PLANTED_GUARD_BYTE)
            return false;
    return true;
}

size_t planted_usable_size(void *self, const void *block)
{
    const struct planted_heap *heap = self;
    const struct chunk *chunk = planted_find(heap, block);

    if (!chunk)
        return 0;
    if (has(heap, PLANT_USABLE_SIZE_SHORT) && chunk->asked > 100)
        return chunk->asked - 1;
    if (has(heap, PLANT_USABLE_SIZE_COUNTS_GUARD))
        return chunk->asked + PLANTED_GUARD;
    if (has(heap, PLANT_USABLE_SIZE_COUNTS_HEADER))
        return chunk->bytes;
    return chunk->asked;
}

bool planted_owns(void *self, const void *address)
{
    const struct planted_heap *heap = self;
    const struct chunk *chunk = planted_find(heap, address);
    uintptr_t wanted = (uintptr_t)address;

    if (has(heap, PLANT_OWNS_ONLY_START) && chunk)
        return address == planted_payload(chunk);
    if (has(heap, PLANT_OWNS_ANY_OF_SEGMENT))
        return wanted - (uintptr_t)heap->segments < heap->segments->bytes;
    return chunk && wanted - (uintptr_t)planted_payload(chunk) < chunk->asked;
}

static assay_status damaged(struct assay_damage *damage, const void *where, const char *what)
{
    damage->where = where;
    snprintf(damage->what, sizeof damage->what, "%s", what);
    return ASSAY_CORRUPT;
}

static assay_status check_chunk(const struct planted_heap *heap, const struct chunk *chunk,
                                const struct chunk *before, const unsigned char *end,
                                struct assay_damage *damage)
{
    if (chunk->bytes < PLANTED_MIN || chunk->bytes % PLANTED_ALIGN ||
        chunk->bytes > (size_t)(end - (const unsigned char *)chunk))
        return damaged(damage, chunk, "a chunk has an impossible length");
    if (chunk->before != before)
        return damaged(damage, chunk, "a chunk does not know its lower neighbour");
    if (chunk->state != PLANTED_USED && chunk->state != PLANTED_FREE)
        return damaged(damage, chunk, "a chunk is neither used nor free");
    if (chunk->state == PLANTED_FREE)
        return ASSAY_OK;
    if (chunk->asked > chunk->bytes - PLANTED_HEADER - PLANTED_GUARD)
        return damaged(damage, chunk, "a block is longer than its chunk");
    if (!planted_guard_is_whole(heap, chunk))
        return damaged(damage, chunk, "bytes were written past a block");
    return ASSAY_OK;
}

static assay_status check_free_list(const struct planted_heap *heap, size_t free_chunks,
                                    struct assay_damage *damage)
{
    const struct chunk *before = NULL;
    size_t listed = 0;

    for (const struct chunk *chunk = heap->free_list; chunk; chunk = chunk->next_free) {
        if (listed++ > free_chunks || chunk->state != PLANTED_FREE || chunk->prev_free != before)
            return damaged(damage, chunk, "the list of free chunks is broken");
        before = chunk;
    }
    if (listed != free_chunks || listed != heap->free_chunks)
        return damaged(damage, NULL, "a free chunk is not in the list");
    return ASSAY_OK;
}

assay_status planted_check(void *self, struct assay_damage *damage)
{
    const struct planted_heap *heap = self;
    size_t free_chunks = 0;

    for (struct segment *segment = heap->segments; segment; segment = segment->next) {
        const unsigned char *end = (const unsigned char *)segment + segment->bytes;
        const struct chunk *before = NULL;
        for (struct chunk *chunk = planted_first(segment); chunk; chunk = planted_after(chunk)) {
            if (chunk->segment != segment)
                return damaged(damage, chunk, "a chunk does not know its segment");
            assay_status status = check_chunk(heap, chunk, before, end, damage);
            if (status != ASSAY_OK)
                return status;
            free_chunks += chunk->state == PLANTED_FREE;
            before = chunk;
        }
    }
    if (has(heap, PLANT_CHECK_CRIES_WOLF) && free_chunks > 12)
        return damaged(damage, NULL, "too many free chunks");
    return check_free_list(heap, free_chunks, damage);
}

assay_status planted_walk(void *self, assay_visit_fn *visit, void *arg)
{
    const struct planted_heap *heap = self;

    for (struct segment *segment = heap->segments; segment; segment = segment->next) {
        struct assay_extent extent = {segment, segment->overhead, ASSAY_EXTENT_META};
        if (!visit(arg, &extent))
            return ASSAY_OK;
        for (struct chunk *chunk = planted_first(segment); chunk; chunk = planted_after(chunk)) {
            bool is_used = chunk->state == PLANTED_USED;
            extent.start = chunk;
            extent.bytes = chunk->bytes;
            extent.kind = is_used ? ASSAY_EXTENT_USED : ASSAY_EXTENT_FREE;
            if (has(heap, PLANT_WALK_SKIPS_EMPTY) && is_used && chunk->asked == 0)
                continue;
            if (has(heap, PLANT_WALK_ENDS_EARLY) && !planted_after(chunk) && !is_used)
                continue;
            if (!visit(arg, &extent))
                return ASSAY_OK;
        }
    }
    return ASSAY_OK;
}

void planted_stats(void *self, struct assay_heap_stats *stats)
{
    const struct planted_heap *heap = self;
    size_t largest = 0;

    *stats = (struct assay_heap_stats){.mapped_bytes = heap->mapped};
    for (struct segment *segment = heap->segments; segment; segment = segment->next)
        for (struct chunk *chunk = planted_first(segment); chunk; chunk = planted_after(chunk)) {
            if (chunk->state == PLANTED_FREE) {
                largest = chunk->bytes > largest ? chunk->bytes : largest;
                continue;
            }
            stats->used_blocks++;
            stats->used_bytes += chunk->asked;
            if (has(heap, PLANT_STATS_COUNT_CHUNKS))
                stats->used_bytes += chunk->bytes - chunk->asked;
            if (has(heap, PLANT_STATS_FORGET_EMPTY) && chunk->asked == 0)
                stats->used_blocks--;
        }
    if (has(heap, PLANT_STATS_LARGEST_WITH_HEADER))
        stats->largest_free = largest;
    else if (largest >= PLANTED_HEADER + PLANTED_GUARD)
        stats->largest_free = largest - PLANTED_HEADER - PLANTED_GUARD;
}
