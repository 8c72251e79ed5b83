/*
 * doctor_examine.c - the examination of one backend: loading, conformance and misuse, faults, random streams.
 *
 * Everything that runs the library's code is in a child process; the first loads it and does no more, for a
 * constructor may crash or never return.
 */
#include "doctor_examine.h"
#include "cli.h"

#include "assay/campaign.h"
#include "assay/faults.h"
#include "assay/guard.h"
#include "assay/posix.h"
#include "assay/registry.h"

#include <string.h>

/* Loading takes milliseconds. */
#define LOAD_SECONDS 60
#define LOAD_SECONDS_COMPUTING 5
/* Tests that may hang before the rest are left out. */
#define MOST_HANGS 3

struct visit {
    const struct doctor_plan *plan;
    struct doctor_report *report; /* shared */
    struct loaded {
        assay_status status;
        struct assay_error error;
        bool unwritten; /* standard output took less than all */
    } * loaded;         /* shared */
    const struct assay_backend *backend;
    unsigned hangs;
};

/* --- rows --- */

static struct doctor_row *add_row(const struct visit *visit, const char *promise, const char *needs,
                                  enum assay_verdict verdict, const char *why)
{
    struct doctor_report *report = visit->report;

    if (report->count == DOCTOR_ROWS)
        return &report->rows[DOCTOR_ROWS - 1];
    struct doctor_row *row = &report->rows[report->count++];
    *row = (struct doctor_row){.verdict = verdict};
    snprintf(row->promise, sizeof row->promise, "%s", promise);
    snprintf(row->needs, sizeof row->needs, "%s", needs);
    snprintf(row->why, sizeof row->why, "%s", why);
    report->verdicts[verdict]++;
    return row;
}

static void tell(const struct visit *visit, const struct doctor_row *row)
{
    if (visit->plan->json)
        doctor_print_json(visit->report->spec, row);
    else
        doctor_print_text(row);
    fflush(stdout);
}

/* A row of a test. What the doctor does is the same each time, so doing it again repeats it. */
static void tell_result(struct visit *visit, const struct assay_conformance_result *result,
                        const char *how)
{
    struct doctor_row *row =
        add_row(visit, result->name, result->needs, result->verdict, result->why);

    if (result->verdict == ASSAY_BROKEN)
        snprintf(row->repeat, sizeof row->repeat, "assay doctor --backend %s --seconds 0%s",
                 visit->report->spec, how);
    visit->hangs += result->hung;
    tell(visit, row);
}

/* --- the parts --- */

static assay_status run_conformance(struct visit *visit)
{
    struct assay_conformance_result result;

    for (size_t i = 0; i < assay_conformance_count(); i++) {
        if (visit->hangs >= MOST_HANGS) {
            tell(visit, add_row(visit, "all_other_promises", "", ASSAY_NOT_CLAIMED,
                                "not tried, for three tests did not come back"));
            return ASSAY_OK;
        }
        if (assay_conformance_run(visit->backend, i, &result) != ASSAY_OK)
            return ASSAY_NO_MEMORY;
        tell_result(visit, &result, "");
    }
    return ASSAY_OK;
}

static assay_status run_posix(struct visit *visit)
{
    const struct assay_c_functions *functions = assay_registry_functions(visit->backend);
    struct assay_conformance_result result;

    for (size_t i = 0; functions && i < assay_posix_count(); i++) {
        if (assay_posix_run(functions, i, &result) != ASSAY_OK)
            return ASSAY_NO_MEMORY;
        tell_result(visit, &result, "");
    }
    return ASSAY_OK;
}

static assay_status run_faults(struct visit *visit)
{
    const struct assay_faults_options options = {.library = assay_registry_library(visit->backend),
                                                 .every_request = visit->plan->every_request};
    struct assay_conformance_result result;

    for (size_t i = 0; i < assay_faults_count(); i++) {
        if (assay_faults_run(visit->backend, &options, i, &result) != ASSAY_OK)
            return ASSAY_NO_MEMORY;
        tell_result(visit, &result, options.every_request ? " --faults" : "");
    }
    return ASSAY_OK;
}

