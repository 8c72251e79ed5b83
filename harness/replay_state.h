/*
 * replay_state.h - what the files of the replay share: replay.c runs a stream, replay_alloc.c
 * asks for blocks, room.c judges refusals, drift.c repetitions, misuse_ops.c misuses the heap, errno_rule.c looks at errno, watch.c
 * marks what the heap does, replay_end.c ends it.
 */
#ifndef ASSAY_REPLAY_STATE_H
#define ASSAY_REPLAY_STATE_H

#include "assay/audit.h"
#include "assay/replay.h"
#include "assay/transcript.h"
#include "assay/watch.h"

#include <errno.h>

/* What was freed since a request was refused, while nothing but that size came and went. */
struct refill {
    size_t size;         /* of the request that was refused; 0: none, or others came between */
    uint64_t places;     /* blocks of that size freed, less those that were served */
    uint64_t plain_from; /* the operation since which nothing but plain blocks was served */
};

/* What is known about the room that a heap must still have. */
struct room {
    size_t capacity;        /* what a heap of this limit can at most hold */
    size_t overhead;        /* assumed for each block, above its usable bytes */
    size_t charged;         /* generous cost of all blocks since the heap was last empty */
    uint64_t small;         /* small requests that were served */
    uint64_t small_refused; /* small requests that were refused with plenty of room */
    uint64_t streak;        /* of small_refused, since a request was last served */
    uint64_t longest_streak;
    struct refill refill;
};

/* What is known of the rounds between check operations. */
struct drift {
    bool is_open;        /* this heap can drift, and a first round has begun */
    uint64_t round;      /* a hash of the operations of the round under way */
    uint64_t last_round; /* and of the one before */
    uint64_t live, live_bytes;
    uint64_t rounds; /* like the last one, without a pause */
    uint64_t rises;  /* of most_mapped, after the first rounds */
    size_t first_mapped, most_mapped;
};

/* A request for a block, whatever operation makes it. */
struct request {
    size_t size; /* SIZE_MAX where count * size overflows */
    size_t align;
    bool zeroed;
    bool is_realloc;
    bool overflows;
    uint64_t page_refusals; /* of the page source, before the call */
    size_t mapped;          /* before the call */
    size_t largest_free;    /* by the stats before the call; ASSAY_UNKNOWN where not asked */
    uint64_t maps;          /* before the call */
};

struct assay_replay {
    const struct assay_backend *backend;
    struct assay_replay_options options;
    volatile uint64_t *progress;
    struct assay_shadow *shadow;
    const struct assay_shadow_slot *slots;
    struct assay_heap heap;
    bool has_meter;   /* heap was opened once: its meter is there to be reused */
    uint32_t offered; /* bit (1 << kind): runs on this backend */
    bool sourced;     /* PAGE_SOURCE is claimed */
    uint64_t unread_progress;

    /* Of the stream under way. */
    struct assay_replay_result *result;
    const struct assay_op *operation;
    uint64_t op;
    uint64_t seed;     /* of the heap */
    size_t most_bytes; /* a request above it cannot be served */
    bool fault_seen;
    bool stopped; /* the heap can no longer be judged: end without further checks */
    size_t largest_served;
    size_t smallest_served;
    size_t mapped_at_create;
    uint64_t maps_at_create;
    uint64_t requests_under_fault;
    uint64_t audits_under_fault;
    uint64_t kept_under_fault; /* refused requests that left more mapped than they found */
    uint64_t misuses;
    struct room room;
    struct drift drift;
    /* The mapping that the last block lay in, valid while nothing was mapped or unmapped since. */
    uintptr_t window_start, window_end;
    uint32_t window_mapping;
    uint64_t window_stamp;
    struct assay_transcript transcript;
};

static inline struct assay_finding *finding_of(struct assay_replay *replay)
{
    return &replay->result->finding;
}

static inline bool skip(struct assay_replay *replay, const struct assay_op *op)
{
    replay->result->skipped[op->kind]++;
    return true;
}

static inline bool claims(const struct assay_replay *replay, uint32_t caps)
{
    return assay_backend_claims(replay->backend, caps);
}

static inline bool fault_is_active(const struct assay_replay *replay)
{
    return replay->heap.meter.refuse_next > 0 || replay->heap.meter.budget != SIZE_MAX;
}

