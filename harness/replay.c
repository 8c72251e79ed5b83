/*
 * replay.c - runs a stream on one heap under the shadow.
 *
 * An operation returns false when it broke a promise; result->finding then has check, blocks and
 * sentence, and the heap is never called again: its pages are taken back from under it.
 */
#include "assay/replay.h"

#include "assay/os_pages.h"
#include "replay_state.h"

#include <assert.h>
#include <stdlib.h>

/* How far ahead in the stream the books, and then the blocks, are fetched into the cache. */
#define BOOKS_AHEAD 16
#define BLOCKS_AHEAD 8
/* All that a batch of fewer operations needs is there already. */
#define FETCH_FROM 256

struct assay_block replay_block(const struct assay_replay *replay, uint32_t number)
{
    const struct assay_shadow_slot *slot = &replay->slots[number];

    return (struct assay_block){.op = slot->op,
                                .slot = number,
                                .size = slot->size,
                                .usable = slot->usable,
                                .start = slot->start};
}

bool replay_audit(struct assay_replay *replay)
{
    struct assay_audit_shape shape;

    if (!assay_audit(&replay->heap, replay->shadow, &replay->result->checks, &shape,
                     finding_of(replay)))
        return false;
    if (replay->options.watch)
        watch_shape(replay, &shape);
    return true;
}

/* --- the other operations of programs --- */

static bool run_free(struct assay_replay *replay, const struct assay_op *op)
{
    const struct assay_shadow_slot *slot = &replay->slots[op->slot];

    if (!slot->live)
        return skip(replay, op);
    if (!assay_shadow_remove(replay->shadow, op->slot, finding_of(replay)))
        return false;
    struct assay_block block = replay_block(replay, op->slot);
    errno_watch(replay);
    assay_status status = replay->backend->free(replay->heap.self, slot->handle);
    answer(replay, op->kind | (uint64_t)status << 8);
    if (status != ASSAY_OK)
        return assay_finding_set(finding_of(replay), ASSAY_CHECK_FREE, &block,
                                 "freeing the block of op %llu was answered with: %s",
                                 (unsigned long long)block.op, assay_status_text(status));
    if (!errno_after_free(replay, &block))
        return false;
    replay->result->checks += 2; /* content, status */
    room_free(replay, slot->size, slot->op);
    if (assay_shadow_count(replay->shadow) == 0 && claims(replay, ASSAY_CAP_COALESCES))
        replay->room.charged = 0;
    return true;
}

static bool run_free_null(struct assay_replay *replay, const struct assay_op *op)
{
    assay_status status = replay->backend->free(replay->heap.self, NULL);

    answer(replay, op->kind | (uint64_t)status << 8);
    replay->result->checks++;
    if (status == ASSAY_OK)
        return true;
    return assay_finding_set(finding_of(replay), ASSAY_CHECK_EDGE, NULL,
                             "free(NULL) was answered with: %s", assay_status_text(status));
}

static bool run_touch(struct assay_replay *replay, const struct assay_op *op)
{
    if (!replay->slots[op->slot].live)
        return skip(replay, op);
    replay->result->checks++;
    return assay_shadow_touch(replay->shadow, op->slot, finding_of(replay));
}

static bool run_fault(struct assay_replay *replay, const struct assay_op *op)
{
    if (op->kind == ASSAY_OP_REFUSE_NEXT)
        replay->heap.meter.refuse_next = op->arg;
    else
        replay->heap.meter.budget = op->arg;
    replay->fault_seen |= fault_is_active(replay);
    return true;
}

