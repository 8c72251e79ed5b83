/*
 * reduce.c - in which order what is tried.
 *
 * First much at once: half of the stream, quarters, ... whole slots, whole lifetimes; then operation by operation
 * and number by number, until a round changes nothing. Each change leaves fewer operations or plainer ones, so
 * there is a last round; it has tried to drop every single operation.
 *
 * Idea: Zeller and Hildebrandt, Simplifying and isolating failure-inducing input, 2002; that the attempts
 * are forks of a process that goes through the stream once is ours.
 */
#include "reduce_state.h"

#include "assay/guard.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Until it is known how long the stream takes: for the start, and for each operation. */
#define FIRST_HANG_US 3000000
#define FIRST_HANG_US_PER_OP 20
/* A hang is so many times what the stream takes, within bounds; the clock of a process may go in steps of 4 ms. */
#define HANG_RATIO 20
#define HANG_LEAST_US 12000
#define HANG_MOST_US 10000000
/* Of an attempt, where the finding is that memory is taken without end. */
#define GREEDY_MEMORY (ASSAY_GUARD_MEMORY / 8)

/* --- passes --- */

/* Leaves out group after group. */
static void drop_groups(struct reduce_runner *runner, void *arg)
{
    const uint32_t *groups = arg;
    struct reduce *reduce = runner->reduce;
    uint32_t next = 0;

    for (size_t i = 0; i < reduce->count; i++) {
        if (reduce->is_dropped[i] || groups[i] < next)
            continue; /* the latter is a later part of a group that was tried */
        next = groups[i] + 1;
        if (!reduce_advance(runner, i))
            return;
        const struct reduce_change change = {
            .groups = groups, .left_out = groups[i], .index = REDUCE_NONE};
        reduce_try(runner, &change);
    }
}

static bool run_pass(struct reduce *reduce, void (*pass)(struct reduce_runner *, void *), void *arg)
{
    if (!reduce_run(reduce, pass, arg))
        return false;
    reduce_compact(reduce);
    if (reduce->options.tell)
        reduce->options.tell(reduce->options.tell_ctx, reduce->count, reduce->attempts);
    return true;
}

static bool drop_ranges(struct reduce *reduce, size_t size, uint32_t *groups)
{
    reduce_group_ranges(reduce, size, groups);
    return run_pass(reduce, drop_groups, groups);
}

static bool drop_blocks(struct reduce *reduce, bool by_slot, uint32_t *groups)
{
    return reduce_group_blocks(reduce, by_slot, groups) && run_pass(reduce, drop_groups, groups);
}

/* --- what is a hang --- */

static uint64_t first_hang_us(const struct reduce *reduce)
{
    return FIRST_HANG_US + reduce->count * FIRST_HANG_US_PER_OP;
}

/* All operations but the last, which has the finding or is before it. */
static void go_to_the_finding(struct reduce_runner *runner, void *unused)
{
    const clock_t before = clock();
    struct reduce *reduce = runner->reduce;

    (void)unused;
    if (!reduce_advance(runner, reduce->count - 1))
        return;
    reduce->taken_us = (uint64_t)((double)(clock() - before) * 1e6 / CLOCKS_PER_SEC);
}

/* By how long the stream takes as it is. A shorter one takes less, so this is done again. */
static bool set_hang(struct reduce *reduce)
{
    if (reduce->options.hang_us || reduce->memory < ASSAY_GUARD_MEMORY || reduce->count == 0)
        return true;
    reduce->taken_us = HANG_MOST_US / HANG_RATIO; /* where that cannot be said */
    if (!reduce_run(reduce, go_to_the_finding, NULL))
        return false;
    uint64_t us = reduce->taken_us * HANG_RATIO;
    reduce->hang_us = us < HANG_LEAST_US ? HANG_LEAST_US : us > HANG_MOST_US ? HANG_MOST_US : us;
    return true;
}

/* --- order --- */

static bool drop_much(struct reduce *reduce, uint32_t *groups)
{
    bool good = true;

    for (size_t size = reduce->count / 2; good && size >= 16; size /= 2)
        if (size <= reduce->count / 2)
            good = drop_ranges(reduce, size, groups);
    good = good && drop_blocks(reduce, true, groups) && drop_blocks(reduce, false, groups);
    for (size_t size = 8; good && size >= 2; size /= 2)
        good = drop_ranges(reduce, size, groups);
    return good;
}

