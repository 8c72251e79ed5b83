/*
 * room.c - whether a heap may refuse what it refused, and had said that it can serve what it served.
 *
 * A wrong "no" of a full or fragmented heap and a right one look alike from outside, so this only
 * speaks where no correct allocator could refuse:
 *
 *   1. The heap's own stats say that a block of this size fits without mapping.
 *   2. A heap that GROWS had mapped at most a quarter of its limit, the request would take at
 *      most a sixteenth, and it did not even ask the page source.
 *   3. A heap of one region: all blocks since it was last empty (since its creation, where
 *      COALESCES is not claimed: it may never reuse), each at twice its size and overhead, take
 *      at most a quarter of the limit. A heap that only ever bumped a pointer would still have
 *      room.
 *   4. A heap that COALESCES or GROWS: after a request was refused, blocks of just that size were
 *      freed, fewer requests of it served than that, and no others: each finds room where one was.
 *   5. DEAD, at the end: a heap of few live blocks that take little even if each pins a page, or
 *      one that GROWS and had not mapped half of its limit, refused nearly all small requests.
 *
 * 2 to 5 need that no fault is active and that the page source refused nothing during the request.
 * Alignments above a page are left to 1.
 */
#include "assay/sizes.h"
#include "replay_state.h"

/* Up to here a request is small: to serve it takes next to no room. */
#define SMALL 256
/* A heap without a limit of ours serves at least this much. */
#define UNLIMITED_BYTES ((size_t)64 << 20)
/* Overhead of a block: header, footer, rounding to a granule. */
#define OVERHEAD 64
/* Refusals looked at by stats, which may be costly: all up to here, then one in so many. */
#define LOOK_AT_FIRST 1024
#define LOOK_THEN_EACH 64
/* Requests before which stats are asked: all up to here, then one in so many. */
#define ASK_AT_FIRST 64
#define ASK_THEN_EACH 16
/* DEAD: so many refused in a row, or so many in all of which these many times more than served. */
#define DEAD_STREAK 256
#define DEAD_COUNT 64
#define DEAD_RATIO 16

void room_open(struct assay_replay *replay)
{
    const struct assay_backend *backend = replay->backend;
    size_t limit = replay->sourced ? replay->heap.limit : UNLIMITED_BYTES;

    replay->room = (struct room){0};
    replay->room.capacity = limit > backend->min_limit ? limit - backend->min_limit : 0;
    /* Without usable_size a block may be anything up to a page larger than it was asked for; a heap
     * of one size of block spends that size on every one. */
    replay->room.overhead = backend->usable_size ? OVERHEAD : 4096;
    if (backend->max_size <= 65536)
        replay->room.overhead += backend->max_size;
    if (backend->min_align > OVERHEAD)
        replay->room.overhead += backend->min_align;
}

static size_t cost_of(const struct assay_replay *replay, size_t size, size_t align)
{
    size_t cost = assay_add(size, replay->room.overhead);

    if (align > replay->backend->min_align)
        cost = assay_add(cost, align);
    return assay_multiply(cost, 2);
}

bool room_is_beyond_doubt(const struct assay_replay *replay, size_t size, size_t align)
{
    size_t capacity = replay->room.capacity;
    size_t cost = cost_of(replay, size, align);

    if (size > replay->backend->max_size || align > 4096)
        return false;
    if (!claims(replay, ASSAY_CAP_GROWS))
        return assay_add(replay->room.charged, cost) <= capacity / 4;
    size_t held = replay->sourced ? replay->heap.meter.mapped_bytes
                                  : 2 * assay_shadow_usable_bytes(replay->shadow);
    return held <= capacity / 4 && cost <= capacity / 16;
}

/* Whether a request this small must fit, fragmented as the heap may be. */
static bool is_roomy(const struct assay_replay *replay)
{
    size_t pinned = assay_multiply(assay_shadow_count(replay->shadow), 4096);

    if (claims(replay, ASSAY_CAP_GROWS))
        return replay->sourced && replay->heap.meter.mapped_bytes <= replay->room.capacity / 2;
    return claims(replay, ASSAY_CAP_COALESCES) &&
           assay_add(pinned, 2 * assay_shadow_usable_bytes(replay->shadow)) <=
               replay->room.capacity / 2;
}

static bool is_looked_at(uint64_t refusal)
{
    return refusal < LOOK_AT_FIRST || refusal % LOOK_THEN_EACH == 0;
}

