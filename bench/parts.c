/* parts.c - checks first, then what is measured: in which order, and what of it is written down. */
#include "parts.h"

#include "fail.h"
#include "harness_costs.h"
#include "scaling_run.h"
#include "stable.h"
#include "workers.h"

#include "assay/guard.h"

#include <stdio.h>
#include <string.h>

/* A row whose heap came through the checks, and not through this. */
static void fail_row(struct row *row)
{
    row->passed = false;
    snprintf(row->failure, sizeof row->failure, "the measured run did not come to its end");
}

static void run_latency(struct plan *plan, struct row *row, const struct workload *workload)
{
    struct latency *latency = assay_guard_shared(sizeof *latency);

    if (latency)
        measure_latency(latency, row, workload, (unsigned)plan->repetitions);
    if (!latency || !latency->is_measured)
        fail_row(row);
    else if (plan->sheet)
        view_latency(plan->sheet, row, latency);
    if (row->passed)
        view_slowest(&plan->slowest, row, latency);
    for (int i = 0; i < 2 && row->passed; i++)
        if (plan->lines[i])
            lines_latency(plan->lines[i], row, latency);
    if (latency)
        assay_guard_unshare(latency, sizeof *latency);
}

static void run_timeline(struct plan *plan, struct row *row, const struct workload *workload)
{
    uint64_t ops = workload->stream.count, every = plan->every ? plan->every : ops / 100 + 1;
    size_t moments = timeline_moments(ops, every);
    size_t room = sizeof(struct timeline) + moments * sizeof(struct moment);
    struct timeline *timeline = assay_guard_shared(room);

    if (timeline) {
        timeline->room = moments;
        measure_timeline(timeline, row, workload, every);
    }
    if (!timeline || !timeline->is_measured)
        fail_row(row);
    else if (plan->sheet)
        view_timeline(plan->sheet, row, timeline);
    for (int i = 0; i < 2 && row->passed; i++)
        if (plan->lines[i])
            lines_timeline(plan->lines[i], row, timeline);
    if (timeline)
        assay_guard_unshare(timeline, room);
}

/* What comes between checks and rounds where times are not all that is wanted; those that failed are passed over. */
static void view_rows(struct plan *plan, struct row *rows, const struct workload *workload)
{
    for (size_t i = 0; i < plan->specs.count; i++) {
        if (!rows[i].passed)
            continue;
        progress_tell(&plan->progress, "measuring", workload->name, plan->specs.word[i]);
        if (plan->view == ASSAY_BENCH_LATENCY)
            run_latency(plan, &rows[i], workload);
        else
            run_timeline(plan, &rows[i], workload);
    }
}

static bool is_cost_part(const struct part *part)
{
    return !part->is_trace && is_cost(part->name);
}

bool part_load(const struct part *part, struct workload *workload, int *status)
{
    struct assay_error error;

    if ((part->is_trace ? workload_load(workload, part->name, &error)
                        : workload_make(workload, part->name, &error)) == ASSAY_OK)
        return true;
    *status = bench_fail(EXIT_ENVIRONMENT, "%s", error.what);
    return false;
}

/* What all rows of a workload go through before they are measured. */
struct entrance {
    const struct plan *plan;
    struct row *rows;
    size_t count;
    const struct workload *workload;
};

static void check(const struct entrance *entrance, struct row *row)
{
    const struct plan *plan = entrance->plan;

    progress_tell(&plan->progress, "checking", row->workload, row->spec);
    measure_answers(row, entrance->workload, &plan->pace);
    row->is_checked = true;
    if (row->passed && plan->view == ASSAY_BENCH_STABLE) {
        progress_tell(&plan->progress, "counting", row->workload, row->spec);
        measure_instructions(row);
    }
}

/* Who did not pass has no footprint, and who is so slow that checks ended early has no time for it. */
static bool wants_footprint(const struct row *row)
{
    return !row->is_checked || (row->passed && row->checked_ops == row->ops);
}

/* First all checks, then all footprints, so that those of the slowest heap need not wait for each other. */
static void enter(void *arg, size_t number)
{
    const struct entrance *entrance = arg;
    struct row *row = &entrance->rows[number % entrance->count];

    if (number < entrance->count)
        check(entrance, row);
    else if (wants_footprint(row))
        measure_footprint(row, entrance->workload);
}

static void name_rows(const struct plan *plan, struct part *part)
{
    struct step *step = &part->step;

    step->count = plan->specs.count;
    for (size_t i = 0; i < step->count; i++)
        step->rows[i] = (struct row){
            .backend = plan->backend[i],
            .spec = plan->specs.word[i],
            .path = part->is_trace ? part->name : NULL,
            .rounds = (unsigned)plan->repetitions,
            .failure = "the process that was to check it was killed",
        };
    scaling_name(plan, step);
}

/* What comes before the rounds: answers and, of those that pass, all but times. */
static void begin_part(struct plan *plan, struct part *part)
{
    struct step *step = &part->step;
    struct workload workload;

    if (is_cost_part(part)) {
        progress_tell(&plan->progress, "timing", part->name, "");
        step->count =
            cost_measure(part->name, step->rows, plan->repetitions, plan->pace.min_time_s);
        return;
    }
    if (!part_load(part, &workload, &part->status))
        return;
    name_rows(plan, part);
    for (size_t i = 0; i < step->count; i++)
        snprintf(step->rows[i].workload, sizeof step->rows[i].workload, "%s", workload.name);
    struct entrance entrance = {plan, step->rows, step->count, &workload};
    bool has_footprint = plan->view == ASSAY_BENCH_TIMES;
    workers_run(enter, &entrance, has_footprint ? 2 * step->count : step->count);
    if (plan->view == ASSAY_BENCH_LATENCY || plan->view == ASSAY_BENCH_TIMELINE)
        view_rows(plan, step->rows, &workload);
    scaling_verify_all(plan, step, &workload);
    workload_clear(&workload);
}

