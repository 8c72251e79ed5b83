/* program_row.h - what was found out of a program with one library, and how it is printed. */
#ifndef ASSAY_BENCH_PROGRAM_ROW_H
#define ASSAY_BENCH_PROGRAM_ROW_H

#include "context.h"
#include "paper.h"
#include "program_run.h"
#include "sheet.h"
#include "statistics.h"

struct program_row {
    const char *spec;    /* as the user named it */
    const char *library; /* what is preloaded; NULL: nothing */
    bool passed;
    char failure[600];                               /* what was wrong, if not passed */
    struct sample cpu_ns, wall_ns, faults, switches; /* by round */
    uint64_t peak_resident_bytes;                    /* of all rounds */
};

/* The table; the first row is system. */
void program_print(const struct paper *paper, enum sheet_form form, char *const *command,
                   const struct program_row *rows, size_t count);
/* The same as JSON Lines, harness/doc/results.md, with the exit status at their end. */
void program_lines(FILE *out, const struct context *context, char *const *command,
                   const struct program_row *rows, size_t count, int status);

#endif
