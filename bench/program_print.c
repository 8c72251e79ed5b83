/* program_print.c - a program's costs with each library, for people and for programs. */
#include "program_row.h"

#include "json.h"
#include "table.h"

#include "assay/report.h"

#include <math.h>
#include <stdlib.h>

/*
 * CPU time over that of system, round by round, with the interval that holds 99 in 100 of what resampled
 * rounds give.
 */
static struct interval ratio(const struct program_row *row, const struct program_row *system)
{
    const struct sample one = {.values = {0}, .count = 1};
    struct sample logs = {.count = 0};

    if (row->cpu_ns.count == 0 || row->cpu_ns.count != system->cpu_ns.count)
        return (struct interval){NAN, NAN, NAN};
    for (size_t i = 0; i < row->cpu_ns.count; i++)
        logs.values[logs.count++] = log(row->cpu_ns.values[i] / system->cpu_ns.values[i]);
    struct interval difference = sample_difference(&one, &logs);
    return (struct interval){exp(difference.low), exp(difference.middle), exp(difference.high)};
}

static void print_command(FILE *out, const char *library, char *const *command)
{
    if (library) {
        fputs("LD_PRELOAD=", out);
        assay_report_word(out, library);
        fputc(' ', out);
    }
    for (size_t i = 0; command[i]; i++) {
        if (i)
            fputc(' ', out);
        assay_report_word(out, command[i]);
    }
}

/* The same as a string that the caller frees; NULL: no memory. */
static char *command_text(const char *library, char *const *command)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    print_command(out, library, command);
    return fclose(out) == 0 ? text : NULL;
}

static void add_row(struct sheet *sheet, const struct program_row *row,
                    const struct program_row *system)
{
    struct interval to_system = ratio(row, system);
    bool is_noise = to_system.low <= 1 && to_system.high >= 1;

    sheet_add(sheet, "%s", row->spec);
    sheet_add(sheet, "%s", row->passed ? "passed" : "FAILED");
    sheet_add_number(sheet, sample_median(&row->cpu_ns) / 1e9, 3);
    sheet_add_number(sheet, to_system.middle, 2);
    if (row == system || isnan(to_system.low))
        sheet_add(sheet, "-");
    else
        sheet_add(sheet, "%.2f-%.2f%s", to_system.low, to_system.high, is_noise ? " noise" : "");
    sheet_add_number(sheet, sample_median(&row->wall_ns) / 1e9, 3);
    sheet_add_number(sheet, row->cpu_ns.count ? (double)row->peak_resident_bytes / (1 << 20) : NAN,
                     1);
    sheet_add_number(sheet, sample_median(&row->faults), 0);
    sheet_add_number(sheet, sample_median(&row->switches), 0);
}

void program_print(const struct paper *paper, enum sheet_form form, char *const *command,
                   const struct program_row *rows, size_t count)
{
    static const char *const headings[] = {"library", "answers",   "cpu s>",  "/system>", "99 %",
                                           "wall s>", "peak MiB>", "faults>", "switches>"};
    struct sheet *sheet = sheet_open(headings, sizeof headings / sizeof *headings);
    FILE *out = paper->out;

    if (!sheet)
        return;
    sheet_fit(sheet, paper->width);
    for (size_t i = 0; i < count; i++)
        add_row(sheet, &rows[i], &rows[0]);
    if (sheet_close(sheet, form, out) != 0 || form == SHEET_CSV)
        return;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].passed)
            continue;
        fprintf(out, "%s: %s\nrepeat:  ", rows[i].spec, rows[i].failure);
        print_command(out, rows[i].library, command);
        fputc('\n', out);
    }
}

static void add_numbers(cJSON *line, const struct program_row *row,
                        const struct program_row *system)
{
    json_number(line, "cpu_ns_per_op", sample_median(&row->cpu_ns));
    json_number(line, "ratio_to_system", ratio(row, system).middle);
    cJSON_AddItemToObject(line, "repetitions_ns",
                          cJSON_CreateDoubleArray(row->cpu_ns.values, (int)row->cpu_ns.count));
    cJSON_AddItemToObject(line, "wall_ns",
                          cJSON_CreateDoubleArray(row->wall_ns.values, (int)row->wall_ns.count));
    json_count(line, "peak_resident_bytes", row->peak_resident_bytes);
    json_number(line, "faults", sample_median(&row->faults));
    json_number(line, "context_switches", sample_median(&row->switches));
}

void program_lines(FILE *out, const struct context *context, char *const *command,
                   const struct program_row *rows, size_t count, int status)
{
    char *name = command_text(NULL, command);

    lines_context(out, context);
    for (size_t i = 0; i < count; i++) {
        cJSON *line = json_row("row");
        cJSON_AddStringToObject(line, "workload", name ? name : "");
        cJSON_AddStringToObject(line, "backend", rows[i].spec);
        json_count(line, "ops", 1);
        cJSON_AddBoolToObject(line, "passed", rows[i].passed);
        if (rows[i].passed) {
            add_numbers(line, &rows[i], &rows[0]);
        } else {
            char *repeat = command_text(rows[i].library, command);
            cJSON_AddStringToObject(line, "failure", rows[i].failure);
            cJSON_AddStringToObject(line, "repeat", repeat ? repeat : "");
            free(repeat);
        }
        json_print(out, line);
    }
    free(name);
    lines_end(out, status);
}
