/*
 * watch.c - what a heap did in an operation, told from its slot before and after, its neighbours and the meter.
 *
 *      below         above
 *    [used]...[block].......[used]      in granules of 16 bytes, as far as places.c looks
 *
 * A heap's headers lie between neighbours, so blocks count as next to each other if none were seen closer.
 */
#include "assay/watch.h"

#include "assay/places.h"

#include "replay_state.h"

#include <string.h>

#define CLASSES ASSAY_WATCH_CLASSES
#define GRADES 64u
#define RATIOS 9u
#define GAPS 8u
#define LEVELS 16u
#define COUNTED 8u /* classes of small numbers */
#define ASKED 128u /* one for each power of two from either end of the numbers */
#define RESIZE_EVENTS (ASSAY_EVENT_SLID - ASSAY_EVENT_GROWN + 1u)
/* A large header: so far apart blocks count as next to each other until closer ones were seen. */
#define HEADER_GRANULES 8

/* How many marks each topic has, in their order. */
#define TOPICS(X)                                                                                  \
    X(FOLLOWS, follows, ASSAY_EVENTS *ASSAY_EVENTS)                                                \
    X(SIZES, sizes, ASSAY_EVENTS *CLASSES)                                                         \
    X(KINDS, kinds, ASSAY_OP_KINDS *ASSAY_EVENTS)                                                  \
    X(CLASSES, classes, CLASSES *CLASSES)                                                          \
    X(GRADES, grades, GRADES)                                                                      \
    X(RESIZES, resizes, RESIZE_EVENTS *RATIOS)                                                     \
    X(NEIGHBOURS, neighbours, GAPS *GAPS)                                                          \
    X(ALIGNMENT, alignment, LEVELS)                                                                \
    X(FENCE, fence, CLASSES)                                                                       \
    X(FILL, fill, 2u * LEVELS)                                                                     \
    X(ASKED, asked, ASKED)                                                                         \
    X(ROOM, room, CLASSES)                                                                         \
    X(STREAK, streak, COUNTED)                                                                     \
    X(PLACES, places, COUNTED)                                                                     \
    X(ROUNDS, rounds, COUNTED)                                                                     \
    X(SHAPES, shapes, COUNTED *CLASSES)                                                            \
    X(PAGES, pages, 64u)                                                                           \
    X(MAPPED, mapped, CLASSES)                                                                     \
    X(FAILED, failed, ASSAY_CHECKS)

/* FIRST_x, and behind it END_x - 1, the last one of topic x. */
enum {
#define FIRST(topic, name, count) FIRST_##topic, END_##topic = FIRST_##topic + (count)-1,
    TOPICS(FIRST)
#undef FIRST
        MARKS
};
_Static_assert(MARKS <= ASSAY_WATCH_MARKS && ASSAY_WATCH_MARKS - MARKS < 64 &&
                   ASSAY_WATCH_MARKS % 64 == 0,
               "whole cache lines hold all topics");

const struct assay_topic_range assay_topics[ASSAY_TOPICS] = {
#define RANGE(topic, name, count) [ASSAY_TOPIC_##topic] = {#name, FIRST_##topic, count},
    TOPICS(RANGE)
#undef RANGE
};

static inline void mark(struct assay_watch *watch, unsigned number)
{
    watch->marks[number] = 1;
}

/* Bits of a number: 0 for 0, else one more than its logarithm. */
static inline unsigned bits_of(uint64_t number)
{
    return number ? 64 - (unsigned)__builtin_clzll(number) : 0;
}

static inline unsigned at_most(unsigned number, unsigned most)
{
    return number < most ? number : most;
}

/* 0 up to 15 bytes, then one for each power of two. */
static inline unsigned class_of(size_t bytes)
{
    return at_most(bits_of(bytes >> 4), CLASSES - 1);
}

/* Four for each power of two from 16 on. */
static inline unsigned grade_of(size_t bytes)
{
    unsigned bits = bits_of(bytes >> 4);

    return bits == 0 ? 0
                     : at_most(4 * (bits - 1) + (unsigned)(bytes >> (bits + 1) & 3), GRADES - 1);
}

/* 0, 1, 2, 3-4, 5-8, 9-16, 17-63, more: of granules. */
static inline unsigned gap_of(unsigned granules)
{
    if (granules < 2)
        return granules;
    unsigned bits = bits_of(granules - 1);
    return bits <= 4 ? bits + 1 : granules < ASSAY_PLACES_FAR ? GAPS - 2 : GAPS - 1;
}

static inline void meet(struct assay_watch *watch, unsigned gap)
{
    if (gap < watch->closest)
        watch->closest = gap;
}

static void look_around(const struct assay_replay *replay, const struct assay_shadow_slot *slot)
{
    struct assay_watch *watch = replay->options.watch;

    assay_shadow_gaps(replay->shadow, slot, &watch->below, &watch->above);
    meet(watch, watch->below);
    meet(watch, watch->above);
}

/* --- before and after an operation --- */