static assay_status run_campaign(struct visit *visit)
{
    static const char promise[] = "random_streams_find_nothing";
    const struct assay_campaign_options options = {.seed = 1, .most_seconds = visit->plan->seconds};
    const char *spec = visit->report->spec;
    struct assay_campaign_result result;
    struct assay_error error;
    char why[320];

    assay_status status = assay_campaign_run(visit->backend, &options, &result, &error);
    if (status == ASSAY_NO_MEMORY)
        return status;
    if (status != ASSAY_OK) {
        tell(visit, add_row(visit, promise, "", ASSAY_NOT_CLAIMED, error.what));
        return ASSAY_OK;
    }
    unsigned long long stream = result.stream, ops = result.ops;
    if (!result.found) {
        snprintf(why, sizeof why, "%llu operations in %llu streams", ops,
                 (unsigned long long)result.streams);
        tell(visit, add_row(visit, promise, "", ASSAY_KEPT, why));
        return ASSAY_OK;
    }
    snprintf(why, sizeof why, "%s after %llu operations, in operation %llu of stream %llu: %s",
             assay_check_name(result.finding.check), ops, (unsigned long long)result.finding.op,
             stream, result.finding.what);
    struct doctor_row *row = add_row(visit, promise, "", ASSAY_BROKEN, why);
    snprintf(row->repeat, sizeof row->repeat,
             "assay trace random %llu >random.ops; assay replay --backend %s random.ops", stream,
             spec);
    tell(visit, row);
    return ASSAY_OK;
}

/* --- processes --- */

static void load_child(void *arg, volatile uint64_t *progress)
{
    struct visit *visit = arg;

    (void)progress;
    assay_guard_limit(LOAD_SECONDS_COMPUTING);
    visit->loaded->status =
        assay_registry_find(visit->report->spec, &visit->backend, &visit->loaded->error);
}

static void examine_child(void *arg, volatile uint64_t *progress)
{
    struct visit *visit = arg;
    struct loaded *loaded = visit->loaded;

    (void)progress;
    loaded->status = assay_registry_find(visit->report->spec, &visit->backend, &loaded->error);
    if (loaded->status != ASSAY_OK)
        return;
    if (!visit->plan->json)
        printf("%s: %s\n", visit->report->spec, visit->backend->summary);
    loaded->status = run_conformance(visit);
    if (loaded->status == ASSAY_OK && visit->hangs < MOST_HANGS)
        loaded->status = run_posix(visit);
    if (loaded->status == ASSAY_OK && visit->hangs < MOST_HANGS)
        loaded->status = run_faults(visit);
    if (loaded->status == ASSAY_OK && visit->plan->seconds > 0)
        loaded->status = run_campaign(visit);
    if (loaded->status != ASSAY_OK)
        assay_error_set(&loaded->error, "cannot start a child process");
    loaded->unwritten = fflush(stdout) != 0 || ferror(stdout);
}

/* A child that did not come back is the answer to a question of its own. */
static void tell_ending(const struct visit *visit, const char *promise,
                        const struct assay_guard_outcome *ending)
{
    char why[120];

    if (assay_guard_hung(ending))
        snprintf(why, sizeof why, "does not come back");
    else if (ending->ending == ASSAY_CRASHED)
        snprintf(why, sizeof why, "crashes: %s", strsignal(ending->code));
    else
        snprintf(why, sizeof why, "ends the process with exit status %d", ending->code);
    struct doctor_row *row = add_row(visit, promise, "", ASSAY_BROKEN, why);
    snprintf(row->repeat, sizeof row->repeat, "assay doctor --backend %s", visit->report->spec);
    tell(visit, row);
}

static assay_status visit_backend(struct visit *visit, struct assay_error *error)
{
    struct assay_guard_outcome ending;

    assay_status status = assay_guard_run(load_child, visit, LOAD_SECONDS, true, &ending);
    if (status == ASSAY_OK && ending.ending != ASSAY_ENDED) {
        if (!visit->plan->json)
            printf("%s: cannot be examined\n", visit->report->spec);
        tell_ending(visit, "loads_and_serves_a_first_block", &ending);
    } else if (status == ASSAY_OK && visit->loaded->status == ASSAY_OK) {
        status = assay_guard_run(examine_child, visit, 0, false, &ending);
        if (status == ASSAY_OK && ending.ending != ASSAY_ENDED)
            tell_ending(visit, "lets_the_process_live", &ending);
    }
    if (status != ASSAY_OK) {
        assay_error_set(error, "cannot start a child process");
        return status;
    }
    *error = visit->loaded->error;
    if (visit->loaded->unwritten && visit->plan->json) { /* a text has a last line that fails too */
        assay_error_set(error, "cannot write to standard output");
        return ASSAY_NO_MEMORY;
    }
    return visit->loaded->status;
}

assay_status doctor_examine(const struct doctor_plan *plan, struct doctor_report *report,
                            struct assay_error *error)
{
    struct loaded *loaded = assay_guard_shared(sizeof *loaded);
    struct visit visit = {.plan = plan, .report = report, .loaded = loaded};

    if (!loaded) {
        assay_error_set(error, "no memory to share with a child process");
        return ASSAY_NO_MEMORY;
    }
    assay_status status = visit_backend(&visit, error);
    if (status == ASSAY_OK && !plan->json)
        doctor_print_summary(report);
    assay_guard_unshare(loaded, sizeof *loaded);
    return status;
}
