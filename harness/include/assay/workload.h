/*
 * workload.h - streams made up by rule: what each stresses stands in its file in harness/workloads.
 *
 * A workload is asked for by a spec, NAME or NAME:KEY=VALUE,KEY=VALUE, as "larson:threads=8,sizes=16-512".
 * The same spec gives the same stream on every machine. All are balanced: what they allocate they
 * free. Those with several threads say in each operation which thread does it, in an order in which a
 * machine could have run them.
 */
#ifndef ASSAY_WORKLOAD_H
#define ASSAY_WORKLOAD_H

#include "assay/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* No spec gives a longer stream. */
#define ASSAY_WORKLOAD_MOST_OPS ((size_t)1 << 25)

enum assay_parameter_kind {
    ASSAY_PARAMETER_NUMBER, /* min to max; with k, m, g as sizes have them */
    /*
     * 64: always; 16-4096: even in the logarithm; 16..4096: even; mixed: as programs ask, nine in ten below
     * 256 bytes, the others up to 16 KiB; @FILE: as a program asked (assay/distribution.h).
     */
    ASSAY_PARAMETER_SIZES,
    ASSAY_PARAMETER_WORD, /* one of `words` */
    ASSAY_PARAMETER_FILE,
};

struct assay_workload_parameter {
    const char *name;
    const char *value; /* the default, as a user would write it; NULL: must be given */
    const char *help;
    enum assay_parameter_kind kind;
    uint64_t min, max; /* of numbers */
    const char *words; /* of a word: "first last random" */
};

#define ASSAY_WORKLOAD_PARAMETERS 8
struct making; /* harness/workloads/making.h */

struct assay_workload {
    const char *name;
    const char *summary; /* begins small, ends without a full stop */
    /* Ends with a NULL name; all have `seed` besides, which is 1 if not given. */
    struct assay_workload_parameter parameters[ASSAY_WORKLOAD_PARAMETERS + 1];
    void (*make)(struct making *making);
};

/* All workloads; *count is how many. Static. */
const struct assay_workload *const *assay_workload_all(size_t *count);

/*
 * Replaces *stream, zeroed or in use, with what spec asks for. ASSAY_INVALID with one sentence in *error:
 * no such workload or parameter (with the nearest), a value out of range, more operations than
 * ASSAY_WORKLOAD_MOST_OPS or a file that is no distribution. ASSAY_NO_MEMORY. The stream is then empty.
 * O(operations). Thread-safe for different streams.
 */
ASSAY_MUST_CHECK assay_status assay_workload_make(struct assay_stream *stream, const char *spec,
                                                  struct assay_error *error);
/* Whether spec can be made, as far as its words go; *error as above. */
ASSAY_MUST_CHECK assay_status assay_workload_check(const char *spec, struct assay_error *error);

#ifdef __cplusplus
}
#endif

#endif
