/* scaling_run.c - all backends with all numbers of threads on one workload: verified, measured, printed. */
#include "scaling_run.h"

#include "fail.h"
#include "json.h"
#include "scaling.h"
#include "table.h"

#include "assay/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const headings[] = {"workload", "backend",  "threads>",    "checks",
                                       "M ops/s>", "scaling>", "wall ns/op>", "cpu ns/op>",
                                       "/system>", "notes"};

struct sheet *scaling_sheet(void)
{
    return sheet_open(headings, sizeof headings / sizeof *headings);
}

static const char *spec_of(const struct scaling *one)
{
    return one->row ? one->row->spec : SCALING_HARNESS;
}

/* The one of the same backend with the first number of threads, or of `spec` with the same number; NULL: none. */
static const struct scaling *find(const struct scaling *all, size_t count, const char *spec,
                                  unsigned threads)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(spec_of(&all[i]), spec) == 0 && (!threads || all[i].threads == threads))
            return &all[i];
    return NULL;
}

/* Time of the other over that of this one; NAN where one has none. */
static double times_faster(const struct scaling *one, const struct scaling *other)
{
    return other && other->passed && other->rounds ? scaling_wall_ns(other) / scaling_wall_ns(one)
                                                   : NAN;
}

/* As words of a command: what shows a failure again. */
static char *repeat_text(const struct scaling *one)
{
    char *command = NULL;
    size_t length;
    FILE *out = open_memstream(&command, &length);

    if (!out)
        return NULL;
    fprintf(out, "assay bench --threads %u --backend ", one->threads);
    assay_report_word(out, one->row->spec);
    fputs(one->row->path ? " --trace " : " --workload ", out);
    assay_report_word(out, one->row->path ? one->row->path : one->row->workload);
    fclose(out);
    return command;
}

static void add_note(struct sheet *sheet, const struct scaling *one)
{
    char *repeat = one->passed || !one->row ? NULL : repeat_text(one);

    if (one->passed)
        sheet_add(sheet, "%s", one->unmeasured);
    else
        sheet_add(sheet, "%s; repeat: %s", one->failure, repeat ? repeat : "");
    free(repeat);
}

static void view(struct sheet *sheet, const char *workload, const struct scaling *one,
                 const struct scaling *first, const struct scaling *system)
{
    bool has_number = one->passed && one->rounds;
    double wall = has_number ? scaling_wall_ns(one) : NAN;

    sheet_add(sheet, "%s", workload);
    sheet_add(sheet, "%s", spec_of(one));
    sheet_add(sheet, "%u", one->threads);
    sheet_add(sheet, "%s", one->passed ? "passed" : "FAILED");
    sheet_add_number(sheet, 1e3 / wall, 2);
    sheet_add_number(sheet, has_number ? times_faster(one, first) : NAN, 2);
    sheet_add_number(sheet, wall, 2);
    sheet_add_number(sheet, has_number ? scaling_cpu_ns(one) : NAN, 2);
    sheet_add_number(sheet, has_number ? 1 / times_faster(one, system) : NAN, 2);
    add_note(sheet, one);
}

static void add_numbers(cJSON *line, const struct scaling *one, const struct scaling *first,
                        const struct scaling *system)
{
    double wall = scaling_wall_ns(one);

    json_number(line, "wall_ns_per_op", wall);
    json_number(line, "cpu_ns_per_op", scaling_cpu_ns(one));
    json_number(line, "ops_per_second", 1e9 / wall);
    json_number(line, "scaling", times_faster(one, first));
    json_number(line, "ratio_to_system", 1 / times_faster(one, system));
    cJSON_AddItemToObject(line, "wall_ns", cJSON_CreateDoubleArray(one->wall_ns, (int)one->rounds));
    cJSON_AddItemToObject(line, "cpu_ns", cJSON_CreateDoubleArray(one->cpu_ns, (int)one->rounds));
}

static void print_line(FILE *out, const char *workload, const struct scaling *one,
                       const struct scaling *first, const struct scaling *system, uint64_t ops)
{
    cJSON *line = json_row("threads");

    cJSON_AddStringToObject(line, "workload", workload);
    cJSON_AddStringToObject(line, "backend", spec_of(one));
    cJSON_AddNumberToObject(line, "threads", one->threads);
    json_count(line, "ops", ops);
    cJSON_AddBoolToObject(line, "passed", one->passed);
    if (!one->passed) {
        char *repeat = one->row ? repeat_text(one) : NULL;
        cJSON_AddStringToObject(line, "failure", one->failure);
        if (repeat)
            cJSON_AddStringToObject(line, "repeat", repeat);
        free(repeat);
    } else if (*one->unmeasured) {
        cJSON_AddStringToObject(line, "not_measured", one->unmeasured);
    } else {
        add_numbers(line, one, first, system);
    }
    json_print(out, line);
}

/* Whether it was asked for numbers at all: a row whose heap failed before is told of as a row. */
static bool is_told(const struct scaling *one)
{
    return !one->row || one->row->passed;
}

int scaling_show(const struct plan *plan, const struct step *step)
{
    const struct scaling *all = step->threads;
    const char *workload = step->count ? step->rows[0].workload : "";
    int status = 0;

    for (size_t i = 0; i < step->threads_count && step->count; i++) {
        const struct scaling *one = &all[i];
        const struct scaling *first = find(all, step->threads_count, spec_of(one), 0);
        const struct scaling *system = find(all, step->threads_count, "system", one->threads);
        if (!is_told(one))
            continue;
        if (plan->sheet)
            view(plan->sheet, workload, one, first, system);
        for (int k = 0; k < 2; k++)
            if (plan->lines[k])
                print_line(plan->lines[k], workload, one, first, system, step->rows[0].ops);
        if (!one->passed)
            status = EXIT_FINDING;
    }
    return status;
}

/* What all that follows is to be seen beside. */
void scaling_print_handoff(struct plan *plan)
{
    double ns = scaling_handoff_ns();
    struct scaling one = {.threads = 2, .passed = true, .rounds = 1, .wall_ns = {ns}};

    one.cpu_ns[0] = NAN;
    if (plan->sheet)
        view(plan->sheet, "(hand-over)", &one, NULL, NULL);
    for (int k = 0; k < 2; k++)
        if (plan->lines[k])
            print_line(plan->lines[k], "(hand-over)", &one, NULL, NULL, 1);
}

size_t scaling_count(const struct plan *plan)
{
    return plan->view == ASSAY_BENCH_THREADS ? (plan->specs.count + 1) * plan->threads_count : 0;
}

void scaling_name(const struct plan *plan, const struct step *step)
{
    for (size_t i = 0; i < step->threads_count; i++) {
        size_t number = i / plan->threads_count;
        step->threads[i] = (struct scaling){.row = number ? &step->rows[number - 1] : NULL,
                                            .threads = plan->threads[i % plan->threads_count]};
    }
}

void scaling_verify_all(const struct plan *plan, const struct step *step,
                        const struct workload *workload)
{
    for (size_t i = 0; i < step->threads_count; i++) {
        struct scaling *one = &step->threads[i];
        progress_tell(&plan->progress, "verifying", workload->name, spec_of(one));
        if (is_told(one))
            scaling_verify(one, workload);
    }
}
