/* meter.c - counts, limits and refuses what goes to another page source. */
#include "assay/pages.h"

#include "assay/sizes.h"

#include <pthread.h>
#include <stdlib.h>

#define MOST_MAPPINGS ((size_t)1 << 24) /* what ranges hold */

static bool allows(struct assay_meter *meter, size_t bytes)
{
    size_t limit = assay_align_up(meter->limit, meter->source.page_size);

    if (meter->refuse_next > 0) {
        meter->refuse_next--;
        return false;
    }
    /* mapped_bytes may be above the limit: someone may have lowered it. */
    return bytes > 0 && bytes <= meter->budget && meter->mapped_bytes <= limit &&
           bytes <= limit - meter->mapped_bytes &&
           assay_ranges_count(meter->mappings) < MOST_MAPPINGS;
}

static void *map_locked(struct assay_meter *meter, size_t bytes, size_t align)
{
    struct assay_range conflict;

    bytes = assay_align_up(bytes, meter->source.page_size);
    bool is_allowed = allows(meter, bytes);
    void *start = is_allowed ? meter->inner->map(meter->inner->ctx, bytes, align) : NULL;
    if (!start) {
        meter->refusals++;
        meter->exhausted += is_allowed;
        return NULL;
    }
    struct assay_range mapping = {(uintptr_t)start, (uintptr_t)start + bytes,
                                  (uint32_t)meter->maps};
    if (!assay_ranges_insert(meter->mappings, mapping, &conflict))
        abort(); /* the inner source gave out the same pages twice: nothing can be relied on */
    meter->maps++;
    meter->mapped_bytes += bytes;
    if (meter->mapped_bytes > meter->peak_bytes)
        meter->peak_bytes = meter->mapped_bytes;
    if (meter->budget != SIZE_MAX)
        meter->budget -= bytes;
    return start;
}

static void put_back(struct assay_meter *meter, uintptr_t start, uintptr_t end, uint32_t value)
{
    struct assay_range conflict;

    if (start < end &&
        !assay_ranges_insert(meter->mappings, (struct assay_range){start, end, value}, &conflict))
        abort(); /* it was there a moment ago */
}

/* Takes [start, end), which is mapped, out of the mappings; what sticks out of it stays. */
static void cut_out(struct assay_meter *meter, uintptr_t start, uintptr_t end)
{
    struct assay_range mapping;
    uintptr_t at = start;

    while (at < end && assay_ranges_find(meter->mappings, at, &mapping)) {
        assay_ranges_remove(meter->mappings, mapping.start, NULL);
        put_back(meter, mapping.start, at, mapping.value);
        put_back(meter, end, mapping.end, mapping.value);
        at = mapping.end;
    }
}

static void unmap_locked(struct assay_meter *meter, void *start, size_t bytes)
{
    uintptr_t address = (uintptr_t)start;

    bytes = assay_align_up(bytes, meter->source.page_size);
    if (bytes == 0 || !assay_is_aligned(start, meter->source.page_size) ||
        !assay_meter_holds(meter, start, bytes)) {
        meter->bad_unmaps++;
        return;
    }
    cut_out(meter, address, address + bytes);
    meter->unmaps++;
    meter->mapped_bytes -= bytes;
    meter->inner->unmap(meter->inner->ctx, start, bytes);
}

static void *map(void *ctx, size_t bytes, size_t align)
{
    struct assay_meter *meter = ctx;

    pthread_mutex_lock(meter->lock);
    void *start = map_locked(meter, bytes, align);
    pthread_mutex_unlock(meter->lock);
    return start;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    struct assay_meter *meter = ctx;

    pthread_mutex_lock(meter->lock);
    unmap_locked(meter, start, bytes);
    pthread_mutex_unlock(meter->lock);
}

static void start_counting(struct assay_meter *meter, size_t limit)
{
    meter->mapped_bytes = 0;
    meter->peak_bytes = 0;
    meter->limit = limit;
    meter->budget = SIZE_MAX;
    meter->refuse_next = 0;
    meter->maps = 0;
    meter->unmaps = 0;
    meter->refusals = 0;
    meter->exhausted = 0;
    meter->bad_unmaps = 0;
}

assay_status assay_meter_open(struct assay_meter *meter, const struct assay_page_source *inner,
                              size_t limit)
{
    pthread_mutex_t *lock = malloc(sizeof *lock);

    *meter = (struct assay_meter){
        .source = {.page_size = inner->page_size, .map = map, .unmap = unmap, .ctx = meter},
        .inner = inner,
        .mappings = assay_ranges_open(),
        .lock = lock,
    };
    if (!lock || !meter->mappings || pthread_mutex_init(lock, NULL) != 0) {
        assay_ranges_close(meter->mappings);
        free(lock);
        return ASSAY_NO_MEMORY;
    }
    start_counting(meter, limit);
    return ASSAY_OK;
}

void assay_meter_close(struct assay_meter *meter)
{
    pthread_mutex_destroy(meter->lock);
    free(meter->lock);
    assay_ranges_close(meter->mappings);
}

void assay_meter_reset(struct assay_meter *meter, size_t limit)
{
    struct assay_range mapping;

    for (uintptr_t from = 0; assay_ranges_next(meter->mappings, from, &mapping); from = mapping.end)
        meter->inner->unmap(meter->inner->ctx, (void *)mapping.start, mapping.end - mapping.start);
    assay_ranges_clear(meter->mappings);
    start_counting(meter, limit);
}

bool assay_meter_holds(const struct assay_meter *meter, const void *start, size_t bytes)
{
    uintptr_t at = (uintptr_t)start, end = at + bytes;
    struct assay_range mapping;

    if (end < at)
        return false;
    do {
        if (!assay_ranges_find(meter->mappings, at, &mapping))
            return false;
        at = mapping.end;
    } while (at < end);
    return true;
}

bool assay_meter_locate(const struct assay_meter *meter, const void *address, uint32_t *mapping,
                        size_t *offset)
{
    struct assay_range found;

    if (!assay_ranges_find(meter->mappings, (uintptr_t)address, &found))
        return false;
    *mapping = found.value;
    *offset = (uintptr_t)address - found.start;
    return true;
}
