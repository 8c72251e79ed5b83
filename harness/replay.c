/*
 * replay.c - runs a stream on one heap under the shadow.
 *
 * An operation returns false when it broke a promise; result->finding then has check, blocks and sentence,
 * and the heap is never called again: its pages are taken back from under it.
 *
 * A backend without PAGE_SOURCE has no limit that it would keep, so the harness keeps it: what would
 * take the live bytes above the limit is skipped, all the way up to PTRDIFF_MAX, above which the backend
 * itself must refuse. Without that a stream could make the process's malloc fill the machine's memory.
 */
#include "assay/replay.h"

#include "assay/sizes.h"
#include "replay_state.h"

#include <assert.h>
#include <stdlib.h>

/* How far ahead in the stream the books, and then the blocks, are fetched into the cache. */
#define BOOKS_AHEAD 16
#define BLOCKS_AHEAD 8
#define PAGE 4096

/* --- small helpers --- */

static struct assay_finding *finding_of(struct assay_replay *replay)
{
    return &replay->result->finding;
}

static bool skip(struct assay_replay *replay, const struct assay_op *op)
{
    replay->result->skipped[op->kind]++;
    return true;
}

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
    return assay_audit(&replay->heap, replay->shadow, &replay->result->checks, finding_of(replay));
}

/* --- where a block lies --- */

static uint64_t stamp(const struct assay_replay *replay)
{
    return replay->heap.meter.maps + replay->heap.meter.unmaps;
}

/* Whether the mapping that holds start is now the window. */
static bool look_out(struct assay_replay *replay, uintptr_t start)
{
    struct assay_range range;

    if (replay->window_stamp == stamp(replay) &&
        start - replay->window_start < replay->window_end - replay->window_start)
        return true;
    if (!assay_ranges_find(replay->heap.meter.mappings, start, &range))
        return false;
    replay->window_start = range.start;
    replay->window_end = range.end;
    replay->window_mapping = range.value;
    replay->window_stamp = stamp(replay);
    return true;
}

static bool is_mapped(struct assay_replay *replay, const struct assay_block *block)
{
    uintptr_t start = (uintptr_t)block->start;

    if (!replay->sourced || block->usable == 0)
        return true;
    if (!look_out(replay, start))
        return false;
    return block->usable <= replay->window_end - start ||
           assay_meter_holds(&replay->heap.meter, block->start, block->usable);
}

/* Which mapping, and where in it; the shift keeps both apart for mappings of up to 16 TiB. */
static void answer_place(struct assay_replay *replay, const void *start)
{
    if (!replay->options.transcript || !replay->sourced)
        return;
    if (look_out(replay, (uintptr_t)start))
        assay_transcript_add(&replay->transcript, ((uint64_t)replay->window_mapping << 44) +
                                                      ((uintptr_t)start - replay->window_start));
    else
        assay_transcript_add(&replay->transcript, UINT64_MAX);
}

/* --- allocating operations --- */

/* See the head of this file. `given_back` is what the operation frees. */
static bool would_flood(const struct assay_replay *replay, const struct request *request,
                        size_t given_back)
{
    if (replay->sourced || request->size > PTRDIFF_MAX)
        return false;
    size_t live = assay_shadow_bytes(replay->shadow) - given_back;
    size_t more = request->align > PAGE ? assay_add(request->size, request->align) : request->size;

    return assay_add(live, more) > replay->heap.limit;
}

static bool audit_under_fault(struct assay_replay *replay)
{
    /* What is damaged already must keep its own name. */
    return !fault_is_active(replay) || replay->audits_under_fault >= 32 || replay_audit(replay);
}

/* The page source refused, and so did the heap: it must be as if nothing had been asked. */
static bool is_steady(struct assay_replay *replay)
{
    char story[sizeof replay->result->finding.what];

    if (replay->audits_under_fault >= 32)
        return true;
    replay->audits_under_fault++;
    if (replay_audit(replay))
        return true;
    struct assay_finding *finding = finding_of(replay);
    for (size_t i = 0; i < sizeof story; i++)
        story[i] = finding->what[i];
    struct assay_block block = finding->block;
    assay_finding_set(finding, ASSAY_CHECK_STEADY, finding->has_block ? &block : NULL,
                      "after a refused page request: %s", story);
    return false;
}

/* After a refused realloc the old block must be as it was. */
static bool is_kept(struct assay_replay *replay, uint32_t number)
{
    const struct assay_shadow_slot *slot = &replay->slots[number];
    struct assay_block block = replay_block(replay, number);

    if (!assay_shadow_kept(replay->shadow, number, finding_of(replay)))
        return false;
    if (!replay->backend->usable_size ||
        replay->backend->usable_size(replay->heap.self, slot->handle) == slot->usable)
        return true;
    return assay_finding_set(finding_of(replay), ASSAY_CHECK_ROLLBACK, &block,
                             "a refused realloc changed the usable size of the block of op %llu",
                             (unsigned long long)block.op);
}