/* A correct refusal changes nothing, so what stats say after it was true before it. */
static bool contradicts_stats(struct assay_replay *replay, const struct request *request)
{
    struct assay_heap_stats stats = {ASSAY_UNKNOWN, ASSAY_UNKNOWN, ASSAY_UNKNOWN, ASSAY_UNKNOWN};

    if (!replay->backend->stats || request->align > replay->backend->min_align ||
        request->size == 0 || !is_looked_at(replay->result->refused))
        return false;
    replay->backend->stats(replay->heap.self, &stats);
    if (stats.largest_free == ASSAY_UNKNOWN || request->size > stats.largest_free)
        return false;
    assay_finding_set(&replay->result->finding, ASSAY_CHECK_REFUSAL, NULL,
                      "%zu bytes were refused, but stats say that %zu bytes fit", request->size,
                      stats.largest_free);
    return true;
}

void room_ask(struct assay_replay *replay, struct request *request)
{
    struct assay_heap_stats stats = {ASSAY_UNKNOWN, ASSAY_UNKNOWN, ASSAY_UNKNOWN, ASSAY_UNKNOWN};
    uint64_t served = replay->result->served;

    if (!replay->backend->stats || !replay->sourced ||
        (served >= ASK_AT_FIRST && served % ASK_THEN_EACH != 0))
        return;
    replay->backend->stats(replay->heap.self, &stats);
    request->largest_free = stats.largest_free;
    request->maps = replay->heap.meter.maps;
}

bool room_judge_served(struct assay_replay *replay, const struct request *request,
                       const struct assay_block *block)
{
    if (request->largest_free == ASSAY_UNKNOWN || request->size <= request->largest_free ||
        request->maps != replay->heap.meter.maps)
        return true;
    return assay_finding_set(&replay->result->finding, ASSAY_CHECK_STATS, block,
                             "%zu bytes were served without mapping, but stats said that %zu fit",
                             request->size, request->largest_free);
}

/* Counts a refusal, and says whether there were places where such a block had been. */
static bool has_places(struct assay_replay *replay, const struct request *request)
{
    struct refill *refill = &replay->room.refill;
    bool is_plain = replay->operation && replay->operation->kind == ASSAY_OP_ALLOC;

    if (!is_plain || request->size == 0 || replay->fault_seen ||
        !(replay->backend->caps & (ASSAY_CAP_COALESCES | ASSAY_CAP_GROWS)))
        return false;
    if (refill->size == request->size)
        return refill->places > 0;
    refill->size = request->size;
    refill->places = 0;
    return false;
}

bool room_judge(struct assay_replay *replay, const struct request *request)
{
    struct room *room = &replay->room;
    enum assay_check check = ASSAY_CHECK_REFUSAL;

    if (contradicts_stats(replay, request))
        return false;
    if (fault_is_active(replay) || page_refusals(replay) != request->page_refusals)
        return true;
    if (request->size <= SMALL && request->align <= replay->backend->min_align &&
        request->size <= replay->backend->max_size && is_roomy(replay)) {
        room->small_refused++;
        room->streak++;
        if (room->streak > room->longest_streak)
            room->longest_streak = room->streak;
    }
    if (has_places(replay, request))
        return assay_finding_set(
            &replay->result->finding, ASSAY_CHECK_REFUSAL, NULL,
            "%zu bytes were refused, though %llu blocks of that size were freed "
            "since the heap was full",
            request->size, (unsigned long long)replay->room.refill.places);
    if (!room_is_beyond_doubt(replay, request->size, request->align))
        return true;
    if (request->size == 0)
        check = ASSAY_CHECK_EDGE;
    else if (replay->fault_seen)
        check = ASSAY_CHECK_SERVICE;
    return assay_finding_set(
        &replay->result->finding, check, NULL,
        "%zu bytes were refused with %zu bytes live in %zu blocks, %zu allowed, and no fault%s",
        request->size, assay_shadow_bytes(replay->shadow), assay_shadow_count(replay->shadow),
        replay->heap.limit, replay->fault_seen ? " any more" : "");
}

bool room_judge_dead(struct assay_replay *replay)
{
    const struct room *room = &replay->room;
    bool nearly_all =
        room->small_refused >= DEAD_COUNT && room->small_refused / DEAD_RATIO >= room->small;

    if (!nearly_all && room->longest_streak < DEAD_STREAK)
        return true;
    return assay_finding_set(
        &replay->result->finding, ASSAY_CHECK_DEAD, NULL,
        "%llu requests of at most %d bytes were refused with plenty of room, %llu in a row, "
        "%llu were served",
        (unsigned long long)room->small_refused, SMALL, (unsigned long long)room->longest_streak,
        (unsigned long long)room->small);
}
