/*
 * features.c - watches a replay step by step and counts what the heap does.
 *
 * A feature is a hash of a few words that say what happened; that two share a number now and then costs little.
 * Addresses are only held against each other, so that the same stream has the same features on every machine.
 */
#include "assay/features.h"

#include "assay/guard.h"

#include <string.h>

#include <xxhash.h>

#define STREAM_SECONDS 3
/* Of a child that waits. */
#define GUARD_SECONDS 40
/* Blocks that were freed last, to see where the next one comes from. */
#define FREED 8
/* Operations between two looks at the free extents. */
#define WALK_EACH 8

/* What a feature is about; the first word of each. */
enum topic { OUTCOME, PLACE, NEIGHBOUR, MOVE, CLASSES, SHAPE, PAGES, FAILED };

/* What child and parent share. */
struct record {
    uint8_t counts[ASSAY_FEATURES];
    uint64_t ops;
    assay_status status;
    struct assay_error error;
    bool found;
    enum assay_check check;
};

struct job {
    const struct assay_backend *backend;
    const struct assay_stream *stream;
    const struct assay_replay_options *options;
    struct record *record;
};

struct stretch {
    uintptr_t start;
    size_t bytes;
};

struct watcher {
    struct record *record;
    const struct assay_replay *replay;
    struct stretch freed[FREED]; /* [0]: last */
    struct stretch last;         /* block that was served */
    unsigned last_class;
    uint64_t maps, unmaps, refusals;
};

static void note(struct watcher *watcher, enum topic topic, uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t words[] = {topic, a, b, c};
    uint8_t *count = &watcher->record->counts[XXH64(words, sizeof words, 0) % ASSAY_FEATURES];

    *count += *count < UINT8_MAX;
}

/* 0 for 0; then two for each power of two. */
static unsigned class_of(uint64_t number)
{
    unsigned bits = 0;

    while (bits < 63 && number >> bits > 1)
        bits++;
    if (number == 0)
        return 0;
    return 1 + 2 * bits + (bits > 0 && number >> (bits - 1) & 1);
}

static unsigned some_or_many(uint64_t number)
{
    return number > 2 ? 3 : (unsigned)number;
}

/* --- blocks --- */

static void keep_freed(struct watcher *watcher, const struct stretch *block)
{
    memmove(&watcher->freed[1], &watcher->freed[0], (FREED - 1) * sizeof watcher->freed[0]);
    watcher->freed[0] = *block;
}

/* How a block lies to another: at its start, within it, right behind it, right before it (a header apart), elsewhere. */
static unsigned relation(const struct stretch *block, const struct stretch *other)
{
    const size_t header = 64;

    if (other->bytes == 0)
        return 0;
    if (block->start == other->start)
        return block->bytes == other->bytes ? 1 : block->bytes < other->bytes ? 2 : 3;
    if (block->start > other->start && block->start - other->start < other->bytes)
        return 4;
    if (block->start > other->start && block->start - other->start <= other->bytes + header)
        return 5;
    if (other->start > block->start && other->start - block->start <= block->bytes + header)
        return 6;
    return block->start > other->start ? 7 : 8;
}

static void watch_place(struct watcher *watcher, const struct assay_op *op,
                        const struct stretch *block)
{
    for (unsigned i = 0; i < FREED; i++) {
        unsigned how = relation(block, &watcher->freed[i]);
        if (how > 0 && how < 7) {
            note(watcher, PLACE, op->kind, how, i);
            break;
        }
    }
    note(watcher, NEIGHBOUR, op->kind, relation(block, &watcher->last), 0);
    unsigned class = class_of(block->bytes);
    note(watcher, CLASSES, watcher->last_class, class, 0);
    watcher->last_class = class;
    watcher->last = *block;
}

static struct stretch slot_of(const struct watcher *watcher, const struct assay_op *op)
{
    const struct assay_shadow_slot *slot =
        assay_shadow_slot(assay_replay_shadow(watcher->replay), op->slot);

    return slot->live ? (struct stretch){(uintptr_t)slot->start, slot->usable}
                      : (struct stretch){0};
}

static void watch_block(struct watcher *watcher, const struct assay_op *op,
                        const struct stretch *before, const struct stretch *after)
{
    bool was = before->start != 0, is = after->start != 0;

    if (was && is && op->kind == ASSAY_OP_REALLOC)
        note(watcher, MOVE, relation(after, before), class_of(before->bytes),
             class_of(after->bytes));
    if (was && (!is || after->start != before->start))
        keep_freed(watcher, before);
    if (is && (!was || after->start != before->start))
        watch_place(watcher, op, after);
}

/* --- the heap --- */

struct shape {
    uint64_t frees;
    size_t largest;
};

static bool visit(void *arg, const struct assay_extent *extent)
{
    struct shape *shape = arg;

    if (extent->kind == ASSAY_EXTENT_FREE) {
        shape->frees++;
        shape->largest = extent->bytes > shape->largest ? extent->bytes : shape->largest;
    }
    return true;
}

