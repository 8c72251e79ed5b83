/*
 * scaling.h - how many operations a backend does in a second when several threads ask.
 *
 * The same stream is run by one thread and by more (assay/crew.h); rounds take turns between backends and numbers
 * of threads. What waiting, starting threads and handing blocks over take is in the numbers: a row of the harness
 * alone, which calls no heap, shows it.
 */
#ifndef ASSAY_BENCH_SCALING_H
#define ASSAY_BENCH_SCALING_H

#include "measure.h"

/* What the row of the harness alone is called; no backend can be. */
#define SCALING_HARNESS "(harness)"

/* One backend on one workload with one number of threads; lies in memory that children share. */
struct scaling {
    const struct row *row; /* NULL: the harness alone */
    unsigned threads;
    bool passed;
    char failure[200];
    char unmeasured[100]; /* why there is no number, though nothing failed; "": there is one */
    unsigned rounds;
    double wall_ns[MOST_REPETITIONS]; /* of one operation, by round */
    double cpu_ns[MOST_REPETITIONS];  /* of all threads, in the same run */
};

/* Looks whether blocks hold what is written to them when so many threads run; sets passed, failure, unmeasured. */
void scaling_verify(struct scaling *one, const struct workload *workload);
/*
 * Round number `round`, below MOST_REPETITIONS, of all that passed and are measured, the ones before having been run:
 * in random order, each in a process of its own. Returns whether there was any.
 */
bool scaling_round(struct scaling *all, size_t count, const struct workload *workload, int round,
                   double min_time_s);
double scaling_wall_ns(const struct scaling *one); /* medians */
double scaling_cpu_ns(const struct scaling *one);
/* Nanoseconds that it takes until one of two threads sees what the other has done to a slot; NAN: not known. */
double scaling_handoff_ns(void);

#endif
