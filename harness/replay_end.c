/*
 * replay_end.c - faults are lifted, everything is freed, and the heap must be as good as new.
 *
 * In which order, the heap's seed says: by rising address; or every other block first, or every third, so that
 * holes are closed from both sides. A heap that ends all blocks itself is destroyed with half of them, too.
 */
#include "replay_state.h"

/* Addresses of freed blocks that owns() is asked about. */
#define OWNS_FREED 16

/* Blocks that a walk through them by address passes over, by the seed of the heap. */
static const unsigned strides[] = {1, 2, 3};
#define STRIDES (sizeof strides / sizeof *strides)

/* Frees one of `stride` blocks, by rising address. */
static bool free_some(struct assay_replay *replay, unsigned stride, const void **freed,
                      size_t *freed_count)
{
    struct assay_block block;
    const char *from = NULL;

    for (unsigned i = 0; assay_shadow_next(replay->shadow, from, &block); i++) {
        void *handle = replay->slots[block.slot].handle;
        from = (const char *)block.start + 1;
        if (i % stride != 0)
            continue;
        if (!assay_shadow_remove(replay->shadow, block.slot, finding_of(replay)))
            return false;
        assay_status status = replay->backend->free(replay->heap.self, handle);
        answer(replay, (uint64_t)status);
        replay->result->checks += 2;
        if (status != ASSAY_OK)
            return assay_finding_set(finding_of(replay), ASSAY_CHECK_FREE, &block,
                                     "freeing the block of op %llu was answered with: %s",
                                     (unsigned long long)block.op, assay_status_text(status));
        if (*freed_count < OWNS_FREED && block.usable > 0)
            freed[(*freed_count)++] = block.start;
    }
    return true;
}

static bool free_everything(struct assay_replay *replay, unsigned stride, const void **freed,
                            size_t *freed_count)
{
    if (!free_some(replay, stride, freed, freed_count) ||
        (stride > 1 && !free_some(replay, 1, freed, freed_count)))
        return false;
    if (claims(replay, ASSAY_CAP_COALESCES))
        replay->room.charged = 0;
    return true;
}

static bool owns_nothing(struct assay_replay *replay, const void *const *freed, size_t count)
{
    if (!replay->backend->owns)
        return true;
    for (size_t i = 0; i < count; i++)
        if (replay->backend->owns(replay->heap.self, freed[i]))
            return assay_finding_set(finding_of(replay), ASSAY_CHECK_OWNS, NULL,
                                     "owns claims an address of a freed block");
    return true;
}

static bool is_trimmed(struct assay_replay *replay)
{
    size_t mapped = replay->heap.meter.mapped_bytes;

    if (!replay->sourced || !claims(replay, ASSAY_CAP_TRIMS))
        return true;
    replay->result->checks++;
    if (mapped <= replay->mapped_at_create)
        return true;
    return assay_finding_set(finding_of(replay), ASSAY_CHECK_TRIM, NULL,
                             "after all is freed %zu bytes are mapped, after creation it was %zu",
                             mapped, replay->mapped_at_create);
}

/* Asks for a block and frees it; *served tells whether there was one. */
static bool try_size(struct assay_replay *replay, size_t size, bool *served)
{
    void *handle = replay->backend->alloc(replay->heap.self, size);

    replay->result->checks++;
    answer(replay, handle != NULL);
    *served = handle != NULL;
    if (!handle)
        return true;
    assay_status status = replay->backend->free(replay->heap.self, handle);
    if (status == ASSAY_OK)
        return true;
    return assay_finding_set(
        finding_of(replay), ASSAY_CHECK_FREE, NULL,
        "freeing a block of %zu bytes of the emptied heap was answered with: %s", size,
        assay_status_text(status));
}

static bool serves_again(struct assay_replay *replay)
{
    size_t size = replay->smallest_served;
    uint64_t exhausted = replay->heap.meter.exhausted;
    bool served;

    /* What was served before fits the emptied heap; without that, what must fit any. */
    if (!replay->fault_seen)
        return true;
    if (size == SIZE_MAX || !claims(replay, ASSAY_CAP_COALESCES)) {
        size = 1;
        if (!room_is_beyond_doubt(replay, size, replay->backend->min_align))
            return true;
    }
    if (!try_size(replay, size, &served))
        return false;
    /* Where the pages below the meter are exhausted, faults have not ended. */
    if (served || replay->heap.meter.exhausted != exhausted)
        return true;
    return assay_finding_set(finding_of(replay), ASSAY_CHECK_SERVICE, NULL,
                             "%zu bytes are refused by the emptied heap after faults have ended",
                             size);
}

static bool conserves(struct assay_replay *replay)
{
    bool served;

    if (!claims(replay, ASSAY_CAP_COALESCES) || replay->largest_served == 0)
        return true;
    uint64_t exhausted = replay->heap.meter.exhausted;
    if (!try_size(replay, replay->largest_served, &served))
        return false;
    if (served)
        return true;
    /* Without room below the meter there is nothing to conserve. */
    if (replay->heap.meter.exhausted != exhausted)
        return true;
    return assay_finding_set(finding_of(replay), ASSAY_CHECK_CONSERVATION, NULL,
                             "%zu bytes were served before, and are refused by the emptied heap",
                             replay->largest_served);
}

static bool keeps_its_limit(struct assay_replay *replay)
{
    const struct assay_meter *meter = &replay->heap.meter;

    if (!replay->sourced)
        return true;
    replay->result->checks++;
    if (!claims(replay, ASSAY_CAP_GROWS) && meter->maps != replay->maps_at_create)
        return assay_finding_set(finding_of(replay), ASSAY_CHECK_LIMIT, NULL,
                                 "a heap that does not grow mapped pages %llu times after creation",
                                 (unsigned long long)(meter->maps - replay->maps_at_create));
    return true;
}

static bool destroys_cleanly(struct assay_replay *replay)
{
    uint64_t bad_unmaps = replay->heap.meter.bad_unmaps;
    size_t leaked_bytes;

    assay_heap_destroy(&replay->heap, &leaked_bytes);
    if (!replay->sourced)
        return true;
    replay->result->checks++;
    if (leaked_bytes > 0)
        return assay_finding_set(finding_of(replay), ASSAY_CHECK_LEAK, NULL,
                                 "%zu bytes are still mapped after destroy", leaked_bytes);
    if (replay->heap.meter.bad_unmaps != bad_unmaps)
        return assay_finding_set(finding_of(replay), ASSAY_CHECK_LIMIT, NULL,
                                 "destroy gave back pages that the heap did not have");
    return true;
}

bool replay_finish(struct assay_replay *replay)
{
    const void *freed[OWNS_FREED];
    size_t freed_count = 0;
    uint64_t order = replay->seed % (STRIDES + 1);

    if (replay->sourced) {
        replay->heap.meter.refuse_next = 0;
        replay->heap.meter.budget = SIZE_MAX;
    }
    if (!replay_audit(replay) || !room_judge_dead(replay))
        return false;
    if (order == STRIDES && replay->sourced)
        return free_some(replay, 2, freed, &freed_count) && replay_audit(replay) &&
               destroys_cleanly(replay);
    return free_everything(replay, strides[order % STRIDES], freed, &freed_count) &&
           replay_audit(replay) && owns_nothing(replay, freed, freed_count) && is_trimmed(replay) &&
           serves_again(replay) && conserves(replay) && keeps_its_limit(replay) &&
           destroys_cleanly(replay);
}

void replay_abandon(struct assay_replay *replay)
{
    replay->heap.self = NULL;
    assay_meter_reset(&replay->heap.meter, replay->heap.limit);
}
