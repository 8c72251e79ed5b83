/* views.c - results as sheets, and latencies and timelines as lines of JSON. */
#include "views.h"

#include "json.h"
#include "table.h"

#include "assay/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const times[] = {"workload",    "backend",  "checks",     "ops>", "ns/op>",
                                    "wall ns/op>", "/system>", "peak/live>", "notes"};
static const char *const counts[] = {"workload",  "backend",  "checks", "ops>",
                                     "instr/op>", "/system>", "notes"};
static const char *const latencies[] = {"workload", "backend", "operation", "count>", "p50 ns>",
                                        "p90>",     "p99>",    "p99.9>",    "max>",   "slowest"};
static const char *const moments[] = {"workload",      "backend",      "operations>",
                                      "live>",         "mapped>",      "resident>",
                                      "largest free>", "mapped/live>", "notes"};
#define COLUMNS(headings) (sizeof(headings) / sizeof *(headings))

static const double shares[] = {0.5, 0.9, 0.99, 0.999};
#define SHARES (sizeof shares / sizeof *shares)

static size_t columns_of(enum assay_bench_view view)
{
    return view == ASSAY_BENCH_LATENCY    ? COLUMNS(latencies)
           : view == ASSAY_BENCH_TIMELINE ? COLUMNS(moments)
           : view == ASSAY_BENCH_STABLE   ? COLUMNS(counts)
                                          : COLUMNS(times);
}

struct sheet *view_open(enum assay_bench_view view)
{
    return sheet_open(view == ASSAY_BENCH_LATENCY    ? latencies
                      : view == ASSAY_BENCH_TIMELINE ? moments
                      : view == ASSAY_BENCH_STABLE   ? counts
                                                     : times,
                      columns_of(view));
}

/* A command as one word of a sheet; "" if there is no memory. */
static char *repeat_text(const struct row *row)
{
    char *command = NULL;
    size_t length;
    FILE *text = open_memstream(&command, &length);

    if (!text)
        return NULL;
    repeat_command(text, row);
    fclose(text);
    return command;
}

void view_failure(struct sheet *sheet, enum assay_bench_view view, const struct row *row)
{
    char *repeat = repeat_text(row);

    sheet_add(sheet, "%s", row->workload);
    sheet_add(sheet, "%s", row->spec);
    sheet_add(sheet, "FAILED");
    for (size_t i = 4; i < columns_of(view); i++)
        sheet_add(sheet, "-");
    sheet_add(sheet, "%s; repeat: %s", row->failure, repeat ? repeat : "");
    free(repeat);
}

static void add_notes(struct sheet *sheet, const struct row *row)
{
    char *notes = NULL;
    size_t length;
    FILE *text = open_memstream(&notes, &length);

    if (text) {
        table_notes(text, row);
        fclose(text);
    }
    sheet_add(sheet, "%s", notes && length ? notes + 2 : ""); /* notes begin with two spaces */
    free(notes);
}

static void add_passed(struct sheet *sheet, const struct row *row)
{
    sheet_add(sheet, "%s", row->workload);
    sheet_add(sheet, "%s", row->spec);
    sheet_add(sheet, "passed");
    sheet_add(sheet, "%" PRIu64, row->ops);
}

void view_times(struct sheet *sheet, const struct row *row, double system)
{
    double ns = row_median(row), wall = row_wall_median(row);

    add_passed(sheet, row);
    sheet_add_number(sheet, ns, 2);
    sheet_add_number(sheet, wall > 0 ? wall : NAN, 2);
    sheet_add_number(sheet, ns / system, 2);
    sheet_add_number(sheet, row_footprint(row), 2);
    add_notes(sheet, row);
}

void view_instructions(struct sheet *sheet, const struct row *row, double system)
{
    double instructions = row->instructions > 0 ? row->instructions / (double)row->ops : NAN;

    add_passed(sheet, row);
    sheet_add_number(sheet, instructions, 2);
    sheet_add_number(sheet, instructions / system, 2);
    add_notes(sheet, row);
}

void view_latency(struct sheet *sheet, const struct row *row, const struct latency *latency)
{
    for (int kind = 0; kind < LATENCY_KINDS; kind++) {
        const struct assay_histogram *histogram = &latency->kinds[kind];
        if (histogram->count == 0)
            continue;
        sheet_add(sheet, "%s", row->workload);
        sheet_add(sheet, "%s", row->spec);
        sheet_add(sheet, "%s", assay_op_shapes[kind].name);
        sheet_add(sheet, "%" PRIu64, histogram->count);
        for (size_t i = 0; i < SHARES; i++)
            sheet_add(sheet, "%" PRIu64, assay_histogram_quantile(histogram, shares[i]));
        sheet_add(sheet, "%" PRIu64, histogram->max);
        sheet_add(sheet, "op %" PRIu64, latency->worst_op[kind]);
    }
}

static void add_bytes(struct sheet *sheet, size_t bytes)
{
    if (bytes == TIMELINE_UNKNOWN)
        sheet_add(sheet, "-");
    else
        sheet_add(sheet, "%zu", bytes);
}

void view_timeline(struct sheet *sheet, const struct row *row, const struct timeline *timeline)
{
    for (size_t i = 0; i < timeline->count; i++) {
        const struct moment *moment = &timeline->moments[i];
        bool is_known = moment->mapped_bytes != TIMELINE_UNKNOWN && moment->live_bytes;
        sheet_add(sheet, "%s", row->workload);
        sheet_add(sheet, "%s", row->spec);
        sheet_add(sheet, "%" PRIu64, moment->op);
        add_bytes(sheet, moment->live_bytes);
        add_bytes(sheet, moment->mapped_bytes);
        add_bytes(sheet, moment->resident_bytes);
        add_bytes(sheet, moment->largest_free);
        sheet_add_number(
            sheet, is_known ? (double)moment->mapped_bytes / (double)moment->live_bytes : NAN, 2);
        sheet_add(sheet, "%s", "");
    }
}

