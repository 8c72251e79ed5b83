/*
 * guard.h - runs a function in a child process, so that a crash or a hang of the heap under test is
 * something we report and not something that happens to us.
 */
#ifndef ASSAY_GUARD_H
#define ASSAY_GUARD_H

#include "assay/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

enum assay_ending {
    ASSAY_ENDED,   /* the function returned */
    ASSAY_EXITED,  /* the child left by exit(); code is its status */
    ASSAY_CRASHED, /* a signal ended it; code is its number */
    ASSAY_HUNG,    /* it was killed after the time limit */
};

struct assay_guard_outcome {
    enum assay_ending ending;
    int code;
    uint64_t progress; /* last value stored by the child through the pointer it was given */
    /* Bytes that the child was allowed; it was killed (ASSAY_CRASHED by SIGKILL) for having more. 0: it was not. */
    size_t memory;
};

/*
 * Calls run(arg, progress) in a forked child and waits. shared[0 .. shared_bytes), if any, is memory that
 * both see (from assay_guard_shared), for results. seconds 0: no time limit. quiet: the child's standard
 * error is dropped. ASSAY_NO_MEMORY if there is no child to be had. Not from a process with more threads.
 */
ASSAY_MUST_CHECK assay_status assay_guard_run(void (*run)(void *arg, volatile uint64_t *progress),
                                              void *arg, unsigned seconds, bool quiet,
                                              struct assay_guard_outcome *outcome);
/*
 * Called in a child: a signal ends it after so many seconds of processor time, at least a microsecond, unless this is
 * called again before. For what computes for ever; what waits for ever is ended by the time limit above.
 */
void assay_guard_limit(double seconds);
/* More than any stream of a fuzzer takes, and less than a machine that runs one has to spare. */
#define ASSAY_GUARD_MEMORY ((size_t)512 << 20)
/*
 * Called in a child: it is killed once it has `bytes` more in memory than now. The parent looks every 10 ms, so what
 * takes memory without end has some more by then. Under a sanitizer, whose shadow is memory too, it may have several
 * times as much.
 */
void assay_guard_memory(size_t bytes);
/* Whether the child was ended by either limit of time, or by an alarm() that it had set itself. */
bool assay_guard_hung(const struct assay_guard_outcome *outcome);
/* Memory shared with children forked later, zeroed; NULL if there is none. */
void *assay_guard_shared(size_t bytes);
void assay_guard_unshare(void *shared, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
