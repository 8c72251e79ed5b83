/* table.c - results as people and as programs read them. */
#include "table.h"

#include "assay/op.h"

#include <math.h>
#include <string.h>

#define SCHEMA 1
/* Below this, what a process grows by is mostly not the blocks. */
#define LIVE_ENOUGH ((size_t)256 << 10)

void table_head(FILE *out, const struct context *context)
{
    fprintf(out, "%s; %s; %s; %ld CPUs, pages of %ld bytes, ASLR %s, huge pages %s\n",
            context->compiler, context->cpu, context->kernel, context->cpus, context->page_size,
            context->aslr, context->huge_pages);
    fprintf(out, "system is %s; CPU time, medians; peak/live: resident over live bytes\n",
            context->system);
    fprintf(out, "%-20s %-18s %-7s %10s %9s %9s %9s\n", "workload", "backend", "checks", "ops",
            "ns/op", "/system", "peak/live");
    fflush(out); /* children must not find it unwritten */
}

static double system_ns(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].spec, "system") == 0 && rows[i].repetitions > 0)
            return row_median(&rows[i]);
    return NAN;
}

static double footprint(const struct row *row)
{
    if (row->peak_resident_bytes == 0 || row->peak_live_bytes < LIVE_ENOUGH)
        return NAN;
    return (double)row->peak_resident_bytes / (double)row->peak_live_bytes;
}

static void print_number(FILE *out, double number)
{
    if (isnan(number))
        fprintf(out, " %9s", "-");
    else
        fprintf(out, " %9.2f", number);
}

static void print_notes(FILE *out, const struct row *row)
{
    for (int kind = 0; kind < ASSAY_OP_KINDS; kind++)
        if (row->made_up & 1u << kind)
            fprintf(out, "  %s by harness", assay_op_shapes[kind].name);
    if (row->peak_live_bytes == 0 && row->peak_resident_bytes > 0)
        fprintf(out, "  %zu KiB more resident", row->peak_resident_bytes / 1024);
    if (row->skipped)
        fprintf(out, "  %llu skipped", (unsigned long long)row->skipped);
    if (row->refused)
        fprintf(out, "  %llu refused", (unsigned long long)row->refused);
}

void repeat_command(const struct row *row, char *command, size_t room)
{
    if (row->path)
        snprintf(command, room, "assay replay --backend %s %s", row->spec, row->path);
    else
        snprintf(command, room, "assay bench --backend %s --workload %s", row->spec, row->workload);
}

void table_rows(FILE *out, const struct row *rows, size_t count)
{
    double system = system_ns(rows, count);
    char command[512];

    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        fprintf(out, "%-20s %-18s %-7s", row->workload, row->spec,
                row->passed ? "passed" : "FAILED");
        if (!row->passed) {
            repeat_command(row, command, sizeof command);
            fprintf(out, " %s\n%-39s repeat: %s\n", row->failure, "", command);
            continue;
        }
        double ns = row_median(row);
        fprintf(out, " %10llu", (unsigned long long)row->ops);
        print_number(out, ns);
        print_number(out, ns / system);
        print_number(out, footprint(row));
        print_notes(out, row);
        fputc('\n', out);
    }
    fflush(out);
}

static void json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at < 0x20)
            fprintf(out, "\\u%04x", *at);
        else
            fputc(*at, out);
    }
    fputc('"', out);
}

static void json_field(FILE *out, const char *key, const char *value)
{
    fprintf(out, ",\"%s\":", key);
    json_string(out, value);
}

void json_context(FILE *out, const struct context *context)
{
    fprintf(out, "{\"schema\":%d,\"kind\":\"context\"", SCHEMA);
    json_field(out, "compiler", context->compiler);
    json_field(out, "flags", context->flags);
    json_field(out, "cpu", context->cpu);
    json_field(out, "kernel", context->kernel);
    json_field(out, "aslr", context->aslr);
    json_field(out, "huge_pages", context->huge_pages);
    json_field(out, "system", context->system);
    fprintf(out, ",\"cpus\":%ld,\"page_bytes\":%ld}\n", context->cpus, context->page_size);
    fflush(out);
}

static void json_number(FILE *out, const char *key, double number)
{
    if (isnan(number))
        fprintf(out, ",\"%s\":null", key);
    else
        fprintf(out, ",\"%s\":%.4f", key, number);
}

static void json_measured(FILE *out, const struct row *row, double system)
{
    const char *comma = "";
    double ns = row_median(row);

    json_number(out, "cpu_ns_per_op", ns);
    json_number(out, "ratio_to_system", ns / system);
    fprintf(out, ",\"repetitions_ns\":[");
    for (unsigned i = 0; i < row->repetitions; i++, comma = ",")
        fprintf(out, "%s%.4f", comma, row->ns[i]);
    fprintf(out, "],\"skipped\":%llu,\"refused\":%llu,\"by_harness\":[",
            (unsigned long long)row->skipped, (unsigned long long)row->refused);
    comma = "";
    for (int kind = 0; kind < ASSAY_OP_KINDS; kind++) {
        if (row->made_up & 1u << kind) {
            fprintf(out, "%s\"%s\"", comma, assay_op_shapes[kind].name);
            comma = ",";
        }
    }
    fprintf(out, "],\"peak_live_bytes\":%zu,\"peak_resident_bytes\":%zu", row->peak_live_bytes,
            row->peak_resident_bytes);
    json_number(out, "peak_over_live", footprint(row));
}

void json_rows(FILE *out, const struct row *rows, size_t count)
{
    double system = system_ns(rows, count);
    char command[512];

    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        fprintf(out, "{\"schema\":%d,\"kind\":\"row\"", SCHEMA);
        json_field(out, "workload", row->workload);
        json_field(out, "backend", row->spec);
        fprintf(out, ",\"ops\":%llu,\"passed\":%s", (unsigned long long)row->ops,
                row->passed ? "true" : "false");
        if (row->passed) {
            json_measured(out, row, system);
        } else {
            repeat_command(row, command, sizeof command);
            json_field(out, "failure", row->failure);
            json_field(out, "repeat", command);
        }
        fprintf(out, "}\n");
    }
    fflush(out);
}
