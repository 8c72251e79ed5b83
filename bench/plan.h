/*
 * plan.h - what is to be measured: the words of the command line, found to be backends, workloads and traces.
 */
#ifndef ASSAY_BENCH_PLAN_H
#define ASSAY_BENCH_PLAN_H

#include "context.h"
#include "journal.h"
#include "measure.h"
#include "progress.h"
#include "views.h"

#include <glob.h>

#define MOST 256 /* backends, traces, workloads: each */

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
    struct pace pace;
    struct progress progress;
    enum assay_bench_view view;
    char valgrind[60]; /* what counts instructions */
    unsigned threads[ASSAY_BENCH_THREAD_COUNTS];
    size_t threads_count;
    uint64_t every;
    struct paper table;
    enum sheet_form form;
    struct sheet *sheet; /* NULL: rows are printed by table.c */
    struct slowest slowest;
    FILE *lines[2];
    struct journal journal;
};

/* Whether a workload is a cost of the harness (harness_costs.h). */
bool is_cost(const char *name);
/* Each complains of the first word that is wrong; the exit status, 0 if none is. */
int plan_take(struct plan *plan, const struct assay_bench_options *options);
/* What was not said: all backends, all workloads, the corpus. */
int plan_complete(struct plan *plan);
/*
 * One line that says which run this is: what is measured and how long, by which build, where. NULL: no memory;
 * the caller frees it.
 */
char *plan_identity(const struct plan *plan, const struct context *context);
void plan_clear(struct plan *plan);

#endif
