/*
 * record.h - runs a program and makes a trace of what it, and every process it starts, did to its
 * heap.
 *
 * What is recorded: each call of malloc, calloc, realloc, reallocarray, free, aligned_alloc,
 * posix_memalign, memalign, valloc and pvalloc that the dynamic linker resolves for the program, its
 * libraries and the loader; C++ new and delete come through them. What is not: programs that are
 * linked statically, or setuid, or bring a malloc of their own inside the executable.
 */
#ifndef ASSAY_RECORD_RECORD_H
#define ASSAY_RECORD_RECORD_H

#include "assay/error.h"
#include "assay/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Names a preload library to be used instead of the one beside the program; for tests. */
#define ASSAY_RECORD_ENV_LIBRARY "ASSAY_RECORD_LIBRARY"

struct assay_record_options {
    const char *output;   /* FILE of the program; FILE.1, FILE.2, ... of what it started */
    char *const *command; /* the program and its arguments, then NULL; searched in PATH */
    bool time;            /* record when each call was made */
};

/* What one process did. */
struct assay_recording {
    char command[256]; /* the command line, cut */
    int pid;
    uint64_t start_ns; /* CLOCK_MONOTONIC */
    uint64_t calls;    /* of the functions above; malloc_usable_size is none */
    uint64_t ops;      /* in the trace: the calls, less those of unknown blocks, plus additions */
    uint64_t refused; /* calls answered by NULL; each has one addition that undoes it in a replay */
    uint64_t unknown_frees; /* of blocks from before the recording or from fork; not in the trace */
    uint64_t unknown_reallocs; /* of the same; in the trace they allocate */
    uint64_t missed_frees;     /* additions: a block was given out again with no free seen */
    uint64_t unfinished;       /* calls in which the process died, not counted above */
    uint64_t lost;             /* calls made after recording stopped */
    int stop_errno;            /* why it stopped; 0: it did not */
    uint64_t peak_bytes;       /* most bytes requested and live at once */
    uint64_t peak_blocks;
    uint32_t threads;
    bool has_time;
    char path[512]; /* of the trace; "" if there is none */
};

struct assay_record_result {
    struct assay_recording *processes; /* the program first, then by start */
    size_t count;
    int wait_status; /* of the program, as waitpid() gives it */
};

/*
 * Runs the command, waits until it and every process it started have ended, and writes the traces.
 * The program's standard streams are ours. SIGINT and SIGQUIT are left to the program; SIGTERM and
 * SIGHUP are passed on to it. Once the program has ended, either of these four ends the wait for
 * the processes it left behind, whose traces then end there.
 *
 * All or nothing: unless this returns ASSAY_OK, no trace is left, and *error says in one sentence
 * why. A process that recorded nothing has no trace; if that is the program itself, it is an error.
 * The caller frees *result with assay_record_clear() in either case; wait_status is -1 if the program
 * was not started.
 */
ASSAY_MUST_CHECK assay_status assay_record(const struct assay_record_options *options,
                                           struct assay_record_result *result,
                                           struct assay_error *error);
void assay_record_clear(struct assay_record_result *result);

/* What a shell would call the program's exit status: its own, or 128 and the signal. */
int assay_record_exit_status(const struct assay_record_result *result);

#ifdef __cplusplus
}
#endif

#endif
