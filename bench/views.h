/*
 * views.h - results as sheets, and latencies and timelines as lines of JSON.
 */
#ifndef ASSAY_BENCH_VIEWS_H
#define ASSAY_BENCH_VIEWS_H

#include "latency.h"
#include "sheet.h"
#include "timeline.h"

/* An empty sheet with the headings of a view; NULL: no memory. */
struct sheet *view_open(enum assay_bench_view view);
/* What a row that failed its checks has in place of numbers: a line that says why and how to repeat it. */
void view_failure(struct sheet *sheet, enum assay_bench_view view, const struct row *row);

/* Times, ratio to `system`, footprint: a row. */
void view_times(struct sheet *sheet, const struct row *row, double system);
/* Instructions, ratio to `system`: a row. */
void view_instructions(struct sheet *sheet, const struct row *row, double system);
/* A row for each kind of operation there was. */
void view_latency(struct sheet *sheet, const struct row *row, const struct latency *latency);
/* The slowest operation of all that were looked at, `null` left out, as a sentence with the command that replays up to it. */
struct slowest {
    uint64_t ns;
    char *text; /* the caller's to free; NULL: none was looked at, or no memory */
};
/* Takes the row's slowest operation where none was slower before. */
void view_slowest(struct slowest *most, const struct row *row, const struct latency *latency);
/* A row for each moment. */
void view_timeline(struct sheet *sheet, const struct row *row, const struct timeline *timeline);

/* The same as lines "latency" and "moment". */
void lines_latency(FILE *out, const struct row *row, const struct latency *latency);
void lines_timeline(FILE *out, const struct row *row, const struct timeline *timeline);

#endif