static cJSON *line_of(const char *kind, const struct row *row)
{
    cJSON *line = json_row(kind);

    cJSON_AddStringToObject(line, "workload", row->workload);
    cJSON_AddStringToObject(line, "backend", row->spec);
    return line;
}

/* The commands that make the stream up to an operation, so that a replay ends with it. */
static void write_stream_up_to(FILE *text, const struct row *row, uint64_t op)
{
    if (!row->path) {
        fputs("assay trace make ", text);
        assay_report_word(text, row->workload);
        fputs(" | ", text);
    }
    fprintf(text, "assay trace show --count %" PRIu64 " ", op + 1);
    assay_report_word(text, row->path ? row->path : "-");
}

static void write_replay_up_to(FILE *text, const struct row *row, uint64_t op)
{
    write_stream_up_to(text, row, op);
    fputs(" >slowest.ops && assay replay --backend ", text);
    assay_report_word(text, row->spec);
    fputs(" slowest.ops", text);
}

static void add_up_to(cJSON *line, const char *key, const struct row *row, uint64_t op,
                      void (*write)(FILE *text, const struct row *row, uint64_t op))
{
    char *command = NULL;
    size_t length;
    FILE *text = open_memstream(&command, &length);

    if (!text)
        return;
    write(text, row, op);
    if (fclose(text) == 0)
        cJSON_AddStringToObject(line, key, command);
    free(command);
}

/* The kind whose maximum is the largest; -1: there was no operation. */
static int slowest_kind(const struct latency *latency)
{
    int slowest = -1;

    for (int kind = 0; kind < LATENCY_KINDS; kind++)
        if (latency->kinds[kind].count &&
            (slowest < 0 || latency->kinds[kind].max > latency->kinds[slowest].max))
            slowest = kind;
    return slowest;
}

void view_slowest(struct slowest *most, const struct row *row, const struct latency *latency)
{
    int kind = slowest_kind(latency);

    if (kind < 0 || strcmp(row->spec, "null") == 0 ||
        (most->text && latency->kinds[kind].max <= most->ns))
        return;
    char *told = NULL;
    size_t length;
    FILE *text = open_memstream(&told, &length);
    if (!text)
        return;
    fprintf(text, "slowest: %" PRIu64 " ns, %s of %s on %s; a replay up to it: ",
            latency->kinds[kind].max, assay_op_shapes[kind].name, row->spec, row->workload);
    write_replay_up_to(text, row, latency->worst_op[kind]);
    fclose(text);
    free(most->text);
    *most = (struct slowest){latency->kinds[kind].max, told};
}

void lines_latency(FILE *out, const struct row *row, const struct latency *latency)
{
    for (int kind = 0; kind < LATENCY_KINDS; kind++) {
        const struct assay_histogram *histogram = &latency->kinds[kind];
        if (histogram->count == 0)
            continue;
        cJSON *line = line_of("latency", row);
        cJSON_AddStringToObject(line, "operation", assay_op_shapes[kind].name);
        json_count(line, "count", histogram->count);
        json_number(line, "timer_ns", latency->timer_ns);
        json_count(line, "p50_ns", assay_histogram_quantile(histogram, 0.5));
        json_count(line, "p90_ns", assay_histogram_quantile(histogram, 0.9));
        json_count(line, "p99_ns", assay_histogram_quantile(histogram, 0.99));
        json_count(line, "p999_ns", assay_histogram_quantile(histogram, 0.999));
        json_count(line, "max_ns", histogram->max);
        json_count(line, "slowest_op", latency->worst_op[kind]);
        add_up_to(line, "stream_up_to_slowest", row, latency->worst_op[kind], write_stream_up_to);
        add_up_to(line, "replay_up_to_slowest", row, latency->worst_op[kind], write_replay_up_to);
        cJSON *buckets = cJSON_AddArrayToObject(line, "buckets"); /* [to_ns, count] */
        for (unsigned i = 0; i < ASSAY_HISTOGRAM_BUCKETS; i++) {
            if (histogram->buckets[i] == 0)
                continue;
            double pair[] = {(double)assay_histogram_high(i), (double)histogram->buckets[i]};
            cJSON_AddItemToArray(buckets, cJSON_CreateDoubleArray(pair, 2));
        }
        json_print(out, line);
    }
}

static void add_known(cJSON *line, const char *key, size_t bytes)
{
    if (bytes == TIMELINE_UNKNOWN)
        cJSON_AddNullToObject(line, key);
    else
        json_count(line, key, bytes);
}

void lines_timeline(FILE *out, const struct row *row, const struct timeline *timeline)
{
    for (size_t i = 0; i < timeline->count; i++) {
        const struct moment *moment = &timeline->moments[i];
        cJSON *line = line_of("moment", row);
        json_count(line, "operations", moment->op);
        json_count(line, "live_bytes", moment->live_bytes);
        add_known(line, "mapped_bytes", moment->mapped_bytes);
        add_known(line, "resident_bytes", moment->resident_bytes);
        add_known(line, "largest_free_bytes", moment->largest_free);
        json_print(out, line);
    }
}