static void watch_shape(struct watcher *watcher)
{
    const struct assay_heap *heap = assay_replay_heap(watcher->replay);
    struct shape shape = {0};

    if (heap->backend->walk && heap->backend->walk(heap->self, visit, &shape) == ASSAY_OK)
        note(watcher, SHAPE, class_of(shape.frees), class_of(shape.largest), 0);
}

static void watch_pages(struct watcher *watcher, const struct assay_op *op)
{
    const struct assay_meter *meter = &assay_replay_heap(watcher->replay)->meter;
    unsigned maps = some_or_many(meter->maps - watcher->maps);
    unsigned unmaps = some_or_many(meter->unmaps - watcher->unmaps);
    unsigned refusals = some_or_many(meter->refusals - watcher->refusals);

    if (maps || unmaps || refusals)
        note(watcher, PAGES, op->kind, maps << 4 | unmaps << 2 | refusals,
             class_of(meter->mapped_bytes));
    watcher->maps = meter->maps;
    watcher->unmaps = meter->unmaps;
    watcher->refusals = meter->refusals;
}

/* --- a stream --- */

static void run_steps(struct job *job, struct assay_replay *replay)
{
    struct watcher watcher = {.record = job->record, .replay = replay};
    bool goes_on = true;

    for (size_t i = 0; goes_on && i < job->stream->count; i++) {
        const struct assay_op *op = &job->stream->ops[i];
        struct assay_answer answer = {.outcome = ASSAY_OUTCOME_DONE};
        const struct stretch before = slot_of(&watcher, op);
        goes_on = assay_replay_step(replay, op, &answer);
        job->record->ops++;
        note(&watcher, OUTCOME, op->kind, answer.outcome, answer.page_refused);
        if (!goes_on)
            break;
        const struct stretch after = slot_of(&watcher, op);
        if (assay_op_shapes[op->kind].has_slot)
            watch_block(&watcher, op, &before, &after);
        watch_pages(&watcher, op);
        if (i % WALK_EACH == 0)
            watch_shape(&watcher);
    }
    if (assay_replay_heap(replay)->self)
        watch_shape(&watcher);
}

static void run(void *arg, volatile uint64_t *progress)
{
    struct job *job = arg;
    struct record *record = job->record;
    struct assay_replay_result result = {0};

    (void)progress;
    record->status = ASSAY_NO_MEMORY;
    assay_error_set(&record->error, "no memory for the books of the shadow");
    struct assay_replay *replay = assay_replay_open(job->backend, job->options);
    if (!replay)
        return;
    assay_guard_limit(STREAM_SECONDS);
    record->status = assay_replay_begin(replay, &job->stream->setup, &result, &record->error);
    if (record->status != ASSAY_OK)
        return;
    run_steps(job, replay);
    assay_replay_end(replay);
    record->found = result.found;
    record->check = result.finding.check;
}

/* --- in the parent --- */

static unsigned bucket_of(unsigned count)
{
    static const unsigned from[] = {1, 2, 3, 4, 8, 16, 32, 128};
    unsigned bucket = 0;

    while (bucket + 1 < sizeof from / sizeof *from && count >= from[bucket + 1])
        bucket++;
    return bucket;
}

static void take(struct assay_features *features, struct record *record)
{
    struct watcher watcher = {.record = record};

    if (record->found)
        note(&watcher, FAILED, record->check, 0, 0);
    features->ops = record->ops;
    features->found = record->found;
    features->check = record->check;
    for (size_t i = 0; i < ASSAY_FEATURES; i++)
        features->seen[i] = record->counts[i] ? (uint8_t)(1u << bucket_of(record->counts[i])) : 0;
}

assay_status assay_features_run(struct assay_features *features,
                                const struct assay_backend *backend,
                                const struct assay_stream *stream,
                                const struct assay_replay_options *options,
                                struct assay_error *error)
{
    struct assay_guard_outcome ending;
    struct job job = {.backend = backend, .stream = stream, .options = options};
    assay_status status = ASSAY_OK;

    job.record = assay_guard_shared(sizeof *job.record);
    if (!job.record || assay_guard_run(run, &job, GUARD_SECONDS, true, &ending) != ASSAY_OK) {
        assay_error_set(error, "no child process, or no memory to share with it");
        status = ASSAY_NO_MEMORY;
    } else if (ending.ending != ASSAY_ENDED) {
        job.record->found = true;
        job.record->check = assay_guard_hung(&ending) ? ASSAY_CHECK_HANG : ASSAY_CHECK_CRASH;
    } else if (job.record->status != ASSAY_OK) {
        status = job.record->status;
        *error = job.record->error;
    }
    if (status == ASSAY_OK)
        take(features, job.record);
    if (job.record)
        assay_guard_unshare(job.record, sizeof *job.record);
    return status;
}

size_t assay_features_add(struct assay_features *into, const struct assay_features *from)
{
    size_t fresh = 0;

    for (size_t i = 0; i < ASSAY_FEATURES; i++) {
        fresh += (from->seen[i] & ~into->seen[i]) != 0;
        into->seen[i] |= from->seen[i];
    }
    return fresh;
}