void watch_begin(struct assay_replay *replay)
{
    struct assay_watch *watch = replay->options.watch;
    uint8_t *marks = watch->marks;
    const struct assay_meter *meter = &replay->heap.meter;

    memset(marks, 0, ASSAY_WATCH_MARKS);
    *watch = (struct assay_watch){.marks = marks,
                                  .closest = HEADER_GRANULES,
                                  .maps = meter->maps,
                                  .unmaps = meter->unmaps,
                                  .refusals = page_refusals(replay)};
    mark(watch, FIRST_MAPPED + class_of(meter->mapped_bytes >> 8));
}

void watch_before(struct assay_replay *replay, const struct assay_op *op)
{
    struct assay_watch *watch = replay->options.watch;
    const struct assay_shadow_slot *slot = &replay->slots[op->slot];

    watch->was_live = slot->live;
    watch->start = (uintptr_t)slot->start;
    watch->usable = slot->usable;
    watch->served = replay->result->served;
    watch->refused = replay->result->refused;
    watch->skipped = replay->result->skipped[op->kind];
    if (op->kind == ASSAY_OP_FREE && slot->live)
        look_around(replay, slot);
}

/* `none`, or one of the three events behind it: room below, above, on both sides. */
static enum assay_event by_room(const struct assay_watch *watch, enum assay_event none)
{
    unsigned room = (watch->below > watch->closest) + 2u * (watch->above > watch->closest);

    return (enum assay_event)(none + room);
}

static enum assay_event placed(const struct assay_replay *replay, size_t usable, uintptr_t start)
{
    const struct assay_watch *watch = replay->options.watch;

    if (start == watch->freed)
        return usable == watch->freed_bytes  ? ASSAY_EVENT_REUSED
               : usable < watch->freed_bytes ? ASSAY_EVENT_REUSED_PART
                                             : ASSAY_EVENT_REUSED_MORE;
    if (replay->heap.meter.maps != watch->maps)
        return ASSAY_EVENT_FRESH;
    return by_room(watch, ASSAY_EVENT_FILLED);
}

static enum assay_event resized(const struct assay_watch *watch, size_t usable, uintptr_t start)
{
    if (start == watch->start)
        return usable > watch->usable   ? ASSAY_EVENT_GROWN
               : usable < watch->usable ? ASSAY_EVENT_SHRUNK
                                        : ASSAY_EVENT_KEPT;
    if (start < watch->start)
        return start + usable > watch->start ? ASSAY_EVENT_SLID : ASSAY_EVENT_MOVED_DOWN;
    return start < watch->start + watch->usable ? ASSAY_EVENT_SLID : ASSAY_EVENT_MOVED_UP;
}

static enum assay_event freed(const struct assay_replay *replay)
{
    const struct assay_watch *watch = replay->options.watch;

    if (replay->heap.meter.unmaps != watch->unmaps)
        return ASSAY_EVENT_RETURNED;
    if (assay_shadow_count(replay->shadow) == 0)
        return ASSAY_EVENT_EMPTIED;
    return by_room(watch, ASSAY_EVENT_FREED);
}

/* --- what there is to mark beside the event --- */

static void keep_freed(struct assay_watch *watch)
{
    watch->freed = watch->start;
    watch->freed_bytes = watch->usable;
}

static void mark_fill(struct assay_replay *replay, bool is_served)
{
    size_t sixteenth = replay->heap.limit / LEVELS;
    size_t level = sixteenth ? assay_shadow_usable_bytes(replay->shadow) / sixteenth : 0;

    mark(replay->options.watch,
         FIRST_FILL + (level < LEVELS ? (unsigned)level : LEVELS - 1) + LEVELS * !is_served);
}

/* How near the block came to what a check would say of it. */
static void mark_nearness(struct assay_replay *replay, const struct assay_op *op,
                          const struct assay_shadow_slot *slot)
{
    struct assay_watch *watch = replay->options.watch;
    uintptr_t start = (uintptr_t)slot->start;

    mark(watch, FIRST_NEIGHBOURS + gap_of(watch->below) * GAPS + gap_of(watch->above));
    if (replay->window_end > start)
        mark(watch, FIRST_FENCE + class_of(replay->window_end - start - slot->usable));
    if (op->kind == ASSAY_OP_ALLOC_ALIGNED)
        mark(watch, FIRST_ALIGNMENT +
                        at_most((unsigned)__builtin_ctzll(start / op->arg | 1u << (LEVELS - 1)),
                                LEVELS - 1));
}

static enum assay_event served(struct assay_replay *replay, const struct assay_op *op,
                               unsigned *class)
{
    struct assay_watch *watch = replay->options.watch;
    const struct assay_shadow_slot *slot = &replay->slots[op->slot];
    uintptr_t start = (uintptr_t)slot->start;
    enum assay_event event;

    look_around(replay, slot);
    *class = class_of(slot->usable);
    if (watch->was_live) {
        event = resized(watch, slot->usable, start);
        int ratio = (int)bits_of(slot->usable) - (int)bits_of(watch->usable) + (int)RATIOS / 2;
        mark(watch, FIRST_RESIZES + (event - ASSAY_EVENT_GROWN) * RATIOS +
                        (ratio < 0 ? 0 : at_most((unsigned)ratio, RATIOS - 1)));
        if (start != watch->start)
            keep_freed(watch);
    } else {
        event = placed(replay, slot->usable, start);
        if (start == watch->freed)
            watch->freed = 0;
    }
    mark(watch, FIRST_CLASSES + watch->last_class * CLASSES + *class);
    mark(watch, FIRST_GRADES + grade_of(slot->usable));
    watch->last_class = *class;
    mark_nearness(replay, op, slot);
    mark_fill(replay, true);
    return event;
}

