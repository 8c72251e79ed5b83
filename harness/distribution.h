/*
 * distribution.h - what a distribution is made of, for its two files.
 */
#ifndef ASSAY_DISTRIBUTION_PARTS_H
#define ASSAY_DISTRIBUTION_PARTS_H

#include "assay/distribution.h"

/* Larger requests are left out. */
#define DISTRIBUTION_MOST ((uint64_t)1 << 40)
#define DISTRIBUTION_CLASSES 41

struct distribution_entry {
    uint64_t low, high; /* both included */
    uint64_t count;
    uint64_t sum; /* of the counts up to here */
};

/* By rising values. */
struct distribution_table {
    struct distribution_entry *entries;
    size_t count;
    uint64_t total;
};

struct assay_distribution {
    struct distribution_table sizes;
    struct distribution_table lives[DISTRIBUTION_CLASSES]; /* by power of two of the size */
};

ASSAY_MUST_CHECK assay_status distribution_append(struct distribution_table *table, uint64_t low,
                                                  uint64_t high, uint64_t entries);

#endif
