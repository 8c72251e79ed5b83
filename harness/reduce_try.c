/*
 * reduce_try.c - runs a stream without some of its operations, or with others, and says whether the finding is
 * still there.
 *
 *   parent                 the order of passes; never calls the heap
 *     \- runner            runs what is before the operation in question, once
 *          \- attempt      a copy of the runner, by fork: runs the rest in the way that is tried
 *
 * A hang is ended by a timer of processor time, so that a busy machine changes nothing, and by a patient alarm
 * where a heap waits for ever. Both are signals, so nobody has to look at the clock meanwhile.
 */
#include "reduce_state.h"

#include "assay/guard.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* For what waits instead of working. */
#define PATIENCE_SECONDS 20
/* Of the guards: what ends an attempt is in it, and a pass takes as long as its attempts do. */
#define NO_LIMIT 0

struct reduce *reduce_open(const struct assay_backend *backend, const struct assay_stream *stream,
                           const struct assay_reduce_options *options)
{
    size_t bytes = sizeof(struct reduce) + stream->count * (sizeof *stream->ops + sizeof(bool));
    struct reduce *reduce = assay_guard_shared(bytes);

    if (!reduce)
        return NULL;
    reduce->backend = backend;
    reduce->memory = ASSAY_GUARD_MEMORY;
    reduce->options = *options;
    reduce->options.replay.progress = NULL;
    reduce->options.replay.transcript = false;
    reduce->options.replay.ignored = 0;
    reduce->setup = stream->setup;
    reduce->count = stream->count;
    reduce->ops = (struct assay_op *)(reduce + 1);
    reduce->is_dropped = (bool *)(reduce->ops + stream->count);
    reduce->bytes = bytes;
    if (stream->count)
        memcpy(reduce->ops, stream->ops, stream->count * sizeof *stream->ops);
    return reduce;
}

void reduce_close(struct reduce *reduce)
{
    assay_guard_unshare(reduce, reduce->bytes);
}

/* --- in the runner --- */

struct pass {
    struct reduce *reduce;
    void (*run)(struct reduce_runner *runner, void *arg);
    void *arg;
};

static void run_pass(void *arg, volatile uint64_t *progress)
{
    const struct pass *pass = arg;
    struct reduce_runner runner = {.reduce = pass->reduce, .change.index = REDUCE_NONE};
    struct reduce *reduce = pass->reduce;

    (void)progress;
    runner.replay = assay_replay_open(reduce->backend, &reduce->options.replay);
    reduce->status = ASSAY_NO_MEMORY;
    if (!runner.replay) {
        assay_error_set(&reduce->error, "no memory for the books of the shadow");
        return;
    }
    reduce->status =
        assay_replay_begin(runner.replay, &reduce->setup, &runner.result, &reduce->error);
    if (reduce->status != ASSAY_OK)
        return;
    pass->run(&runner, pass->arg);
    /* The process ends here; nobody asks the heap how it is. */
}

bool reduce_run(struct reduce *reduce, void (*run)(struct reduce_runner *runner, void *arg),
                void *arg)
{
    struct pass pass = {reduce, run, arg};
    struct assay_guard_outcome ending;

    return assay_guard_run(run_pass, &pass, NO_LIMIT, true, &ending) == ASSAY_OK;
}

bool reduce_advance(struct reduce_runner *runner, size_t index)
{
    struct assay_answer answer;

    for (; runner->next < index; runner->next++)
        if (!runner->reduce->is_dropped[runner->next] &&
            !assay_replay_step(runner->replay, &runner->reduce->ops[runner->next], &answer))
            return false;
    return true;
}

/* --- in an attempt --- */

static void wind_timers(uint64_t us)
{
    signal(SIGALRM, SIG_DFL);
    alarm(PATIENCE_SECONDS);
    assay_guard_limit((double)us / 1e6);
}

static bool is_in(const struct reduce_runner *runner, size_t index)
{
    const struct reduce_change *change = &runner->change;

    return !runner->reduce->is_dropped[index] &&
           !(change->groups && change->groups[index] == change->left_out);
}

