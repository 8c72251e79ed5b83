/*
 * table.h - results as people and as programs read them.
 */
#ifndef ASSAY_BENCH_TABLE_H
#define ASSAY_BENCH_TABLE_H

#include "context.h"
#include "measure.h"

#include <stdio.h>

void table_head(FILE *out, const struct context *context);
/* The rows of one workload. Ratios are to the row `system`, if there is one with a number. */
void table_rows(FILE *out, const struct row *rows, size_t count);

/* One JSON object a line. */
void json_context(FILE *out, const struct context *context);
void json_rows(FILE *out, const struct row *rows, size_t count);

/* The command that shows a failure again. */
void repeat_command(const struct row *row, char *command, size_t room);

#endif
