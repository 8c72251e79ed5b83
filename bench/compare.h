/*
 * compare.h - two runs of `assay bench`, or many, and what can be said of the difference.
 *
 * A ratio is that of the calm rounds (statistics.h), taken beside what became of the other heaps' rows, which takes
 * out what the machine did to all of them. A difference is claimed only where it is more than three times what resampled
 * rounds scatter by, never below 3 % or a cycle; where its interval and a rank test of the rounds, corrected for the number
 * of rows, exclude that there is none; and where times as measured do not say the contrary. All else is noise, and called that.
 * Instructions were counted once and need none of this: what differs by more than COMPARE_EXACT does.
 */
#ifndef ASSAY_BENCH_COMPARE_H
#define ASSAY_BENCH_COMPARE_H

#include "results.h"
#include "sheet.h"

#include <stdio.h>

/* By so much counts of one build may differ: mimalloc draws random numbers, and was seen to by half of it. */
#define COMPARE_EXACT 0.002

enum verdict {
    VERDICT_NOISE,   /* no difference can be claimed */
    VERDICT_FASTER,  /* B takes less time, or fewer instructions */
    VERDICT_SLOWER,  /* B takes more of them */
    VERDICT_BROKEN,  /* passed in A, failed in B */
    VERDICT_MENDED,  /* failed in A, passed in B */
    VERDICT_FAILED,  /* failed in both */
    VERDICT_MISSING, /* not in B */
};

struct comparison {
    const struct result *a, *b;     /* b NULL: missing */
    struct interval ratio;          /* time of B over A, beside the other heaps; 99 in 100 */
    struct interval measured_ratio; /* the same as measured */
    double noise;                   /* what the difference must exceed, as a ratio less 1 */
    double probability; /* that the same source gives such samples, for this number of cells */
    bool is_counted;    /* the file is of instructions: both ratios are exact */
    enum verdict verdict;
};

/* "noise", "slower", ... */
const char *verdict_name(enum verdict verdict);
/*
 * Compares each row of `a` with that of `b`; out has room for a->count. -1 if there is no memory, else 0.
 * Comparisons point into both.
 */
int compare_results(const struct results *a, const struct results *b, struct comparison *out);

/* What is wanted of assay_compare(). */
struct compare_options {
    double fail_over; /* a ratio less 1, as 0.05; negative: not wanted */
    enum sheet_form form;
    unsigned width; /* of the terminal that a table is for; 0: as wide as it takes */
    bool json;      /* JSON Lines in place of a sheet */
};

/*
 * Prints two files compared, or the trend of a folder of them in the order of their names. Of a folder the newest must
 * be readable; what else is left out is said on standard error in one line. Returns the exit status: 0, or 1 a row is broken, or claimed to be slower by more than fail_over; 2 a word is
 * wrong, 3 environment.
 */
int compare_files(const char *a, const char *b, const struct compare_options *options, FILE *out,
                  struct assay_error *error);
int compare_folder(const char *folder, const struct compare_options *options, FILE *out,
                   struct assay_error *error);

#endif
