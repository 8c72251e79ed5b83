/*
 * workloads.h - THE list of workloads, and how their parameters are written.
 *
 * A new one is a file here, with a head comment that says what it stresses and where it comes from, and
 * a word in this list.
 */
#ifndef ASSAY_WORKLOADS_WORKLOADS_H
#define ASSAY_WORKLOADS_WORKLOADS_H

#include "making.h"

#define WORKLOADS(X)                                                                               \
    X(pairs)                                                                                       \
    X(batches)                                                                                     \
    X(churn)                                                                                       \
    X(server)                                                                                      \
    X(pipeline)                                                                                    \
    X(scratch)                                                                                     \
    X(thrash)                                                                                      \
    X(shifts)                                                                                      \
    X(swap)                                                                                        \
    X(growth)                                                                                      \
    X(large)                                                                                       \
    X(phases)                                                                                      \
    X(drifting)                                                                                    \
    X(fill)                                                                                        \
    X(bursts)                                                                                      \
    X(aged)                                                                                        \
    X(fitted)

#define DECLARE(name) extern const struct assay_workload workload_##name;
WORKLOADS(DECLARE)
#undef DECLARE

#define NUMBER(name, value, low, high, help)                                                       \
    {                                                                                              \
        name, value, help, ASSAY_PARAMETER_NUMBER, low, high, NULL                                 \
    }
#define OF_SIZES(value)                                                                            \
    {                                                                                              \
        "sizes", value, "of blocks", ASSAY_PARAMETER_SIZES, 0, 0, NULL                             \
    }
#define WORD(name, value, words, help)                                                             \
    {                                                                                              \
        name, value, help, ASSAY_PARAMETER_WORD, 0, 0, words                                       \
    }
#define OF_FILE(name, help)                                                                        \
    {                                                                                              \
        name, NULL, help, ASSAY_PARAMETER_FILE, 0, 0, NULL                                         \
    }

/* What keeps a spec from asking for more than a machine has. */
#define MOST_BLOCKS 4000000
#define MOST_TIMES 10000000
#define MOST_THREADS 256

#endif
