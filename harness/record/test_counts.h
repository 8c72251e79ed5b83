/*
 * test_counts.h - what a subject counts itself, in a file that it shares with its test: how often it
 * called what, with sizes that nothing but the subject asks for.
 */
#ifndef ASSAY_TEST_COUNTS_H
#define ASSAY_TEST_COUNTS_H

#include <stdint.h>

#define TEST_ENV_COUNTS "ASSAY_TEST_COUNTS"
/* Sizes of the subjects' blocks. */
#define TEST_SIZE_LEAST 7000
#define TEST_SIZE_MOST 8192
/* Requests of this size and more are refused. */
#define TEST_SIZE_REFUSED ((uint64_t)1 << 60)
#define TEST_PROCESSES 2

struct test_counts {
    uint64_t alloc, zeroed, aligned, realloc, free, free_null, refused;
};

#endif
