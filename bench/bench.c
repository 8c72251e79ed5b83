/* bench.c - runs a plan: answers, footprints and rounds, in which order, and what comes of it. */
#include "bench.h"

#include "fail.h"
#include "harness_costs.h"
#include "plan.h"
#include "scaling_run.h"
#include "stable.h"
#include "table.h"
#include "views.h"
#include "workers.h"

#include "assay/guard.h"
#include "assay/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void assay_bench_list(FILE *out)
{
    size_t count;
    const struct assay_workload *const *all = assay_workload_all(&count);

    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%-14s %s\n", all[i]->name, all[i]->summary);
        for (const struct assay_workload_parameter *one = all[i]->parameters; one->name; one++)
            fprintf(out, "    %-12s %-8s %s%s%s\n", one->name, one->value ? one->value : "FILE",
                    one->help, one->words ? ": " : "", one->words ? one->words : "");
    }
    for (size_t i = 0; cost_name(i); i++)
        fprintf(out, "%-14s %s\n", cost_name(i), cost_summary(i));
}

static void add_to_sheet(const struct plan *plan, const struct row *rows, size_t count)
{
    double system = rows_system_ns(rows, count);
    double counted = rows_system_instructions(rows, count);

    for (size_t i = 0; i < count; i++) {
        if (!rows[i].passed)
            view_failure(plan->sheet, plan->view, &rows[i]);
        else if (plan->view == ASSAY_BENCH_TIMES)
            view_times(plan->sheet, &rows[i], system);
        else if (plan->view == ASSAY_BENCH_STABLE)
            view_instructions(plan->sheet, &rows[i], counted);
    }
}

/* Of a row with threads there is a line for each number of them; only one that failed before has none. */
static void write_lines(const struct plan *plan, FILE *out, const struct row *rows, size_t count)
{
    if (plan->view != ASSAY_BENCH_THREADS)
        lines_rows(out, rows, count);
    else
        for (size_t i = 0; i < count; i++)
            if (!rows[i].passed)
                lines_rows(out, &rows[i], 1);
}

static int show(struct plan *plan, const struct row *rows, size_t count)
{
    int status = 0;

    if (plan->sheet)
        add_to_sheet(plan, rows, count);
    else if (plan->table.out)
        table_rows(&plan->table, rows, count);
    for (int i = 0; i < 2; i++)
        if (plan->lines[i])
            write_lines(plan, plan->lines[i], rows, count);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].passed)
            status = EXIT_FINDING;
    return status;
}

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

/* All that is measured on one workload, one cost or one trace. */
struct part {
    const char *name;
    bool is_trace;
    struct row *rows;
    size_t count;
    int status;
    int rounds; /* that a run which was interrupted has done */
    bool has_begun;
};

static bool is_cost_part(const struct part *part)
{
    return !part->is_trace && is_cost(part->name);
}

static bool load(const struct part *part, struct workload *workload, int *status)
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
    const struct workload *workload;
};

static void enter(void *arg, size_t number)
{
    const struct entrance *entrance = arg;
    const struct plan *plan = entrance->plan;
    struct row *row = &entrance->rows[number];

    progress_tell(&plan->progress, "checking", row->workload, row->spec);
    measure_answers(row, entrance->workload);
    if (row->passed && plan->view == ASSAY_BENCH_TIMES)
        measure_footprint(row, entrance->workload);
    if (row->passed && plan->view == ASSAY_BENCH_STABLE) {
        progress_tell(&plan->progress, "counting", row->workload, row->spec);
        measure_instructions(row);
    }
}

static void name_rows(const struct plan *plan, struct part *part)
{
    part->count = plan->specs.count;
    for (size_t i = 0; i < part->count; i++)
        part->rows[i] = (struct row){
            .backend = plan->backend[i],
            .spec = plan->specs.word[i],
            .path = part->is_trace ? part->name : NULL,
            .rounds = (unsigned)plan->repetitions,
            .failure = "the process that was to check it was killed",
        };
}

