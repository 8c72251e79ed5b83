/*
 * rep.h - writes a stream as a trace of the malloc lab (.rep), which many students' allocators run.
 *
 * The format has malloc, realloc and free of ids, and free(NULL). What it lacks is left out: threads,
 * times, contents and checks, misuse, faults, and requests of 2^31 bytes and more, which its readers
 * cannot hold, with all that is done to such a block. Zeroed and aligned blocks become plain ones.
 */
#ifndef ASSAY_REP_H
#define ASSAY_REP_H

#include "assay/op.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct assay_rep_counts {
    uint64_t ops, ids;   /* written */
    uint64_t plain;      /* zeroed or aligned blocks among them */
    uint64_t left_out;   /* operations that the format cannot hold */
    uint64_t peak_bytes; /* most bytes live at once: the suggested heap size */
};

/*
 * Writes all that is left in reader to out, with one temporary file for what follows the head, in which
 * the counts stand first. ASSAY_INVALID, with *error: the reader failed, or a file cannot be
 * written; out has a part then. Memory: 16 bytes for each slot that the stream uses.
 */
ASSAY_MUST_CHECK assay_status assay_rep_write(FILE *out, struct assay_reader *reader,
                                              struct assay_rep_counts *counts,
                                              struct assay_error *error);

#ifdef __cplusplus
}
#endif

#endif
