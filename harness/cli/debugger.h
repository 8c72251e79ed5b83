/* debugger.h - a replay that a debugger runs, and that stops before one operation. */
#ifndef ASSAY_CLI_DEBUGGER_H
#define ASSAY_CLI_DEBUGGER_H

#include "cli.h"

/* A reader that traps before it hands out an operation, when all before it have run. */
struct debugger_reader {
    struct assay_reader reader; /* first: it is one */
    struct assay_reader *inner; /* where the operations come from */
    const struct assay_backend *backend;
    const struct assay_op *ops; /* those that are not handed out yet */
    size_t count;
    uint64_t next, stop; /* operations; a stop behind the last one is one before the end */
};

void debugger_reader_init(struct debugger_reader *debugger, struct assay_reader *inner,
                          const struct assay_backend *backend, uint64_t stop);

/*
 * Becomes gdb, which runs `assay argv...` with --stop-before `stop`, up to there, and says to stop next where the
 * backend's function begins. Returns only if that cannot be, with the exit code, said on standard error.
 */
enum cli_exit debugger_become(int argc, char **argv, uint64_t stop);

#endif