static bool run(struct assay_replay *replay, const struct assay_op *op)
{
    if (op->kind >= ASSAY_OP_KINDS || op->slot >= ASSAY_SLOTS) {
        assert(!"operations are valid");
        return true;
    }
    if (!(replay->offered >> op->kind & 1))
        return skip(replay, op);
    switch ((enum assay_op_kind)op->kind) {
    case ASSAY_OP_ALLOC:
    case ASSAY_OP_ALLOC_ZEROED:
    case ASSAY_OP_ALLOC_ALIGNED:
        return replay_alloc(replay, op);
    case ASSAY_OP_REALLOC:
        return replay_realloc(replay, op);
    case ASSAY_OP_FREE:
        return run_free(replay, op);
    case ASSAY_OP_FREE_NULL:
        return run_free_null(replay, op);
    case ASSAY_OP_TOUCH:
        return run_touch(replay, op);
    case ASSAY_OP_CHECK:
        return drift_end_round(replay) && replay_audit(replay);
    case ASSAY_OP_HAND_OVER: /* all operations run on one thread */
        return replay->slots[op->slot].live || skip(replay, op);
    case ASSAY_OP_REFUSE_NEXT:
    case ASSAY_OP_REFUSE_BEYOND:
        return run_fault(replay, op);
    default:
        return misuse_run(replay, op);
    }
}

/* --- a stream --- */

/* Which kinds run at all: decided once, not for each operation. */
static uint32_t offered_kinds(const struct assay_backend *backend)
{
    uint32_t offered = 0;
    bool detects = assay_backend_claims(backend, ASSAY_CAP_DETECTS_BAD_FREE);
    bool interior = assay_backend_claims(backend, ASSAY_CAP_FREE_INTERIOR);
    bool sourced = assay_backend_claims(backend, ASSAY_CAP_PAGE_SOURCE);

    for (unsigned kind = 0; kind < ASSAY_OP_DOUBLE_FREE; kind++)
        offered |= (uint32_t)assay_backend_offers(backend, (enum assay_op_kind)kind) << kind;
    /* These three are the harness's own; a check without a self-check still walks or counts. */
    offered |= 1u << ASSAY_OP_TOUCH | 1u << ASSAY_OP_CHECK | 1u << ASSAY_OP_HAND_OVER;
    if (detects)
        offered |= 1u << ASSAY_OP_DOUBLE_FREE | 1u << ASSAY_OP_FREE_FOREIGN;
    if (detects && !interior)
        offered |= 1u << ASSAY_OP_FREE_MISALIGNED;
    if (detects || interior)
        offered |= 1u << ASSAY_OP_FREE_INTERIOR;
    if (sourced && assay_backend_claims(backend, ASSAY_CAP_DETECTS_OVERRUN))
        offered |= 1u << ASSAY_OP_OVERRUN;
    if (sourced && assay_backend_claims(backend, ASSAY_CAP_DETECTS_UNDERRUN))
        offered |= 1u << ASSAY_OP_UNDERRUN;
    if (sourced)
        offered |= 1u << ASSAY_OP_REFUSE_NEXT | 1u << ASSAY_OP_REFUSE_BEYOND;
    return offered;
}

static inline void fetch_ahead(const struct assay_replay *replay, const struct assay_op *ops,
                               size_t left)
{
    if (left > BOOKS_AHEAD)
        __builtin_prefetch(&replay->slots[ops[BOOKS_AHEAD].slot % ASSAY_SLOTS]);
    if (left > BLOCKS_AHEAD && ops[BLOCKS_AHEAD].kind != ASSAY_OP_ALLOC)
        assay_shadow_fetch(replay->shadow, ops[BLOCKS_AHEAD].slot % ASSAY_SLOTS);
}

/* Runs ops[0 .. count), or as far as all goes well. */
static bool run_batch(struct assay_replay *replay, const struct assay_op *ops, size_t count)
{
    uint64_t interval = replay->options.check_interval;
    bool is_watched = replay->options.watch != NULL;

    for (size_t i = 0; i < count; i++) {
        if (count >= FETCH_FROM)
            fetch_ahead(replay, ops + i, count - i);
        *replay->progress = replay->op;
        replay->operation = &ops[i];
        if (replay->drift.is_open && ops[i].kind != ASSAY_OP_CHECK)
            drift_add(&replay->drift, &ops[i]);
        if (is_watched)
            watch_before(replay, &ops[i]);
        if (!run(replay, &ops[i]))
            return false;
        if (replay->stopped)
            return true;
        if (is_watched)
            watch_after(replay, &ops[i]);
        replay->op++;
        if (interval && replay->op % interval == 0 && !replay_audit(replay))
            return false;
    }
    return true;
}

