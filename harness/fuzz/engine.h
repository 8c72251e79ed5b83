/*
 * engine.h - what `assay fuzz` and a target under an engine say to each other, by an environment and a file of one
 * struct fuzz_counts that both map.
 *
 * ASSAY_BACKEND and ASSAY_BACKEND_OPTIONS are what --backend and --backend-options were.
 */
#ifndef ASSAY_FUZZ_ENGINE_H
#define ASSAY_FUZZ_ENGINE_H

#include "assay/op.h"

/* The path of the file. Without it a target is on its own, and leaves findings as texts. */
#define FUZZ_ENV_COUNTS "ASSAY_FUZZ_COUNTS"

/* Written by the target, of all inputs that it has run, but for `ignored`. */
struct fuzz_counts {
    volatile uint64_t ignored; /* by who started it; bit (1 << check): such findings are not told */
    volatile uint64_t executions, ops, served, refused;
};

/* A stream without a limit gets the first one; one with more than the second is not run. */
#define FUZZ_LIMIT ((size_t)32 << 10)
#define FUZZ_LIMIT_MAX ((size_t)256 << 10)
/* Longer inputs are not tried. */
#define FUZZ_INPUT_MAX ((size_t)16 << 10)
/* Processor time that one input may take. */
#define FUZZ_HANG_SECONDS 3

#endif