/* Streams are made anew, for all of them at once may not fit into memory. */
static bool run_round(struct plan *plan, struct part *part, int round)
{
    struct step *step = &part->step;
    struct workload workload;
    bool is_threads = plan->view == ASSAY_BENCH_THREADS;

    if (step->count == 0 || is_cost_part(part) || !part_load(part, &workload, &part->status))
        return false;
    progress_tell_round(&plan->progress, workload.name, round);
    bool is_on = is_threads ? scaling_round(step->threads, step->threads_count, &workload, round,
                                            plan->pace.min_time_s)
                            : measure_round(step->rows, step->count, &workload, round, &plan->pace);
    workload_clear(&workload);
    return is_on;
}

static void write_step(struct plan *plan, const struct part *parts, size_t number, int round)
{
    if (!is_cost_part(&parts[number]))
        journal_step(&plan->journal, number, round, &parts[number].step);
}

/* In the extra rounds a workload takes part whose times are not settled, with those who had all rounds so far. */
static bool wants_round(const struct plan *plan, const struct part *part, int round)
{
    bool is_wanted = round < plan->repetitions;

    for (size_t i = 0; i < part->step.count && !is_wanted && !is_cost_part(part); i++)
        is_wanted = part->step.rows[i].repetitions == (unsigned)round &&
                    !row_is_settled(&part->step.rows[i]);
    return is_wanted;
}

/*
 * Round after round over all workloads, so that the rounds of each are spread over the whole time: what lasts
 * for a while is then noise in a run, not a difference between two.
 */
static void run_rounds(struct plan *plan, struct part *parts, size_t count)
{
    bool is_on = plan->view == ASSAY_BENCH_TIMES || plan->view == ASSAY_BENCH_THREADS;
    int rounds = plan->repetitions;

    rounds += plan->view == ASSAY_BENCH_TIMES ? plan->pace.extra_rounds : 0;
    for (int round = 0; is_on && round < rounds; round++) {
        is_on = false;
        if (round == plan->repetitions)
            plan->progress.rounds = rounds;
        for (size_t i = 0; i < count; i++) {
            progress_start(&plan->progress, i, round);
            bool was_on = round < parts[i].rounds || (wants_round(plan, &parts[i], round) &&
                                                      run_round(plan, &parts[i], round));
            if (was_on && round >= parts[i].rounds)
                write_step(plan, parts, i, round);
            is_on |= was_on;
            progress_end(&plan->progress);
        }
    }
}

/* What journal_open() asks: a step, and they come in the order in which they are made. */
struct steps {
    const struct plan *plan;
    struct part *parts;
    size_t count;
};

static const struct step *find_step(void *arg, size_t number, int round)
{
    const struct steps *steps = arg;
    if (number >= steps->count)
        return NULL;
    struct part *part = &steps->parts[number];
    if (is_cost_part(part))
        return NULL;
    if (round == PROGRESS_BEFORE_ROUNDS && !part->has_begun)
        name_rows(steps->plan, part);
    else if (!part->has_begun || round != part->rounds)
        return NULL;
    part->rounds = round + 1;
    part->has_begun = true;
    return &part->step;
}

int parts_open_journal(struct plan *plan, struct part *parts, size_t count, const char *identity)
{
    struct steps steps = {plan, parts, count};
    const char *path = plan->journal.path;
    int status = journal_open(&plan->journal, path, identity, find_step, &steps);

    if (plan->journal.known)
        fprintf(stderr, "goes on behind %zu steps that %s has\n", plan->journal.known, path);
    return status;
}

void parts_run(struct plan *plan, struct part *parts, size_t count)
{
    progress_open(&plan->progress, count, plan->repetitions);
    for (size_t i = 0; i < count; i++) {
        progress_start(&plan->progress, i, PROGRESS_BEFORE_ROUNDS);
        if (!parts[i].has_begun) {
            begin_part(plan, &parts[i]);
            write_step(plan, parts, i, PROGRESS_BEFORE_ROUNDS);
        }
        progress_end(&plan->progress);
    }
    run_rounds(plan, parts, count);
    progress_clear();
}

size_t parts_count(const struct plan *plan)
{
    return plan->workloads.count + plan->traces.count;
}

void parts_name(const struct plan *plan, struct part *parts, struct row *rows,
                struct scaling *threads)
{
    size_t workloads = plan->workloads.count, threads_count = scaling_count(plan);
    size_t stride = plan->specs.count + MOST_COST_ROWS;

    for (size_t i = 0; i < parts_count(plan); i++) {
        bool is_trace = i >= workloads;
        parts[i] = (struct part){
            .name = is_trace ? plan->traces.word[i - workloads] : plan->workloads.word[i],
            .is_trace = is_trace,
            .step = {rows + i * stride, 0, threads + i * threads_count, threads_count},
        };
    }
}
