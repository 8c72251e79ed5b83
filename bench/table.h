/*
 * table.h - results as people and as programs read them.
 */
#ifndef ASSAY_BENCH_TABLE_H
#define ASSAY_BENCH_TABLE_H

#include "context.h"
#include "measure.h"
#include "paper.h"

#include <stdio.h>

/* --- for people: table.c --- */

void table_head(const struct paper *paper, const struct context *context);
/*
 * The rows of one workload. Ratios are to the row `system`, if there is one with a number. Where there are colours the
 * least time is in one, `null` being no heap, and what failed in another.
 */
void table_rows(const struct paper *paper, const struct row *rows, size_t count);

/* --- for programs: lines.c, one JSON object a line --- */

void lines_context(FILE *out, const struct context *context);
void lines_rows(FILE *out, const struct row *rows, size_t count);
/* The last line, without which the output is a part only. */
void lines_end(FILE *out, int status);

/* --- for both --- */

/* The median of the row `system`, and its instructions for an operation; NAN if it has no number. */
double rows_system_ns(const struct row *rows, size_t count);
double rows_system_instructions(const struct row *rows, size_t count);
/* Peak resident over peak live bytes; NAN where that says nothing. */
double row_footprint(const struct row *row);
/* What the harness made up, what was skipped and refused; each with two spaces before it. */
void table_notes(FILE *out, const struct row *row);
/* Prints the command that shows a failure again. */
void repeat_command(FILE *out, const struct row *row);

#endif
