/*
 * sizes.h - how large the blocks of a workload are: a word of its spec, and what is drawn by it.
 */
#ifndef ASSAY_WORKLOADS_SIZES_H
#define ASSAY_WORKLOADS_SIZES_H

#include "assay/distribution.h"
#include "assay/error.h"

#include "dice.h"

/* The largest size that a workload asks for. */
#define SIZES_MOST ((uint64_t)1 << 40)

struct sizes {
    enum { SIZES_EVEN, SIZES_LOGARITHMIC, SIZES_MIXED, SIZES_FITTED } kind;
    uint64_t low, high;                /* of even and logarithmic ones */
    struct assay_distribution *fitted; /* owned; ended by sizes_close() */
};

/* Reads text as ASSAY_PARAMETER_SIZES has it; false with a sentence. */
ASSAY_MUST_CHECK bool sizes_parse(struct sizes *sizes, const char *text, struct assay_error *error);
void sizes_close(struct sizes *sizes);
/* At least 1. O(1), fitted ones O(log buckets). */
uint64_t sizes_draw(const struct sizes *sizes, struct dice *dice);

#endif