static assay_status open_heap(struct assay_replay *replay, const struct assay_setup *setup,
                              struct assay_error *error)
{
    const struct assay_page_source *pages =
        replay->options.pages ? replay->options.pages : assay_os_pages();
    assay_status status;

    /* What the last heap leaked goes back before the page source forgets it. */
    if (replay->has_meter && replay->heap.meter.mapped_bytes > 0)
        assay_meter_reset(&replay->heap.meter, 0);
    if (replay->options.reset_pages)
        replay->options.reset_pages(replay->options.reset_ctx);
    if (replay->has_meter)
        status =
            assay_heap_reopen(&replay->heap, setup->limit, setup->seed, replay->options.options);
    else
        status = assay_heap_open(&replay->heap, replay->backend, pages, setup->limit, setup->seed,
                                 replay->options.options);
    if (status == ASSAY_OK)
        replay->has_meter = true;
    else
        assay_error_set(error, "backend %s cannot create a heap of %llu bytes: %s",
                        replay->backend->name, (unsigned long long)replay->heap.limit,
                        assay_status_text(status));
    return status;
}

static void begin(struct assay_replay *replay, struct assay_replay_result *result)
{
    const struct assay_backend *backend = replay->backend;
    size_t most = backend->max_size < PTRDIFF_MAX ? backend->max_size : PTRDIFF_MAX;

    if (replay->sourced && replay->heap.limit < most)
        most = replay->heap.limit;
    replay->result = result;
    replay->operation = NULL;
    replay->op = 0;
    replay->most_bytes = most;
    replay->fault_seen = replay->options.page_refusals != NULL;
    replay->stopped = false;
    replay->largest_served = 0;
    replay->smallest_served = SIZE_MAX;
    replay->mapped_at_create = replay->heap.meter.mapped_bytes;
    replay->maps_at_create = replay->heap.meter.maps;
    replay->requests_under_fault = 0;
    replay->audits_under_fault = 0;
    replay->kept_under_fault = 0;
    replay->misuses = 0;
    replay->drift = (struct drift){0};
    replay->window_start = replay->window_end = 0;
    replay->transcript.hash = 0;
    replay->transcript.count = 0;
    room_open(replay);
    if (replay->options.watch)
        watch_begin(replay);
}

static void conclude(struct assay_replay *replay, bool kept)
{
    struct assay_replay_result *result = replay->result;

    result->ops = replay->op;
    result->peak_live_bytes = assay_shadow_peak_bytes(replay->shadow);
    result->peak_mapped_bytes = replay->sourced ? replay->heap.meter.peak_bytes : 0;
    kept = kept || result->finding.ignored >> result->finding.check & 1;
    result->found = !kept;
    assay_transcript_flush(&replay->transcript);
    result->transcript = replay->options.transcript ? replay->transcript.hash : 0;
    if (kept)
        return;
    if (replay->options.watch)
        assay_watch_fail(replay->options.watch, result->finding.check);
    result->finding.backend = replay->backend->name;
    result->finding.op = replay->op;
    result->finding.seed = replay->seed;
    result->finding.at_end = replay->operation == NULL;
    if (replay->operation)
        result->finding.operation = *replay->operation;
    if (replay->options.tell)
        replay->options.tell(replay->options.tell_ctx, &result->finding, replay);
}

assay_status assay_replay_begin(struct assay_replay *replay, const struct assay_setup *setup,
                                struct assay_replay_result *result, struct assay_error *error)
{
    *result = (struct assay_replay_result){.finding.ignored = replay->options.ignored};
    assay_shadow_clear(replay->shadow);
    assay_status status = open_heap(replay, setup, error);
    if (status != ASSAY_OK)
        return status;
    begin(replay, result);
    replay->seed = setup->seed;
    return ASSAY_OK;
}