/* What comes before the rounds: answers and, of those that pass, all but times. */
static void begin_part(struct plan *plan, struct part *part)
{
    struct workload workload;

    if (is_cost_part(part)) {
        progress_tell(&plan->progress, "timing", part->name, "");
        part->count =
            cost_measure(part->name, part->rows, plan->repetitions, plan->pace.min_time_s);
        return;
    }
    if (!load(part, &workload, &part->status))
        return;
    name_rows(plan, part);
    for (size_t i = 0; i < part->count; i++)
        snprintf(part->rows[i].workload, sizeof part->rows[i].workload, "%s", workload.name);
    struct entrance entrance = {plan, part->rows, &workload};
    workers_run(enter, &entrance, part->count);
    if (plan->view == ASSAY_BENCH_LATENCY || plan->view == ASSAY_BENCH_TIMELINE)
        view_rows(plan, part->rows, &workload);
    if (plan->view == ASSAY_BENCH_THREADS)
        part->status = scaling_run(plan, part->rows, part->count, &workload);
    workload_clear(&workload);
}

/* Streams are made anew, for all of them at once may not fit into memory. */
static bool run_round(struct plan *plan, struct part *part, int round)
{
    struct workload workload;

    if (part->count == 0 || is_cost_part(part) || !load(part, &workload, &part->status))
        return false;
    progress_tell_round(&plan->progress, workload.name, round);
    bool is_on = measure_round(part->rows, part->count, &workload, round, &plan->pace);
    workload_clear(&workload);
    return is_on;
}

static void write_step(struct plan *plan, const struct part *parts, size_t number, int round)
{
    if (!is_cost_part(&parts[number]))
        journal_step(&plan->journal, number, round, parts[number].rows, parts[number].count);
}

/*
 * Round after round over all workloads, so that the rounds of each are spread over the whole time: what lasts
 * for a while is then noise in a run, not a difference between two.
 */
static void run_rounds(struct plan *plan, struct part *parts, size_t count)
{
    bool is_on = plan->view == ASSAY_BENCH_TIMES;

    for (int round = 0; is_on && round < plan->repetitions; round++) {
        is_on = false;
        for (size_t i = 0; i < count; i++) {
            progress_start(&plan->progress, i, round);
            bool was_on = round < parts[i].rounds || run_round(plan, &parts[i], round);
            if (was_on && round >= parts[i].rounds)
                write_step(plan, parts, i, round);
            is_on |= was_on;
            progress_end(&plan->progress);
        }
    }
}

/* What journal_open() asks: the rows of a step, which is in the order in which steps are made. */
struct steps {
    const struct plan *plan;
    struct part *parts;
    size_t count;
};

static struct row *rows_of_step(void *arg, size_t number, int round, size_t count)
{
    const struct steps *steps = arg;

    if (number >= steps->count || count != steps->plan->specs.count)
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
    return part->rows;
}

static int open_journal(struct plan *plan, const char *path, const struct context *context,
                        struct part *parts, size_t count)
{
    struct steps steps = {plan, parts, count};
    char *identity = plan_identity(plan, context);
    int status = identity ? journal_open(&plan->journal, path, identity, rows_of_step, &steps)
                          : bench_fail(EXIT_ENVIRONMENT, "no memory for the journal");

    if (plan->journal.known)
        fprintf(stderr, "goes on behind %zu steps that %s has\n", plan->journal.known, path);
    free(identity);
    return status;
}

static int run(struct plan *plan, struct part *parts, size_t count)
{
    struct context context;
    int worst = 0;

    context_find(&context);
    snprintf(context.valgrind, sizeof context.valgrind, "%s", plan->valgrind);
    if (plan->journal.path)
        worst = open_journal(plan, plan->journal.path, &context, parts, count);
    if (worst != 0)
        return worst;
    if (plan->table.out && !plan->sheet)
        table_head(&plan->table, &context);
    for (int i = 0; i < 2; i++)
        if (plan->lines[i])
            lines_context(plan->lines[i], &context);
    if (plan->view == ASSAY_BENCH_THREADS)
        scaling_print_handoff(plan);
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
    for (size_t i = 0; i < count; i++) {
        int status = show(plan, parts[i].rows, parts[i].count);
        status = status > parts[i].status ? status : parts[i].status;
        worst = status > worst ? status : worst;
    }
    for (int i = 0; i < 2; i++)
        if (plan->lines[i])
            lines_end(plan->lines[i], worst);
    int written = journal_close(&plan->journal);
    return written ? written : worst;
}

