/* table.c - results as people read them. As programs read them: lines.c. */
#include "table.h"

#include "assay/op.h"
#include "assay/report.h"

#include <math.h>
#include <string.h>

/* Below this, what a process grows by is mostly not the blocks. */
#define LIVE_ENOUGH ((size_t)256 << 10)

void table_head(FILE *out, const struct context *context)
{
    fprintf(out, "%s; %s; %s; %ld CPUs, pages of %ld bytes, ASLR %s, huge pages %s\n",
            context->compiler, context->cpu, context->kernel, context->cpus, context->page_size,
            context->aslr, context->huge_pages);
    fprintf(
        out,
        "hardware counters: %s\n"
        "system is %s; CPU time, medians; blocks are written to only for peak/live, resident over "
        "live bytes\n",
        context->counters, context->system);
    fprintf(out, "%-26s %-22s %-7s %10s %9s %9s %9s\n", "workload", "backend", "checks", "ops",
            "ns/op", "/system", "peak/live");
    fflush(out); /* children must not find it unwritten */
}

double rows_system_ns(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].spec, "system") == 0 && rows[i].repetitions > 0)
            return row_median(&rows[i]);
    return NAN;
}

double rows_system_instructions(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].spec, "system") == 0 && rows[i].instructions > 0)
            return rows[i].instructions / (double)rows[i].ops;
    return NAN;
}

double row_footprint(const struct row *row)
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

void table_notes(FILE *out, const struct row *row)
{
    if (*row->unmeasured)
        fprintf(out, "  %s", row->unmeasured);
    for (int kind = 0; kind < ASSAY_OP_KINDS; kind++)
        if (row->made_up & 1u << kind)
            fprintf(out, "  %s by harness", assay_op_shapes[kind].name);
    if (row->peak_live_bytes == 0 && row->peak_resident_bytes > 0)
        fprintf(out, "  %zu KiB more resident", row->peak_resident_bytes / 1024);
    if (row->repetitions && row->repetitions < row->rounds)
        fprintf(out, "  %u of %u rounds", row->repetitions, row->rounds);
    if (row->skipped)
        fprintf(out, "  %llu skipped", (unsigned long long)row->skipped);
    if (row->refused)
        fprintf(out, "  %llu refused", (unsigned long long)row->refused);
}

void repeat_command(FILE *out, const struct row *row)
{
    /* A trace that fails no check fails where it is counted. */
    bool is_replay = row->path && !row->is_counted;

    fprintf(out, "assay %s --backend ",
            is_replay         ? "replay"
            : row->is_counted ? "bench --stable"
                              : "bench");
    assay_report_word(out, row->spec);
    fputs(is_replay ? " " : row->path ? " --trace " : " --workload ", out);
    assay_report_word(out, row->path ? row->path : row->workload);
}

/* "dl:/usr/lib/libx.so" -> "dl:libx.so" */
static void short_spec(const struct row *row, char *text, size_t room)
{
    const char *colon = strchr(row->spec, ':');
    const char *slash = colon ? strrchr(colon, '/') : NULL;

    if (slash)
        snprintf(text, room, "%.*s%s", (int)(colon + 1 - row->spec), row->spec, slash + 1);
    else
        snprintf(text, room, "%s", row->spec);
}

void table_rows(FILE *out, const struct row *rows, size_t count)
{
    double system = rows_system_ns(rows, count);
    char spec[80];

    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        short_spec(row, spec, sizeof spec);
        fprintf(out, "%-26s %-22s %-7s", row->workload, spec, row->passed ? "passed" : "FAILED");
        if (!row->passed) {
            fprintf(out, " %s\n%-49s repeat: ", row->failure, "");
            repeat_command(out, row);
            fputc('\n', out);
            continue;
        }
        double ns = row_median(row);
        fprintf(out, " %10llu", (unsigned long long)row->ops);
        print_number(out, ns);
        print_number(out, ns / system);
        print_number(out, row_footprint(row));
        table_notes(out, row);
        fputc('\n', out);
    }
    fflush(out);
}
