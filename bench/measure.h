/*
 * measure.h - what is found out about one backend on one workload, each in a child process of its own.
 */
#ifndef ASSAY_BENCH_MEASURE_H
#define ASSAY_BENCH_MEASURE_H

#include "bench.h"
#include "counters.h"
#include "workloads.h"

#include "assay/backend.h"

#define MOST_REPETITIONS ASSAY_BENCH_MOST_REPETITIONS
/* A backend that uses nothing again makes every byte asked for resident: with more, it is checked on the
 * first part of the stream, and has no footprint. */
#define TOUCHED_AT_MOST ((uint64_t)1 << 30)

/* How long is measured. */
struct pace {
    double min_time_s; /* of one timing; 0: one run */
    /* Processor time of a row in all rounds, after which it takes part in no more; 0: no bound. */
    double cell_s;
    /* Rounds beyond those that there are to be, each of a workload whose times are not settled; these cost besides. */
    int extra_rounds;
    /* That a row takes part in all the same, unless a single run takes longer than cell_s: then in one. */
    int least_rounds;
    /* Processor time after which checks end, on whatever part of the stream they have seen by then; 0: no bound. */
    double check_s;
};

/* One row of the table; lies in memory that children share. */
struct row {
    const struct assay_backend *backend;
    const char *spec; /* as the user named it */
    char workload[WORKLOAD_NAME_ROOM];
    const char *path; /* of the workload's trace, or NULL */
    bool passed;
    volatile bool is_checked; /* `passed` says how that went */
    char failure[600];        /* what was wrong, if not passed */
    char unmeasured[200];     /* why there is no number, though it passed; "": there is one */
    uint64_t ops;             /* of one run */
    uint64_t checked_ops;     /* of them, the first ones, which the checks saw; 0: not known */
    uint64_t skipped;         /* not offered, or in the wrong state */
    uint64_t refused;
    uint32_t made_up; /* as heap->made_up */
    size_t peak_live_bytes;
    size_t peak_resident_bytes; /* growth of the process; 0: not measured */
    unsigned repetitions;       /* rounds that it took part in */
    unsigned rounds;            /* that there were to be; 0: not known */
    /* CPU time of one operation, by round: the same one for all rows. */
    double ns[MOST_REPETITIONS];
    double wall_ns[MOST_REPETITIONS]; /* by the clock, of the same runs; 0: not known */
    uint64_t faults;                  /* pages that came, in the calmest run of the last round */
    uint64_t switches;                /* of context, in the same run */
    double counted[COUNTERS];         /* hardware_events in the same run; 0: not to be had */
    bool is_counted;                  /* by callgrind, or failed there */
    double instructions;              /* of one run, by callgrind; 0: not counted */
    uint64_t iterations; /* of the stream in a round, as the first one found; 0: not yet */
    double spent_ns;     /* in all rounds, warming up included */
};

/* The limit for a heap that is to run the whole workload: more where nothing is used again. */
size_t heap_limit(const struct assay_backend *backend, const struct workload *workload);
/* Whether a heap that has run a balanced stream can run it again. */
bool is_reusable(const struct assay_backend *backend);

/* Runs the workload under the shadow: sets passed or failure, ops, checked_ops, peak_live_bytes. */
void measure_answers(struct row *row, const struct workload *workload, const struct pace *pace);
struct assay_bare;
/* Makes resident what the harness needs for its own records of a workload; false: no memory. */
bool footprint_warm(struct assay_bare *bare, const struct workload *workload);
/* Sets peak_resident_bytes: how much the process grew while each page asked for was written. */
void measure_footprint(struct row *row, const struct workload *workload);
/*
 * Round number `round` of those rows that passed, the ones before having been run: adds to ns and repetitions,
 * sets refused, skipped and made_up. All run once, in random order, in a new process with addresses of
 * its own. A row that has had its time takes part in no more. Returns whether any took part.
 */
bool measure_round(struct row *rows, size_t count, const struct workload *workload, int round,
                   const struct pace *pace);
/* Starts and ends a thread: from then on locks cost what they cost in a program with threads. */
void become_multithreaded(void);

/*
 * Whether more rounds would say little more: what the calm ones are (statistics.h) is known so well that a difference of
 * 3 % between two such runs can be claimed. A row with too few rounds, or that failed, asks for no more.
 */
bool row_is_settled(const struct row *row);
/* The median of so many rounds; NAN of none. */
double rounds_median(const double *rounds, unsigned count);
/* That of a row's repetitions, and of the same by the clock; 0 of none. */
double row_median(const struct row *row);
double row_wall_median(const struct row *row);

#endif
