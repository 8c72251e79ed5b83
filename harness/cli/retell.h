/* retell.h - what was found, told again: as a program, and as a report. For trace convert, replay and fuzz. */
#ifndef ASSAY_CLI_RETELL_H
#define ASSAY_CLI_RETELL_H

#include "assay/course.h"

#include <stdio.h>

/* A backend as the user named it, and how its heap is run. */
struct retell {
    const char *spec;
    const struct assay_backend *backend;
    const char *options; /* of the backend */
    const char *pages;   /* "os", "fenced", "recycled" */
    uint64_t content_bytes;
    unsigned hang_seconds; /* 0: as the course has it */
};

/* How *stream goes on it; see assay_course_run(). */
ASSAY_MUST_CHECK assay_status cli_retell_run(struct assay_course *course,
                                             const struct retell *retell,
                                             const struct assay_stream *stream,
                                             struct assay_error *error);
/*
 * Writes it as a C program; false on a write error, or with *error if it is none that can be written. `api` is a word
 * of --api, "" for what the backend has.
 */
ASSAY_MUST_CHECK bool cli_retell_program(FILE *out, const struct retell *retell, const char *api,
                                         const struct assay_stream *stream,
                                         const struct assay_course *course,
                                         struct assay_error *error);
/* Whether there is such a word. */
bool cli_retell_has_api(const char *api);

#endif
