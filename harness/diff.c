/*
 * diff.c - runs a stream on several heaps in step.
 *
 * The heaps take turns at each operation. No heap is ever brought back to what the others have: each is run
 * as it would be alone, so that what is found here is found by replaying it too.
 */
#include "diff_state.h"

#include "assay/watch.h"

#include <assert.h>
#include <stdlib.h>

static void look_before(struct diff_heap *heap, const struct assay_op *op)
{
    const struct assay_shadow_slot *slot =
        assay_shadow_slot(assay_replay_shadow(heap->replay), op->slot);
    const struct assay_meter *meter = &assay_replay_heap(heap->replay)->meter;

    heap->was_live = slot->live;
    heap->was_size = slot->live ? slot->size : 0;
    heap->fault_was_active = meter->refuse_next > 0 || meter->budget != SIZE_MAX;
    heap->fault_was_seen |= heap->fault_was_active;
}

/* Where the operation's block lies, or the one that a finding is about; NULL: no block. */
static const void *focus_of(const struct diff_heap *heap, const struct assay_parting *parting)
{
    if (heap->result.found && heap->result.finding.has_block)
        return heap->result.finding.block.start;
    if (parting->at_end)
        return NULL;
    const struct assay_shadow_slot *slot =
        assay_shadow_slot(assay_replay_shadow(heap->replay), parting->operation.slot);
    return slot->live ? slot->start : NULL;
}

static void draw(const struct assay_diff *diff, struct assay_parting *parting)
{
    const unsigned drawn[] = {parting->other, parting->odd};

    for (unsigned i = 0; i < 2; i++) {
        const struct diff_heap *heap = &diff->heaps[drawn[i]];
        assay_picture_draw(&parting->pictures[i], assay_replay_heap(heap->replay),
                           assay_replay_shadow(heap->replay), focus_of(heap, parting));
    }
}

/* Fills in what every parting has; `op` is NULL at the end. */
static void part(struct assay_diff *diff, const struct assay_op *op, unsigned odd, unsigned other)
{
    struct assay_parting *parting = &diff->result->parting;

    diff->result->parted = true;
    parting->op = diff->result->ops;
    parting->at_end = !op;
    if (op)
        parting->operation = *op;
    parting->heaps = diff->count;
    for (unsigned i = 0; i < diff->count; i++) {
        parting->backends[i] = diff->heaps[i].backend->name;
        parting->answers[i] = diff->heaps[i].answer;
    }
    parting->odd = odd;
    parting->other = other;
    draw(diff, parting);
}

/* A heap to be seen beside the odd one, best one that serves. */
static unsigned find_other(const struct assay_diff *diff, unsigned odd)
{
    for (unsigned i = 0; i < diff->count; i++)
        if (i != odd && diff->heaps[i].is_in &&
            diff->heaps[i].answer.outcome == ASSAY_OUTCOME_SERVED)
            return i;
    return odd == 0 ? 1 : 0;
}

/* Heap `odd` broke a promise of its own. */
static void part_by_finding(struct assay_diff *diff, const struct assay_op *op, unsigned odd)
{
    struct assay_parting *parting = &diff->result->parting;
    const struct assay_finding *finding = &diff->heaps[odd].result.finding;

    parting->rule = ASSAY_DIFF_RULES;
    parting->finding = *finding;
    snprintf(parting->what, sizeof parting->what, "%s", finding->what);
    part(diff, op, odd, find_other(diff, odd));
}

static void call(const struct assay_diff *diff, unsigned number)
{
    if (diff->options.under_way)
        *diff->options.under_way = number;
}

/* Whether the next call of heap `number` is known not to come back; then the finding is there without it. */
static bool is_known(struct assay_diff *diff, unsigned number)
{
    const struct assay_finding *known = diff->options.known;

    if (!known || number != diff->options.known_heap || known->op != diff->result->ops)
        return false;
    diff->heaps[number].result.found = true;
    diff->heaps[number].result.finding = *known;
    return true;
}

