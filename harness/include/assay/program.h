/*
 * program.h - a stream as a plain C program that shows by itself what was found in it.
 *
 * For a malloc-compatible library it calls malloc and its like, for all others the functions of the backend's
 * table, or those of a seed's own header. Blocks are called as in the text form. The program leaves with 1 and a sentence, or by a signal, where
 * the allocator breaks the promise, and with 0 where it keeps it. Of the harness it needs assay/backend.h at most.
 */
#ifndef ASSAY_PROGRAM_H
#define ASSAY_PROGRAM_H

#include "assay/course.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum assay_program_calls {
    ASSAY_PROGRAM_MALLOC,  /* of whatever malloc the program gets, or of `library` */
    ASSAY_PROGRAM_PLUGIN,  /* of the table that `library` exports; the program takes another path */
    ASSAY_PROGRAM_BACKEND, /* of the table of a backend that is linked */
    ASSAY_PROGRAM_SEED,    /* of a seed's header, see `seed` */
};

struct assay_program_target {
    enum assay_program_calls calls;
    const char *seed;     /* emalloc, alloc, mems, region or vma */
    const char *library;  /* path; "" or NULL: none */
    const char *prefix;   /* of the library's functions, "mi_"; "" or NULL: none */
    const char *options;  /* of the backend; NULL is "" */
    bool fenced;          /* pages as cli's fenced; else adjoining and used again */
    size_t content_bytes; /* as assay_shadow_open() */
};

bool assay_program_has_seed(const char *name);
/*
 * Whether the calls can show what was found; *error says why not. What a seed's header has no call for is left out, with
 * what follows on that block: only a finding in it, or of what no call tells, cannot be shown.
 */
ASSAY_MUST_CHECK bool assay_program_can_tell(const struct assay_program_target *target,
                                             const struct assay_stream *stream,
                                             const struct assay_course *course,
                                             struct assay_error *error);
/*
 * Writes the program of what *course tells of *stream on backend, which must be one that it can tell. False on a write error.
 * O(operations), for a seed their square.
 */
ASSAY_MUST_CHECK bool assay_program_write(FILE *out, const struct assay_backend *backend,
                                          const struct assay_stream *stream,
                                          const struct assay_course *course,
                                          const struct assay_program_target *target);

#ifdef __cplusplus
}
#endif

#endif