static void run_attempt(void *arg, volatile uint64_t *progress)
{
    struct reduce_runner *runner = arg;
    struct reduce *reduce = runner->reduce;
    struct reduce_attempt *attempt = &reduce->attempt;
    struct assay_answer answer;
    bool goes_on = true;

    (void)progress;
    assay_guard_memory(reduce->memory);
    wind_timers(reduce->hang_us);
    for (size_t i = runner->next; goes_on && i < reduce->count; i++) {
        if (!is_in(runner, i))
            continue;
        attempt->at = i;
        goes_on = assay_replay_step(
            runner->replay, i == runner->change.index ? &runner->change.op : &reduce->ops[i],
            &answer);
    }
    if (goes_on)
        attempt->at = reduce->count;
    assay_replay_end(runner->replay);
    attempt->finding = runner->result.finding;
    attempt->found = runner->result.found;
    attempt->is_done = true;
}

/* --- what an attempt came to --- */

static void describe_ending(struct reduce *reduce, const struct assay_guard_outcome *ending)
{
    struct reduce_attempt *attempt = &reduce->attempt;

    attempt->found = true;
    attempt->finding = (struct assay_finding){.backend = reduce->backend->name,
                                              .seed = reduce->setup.seed,
                                              .at_end = attempt->at == reduce->count};
    if (attempt->at < reduce->count)
        attempt->finding.operation = reduce->ops[attempt->at];
    for (size_t i = 0; i < attempt->at; i++)
        attempt->finding.op += !reduce->is_dropped[i];
    attempt->is_greedy = ending->memory != 0;
    assay_finding_set_ending(&attempt->finding, ending);
}

static bool attempt(struct reduce_runner *runner)
{
    struct reduce *reduce = runner->reduce;
    struct assay_guard_outcome ending;

    reduce->attempts++;
    memset(&reduce->attempt, 0, sizeof reduce->attempt);
    if (assay_guard_run(run_attempt, runner, NO_LIMIT, true, &ending) != ASSAY_OK)
        return false;
    if (!reduce->attempt.is_done)
        describe_ending(reduce, &ending);
    return reduce->attempt.found;
}

static bool is_same(const struct reduce *reduce)
{
    return reduce->attempt.found && reduce->attempt.finding.check == reduce->wanted;
}

/* What comes after a finding has no part in it. */
static void cut_off(struct reduce *reduce)
{
    for (size_t i = reduce->attempt.at + 1; i < reduce->count; i++)
        reduce->is_dropped[i] = true;
    reduce->has_changed = true;
}

bool reduce_try(struct reduce_runner *runner, const struct reduce_change *change)
{
    struct reduce *reduce = runner->reduce;

    runner->change = *change;
    bool same = attempt(runner) && is_same(reduce);
    for (size_t i = runner->next; same && i < reduce->count; i++)
        reduce->is_dropped[i] = !is_in(runner, i);
    if (same && change->index != REDUCE_NONE)
        reduce->ops[change->index] = change->op;
    if (same)
        cut_off(reduce);
    runner->change = (struct reduce_change){.index = REDUCE_NONE};
    return same;
}

static void run_all(struct reduce_runner *runner, void *unused)
{
    (void)unused;
    attempt(runner);
}

bool reduce_confirm(struct reduce *reduce)
{
    memset(&reduce->attempt, 0, sizeof reduce->attempt);
    return reduce_run(reduce, run_all, NULL) && reduce->attempt.found;
}

static void exchange(struct reduce *reduce, struct assay_setup *setup, struct assay_op *ops)
{
    struct assay_setup other_setup = reduce->setup;

    reduce->setup = *setup;
    *setup = other_setup;
    for (size_t i = 0; i < reduce->count; i++) {
        struct assay_op other = reduce->ops[i];
        reduce->ops[i] = ops[i];
        ops[i] = other;
    }
}

bool reduce_try_stream(struct reduce *reduce, struct assay_setup *setup, struct assay_op *ops)
{
    exchange(reduce, setup, ops);
    if (reduce_confirm(reduce) && is_same(reduce)) {
        cut_off(reduce);
        return true;
    }
    exchange(reduce, setup, ops);
    return false;
}

void reduce_compact(struct reduce *reduce)
{
    size_t count = 0;

    for (size_t i = 0; i < reduce->count; i++)
        if (!reduce->is_dropped[i])
            reduce->ops[count++] = reduce->ops[i];
    reduce->count = count;
    memset(reduce->is_dropped, 0, count * sizeof *reduce->is_dropped);
}
