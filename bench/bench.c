/* bench.c - what is to be measured, and in which order. */
#include "bench.h"

#include "fail.h"
#include "harness_costs.h"
#include "measure.h"
#include "table.h"
#include "views.h"

#include "assay/guard.h"
#include "assay/input.h"
#include "assay/registry.h"
#include "assay/workload.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 256 /* backends, traces, workloads: each */
#define DEFAULT_TRACES "corpus/traces"

enum { EXIT_FINDING = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

struct words {
    const char *word[MOST];
    size_t count;
};

struct plan {
    const struct assay_backend *backend[MOST];
    struct words specs;     /* what the user called the backends */
    struct words workloads; /* made-up ones, and costs of the harness */
    struct words traces;
    glob_t globs; /* owns the names of traces that were found */
    bool made_up_only;
    int repetitions;
    double min_time_s;
    enum assay_bench_view view;
    uint64_t every;
    FILE *table;
    enum sheet_form form;
    struct sheet *sheet; /* NULL: rows are printed by table.c */
    FILE *lines[2];
};

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

static bool is_cost(const char *name)
{
    for (size_t i = 0; cost_name(i); i++)
        if (strcmp(cost_name(i), name) == 0)
            return true;
    return false;
}

static bool add_word(struct words *words, const char *word)
{
    if (words->count == MOST)
        return false;
    words->word[words->count++] = word;
    return true;
}

static bool has_word(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->word[i], word) == 0)
            return true;
    return false;
}

static int add_backend(struct plan *plan, const char *spec)
{
    const struct assay_backend *backend;
    struct assay_error error;

    if (has_word(&plan->specs, spec))
        return 0;
    if (assay_registry_find(spec, &backend, &error) != ASSAY_OK)
        return bench_fail(EXIT_USAGE, "%s", error.what);
    if (!add_word(&plan->specs, spec))
        return bench_fail(EXIT_USAGE, "too many backends at '%s'", spec);
    plan->backend[plan->specs.count - 1] = backend;
    return 0;
}

/* Whether it is a stream at all: better known now than after minutes of measuring. */
static int add_trace(struct plan *plan, const char *path)
{
    struct assay_input *input;
    struct assay_error error;

    if (assay_input_open(&input, path, ASSAY_ENCODING_GUESS, &error) != ASSAY_OK)
        return bench_fail(EXIT_ENVIRONMENT, "%s", error.what);
    assay_input_close(input);
    return add_word(&plan->traces, path) ? 0
                                         : bench_fail(EXIT_USAGE, "too many traces at '%s'", path);
}

/* A folder stands for the traces in it. */
static int add_traces(struct plan *plan, const char *path)
{
    char pattern[4096];
    struct stat what;
    int status = 0;

    if (stat(path, &what) != 0 || !S_ISDIR(what.st_mode))
        return add_trace(plan, path);
    size_t known = plan->globs.gl_pathc;
    snprintf(pattern, sizeof pattern, "%s/*.trace", path);
    int found = glob(pattern, known ? GLOB_APPEND : 0, NULL, &plan->globs);
    if (found == GLOB_NOMATCH)
        return bench_fail(EXIT_ENVIRONMENT, "no traces in %s: expected files called *.trace", path);
    if (found != 0)
        return bench_fail(EXIT_ENVIRONMENT, "cannot search %s for traces", path);
    for (size_t i = known; i < plan->globs.gl_pathc && status == 0; i++)
        status = add_trace(plan, plan->globs.gl_pathv[i]);
    return status;
}

static int add_workload(struct plan *plan, const char *name)
{
    struct assay_error error;

    if (!is_cost(name) && assay_workload_check(name, &error) != ASSAY_OK)
        return bench_fail(EXIT_USAGE, "%s; see assay bench --list", error.what);
    return add_word(&plan->workloads, name)
               ? 0
               : bench_fail(EXIT_USAGE, "too many workloads at '%s'", name);
}

static int take(struct plan *plan, const struct assay_bench_options *options)
{
    int status = 0;

    for (size_t i = 0; i < options->backends.count && status == 0; i++)
        status = add_backend(plan, options->backends.words[i]);
    for (size_t i = 0; i < options->workloads.count && status == 0; i++)
        status = add_workload(plan, options->workloads.words[i]);
    for (size_t i = 0; i < options->traces.count && status == 0; i++)
        status = add_traces(plan, options->traces.words[i]);
    return status;
}

/* What was not said: all backends, all workloads, the corpus. */
static int complete(struct plan *plan)
{
    size_t count;
    const struct assay_backend *const *all = assay_registry_all(&count);
    bool is_all = plan->specs.count == 0;
    int status = 0;

    for (size_t i = 0; i < count && status == 0; i++)
        if (is_all || strcmp(all[i]->name, "null") == 0 || strcmp(all[i]->name, "system") == 0)
            status = add_backend(plan, all[i]->name);
    if (status != 0 || plan->workloads.count || plan->traces.count)
        return status;
    for (size_t i = 0; workload_standard(i); i++)
        if (!add_word(&plan->workloads, workload_standard(i)))
            return EXIT_USAGE;
    if (plan->made_up_only)
        return 0;
    if (access(DEFAULT_TRACES, F_OK) == 0)
        return add_traces(plan, DEFAULT_TRACES);
    fputs("no " DEFAULT_TRACES " here: only made-up workloads are measured; see --trace\n", stderr);
    return 0;
}