/* Of requests for pages, up to now, wherever the heap takes them from. */
static inline uint64_t page_refusals(const struct assay_replay *replay)
{
    const uint64_t *more = replay->options.page_refusals;

    return replay->heap.meter.refusals + (more ? *more : 0);
}

/* Of costly checks: the first, and then one in 32. `number` counts from 0. */
static inline bool is_due(uint64_t number)
{
    return number % 32 == 0;
}

static inline void answer(struct assay_replay *replay, uint64_t word)
{
    if (replay->options.transcript)
        assay_transcript_add(&replay->transcript, word);
}

/* The block of a slot that is live, or was. */
struct assay_block replay_block(const struct assay_replay *replay, uint32_t number);
/* Self-check, walk, stats, owns. */
bool replay_audit(struct assay_replay *replay);

/* errno_rule.c: errno is set before the call; `why` is what it was after it. */
#define ERRNO_UNTOUCHED EDOM
static inline void errno_watch(const struct assay_replay *replay)
{
    if (claims(replay, ASSAY_CAP_SETS_ERRNO))
        errno = ERRNO_UNTOUCHED;
}
bool errno_after_refusal(struct assay_replay *replay, int why);
bool errno_after_free(struct assay_replay *replay, const struct assay_block *block);

/* drift.c: a round ends at each check operation. */
bool drift_end_round(struct assay_replay *replay);
static inline void drift_add(struct drift *drift, const struct assay_op *op)
{
    uint64_t word = op->kind + ((uint64_t)op->slot << 8) + (op->arg << 32);

    drift->round = ((drift->round ^ word) * 0x9E3779B97F4A7C15u ^ op->size) * 0xBF58476D1CE4E5B9u;
}

/* replay_alloc.c: runs an operation that asks for a block. */
bool replay_alloc(struct assay_replay *replay, const struct assay_op *op);
bool replay_realloc(struct assay_replay *replay, const struct assay_op *op);

/* room.c: what a served block costs, and whether a refusal can be right. Called after the call. */
void room_open(struct assay_replay *replay);
static inline void room_charge(struct assay_replay *replay, size_t usable, size_t align)
{
    struct room *room = &replay->room;
    size_t cost = usable + room->overhead;

    /* Twice: a power of two may be the next step. */
    room->charged += 2 * (align > replay->backend->min_align ? cost + align : cost);
    room->small += usable <= 256;
    room->streak = 0;
}

/* A request was served: `plain` by alloc. */
static inline void room_serve(struct assay_replay *replay, size_t size, bool plain)
{
    struct refill *refill = &replay->room.refill;

    if (!plain)
        refill->plain_from = replay->op + 1;
    if (plain && size == refill->size && refill->places > 0)
        refill->places--;
    else
        refill->size = 0;
}

/* A block that was made by operation `op` was freed. */
static inline void room_free(struct assay_replay *replay, size_t size, uint64_t op)
{
    struct refill *refill = &replay->room.refill;

    refill->places += size == refill->size && op >= refill->plain_from;
}
/* Asks the stats what fits before a request of alloc; not always, for they may be costly. */
void room_ask(struct assay_replay *replay, struct request *request);
/* Whether what was served had room by what the stats said. */
bool room_judge_served(struct assay_replay *replay, const struct request *request,
                       const struct assay_block *block);
bool room_judge(struct assay_replay *replay, const struct request *request);
bool room_judge_dead(struct assay_replay *replay);
bool room_is_beyond_doubt(const struct assay_replay *replay, size_t size, size_t align);

/* watch.c: marks around each operation and after each audit, where the options have a watch. */
void watch_begin(struct assay_replay *replay);
void watch_before(struct assay_replay *replay, const struct assay_op *op);
void watch_after(struct assay_replay *replay, const struct assay_op *op);
void watch_shape(struct assay_replay *replay, const struct assay_audit_shape *shape);

/* misuse_ops.c: runs an operation that a program must not do. */
bool misuse_run(struct assay_replay *replay, const struct assay_op *op);

/* replay_end.c: the checks of an emptied heap, and its destruction. */
bool replay_finish(struct assay_replay *replay);
/* Gives back all pages of a heap that is broken, without calling it again. */
void replay_abandon(struct assay_replay *replay);

#endif
