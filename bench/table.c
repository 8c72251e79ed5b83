/* table.c - results as people read them. As programs read them: lines.c. */
#include "table.h"

#include "assay/op.h"
#include "assay/report.h"

#include <math.h>
#include <string.h>

/* Below this, what a process grows by is mostly not the blocks. */
#define LIVE_ENOUGH ((size_t)256 << 10)

/* Of the columns of names, as wide as the paper lets them be: all others take NUMBERS. */
#define WORKLOAD_COLUMNS 26
#define BACKEND_COLUMNS 22
#define LEAST_COLUMNS 12
#define NUMBERS 50
#define MOST_ROOM 120
/* What the clock says has room on paper that is so wide. */
#define WALL 10
#define WALL_ROOM (NUMBERS + WORKLOAD_COLUMNS + BACKEND_COLUMNS + WALL)

struct columns {
    unsigned workload, backend;
};

static bool has_wall(const struct paper *paper)
{
    return paper->width == 0 || paper->width >= WALL_ROOM;
}

static struct columns columns_of(const struct paper *paper)
{
    unsigned room = paper->width < MOST_ROOM ? paper->width : MOST_ROOM;

    if (room && has_wall(paper))
        room -= WALL;
    if (room == 0)
        return (struct columns){WORKLOAD_COLUMNS, BACKEND_COLUMNS};
    if (room >= NUMBERS + WORKLOAD_COLUMNS + BACKEND_COLUMNS)
        return (struct columns){room - NUMBERS - BACKEND_COLUMNS, BACKEND_COLUMNS};
    if (room <= NUMBERS + 2 * LEAST_COLUMNS)
        return (struct columns){LEAST_COLUMNS, LEAST_COLUMNS};
    unsigned backend = LEAST_COLUMNS + (room - NUMBERS - 2 * LEAST_COLUMNS) / 2;
    return (struct columns){room - NUMBERS - backend, backend};
}

void table_head(const struct paper *paper, const struct context *context)
{
    struct columns columns = columns_of(paper);
    FILE *out = paper->out;

    fprintf(out, "%s; %s; %s; %ld CPUs, pages of %ld bytes, ASLR %s, huge pages %s\n",
            context->compiler, context->cpu, context->kernel, context->cpus, context->page_size,
            context->aslr, context->huge_pages);
    fprintf(out,
            "hardware counters: %s\n"
            "system is %s; CPU time, medians%s; blocks are written to only for peak/live, resident "
            "over live bytes\n",
            context->counters, context->system, has_wall(paper) ? ", beside the clock's" : "");
    fprintf(out, "%-*s %-*s %-7s %10s %9s%s %9s %9s\n", (int)columns.workload, "workload",
            (int)columns.backend, "backend", "checks", "ops", "ns/op",
            has_wall(paper) ? "   wall ns" : "", "/system", "peak/live");
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
    if (row->checked_ops && row->checked_ops < row->ops)
        fprintf(out, "  first %llu checked", (unsigned long long)row->checked_ops);
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

/* The row that takes least, or NULL; `null` serves nobody. */
static const struct row *best_of(const struct row *rows, size_t count)
{
    const struct row *best = NULL;

    for (size_t i = 0; i < count; i++)
        if (rows[i].passed && rows[i].repetitions > 0 && strcmp(rows[i].spec, "null") != 0 &&
            (!best || row_median(&rows[i]) < row_median(best)))
            best = &rows[i];
    return best;
}

static void print_failure(const struct paper *paper, const struct row *row)
{
    struct columns columns = columns_of(paper);

    paper_begin(paper, PAPER_BAD);
    fprintf(paper->out, "%-7s", "FAILED");
    paper_end(paper);
    fprintf(paper->out, " %s\n%-*s repeat: ", row->failure,
            (int)(columns.workload + columns.backend + 1), "");
    repeat_command(paper->out, row);
    fputc('\n', paper->out);
}

static void print_numbers(const struct paper *paper, const struct row *row, double system,
                          bool is_best)
{
    double ns = row_median(row), wall = row_wall_median(row);

    fprintf(paper->out, "%-7s %10llu", "passed", (unsigned long long)row->ops);
    if (is_best)
        paper_begin(paper, PAPER_BEST);
    print_number(paper->out, ns);
    if (is_best)
        paper_end(paper);
    if (has_wall(paper))
        print_number(paper->out, wall > 0 ? wall : NAN);
    print_number(paper->out, ns / system);
    print_number(paper->out, row_footprint(row));
    table_notes(paper->out, row);
    fputc('\n', paper->out);
}

void table_rows(const struct paper *paper, const struct row *rows, size_t count)
{
    struct columns columns = columns_of(paper);
    const struct row *best = best_of(rows, count);
    double system = rows_system_ns(rows, count);
    char spec[80];

    for (size_t i = 0; i < count; i++) {
        paper_word(paper, rows[i].workload, columns.workload);
        fputc(' ', paper->out);
        short_spec(&rows[i], spec, sizeof spec);
        paper_word(paper, spec, columns.backend);
        fputc(' ', paper->out);
        if (rows[i].passed)
            print_numbers(paper, &rows[i], system, &rows[i] == best);
        else
            print_failure(paper, &rows[i]);
    }
    fflush(paper->out);
}