/* One operation on every heap; false where they part. */
static bool step(struct assay_diff *diff, const struct assay_op *op)
{
    struct diff_verdict verdict;
    unsigned broken = ASSAY_DIFF_HEAPS;

    for (unsigned i = 0; i < diff->count; i++) {
        struct diff_heap *heap = &diff->heaps[i];
        if (!heap->is_in)
            continue;
        look_before(heap, op);
        call(diff, i);
        if (!is_known(diff, i) && assay_replay_step(heap->replay, op, &heap->answer))
            continue;
        heap->is_in = false;
        if (heap->result.found && broken == ASSAY_DIFF_HEAPS)
            broken = i;
    }
    if (broken != ASSAY_DIFF_HEAPS) {
        part_by_finding(diff, op, broken);
        return false;
    }
    if (diff_judge(diff, op, &verdict))
        return true;
    diff->result->parting.rule = verdict.rule;
    snprintf(diff->result->parting.what, sizeof diff->result->parting.what, "%s", verdict.what);
    part(diff, op, verdict.odd, verdict.other);
    return false;
}

static void end(struct assay_diff *diff)
{
    for (unsigned i = 0; i < diff->count && !diff->result->parted; i++) {
        struct diff_heap *heap = &diff->heaps[i];
        call(diff, i);
        assay_replay_end(heap->replay);
        if (heap->result.found)
            part_by_finding(diff, NULL, i);
    }
}

static void drop(struct assay_diff *diff)
{
    for (unsigned i = 0; i < diff->count; i++)
        assay_replay_drop(diff->heaps[i].replay);
}

static assay_status begin(struct assay_diff *diff, const struct assay_setup *setup,
                          struct assay_error *error)
{
    for (unsigned i = 0; i < diff->count; i++) {
        struct diff_heap *heap = &diff->heaps[i];
        call(diff, i);
        assay_status status = assay_replay_begin(heap->replay, setup, &heap->result, error);
        if (status != ASSAY_OK)
            return status;
        heap->is_in = true;
        heap->answer = (struct assay_answer){0};
        heap->fault_was_seen = false;
        heap->answers_check = false;
        heap->disputed = 0;
    }
    return ASSAY_OK;
}

assay_status assay_diff_run(struct assay_diff *diff, struct assay_reader *reader,
                            struct assay_diff_result *result, struct assay_error *error)
{
    const struct assay_op *ops;
    size_t count;

    *result = (struct assay_diff_result){.parting.seed = reader->setup.seed};
    diff->result = result;
    assay_status status = begin(diff, &reader->setup, error);
    while (status == ASSAY_OK && !result->parted && (count = reader->next(reader, &ops)) > 0)
        for (size_t i = 0; i < count && step(diff, &ops[i]); i++)
            result->ops++;
    if (status == ASSAY_OK && !result->parted && reader->error.what[0]) {
        *error = reader->error;
        status = ASSAY_INVALID;
    }
    if (status == ASSAY_OK && !result->parted)
        end(diff);
    drop(diff);
    return status;
}

struct assay_diff *assay_diff_open(const struct assay_backend *const *backends, unsigned count,
                                   const struct assay_diff_options *options)
{
    assert(count >= 2 && count <= ASSAY_DIFF_HEAPS && "there is something to compare");
    struct assay_diff *diff = calloc(1, sizeof *diff);

    if (!diff)
        return NULL;
    diff->options = *options;
    diff->count = count;
    for (unsigned i = 0; i < count; i++) {
        struct assay_replay_options how = options->replay;
        how.pages = options->pages ? options->pages[i] : NULL;
        how.reset_ctx = options->reset_ctx ? options->reset_ctx[i] : NULL;
        how.watch = options->watches ? &options->watches[i] : NULL;
        diff->heaps[i].backend = backends[i];
        diff->heaps[i].replay = assay_replay_open(backends[i], &how);
        if (!diff->heaps[i].replay) {
            assay_diff_close(diff);
            return NULL;
        }
    }
    return diff;
}

void assay_diff_close(struct assay_diff *diff)
{
    if (!diff)
        return;
    for (unsigned i = 0; i < diff->count; i++)
        assay_replay_close(diff->heaps[i].replay);
    free(diff);
}
