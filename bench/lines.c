/* lines.c - results as programs read them: JSON Lines. */
#include "table.h"

#include "json.h"

#include "assay/op.h"

#include <stdlib.h>

void lines_context(FILE *out, const struct context *context)
{
    cJSON *line = json_row("context");

    cJSON_AddStringToObject(line, "compiler", context->compiler);
    cJSON_AddStringToObject(line, "flags", context->flags);
    cJSON_AddStringToObject(line, "cpu", context->cpu);
    cJSON_AddStringToObject(line, "kernel", context->kernel);
    cJSON_AddStringToObject(line, "aslr", context->aslr);
    cJSON_AddStringToObject(line, "huge_pages", context->huge_pages);
    cJSON_AddStringToObject(line, "counters", context->counters);
    cJSON_AddStringToObject(line, "system", context->system);
    if (*context->valgrind)
        cJSON_AddStringToObject(line, "valgrind", context->valgrind);
    cJSON_AddNumberToObject(line, "cpus", (double)context->cpus);
    cJSON_AddNumberToObject(line, "page_bytes", (double)context->page_size);
    json_print(out, line);
    fflush(out); /* children must not find it unwritten */
}

static void add_notes(cJSON *line, const struct row *row)
{
    if (row->checked_ops)
        json_count(line, "checked_ops", row->checked_ops);
    json_count(line, "skipped", row->skipped);
    json_count(line, "refused", row->refused);
    cJSON *made_up = cJSON_AddArrayToObject(line, "by_harness");
    for (int kind = 0; kind < ASSAY_OP_KINDS; kind++)
        if (row->made_up & 1u << kind)
            cJSON_AddItemToArray(made_up, cJSON_CreateString(assay_op_shapes[kind].name));
    json_count(line, "peak_live_bytes", row->peak_live_bytes);
}

static void add_counted(cJSON *line, const struct row *row, double system)
{
    double instructions = row->instructions / (double)row->ops;

    cJSON_AddNumberToObject(line, "callgrind_instructions", instructions);
    json_number(line, "ratio_to_system", instructions / system);
    add_notes(line, row);
}

static void add_timed(cJSON *line, const struct row *row, double system)
{
    double ns = row_median(row);

    json_number(line, "cpu_ns_per_op", ns);
    json_number(line, "ratio_to_system", ns / system);
    cJSON_AddItemToObject(line, "repetitions_ns",
                          cJSON_CreateDoubleArray(row->ns, (int)row->repetitions));
    double wall = row_wall_median(row);
    if (wall > 0) {
        json_number(line, "wall_ns_per_op", wall);
        cJSON_AddItemToObject(line, "wall_ns",
                              cJSON_CreateDoubleArray(row->wall_ns, (int)row->repetitions));
    }
    json_count(line, "faults", row->faults);
    json_count(line, "context_switches", row->switches);
    for (int i = 0; i < COUNTERS; i++)
        if (row->counted[i] > 0)
            json_number(line, hardware_events[i].name, row->counted[i] / (double)row->ops);
    add_notes(line, row);
    json_count(line, "peak_resident_bytes", row->peak_resident_bytes);
    json_number(line, "peak_over_live", row_footprint(row));
}

static void add_failure(cJSON *line, const struct row *row)
{
    char *command = NULL;
    size_t length;
    FILE *text = open_memstream(&command, &length);

    cJSON_AddStringToObject(line, "failure", row->failure);
    if (!text)
        return;
    repeat_command(text, row);
    if (fclose(text) == 0)
        cJSON_AddStringToObject(line, "repeat", command);
    free(command);
}

void lines_rows(FILE *out, const struct row *rows, size_t count)
{
    double system = rows_system_ns(rows, count);

    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        cJSON *line = json_row("row");
        cJSON_AddStringToObject(line, "workload", row->workload);
        cJSON_AddStringToObject(line, "backend", row->spec);
        json_count(line, "ops", row->ops);
        cJSON_AddBoolToObject(line, "passed", row->passed);
        if (*row->unmeasured)
            cJSON_AddStringToObject(line, "not_measured", row->unmeasured);
        if (row->passed && row->repetitions > 0)
            add_timed(line, row, system);
        else if (row->passed && row->instructions > 0)
            add_counted(line, row, rows_system_instructions(rows, count));
        else if (!row->passed)
            add_failure(line, row);
        json_print(out, line);
    }
    fflush(out);
}

void lines_end(FILE *out, int status)
{
    cJSON *line = json_row("end");

    cJSON_AddNumberToObject(line, "exit_status", status);
    json_print(out, line);
}