static bool run_round(struct reduce *reduce, uint32_t *groups)
{
    if (!reduce_group_blocks(reduce, false, groups) ||
        !run_pass(reduce, reduce_merge_requests, groups))
        return false;
    if (!run_pass(reduce, reduce_plain_ops, NULL))
        return false;
    reduce_plain_stream(reduce);
    reduce_compact(reduce);
    return drop_blocks(reduce, false, groups) && drop_ranges(reduce, 2, groups) &&
           drop_ranges(reduce, 1, groups);
}

static bool run_rounds(struct reduce *reduce, uint32_t *groups)
{
    bool good = drop_much(reduce, groups) && set_hang(reduce) && drop_ranges(reduce, 1, groups);

    do {
        reduce->has_changed = false;
        good = good && run_round(reduce, groups);
    } while (good && reduce->has_changed);
    return good;
}

/* --- before and after --- */

/* Finds what is to be found, and how long that takes. */
static bool measure(struct reduce *reduce)
{
    reduce->hang_us = reduce->options.hang_us ? reduce->options.hang_us : first_hang_us(reduce);
    if (!reduce_confirm(reduce))
        return false;
    reduce->wanted = reduce->attempt.finding.check;
    /* To get there takes time, too; so set_hang() leaves the patience of the beginning. */
    if (reduce->attempt.is_greedy && reduce->options.hang_us == 0)
        reduce->memory = GREEDY_MEMORY;
    if (reduce->attempt.at < reduce->count)
        reduce->count = (size_t)reduce->attempt.at + 1;
    return set_hang(reduce);
}

/* With the patience of the beginning: what only seemed to hang, on a machine that is busy, is not the finding. */
static bool confirm_patiently(struct reduce *reduce)
{
    uint64_t most = first_hang_us(reduce);

    if (reduce->hang_us < most && reduce->options.hang_us == 0)
        reduce->hang_us = most;
    reduce->memory = ASSAY_GUARD_MEMORY;
    return reduce_confirm(reduce) && reduce->attempt.finding.check == reduce->wanted;
}

static void take_over(struct assay_stream *stream, const struct reduce *reduce)
{
    stream->setup = reduce->setup;
    stream->count = reduce->count; /* never more than there were */
    if (reduce->count)
        memcpy(stream->ops, reduce->ops, reduce->count * sizeof *stream->ops);
}

/* In *reduce, which the caller closes. */
static assay_status find_and_reduce(struct reduce *reduce, uint32_t *groups,
                                    struct assay_reduce_result *result, struct assay_error *error)
{
    result->found = measure(reduce);
    if (!result->found && reduce->status != ASSAY_OK) {
        *error = reduce->error;
        return reduce->status;
    }
    if (!result->found)
        return ASSAY_OK;
    if (!run_rounds(reduce, groups) || !confirm_patiently(reduce)) {
        assay_error_set(error, "no child processes to reduce a stream with, or a finding that "
                               "comes and goes");
        return ASSAY_NO_MEMORY;
    }
    result->finding = reduce->attempt.finding;
    return ASSAY_OK;
}

/* *stream is left as it is unless this is ASSAY_OK. */
static assay_status reduce_once(const struct assay_backend *backend, struct assay_stream *stream,
                                const struct assay_reduce_options *options,
                                struct assay_reduce_result *result, struct assay_error *error)
{
    struct reduce *reduce = reduce_open(backend, stream, options);
    uint32_t *groups = calloc(stream->count + 1, sizeof *groups);
    assay_status status = ASSAY_NO_MEMORY;

    *result = (struct assay_reduce_result){.ops = stream->count};
    if (reduce && groups)
        status = find_and_reduce(reduce, groups, result, error);
    else
        assay_error_set(error, "no memory to reduce a stream of %zu operations", stream->count);
    if (status == ASSAY_OK && result->found) {
        result->attempts = reduce->attempts;
        take_over(stream, reduce);
    }
    free(groups);
    if (reduce)
        reduce_close(reduce);
    return status;
}

assay_status assay_reduce(const struct assay_backend *backend, struct assay_stream *stream,
                          const struct assay_reduce_options *options,
                          struct assay_reduce_result *result, struct assay_error *error)
{
    struct assay_reduce_options patient = *options;

    patient.hang_us = FIRST_HANG_US;
    assay_status status = reduce_once(backend, stream, options, result, error);
    if (status != ASSAY_OK && result->found && options->hang_us == 0)
        status = reduce_once(backend, stream, &patient, result, error);
    return status;
}
