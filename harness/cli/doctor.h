/*
 * doctor.h - what `assay doctor` found out, row by row, and the three forms in which it is told.
 *
 * The examination is a child process; its report is memory that parent and child share, so it
 * outlives whatever the library does to the child.
 */
#ifndef ASSAY_CLI_DOCTOR_H
#define ASSAY_CLI_DOCTOR_H

#include "assay/conformance.h"

#include <stdio.h>

#define DOCTOR_ROWS 128

struct doctor_row {
    char promise[96];
    char needs[32];
    enum assay_verdict verdict;
    char why[320];
    char repeat[512]; /* the command that shows it again; "" unless BROKEN */
};

struct doctor_report {
    char spec[256];
    struct doctor_row rows[DOCTOR_ROWS];
    size_t count;
    unsigned verdicts[4]; /* how many of each */
};

/* "kept", "BROKEN", ...: as in texts and JSON. */
const char *doctor_verdict(enum assay_verdict verdict);
/* One line on standard output. */
void doctor_print_text(const struct doctor_row *row);
void doctor_print_json(const char *spec, const struct doctor_row *row);
/* The line of counts, and the broken promises with their commands before it. */
void doctor_print_summary(const struct doctor_report *report);
/* JUnit's XML: a suite for each report, a case for each row. */
void doctor_write_junit(FILE *out, const struct doctor_report *const *reports, size_t count);

#endif