static void add_to_sheet(const struct plan *plan, const struct row *rows, size_t count)
{
    double system = rows_system_ns(rows, count);

    for (size_t i = 0; i < count; i++) {
        if (!rows[i].passed)
            view_failure(plan->sheet, plan->view, &rows[i]);
        else if (plan->view == ASSAY_BENCH_TIMES)
            view_times(plan->sheet, &rows[i], system);
    }
}

static int show(struct plan *plan, const struct row *rows, size_t count)
{
    int status = 0;

    if (plan->sheet)
        add_to_sheet(plan, rows, count);
    else if (plan->table)
        table_rows(plan->table, rows, count);
    for (int i = 0; i < 2; i++)
        if (plan->lines[i])
            lines_rows(plan->lines[i], rows, count);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].passed)
            status = EXIT_FINDING;
    return status;
}

/* For people who wait; gone when the next rows come. */
static void tell_progress(const char *doing, const char *workload, const char *spec)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s %s %s", doing, workload, spec);
}

static void tell_round(const char *workload, int round)
{
    char text[40];

    snprintf(text, sizeof text, "in round %d", round + 1);
    tell_progress("timing", workload, text);
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
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

/* What comes between checks and rounds; rows that failed are passed over. */
static void measure_rows(struct plan *plan, struct row *rows, const struct workload *workload)
{
    size_t count = plan->specs.count;

    for (size_t i = 0; i < count; i++) {
        if (!rows[i].passed)
            continue;
        tell_progress("measuring", workload->name, plan->specs.word[i]);
        if (plan->view == ASSAY_BENCH_TIMES)
            measure_footprint(&rows[i], workload);
        else if (plan->view == ASSAY_BENCH_LATENCY)
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
};

static bool load(const struct part *part, struct workload *workload, int *status)
{
    struct assay_error error;

    if ((part->is_trace ? workload_load(workload, part->name, &error)
                        : workload_make(workload, part->name, &error)) == ASSAY_OK)
        return true;
    *status = bench_fail(EXIT_ENVIRONMENT, "%s", error.what);
    return false;
}

/* What comes before the rounds: answers and, of those that pass, all but times. */
static void begin_part(struct plan *plan, struct part *part)
{
    struct workload workload;

    if (!part->is_trace && is_cost(part->name)) {
        tell_progress("timing", part->name, "");
        part->count = cost_measure(part->name, part->rows, plan->repetitions, plan->min_time_s);
        return;
    }
    if (!load(part, &workload, &part->status))
        return;
    part->count = plan->specs.count;
    for (size_t i = 0; i < part->count; i++) {
        struct row *row = &part->rows[i];
        *row = (struct row){
            .backend = plan->backend[i], .spec = plan->specs.word[i], .path = workload.path};
        snprintf(row->workload, sizeof row->workload, "%s", workload.name);
        tell_progress("checking", workload.name, row->spec);
        measure_answers(row, &workload);
    }
    measure_rows(plan, part->rows, &workload);
    workload_clear(&workload);
}

/* Streams are made anew, for all of them at once may not fit into memory. */
static bool run_round(struct plan *plan, struct part *part, int round)
{
    struct workload workload;

    if (part->count == 0 || (!part->is_trace && is_cost(part->name)) ||
        !load(part, &workload, &part->status))
        return false;
    tell_round(workload.name, round);
    bool is_on = measure_round(part->rows, part->count, &workload, round, plan->min_time_s);
    workload_clear(&workload);
    return is_on;
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
        for (size_t i = 0; i < count; i++)
            is_on |= run_round(plan, &parts[i], round);
    }
}

static int run(struct plan *plan, struct part *parts, size_t count)
{
    struct context context;
    int worst = 0;

    context_find(&context);
    if (plan->table && !plan->sheet)
        table_head(plan->table, &context);
    for (int i = 0; i < 2; i++)
        if (plan->lines[i])
            lines_context(plan->lines[i], &context);
    for (size_t i = 0; i < count; i++)
        begin_part(plan, &parts[i]);
    run_rounds(plan, parts, count);
    end_progress();
    for (size_t i = 0; i < count; i++) {
        int status = show(plan, parts[i].rows, parts[i].count);
        status = status > parts[i].status ? status : parts[i].status;
        worst = status > worst ? status : worst;
    }
    for (int i = 0; i < 2; i++)
        if (plan->lines[i])
            lines_end(plan->lines[i], worst);
    return worst;
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

    if (plan->table && !is_streamed)
        plan->sheet = view_open(plan->view);
    if (rows && parts && (!plan->table || is_streamed || plan->sheet)) {
        name_parts(plan, parts, rows);
        status = run(plan, parts, count);
    } else {
        bench_fail(status, "no memory for the results");
    }
    if (plan->sheet && sheet_close(plan->sheet, plan->form, plan->table) != 0)
        status = bench_fail(EXIT_ENVIRONMENT, "no memory for the table");
    if (rows)
        assay_guard_unshare(rows, room + 1);
    free(parts);
    return status;
}

int assay_bench(const struct assay_bench_options *options)
{
    struct plan plan = {.made_up_only = options->made_up_only,
                        .repetitions = (int)options->repetitions,
                        .min_time_s = options->min_time_s,
                        .view = options->view,
                        .every = options->every,
                        .table = options->table,
                        .form = options->form,
                        .lines = {options->lines[0], options->lines[1]}};
    int status = take(&plan, options);

    if (status == 0)
        status = complete(&plan);
    if (status == 0)
        status = make_rows_and_run(&plan);
    if (plan.globs.gl_pathc)
        globfree(&plan.globs);
    return status;
}
