/* doctor_examine.h - the examination of one backend in child processes. */
#ifndef ASSAY_CLI_DOCTOR_EXAMINE_H
#define ASSAY_CLI_DOCTOR_EXAMINE_H

#include "assay/error.h"
#include "doctor.h"

struct doctor_plan {
    double seconds;     /* of random streams; 0: none */
    bool every_request; /* refuse each page request once, not some */
    bool json;
};

/*
 * Examines report->spec, prints each row when it is known, and leaves all in *report, which is shared memory
 * (assay_guard_shared). A library that crashes or hangs makes rows. ASSAY_INVALID: there is no such
 * backend, ASSAY_NO_MEMORY: no child process; *error says it. Not from a process with more threads.
 */
ASSAY_MUST_CHECK assay_status doctor_examine(const struct doctor_plan *plan,
                                             struct doctor_report *report,
                                             struct assay_error *error);

#endif