/* A request that gave NULL. */
__attribute__((cold)) static bool refused(struct assay_replay *replay, const struct assay_op *op,
                                          const struct request *request)
{
    bool page_refused = replay->heap.meter.refusals != request->page_refusals;

    answer(replay, op->kind);
    replay->result->refused++;
    if (request->is_realloc && !is_kept(replay, op->slot))
        return false;
    if (page_refused && replay->fault_seen && !is_steady(replay))
        return false;
    if (request->size == 0 &&
        (op->kind == ASSAY_OP_ALLOC_ALIGNED || !claims(replay, ASSAY_CAP_ZERO_SIZE_BLOCK)))
        return true;
    if (request->size > replay->most_bytes)
        return true;
    replay->result->checks++;
    return room_judge(replay, request);
}

/* What no heap can serve, and what this one says it does not. */
__attribute__((cold)) static bool served_too_much(struct assay_replay *replay,
                                                  const struct assay_block *block,
                                                  const struct request *request)
{
    if (request->overflows)
        return assay_finding_set(finding_of(replay), ASSAY_CHECK_HUGE, block,
                                 "%llu blocks of %llu bytes were served, more than memory has",
                                 (unsigned long long)replay->operation->arg,
                                 (unsigned long long)replay->operation->size);
    return assay_finding_set(finding_of(replay), ASSAY_CHECK_HUGE, block,
                             "%zu bytes were served where at most %zu can be", request->size,
                             replay->most_bytes);
}

/* Checks what can be said about a new block before its bytes are looked at. */
static bool describe(struct assay_replay *replay, const struct assay_op *op,
                     const struct request *request, void *handle, struct assay_block *block)
{
    const struct assay_backend *backend = replay->backend;

    block->op = replay->op;
    block->slot = op->slot;
    block->size = request->size;
    block->usable = request->size;
    block->start = assay_heap_resolve(&replay->heap, handle);
    if (request->size > replay->most_bytes)
        return served_too_much(replay, block, request);
    if (request->size == 0 && !claims(replay, ASSAY_CAP_ZERO_SIZE_BLOCK))
        return assay_finding_set(finding_of(replay), ASSAY_CHECK_EDGE, block,
                                 "a block of 0 bytes was served, though none is declared");
    if (backend->usable_size) {
        block->usable = backend->usable_size(replay->heap.self, handle);
        if (block->usable < request->size)
            return assay_finding_set(finding_of(replay), ASSAY_CHECK_USABLE, block,
                                     "block of %zu bytes has a usable size of %zu", request->size,
                                     block->usable);
    }
    if (!is_mapped(replay, block))
        return assay_finding_set(finding_of(replay), ASSAY_CHECK_REGION, block,
                                 "block of %zu bytes lies outside what the heap has mapped",
                                 block->usable);
    return true;
}

static void account(struct assay_replay *replay, const struct assay_op *op,
                    const struct request *request, const struct assay_block *block)
{
    replay->result->served++;
    replay->result->checks += 6; /* size, usable, region, alignment, overlap, content to come */
    if (request->size > replay->largest_served)
        replay->largest_served = request->size;
    if (request->size < replay->smallest_served && request->size > 0)
        replay->smallest_served = request->size;
    room_charge(replay, block->usable, request->align);
    answer(replay, op->kind | 1u << 8);
    answer_place(replay, block->start);
}

static bool arrive(struct assay_replay *replay, const struct assay_op *op,
                   const struct request *request, void *handle)
{
    struct assay_block block;

    if (!handle)
        return refused(replay, op, request);
    if (!describe(replay, op, request, handle, &block) ||
        !assay_shadow_add(replay->shadow, op->slot, &block, handle, request->align, request->zeroed,
                          finding_of(replay)))
        return false;
    account(replay, op, request, &block);
    return true;
}

static struct request request_of(const struct assay_replay *replay, size_t size)
{
    return (struct request){.size = size,
                            .align = replay->backend->min_align,
                            .page_refusals = replay->heap.meter.refusals};
}

static bool run_alloc(struct assay_replay *replay, const struct assay_op *op)
{
    struct request request = request_of(replay, op->size);
    void *self = replay->heap.self;
    void *handle;

    if (replay->slots[op->slot].live)
        return skip(replay, op);
    if (op->kind == ASSAY_OP_ALLOC_ZEROED) {
        request.size = assay_multiply(op->arg, op->size);
        request.overflows = op->size != 0 && op->arg > SIZE_MAX / op->size;
        request.zeroed = true;
    } else if (op->kind == ASSAY_OP_ALLOC_ALIGNED) {
        if (!assay_is_power_of_two(op->arg))
            return skip(replay, op);
        if (op->arg > request.align)
            request.align = op->arg;
    }
    if (would_flood(replay, &request, 0))
        return skip(replay, op);
    if (replay->fault_seen && !audit_under_fault(replay))
        return false;
    if (op->kind == ASSAY_OP_ALLOC)
        handle = replay->backend->alloc(self, op->size);
    else if (op->kind == ASSAY_OP_ALLOC_ZEROED)
        handle = replay->backend->alloc_zeroed(self, op->arg, op->size);
    else if (op->kind == ASSAY_OP_REALLOC)
        handle = replay->backend->realloc(self, NULL, op->size);
    else
        handle = replay->backend->alloc_aligned(self, op->arg, op->size);
    return arrive(replay, op, &request, handle);
}

