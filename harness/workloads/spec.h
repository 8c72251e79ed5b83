/*
 * spec.h - NAME:KEY=VALUE,... taken apart.
 */
#ifndef ASSAY_WORKLOADS_SPEC_H
#define ASSAY_WORKLOADS_SPEC_H

#include "making.h"

#define SPEC_ROOM 1024

/* What a spec says; `text` holds what paths point into. */
struct spec {
    const struct assay_workload *workload;
    union value values[ASSAY_WORKLOAD_PARAMETERS];
    uint64_t seed;
    char text[SPEC_ROOM];
};

/* On failure nothing is to be closed. Files of sizes are read here. */
ASSAY_MUST_CHECK assay_status spec_parse(struct spec *spec, const char *text,
                                         struct assay_error *error);
void spec_close(struct spec *spec);

#endif
