/*
 * workloads.h - the streams that are measured: made up by rule (assay/workload.h), or read from traces.
 */
#ifndef ASSAY_BENCH_WORKLOADS_H
#define ASSAY_BENCH_WORKLOADS_H

#include "assay/error.h"
#include "assay/op.h"

/* The longest spec has its place. */
#define WORKLOAD_NAME_ROOM 1024

struct workload {
    char name[WORKLOAD_NAME_ROOM];
    const char *path; /* of the trace; NULL if made up */
    struct assay_stream stream;
    uint64_t requested_bytes; /* of all allocating operations together */
    uint64_t peak_live_bytes; /* most requested bytes that are live at once */
};

/* The specs that are measured where nobody asks for others, by number; NULL beyond the last. */
const char *workload_standard(size_t number);
/* Those of several threads. */
const char *workload_threaded(size_t number);

/* Fills in *workload; on failure it is empty and *error says why. Free with workload_clear(). */
ASSAY_MUST_CHECK assay_status workload_make(struct workload *workload, const char *spec,
                                            struct assay_error *error);
ASSAY_MUST_CHECK assay_status workload_load(struct workload *workload, const char *path,
                                            struct assay_error *error);
void workload_clear(struct workload *workload);
/* What an operation asks for; 0 for those that ask for nothing and for those that must be refused. */
uint64_t workload_asked_bytes(const struct assay_op *op);
/* Sets requested_bytes and peak_live_bytes from the stream. */
ASSAY_MUST_CHECK assay_status workload_sum(struct workload *workload);
/* How many operations from the start ask for at most `bytes` together. */
size_t workload_prefix(const struct workload *workload, uint64_t bytes);

#endif
