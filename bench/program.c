/* program.c - a program under each library: answers first, then rounds. What is found: program_print.c. */
#include "program.h"

#include "context.h"
#include "fail.h"
#include "program_row.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MOST 32
/* A run that takes longer than so many of system's, and than a minute, hangs. */
#define HANGS 20
#define LEAST_LIMIT_S 60

struct plan {
    char *const *command;
    struct program_row rows[MOST]; /* the first is system */
    size_t count;
    struct program_run expected; /* what system answers */
    bool is_repeatable;          /* it answers so each time */
    unsigned limit_s;
};

/* --- which libraries --- */

static int add_library(struct plan *plan, const char *spec)
{
    bool is_library = strncmp(spec, "dl:", 3) == 0 && !strchr(spec + 3, ':');

    if (strcmp(spec, "system") == 0)
        return 0;
    if (!is_library)
        return bench_fail(
            EXIT_NOT_OFFERED,
            "bench: a whole program runs on system and on dl:PATH without a prefix, not on "
            "'%s'",
            spec);
    if (plan->count == MOST)
        return bench_fail(EXIT_USAGE, "bench: more than %d libraries", MOST - 1);
    plan->rows[plan->count++] = (struct program_row){.spec = spec, .library = spec + 3};
    return 0;
}

static int make_plan(struct plan *plan, const struct assay_program_options *options)
{
    int code = 0;

    plan->command = options->command;
    plan->rows[plan->count++] = (struct program_row){.spec = "system"};
    for (size_t i = 0; i < options->libraries.count && !code; i++)
        code = add_library(plan, options->libraries.words[i]);
    return code;
}

/* --- answers --- */

__attribute__((format(printf, 2, 3))) static void refuse(struct program_row *row,
                                                         const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(row->failure, sizeof row->failure, format, arguments);
    va_end(arguments);
    row->passed = false;
}

static bool same_answer(const struct program_run *one, const struct program_run *other)
{
    return one->output_bytes == other->output_bytes && one->output_hash == other->output_hash;
}

/* Whether a run did what system's did; else the row has failed. */
static bool is_right(const struct plan *plan, struct program_row *row,
                     const struct program_run *run)
{
    const struct program_run *expected = &plan->expected;

    if (run->hung)
        refuse(row, "the program did not end within %u s", plan->limit_s);
    else if (run->signal)
        refuse(row, "the program was ended by a signal: %s%s%s", strsignal(run->signal),
               run->complaint[0] ? ": " : "", run->complaint);
    else if (run->status != expected->status)
        refuse(row, "the program left with %d, and with system with %d%s%s", run->status,
               expected->status, run->complaint[0] ? ": " : "", run->complaint);
    else if (plan->is_repeatable && !same_answer(run, expected))
        refuse(row, "the program printed something else than with system");
    return row->passed;
}

/* What system answers, twice. 0, or the exit status after having printed why not. */
static int find_expected(struct plan *plan)
{
    struct program_run again;
    struct assay_error error;

    if (program_run(&plan->expected, plan->command, NULL, 0, &error) != ASSAY_OK ||
        program_run(&again, plan->command, NULL, 0, &error) != ASSAY_OK)
        return bench_fail(EXIT_ENVIRONMENT, "%s", error.what);
    if (plan->expected.signal)
        return bench_fail(EXIT_ENVIRONMENT, "%s is ended by a signal with system: %s",
                          plan->command[0], strsignal(plan->expected.signal));
    plan->is_repeatable = same_answer(&plan->expected, &again);
    if (!plan->is_repeatable)
        fputs("assay: the program prints something else each time: outputs are not compared\n",
              stderr);
    double limit = HANGS * plan->expected.wall_s;
    plan->limit_s = limit > LEAST_LIMIT_S ? (unsigned)limit : LEAST_LIMIT_S;
    plan->rows[0].passed = true;
    return 0;
}

static void find_answers(struct plan *plan)
{
    for (size_t i = 1; i < plan->count; i++) {
        struct program_row *row = &plan->rows[i];
        struct program_run run;
        struct assay_error error;
        row->passed = true;
        if (!program_loads(plan->command, row->library))
            refuse(row,
                   "the program does not load %s: there is none, or the program is static or "
                   "setuid",
                   row->library);
        else if (program_run(&run, plan->command, row->library, plan->limit_s, &error) != ASSAY_OK)
            refuse(row, "%s", error.what);
        else
            is_right(plan, row, &run);
    }
}

/* --- rounds --- */

static void add_run(struct program_row *row, const struct program_run *run)
{
    size_t i = row->cpu_ns.count++;

    row->cpu_ns.values[i] = round(run->cpu_s * 1e9);
    row->wall_ns.values[row->wall_ns.count++] = round(run->wall_s * 1e9);
    row->faults.values[row->faults.count++] = (double)run->faults;
    row->switches.values[row->switches.count++] = (double)run->switches;
    if (row->peak_resident_bytes < run->peak_resident_bytes)
        row->peak_resident_bytes = run->peak_resident_bytes;
}

/* Each round begins with another library, so that none is always the first. */
static void run_rounds(struct plan *plan, unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < plan->count; i++) {
            struct program_row *row = &plan->rows[(i + round) % plan->count];
            struct program_run run;
            struct assay_error error;
            if (!row->passed)
                continue;
            if (program_run(&run, plan->command, row->library, plan->limit_s, &error) != ASSAY_OK)
                refuse(row, "%s", error.what);
            else if (is_right(plan, row, &run))
                add_run(row, &run);
        }
    }
}

int assay_bench_program(const struct assay_program_options *options)
{
    struct plan plan = {.count = 0};
    struct context context;
    int code = make_plan(&plan, options);

    if (!code)
        code = find_expected(&plan);
    if (code)
        return code;
    find_answers(&plan);
    run_rounds(&plan, options->repetitions);
    for (size_t i = 0; i < plan.count; i++)
        if (!plan.rows[i].passed)
            code = EXIT_FINDING;
    context_find(&context);
    if (options->table.out)
        program_print(&options->table, options->form, plan.command, plan.rows, plan.count);
    for (int i = 0; i < 2; i++)
        if (options->lines[i])
            program_lines(options->lines[i], &context, plan.command, plan.rows, plan.count, code);
    return code;
}
