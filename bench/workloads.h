/*
 * workloads.h - the streams that are measured: made up by rule, or read from traces.
 */
#ifndef ASSAY_BENCH_WORKLOADS_H
#define ASSAY_BENCH_WORKLOADS_H

#include "assay/error.h"
#include "assay/op.h"

struct workload {
    char name[80];
    const char *path; /* of the trace; NULL if made up */
    struct assay_stream stream;
    uint64_t requested_bytes; /* of all allocating operations together */
};

/* The made-up ones: name and one line of explanation by number, or NULL beyond the last. */
const char *workload_name(size_t number);
const char *workload_summary(size_t number);

/* Fills in *workload; on failure it is empty and *error says why. Free with workload_clear(). */
ASSAY_MUST_CHECK assay_status workload_make(struct workload *workload, const char *name,
                                            struct assay_error *error);
ASSAY_MUST_CHECK assay_status workload_load(struct workload *workload, const char *path,
                                            struct assay_error *error);
void workload_clear(struct workload *workload);
/* Sets requested_bytes from the stream. */
void workload_sum(struct workload *workload);

/* Random replacement among `live` blocks of mixed sizes, filled first and freed last. */
ASSAY_MUST_CHECK assay_status workload_churn(struct assay_stream *stream, uint32_t live,
                                             size_t replacements);

#endif