static enum assay_event refused(struct assay_replay *replay, const struct assay_op *op)
{
    struct assay_watch *watch = replay->options.watch;
    const struct room *room = &replay->room;
    bool overflows = op->kind == ASSAY_OP_ALLOC_ZEROED && op->size && op->arg > SIZE_MAX / op->size;
    size_t size = op->kind == ASSAY_OP_ALLOC_ZEROED ? op->size * op->arg : op->size;
    size_t used = assay_shadow_usable_bytes(replay->shadow);
    size_t unused = replay->heap.limit > used ? replay->heap.limit - used : 0;

    /* Past the middle, from the end of the numbers downwards; overflowing products by what is left of them. */
    mark(watch,
         FIRST_ASKED + (overflows || size > SIZE_MAX / 2 ? ASKED - 1 - at_most(bits_of(~size), 63)
                                                         : at_most(bits_of(size), 63)));
    mark(watch, FIRST_ROOM + (size ? at_most(bits_of(unused / size), CLASSES - 1) : 0));
    if (room->streak)
        mark(watch, FIRST_STREAK + at_most(bits_of(room->streak), COUNTED - 1));
    if (room->refill.places)
        mark(watch, FIRST_PLACES + at_most(bits_of(room->refill.places), COUNTED - 1));
    mark_fill(replay, false);
    return page_refusals(replay) != watch->refusals ? ASSAY_EVENT_REFUSED_PAGES
                                                    : ASSAY_EVENT_REFUSED;
}

static void mark_pages(struct assay_replay *replay)
{
    struct assay_watch *watch = replay->options.watch;
    const struct assay_meter *meter = &replay->heap.meter;
    uint64_t refusals = page_refusals(replay);
    uint64_t more[] = {meter->maps - watch->maps, meter->unmaps - watch->unmaps,
                       refusals - watch->refusals};
    unsigned number = 0;

    if ((more[0] | more[1] | more[2]) == 0)
        return;
    for (unsigned i = 0; i < 3; i++)
        number = number << 2 | (more[i] > 2 ? 3u : (unsigned)more[i]);
    mark(watch, FIRST_PAGES + number);
    mark(watch, FIRST_MAPPED + class_of(meter->mapped_bytes >> 8));
    watch->maps = meter->maps;
    watch->unmaps = meter->unmaps;
    watch->refusals = refusals;
}

/* What an operation did that asked for no block and freed none. */
static enum assay_event other(struct assay_replay *replay, const struct assay_op *op)
{
    struct assay_watch *watch = replay->options.watch;

    if (op->kind == ASSAY_OP_CHECK && replay->drift.rounds)
        mark(watch, FIRST_ROUNDS + at_most(bits_of(replay->drift.rounds), COUNTED - 1));
    if (op->kind == ASSAY_OP_REFUSE_NEXT || op->kind == ASSAY_OP_REFUSE_BEYOND)
        return ASSAY_EVENT_FAULT;
    return op->kind < ASSAY_OP_DOUBLE_FREE ? ASSAY_EVENT_OTHER : ASSAY_EVENT_MISUSE;
}

void watch_after(struct assay_replay *replay, const struct assay_op *op)
{
    struct assay_watch *watch = replay->options.watch;
    const struct assay_replay_result *result = replay->result;
    unsigned class = 0;
    enum assay_event event;

    if (result->served != watch->served) {
        event = served(replay, op, &class);
    } else if (result->refused != watch->refused) {
        event = refused(replay, op);
        class = class_of(op->size);
    } else if (result->skipped[op->kind] != watch->skipped) {
        event = ASSAY_EVENT_SKIPPED;
    } else if (watch->was_live && !replay->slots[op->slot].live) {
        event = freed(replay);
        class = class_of(watch->usable);
        keep_freed(watch);
    } else {
        event = other(replay, op);
    }
    mark_pages(replay);
    mark(watch, FIRST_FOLLOWS + watch->event * ASSAY_EVENTS + event);
    mark(watch, FIRST_SIZES + event * CLASSES + class);
    mark(watch, FIRST_KINDS + op->kind * ASSAY_EVENTS + event);
    watch->event = event;
}

/* --- the heap --- */

void watch_shape(struct assay_replay *replay, const struct assay_audit_shape *shape)
{
    if (shape->largest_free != ASSAY_UNKNOWN)
        mark(replay->options.watch,
             FIRST_SHAPES + at_most(bits_of(shape->free_extents), COUNTED - 1) * CLASSES +
                 class_of(shape->largest_free));
}

void assay_watch_fail(struct assay_watch *watch, enum assay_check check)
{
    mark(watch, FIRST_FAILED + check);
}
