/*
 * distribution.h - how large a program's blocks are and how long they live, counted from its stream and
 * drawn from again.
 *
 * Both are counted in log-linear buckets (assay/histogram.h) that keep the least and the greatest value
 * they saw: a size that is alone in its bucket, as hot sizes are, comes back exactly. Lifetimes are
 * counted for each power of two of the size, in requests from the one that made the block to its end, so that
 * small blocks die as small ones did. A realloc counts as the end of one block and the begin of another.
 *
 * As a file it is a text:
 *
 *     assay-distribution 1
 *     sizes 24 24 5310               from, to, how many requests
 *     life 16 31 1 4 2200            blocks of 16 to 31 bytes: 2200 of them lived 1 to 4 requests
 *     stay 16 31 12                  and 12 of them were never freed
 */
#ifndef ASSAY_DISTRIBUTION_H
#define ASSAY_DISTRIBUTION_H

#include "assay/op.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lifetime of a block that is never freed. */
#define ASSAY_LIVES_ON UINT64_MAX

struct assay_distribution;

/*
 * Counts what is left in reader. ASSAY_NO_MEMORY; ASSAY_INVALID if it has no request; else the reader's
 * own failure, told in *error. *distribution is then NULL. Requests that no allocator could serve are left out.
 */
ASSAY_MUST_CHECK assay_status assay_distribution_fit(struct assay_distribution **distribution,
                                                     struct assay_reader *reader,
                                                     struct assay_error *error);
/* Writes it as a text. Whether that was possible is the caller's to ask, of out. */
void assay_distribution_write(const struct assay_distribution *distribution, FILE *out);
/* Reads such a text; *error names the file and the line. */
ASSAY_MUST_CHECK assay_status assay_distribution_read(struct assay_distribution **distribution,
                                                      const char *path, struct assay_error *error);
void assay_distribution_close(struct assay_distribution *distribution); /* NULL is allowed */

/* A size, at least 1, by a random number. O(log buckets). */
uint64_t assay_distribution_size(const struct assay_distribution *distribution, uint64_t random);
/* How long a block of this size lives, in requests, at least 1; ASSAY_LIVES_ON: to the end. */
uint64_t assay_distribution_life(const struct assay_distribution *distribution, uint64_t size,
                                 uint64_t random);

#ifdef __cplusplus
}
#endif

#endif
