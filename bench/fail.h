/* fail.h - how a run of bench that cannot be says why. */
#ifndef ASSAY_BENCH_FAIL_H
#define ASSAY_BENCH_FAIL_H

/* What the program leaves with; 0 where nothing was found. */
enum { EXIT_FINDING = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3, EXIT_NOT_OFFERED = 4 };

/* Prints "assay: ", what printf would, and a newline to standard error. Returns `status`. */
__attribute__((format(printf, 2, 3))) int bench_fail(int status, const char *format, ...);

#endif