static bool run_realloc(struct assay_replay *replay, const struct assay_op *op)
{
    const struct assay_shadow_slot *slot = &replay->slots[op->slot];
    struct request request = request_of(replay, op->size);
    struct assay_block block;

    if (op->size == 0)
        return skip(replay, op);
    if (!slot->live)
        return run_alloc(replay, op);
    if (would_flood(replay, &request, slot->size))
        return skip(replay, op);
    if (replay->fault_seen && !audit_under_fault(replay))
        return false;
    if (!assay_shadow_verify(replay->shadow, op->slot, finding_of(replay)))
        return false;
    request.is_realloc = true;
    void *handle = replay->backend->realloc(replay->heap.self, slot->handle, op->size);
    if (!handle)
        return refused(replay, op, &request);
    if (!describe(replay, op, &request, handle, &block) ||
        !assay_shadow_moved(replay->shadow, op->slot, &block, handle, request.align,
                            finding_of(replay)))
        return false;
    account(replay, op, &request, &block);
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
    assay_status status = replay->backend->free(replay->heap.self, slot->handle);
    answer(replay, op->kind | (uint64_t)status << 8);
    if (status != ASSAY_OK) {
        struct assay_block block = replay_block(replay, op->slot);
        return assay_finding_set(finding_of(replay), ASSAY_CHECK_FREE, &block,
                                 "freeing the block of op %llu was answered with: %s",
                                 (unsigned long long)block.op, assay_status_text(status));
    }
    replay->result->checks += 2; /* content, status */
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
        return run_alloc(replay, op);
    case ASSAY_OP_REALLOC:
        return run_realloc(replay, op);
    case ASSAY_OP_FREE:
        return run_free(replay, op);
    case ASSAY_OP_FREE_NULL:
        return run_free_null(replay, op);
    case ASSAY_OP_TOUCH:
        return run_touch(replay, op);
    case ASSAY_OP_CHECK:
        return replay_audit(replay);
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

    for (size_t i = 0; i < count; i++) {
        fetch_ahead(replay, ops + i, count - i);
        *replay->progress = replay->op;
        replay->operation = &ops[i];
        if (!run(replay, &ops[i]))
            return false;
        if (replay->stopped)
            return true;
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
        replay->options.pages ? replay->options.pages : assay_pages_os();
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
                        replay->backend->name, (unsigned long long)setup->limit,
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
    replay->fault_seen = false;
    replay->stopped = false;
    replay->largest_served = 0;
    replay->smallest_served = SIZE_MAX;
    replay->mapped_at_create = replay->heap.meter.mapped_bytes;
    replay->maps_at_create = replay->heap.meter.maps;
    replay->audits_under_fault = 0;
    replay->misuses = 0;
    replay->window_start = replay->window_end = 0;
    replay->transcript.hash = 0;
    replay->transcript.count = 0;
    room_open(replay);
}

static void conclude(struct assay_replay *replay, const struct assay_setup *setup, bool kept)
{
    struct assay_replay_result *result = replay->result;

    result->ops = replay->op;
    result->peak_live_bytes = assay_shadow_peak_bytes(replay->shadow);
    result->peak_mapped_bytes = replay->sourced ? replay->heap.meter.peak_bytes : 0;
    result->found = !kept;
    assay_transcript_flush(&replay->transcript);
    result->transcript = replay->options.transcript ? replay->transcript.hash : 0;
    if (kept)
        return;
    result->finding.backend = replay->backend->name;
    result->finding.op = replay->op;
    result->finding.seed = setup->seed;
    result->finding.at_end = replay->operation == NULL;
    if (replay->operation)
        result->finding.operation = *replay->operation;
}

assay_status assay_replay_run(struct assay_replay *replay, struct assay_reader *reader,
                              struct assay_replay_result *result, struct assay_error *error)
{
    const struct assay_op *ops;
    bool kept = true;
    size_t count;

    *result = (struct assay_replay_result){0};
    assay_shadow_clear(replay->shadow);
    assay_status status = open_heap(replay, &reader->setup, error);
    if (status != ASSAY_OK)
        return status;
    begin(replay, result);
    while (kept && !replay->stopped && (count = reader->next(reader, &ops)) > 0)
        kept = run_batch(replay, ops, count);
    if (kept && reader->error.what[0]) {
        *error = reader->error;
        replay_abandon(replay);
        return ASSAY_INVALID;
    }
    if (kept && !replay->stopped) {
        replay->operation = NULL;
        kept = replay_finish(replay);
    }
    conclude(replay, &reader->setup, kept);
    if (replay->heap.self)
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
