/*
 * drift.c - whether the same operations, done again and again, need more and more pages.
 *
 * What a heap loses a little of each time is in its place again in no single run that ends empty: a free
 * list that forgets blocks, or pages that stay counted. A *round* is what lies between two check operations.
 * Rounds are the same if their operations are, and if they leave as much live as they found; then a heap
 * that lost nothing finds in each what it left in the one before. It may need some rounds to settle.
 */
#include "replay_state.h"

/* Rounds that a heap has to settle, and how often it may still need more pages after them. */
#define SETTLING_ROUNDS 40
#define RISES_ALLOWED 12

bool drift_end_round(struct assay_replay *replay)
{
    struct drift *drift = &replay->drift;
    size_t mapped = replay->heap.meter.mapped_bytes;
    uint64_t live = assay_shadow_count(replay->shadow);
    uint64_t live_bytes = assay_shadow_bytes(replay->shadow);
    bool is_same = drift->round == drift->last_round && live == drift->live &&
                   live_bytes == drift->live_bytes && !fault_is_active(replay);

    drift->last_round = drift->round;
    drift->round = 0;
    drift->live = live;
    drift->live_bytes = live_bytes;
    if (!is_same || !drift->is_open) {
        drift->is_open = replay->sourced && claims(replay, ASSAY_CAP_GROWS);
        drift->rounds = 0;
        drift->rises = 0;
        drift->first_mapped = drift->most_mapped = mapped;
        return true;
    }
    replay->result->checks++;
    drift->rounds++;
    if (mapped <= drift->most_mapped)
        return true;
    drift->most_mapped = mapped;
    if (drift->rounds <= SETTLING_ROUNDS || ++drift->rises <= RISES_ALLOWED)
        return true;
    return assay_finding_set(
        finding_of(replay), ASSAY_CHECK_DRIFT, NULL,
        "after the same operations %llu times with the same blocks live, %zu bytes "
        "are mapped, after the first time it was %zu",
        (unsigned long long)drift->rounds, mapped, drift->first_mapped);
}
