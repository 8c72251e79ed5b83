/*
 * program_run.h - runs a program once, with a library in front of its malloc, and takes what it cost.
 */
#ifndef ASSAY_BENCH_PROGRAM_RUN_H
#define ASSAY_BENCH_PROGRAM_RUN_H

#include "assay/backend.h"
#include "assay/error.h"

#include <stdbool.h>
#include <stdint.h>

struct program_run {
    double cpu_s; /* of the program and of the processes that it waited for */
    double wall_s;
    uint64_t peak_resident_bytes; /* of the largest of these processes */
    uint64_t faults;              /* minor and major */
    uint64_t switches;            /* of context, wanted or not */
    bool hung;                    /* it was killed after the time limit */
    int signal;                   /* that ended it; 0: none */
    int status;                   /* with which it left, if no signal ended it */
    uint64_t output_bytes;        /* what it printed, and a hash of it */
    uint64_t output_hash;
    char complaint[160]; /* the last line that it wrote to standard error */
};

/*
 * Runs command, searched in PATH, with library (NULL: none) preloaded. Its standard input is ours from its
 * beginning if that is a file, else empty; its output is kept out of ours. seconds 0: no time limit.
 * ASSAY_INVALID, with *error: it cannot be started. Not from a process with more threads.
 */
ASSAY_MUST_CHECK assay_status program_run(struct program_run *run, char *const *command,
                                          const char *library, unsigned seconds,
                                          struct assay_error *error);

/*
 * Whether the dynamic linker would load library in front of command. It does not for programs that are
 * linked statically or setuid, nor where it finds no such library; else it only warns and goes on.
 */
ASSAY_MUST_CHECK bool program_loads(char *const *command, const char *library);

#endif
