/* bench.c - runs a plan: answers, footprints and rounds, in which order, and what comes of it. */
#include "bench.h"

#include "fail.h"
#include "harness_costs.h"
#include "parts.h"
#include "scaling_run.h"
#include "stable.h"
#include "table.h"

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

static int show(struct plan *plan, const struct step *step)
{
    const struct row *rows = step->rows;
    size_t count = step->count;
    int status = scaling_show(plan, step);

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

static int open_journal(struct plan *plan, const struct context *context, struct part *parts,
                        size_t count)
{
    char *identity = plan_identity(plan, context);
    int status = identity ? parts_open_journal(plan, parts, count, identity)
                          : bench_fail(EXIT_ENVIRONMENT, "no memory for the journal");

    free(identity);
    return status;
}

static void show_head(struct plan *plan, const struct context *context)
{
    if (plan->table.out && !plan->sheet)
        table_head(&plan->table, context);
    for (int i = 0; i < 2; i++)
        if (plan->lines[i])
            lines_context(plan->lines[i], context);
    if (plan->view == ASSAY_BENCH_THREADS)
        scaling_print_handoff(plan);
}

static int worse(int status, int other)
{
    return status > other ? status : other;
}

static int run(struct plan *plan, struct part *parts, size_t count)
{
    struct context context;
    int worst = 0;

    context_find(&context);
    snprintf(context.valgrind, sizeof context.valgrind, "%s", plan->valgrind);
    if (plan->journal.path)
        worst = open_journal(plan, &context, parts, count);
    if (worst != 0)
        return worst;
    show_head(plan, &context);
    parts_run(plan, parts, count);
    for (size_t i = 0; i < count; i++)
        worst = worse(worst, worse(show(plan, &parts[i].step), parts[i].status));
    for (int i = 0; i < 2; i++)
        if (plan->lines[i])
            lines_end(plan->lines[i], worst);
    int written = journal_close(&plan->journal);
    return written ? written : worst;
}

static int make_rows_and_run(struct plan *plan)
{
    size_t count = parts_count(plan);
    size_t room = count * (plan->specs.count + MOST_COST_ROWS) * sizeof(struct row);
    struct part *parts = calloc(count + 1, sizeof *parts);
    struct row *rows = assay_guard_shared(room + 1);
    struct scaling *threads = calloc(count * scaling_count(plan) + 1, sizeof *threads);
    bool is_streamed = plan->view == ASSAY_BENCH_TIMES && plan->form == SHEET_TABLE;
    int status = EXIT_ENVIRONMENT;

    if (plan->table.out && !is_streamed)
        plan->sheet = plan->view == ASSAY_BENCH_THREADS ? scaling_sheet() : view_open(plan->view);
    if (rows && parts && threads && (!plan->table.out || is_streamed || plan->sheet)) {
        parts_name(plan, parts, rows, threads);
        status = run(plan, parts, count);
    } else {
        bench_fail(status, "no memory for the results");
    }
    if (plan->sheet)
        sheet_fit(plan->sheet, plan->table.width);
    if (plan->sheet && sheet_close(plan->sheet, plan->form, plan->table.out) != 0)
        status = bench_fail(EXIT_ENVIRONMENT, "no memory for the table");
    if (plan->slowest.text && plan->table.out && plan->form == SHEET_TABLE)
        fprintf(plan->table.out, "%s\n", plan->slowest.text);
    if (rows)
        assay_guard_unshare(rows, room + 1);
    free(threads);
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

    if (!part_load(&part, &workload, &status))
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
                        .pace = {options->min_time_s, options->cell_s, (int)options->extra_rounds,
                                 (int)options->least_rounds, options->check_s},
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
