/*
 * replay_alloc.c - operations that ask for a block, and what is checked before its bytes are
 * looked at.
 *
 * A backend without PAGE_SOURCE has no limit that it would keep, so the harness keeps it: what
 * would take the live bytes above the limit is skipped, all the way up to PTRDIFF_MAX, above
 * which the backend itself must refuse. Without that a stream could make the process's malloc
 * fill the machine's memory.
 */
#include "assay/sizes.h"
#include "replay_state.h"

#define PAGE 4096
/* Refused page requests after which everything is looked at. */
#define AUDITS_UNDER_FAULT 32
/* How often a refused request may keep pages: a table of its own may have grown before. */
#define KEPT_UNDER_FAULT 2

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

/* What is damaged already must keep its own name. Who does not grow has nothing to be refused. */
static bool audit_under_fault(struct assay_replay *replay)
{
    if (!fault_is_active(replay))
        return true;
    uint64_t number = replay->requests_under_fault++;
    bool is_wanted = claims(replay, ASSAY_CAP_GROWS)
                         ? replay->audits_under_fault < AUDITS_UNDER_FAULT
                         : is_due(number);
    return !is_wanted || replay_audit(replay);
}

/* The page source refused, and so did the heap: it must be as if nothing had been asked. */
static bool is_steady(struct assay_replay *replay)
{
    char story[sizeof replay->result->finding.what];

    if (replay->audits_under_fault >= AUDITS_UNDER_FAULT)
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

/* Pages that came before the refused ones, for the same request, must go back. */
static bool keeps_nothing(struct assay_replay *replay, const struct request *request)
{
    size_t mapped = replay->heap.meter.mapped_bytes;

    if (mapped <= request->mapped || ++replay->kept_under_fault <= KEPT_UNDER_FAULT)
        return true;
    return assay_finding_set(finding_of(replay), ASSAY_CHECK_STEADY, NULL,
                             "for the %llu. time a request that was refused for want of pages "
                             "left %zu more bytes mapped",
                             (unsigned long long)replay->kept_under_fault,
                             mapped - request->mapped);
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
    bool page_refused = page_refusals(replay) != request->page_refusals;
    int why = errno;

    answer(replay, op->kind);
    replay->result->refused++;
    if (request->is_realloc && !is_kept(replay, op->slot))
        return false;
    if (page_refused && replay->fault_seen &&
        (!keeps_nothing(replay, request) || !is_steady(replay)))
        return false;
    if (request->size == 0 &&
        (op->kind == ASSAY_OP_ALLOC_ALIGNED || !claims(replay, ASSAY_CAP_ZERO_SIZE_BLOCK)))
        return true;
    if (request->size > 0 && !errno_after_refusal(replay, why))
        return false;
    if (request->size > replay->most_bytes)
        return true;
    replay->result->checks++;
    return room_judge(replay, request);
}

/* What no heap can serve, and what this one says it does not. */
__attribute__((cold)) static void served_too_much(struct assay_replay *replay,
                                                  const struct assay_block *block,
                                                  const struct request *request)
{
    if (request->overflows)
        assay_finding_set(finding_of(replay), ASSAY_CHECK_HUGE, block,
                          "%llu blocks of %llu bytes were served, more than memory has",
                          (unsigned long long)replay->operation->arg,
                          (unsigned long long)replay->operation->size);
    else
        assay_finding_set(finding_of(replay), ASSAY_CHECK_HUGE, block,
                          "%zu bytes were served where at most %zu can be", request->size,
                          replay->most_bytes);
}

/*
 * Checks what can be said about a new block before its bytes are looked at. Where it is not safe to write
 * there, the stream ends, whether or not the check is ignored.
 */
static bool describe(struct assay_replay *replay, const struct assay_op *op,
                     const struct request *request, void *handle, struct assay_block *block)
{
    const struct assay_backend *backend = replay->backend;

    block->op = replay->op;
    block->slot = op->slot;
    block->size = request->size;
    block->usable = request->size;
    block->start = assay_heap_resolve(&replay->heap, handle);
    assay_shadow_fetch_place(replay->shadow, block->start);
    if (request->size > replay->most_bytes) {
        served_too_much(replay, block, request);
        return false;
    }
    if (request->size == 0 && !claims(replay, ASSAY_CAP_ZERO_SIZE_BLOCK) &&
        !assay_finding_set(finding_of(replay), ASSAY_CHECK_EDGE, block,
                           "a block of 0 bytes was served, though none is declared"))
        return false;
    if (backend->usable_size) {
        block->usable = backend->usable_size(replay->heap.self, handle);
        if (block->usable < request->size) {
            assay_finding_set(finding_of(replay), ASSAY_CHECK_USABLE, block,
                              "block of %zu bytes has a usable size of %zu", request->size,
                              block->usable);
            return false;
        }
    }
    if (is_mapped(replay, block))
        return true;
    assay_finding_set(finding_of(replay), ASSAY_CHECK_REGION, block,
                      "block of %zu bytes lies outside what the heap has mapped", block->usable);
    return false;
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
    room_serve(replay, request->size, op->kind == ASSAY_OP_ALLOC);
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
        !room_judge_served(replay, request, &block) ||
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
                            .page_refusals = page_refusals(replay),
                            .mapped = replay->heap.meter.mapped_bytes,
                            .largest_free = ASSAY_UNKNOWN};
}

bool replay_alloc(struct assay_replay *replay, const struct assay_op *op)
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
        room_ask(replay, &request);
    errno_watch(replay);
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

bool replay_realloc(struct assay_replay *replay, const struct assay_op *op)
{
    const struct assay_shadow_slot *slot = &replay->slots[op->slot];
    struct request request = request_of(replay, op->size);
    struct assay_block block;

    if (op->size == 0)
        return skip(replay, op);
    if (!slot->live)
        return replay_alloc(replay, op);
    if (would_flood(replay, &request, slot->size))
        return skip(replay, op);
    if (replay->fault_seen && !audit_under_fault(replay))
        return false;
    if (!assay_shadow_verify(replay->shadow, op->slot, finding_of(replay)))
        return false;
    request.is_realloc = true;
    errno_watch(replay);
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