/* What the counters of the result say about an operation: how many of its kind were served before it, ... */
static enum assay_outcome outcome_of(const struct assay_replay *replay, const struct assay_op *op,
                                     uint64_t served, uint64_t refused, uint64_t skipped)
{
    const struct assay_replay_result *now = replay->result;

    if (now->served != served)
        return ASSAY_OUTCOME_SERVED;
    if (now->refused != refused)
        return ASSAY_OUTCOME_REFUSED;
    if (now->skipped[op->kind] == skipped)
        return ASSAY_OUTCOME_DONE;
    return replay->offered >> op->kind & 1 ? ASSAY_OUTCOME_SKIPPED : ASSAY_OUTCOME_NOT_OFFERED;
}

bool assay_replay_step(struct assay_replay *replay, const struct assay_op *op,
                       struct assay_answer *answer)
{
    const struct assay_replay_result *result = replay->result;
    uint64_t served = result->served, refused = result->refused;
    uint64_t skipped = result->skipped[op->kind], before = page_refusals(replay);

    bool kept = run_batch(replay, op, 1);
    answer->outcome = outcome_of(replay, op, served, refused, skipped);
    answer->page_refused = page_refusals(replay) != before;
    answer->block = replay_block(replay, op->slot);
    if (!kept) {
        conclude(replay, false);
        replay_abandon(replay);
    }
    return kept && !replay->stopped;
}

void assay_replay_end(struct assay_replay *replay)
{
    bool kept = true;

    if (!replay->heap.self)
        return;
    if (!replay->stopped) {
        replay->operation = NULL;
        kept = replay_finish(replay);
    }
    conclude(replay, kept);
    if (replay->heap.self)
        replay_abandon(replay);
}

void assay_replay_drop(struct assay_replay *replay)
{
    if (replay->heap.self)
        replay_abandon(replay);
}

const struct assay_heap *assay_replay_heap(const struct assay_replay *replay)
{
    return &replay->heap;
}

const struct assay_shadow *assay_replay_shadow(const struct assay_replay *replay)
{
    return replay->shadow;
}

assay_status assay_replay_run(struct assay_replay *replay, struct assay_reader *reader,
                              struct assay_replay_result *result, struct assay_error *error)
{
    const struct assay_op *ops;
    bool kept = true;
    size_t count;

    assay_status status = assay_replay_begin(replay, &reader->setup, result, error);
    if (status != ASSAY_OK)
        return status;
    while (kept && !replay->stopped && (count = reader->next(reader, &ops)) > 0)
        kept = run_batch(replay, ops, count);
    if (kept && reader->error.what[0]) {
        *error = reader->error;
        replay_abandon(replay);
        return ASSAY_INVALID;
    }
    if (kept) {
        assay_replay_end(replay);
        return ASSAY_OK;
    }
    conclude(replay, false);
    replay_abandon(replay);
    return ASSAY_OK;
}

struct assay_replay *assay_replay_open(const struct assay_backend *backend,
                                       const struct assay_replay_options *options)
{
    struct assay_replay *replay = calloc(1, sizeof *replay);

    if (!replay)
        return NULL;
    replay->shadow = assay_shadow_open(options->content_bytes);
    if (!replay->shadow) {
        free(replay);
        return NULL;
    }
    replay->backend = backend;
    replay->options = *options;
    replay->progress = options->progress ? options->progress : &replay->unread_progress;
    replay->slots = assay_shadow_slot(replay->shadow, 0);
    replay->sourced = assay_backend_claims(backend, ASSAY_CAP_PAGE_SOURCE);
    replay->offered = offered_kinds(backend);
    return replay;
}

void assay_replay_close(struct assay_replay *replay)
{
    if (!replay)
        return;
    if (replay->has_meter)
        assay_heap_close(&replay->heap, NULL);
    assay_shadow_close(replay->shadow);
    free(replay);
}
