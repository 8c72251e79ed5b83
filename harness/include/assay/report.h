/*
 * report.h - the one place outside the command line that writes text: findings.
 */
#ifndef ASSAY_REPORT_H
#define ASSAY_REPORT_H

#include "assay/finding.h"
#include "assay/replay.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * finding: backend=buddy check=overlap op=123 seed=42: block of 64 bytes overlaps that of op 97
 *   alloc s4 64
 *   block: slot 4, 64 bytes (80 usable), made by op 123
 *   other: slot 1, ...
 * repeat:  assay replay --backend buddy FILE
 *
 * repeat is the command without a newline; NULL leaves that line out.
 */
void assay_report_finding(FILE *out, const struct assay_finding *finding, const char *repeat);
/* A word of a command as a shell reads it: in quotes where it must be. */
void assay_report_word(FILE *out, const char *word);
/* For a fuzz target: prints the finding to stderr and aborts. */
__attribute__((noreturn)) void assay_report_abort(const struct assay_finding *finding);

#ifdef __cplusplus
}
#endif

#endif