static void name_parts(const struct plan *plan, struct part *parts, struct row *rows)
{
    size_t workloads = plan->workloads.count, count = workloads + plan->traces.count;
    size_t stride = plan->specs.count + MOST_COST_ROWS;

    for (size_t i = 0; i < count; i++) {
        bool is_trace = i >= workloads;
        parts[i] = (struct part){
            .name = is_trace ? plan->traces.word[i - workloads] : plan->workloads.word[i],
            .is_trace = is_trace,
            .rows = rows + i * stride,
        };
    }
}

static int make_rows_and_run(struct plan *plan)
{
    size_t count = plan->workloads.count + plan->traces.count;
    size_t room = count * (plan->specs.count + MOST_COST_ROWS) * sizeof(struct row);
    struct part *parts = calloc(count + 1, sizeof *parts);
    struct row *rows = assay_guard_shared(room + 1);
    bool is_streamed = plan->view == ASSAY_BENCH_TIMES && plan->form == SHEET_TABLE;
    int status = EXIT_ENVIRONMENT;

    if (plan->table.out && !is_streamed)
        plan->sheet = plan->view == ASSAY_BENCH_THREADS ? scaling_sheet() : view_open(plan->view);
    if (rows && parts && (!plan->table.out || is_streamed || plan->sheet)) {
        name_parts(plan, parts, rows);
        status = run(plan, parts, count);
    } else {
        bench_fail(status, "no memory for the results");
    }
    if (plan->sheet && sheet_close(plan->sheet, plan->form, plan->table.out) != 0)
        status = bench_fail(EXIT_ENVIRONMENT, "no memory for the table");
    if (rows)
        assay_guard_unshare(rows, room + 1);
    free(parts);
    return status;
}

/* The one backend and the one stream that were named, when this process is started under valgrind. */
static int count_first(const struct plan *plan)
{
    bool is_trace = plan->traces.count;
    struct part part = {.name = is_trace ? plan->traces.word[0] : plan->workloads.word[0],
                        .is_trace = is_trace};
    struct workload workload;
    int status = 0;

    if (!load(&part, &workload, &status))
        return status;
    status = stable_count(plan->backend[0], &workload);
    workload_clear(&workload);
    return status;
}

static int find_valgrind(struct plan *plan)
{
    const char *why;

    if (plan->view != ASSAY_BENCH_STABLE ||
        stable_find(plan->valgrind, sizeof plan->valgrind, &why))
        return 0;
    return bench_fail(EXIT_ENVIRONMENT, "bench --stable needs valgrind, %s", why);
}

int assay_bench(const struct assay_bench_options *options)
{
    struct plan plan = {.made_up_only = options->made_up_only,
                        .repetitions = (int)options->repetitions,
                        .pace = {options->min_time_s, options->cell_s, (int)options->least_rounds},
                        .view = options->view,
                        .threads_count = options->threads_count,
                        .every = options->every,
                        .table = options->table,
                        .form = options->form,
                        .lines = {options->lines[0], options->lines[1]},
                        .journal = {.path = options->journal}};
    memcpy(plan.threads, options->threads, sizeof plan.threads);
    int status = plan_take(&plan, options);

    bool is_counting = options->view == ASSAY_BENCH_STABLE && stable_is_counting() &&
                       plan.specs.count && plan.workloads.count + plan.traces.count;
    if (status == 0 && is_counting) {
        status = count_first(&plan);
        plan_clear(&plan);
        return status;
    }
    if (status == 0)
        status = find_valgrind(&plan);
    if (status == 0)
        status = plan_complete(&plan);
    if (status == 0)
        status = make_rows_and_run(&plan);
    plan_clear(&plan);
    return status;
}
