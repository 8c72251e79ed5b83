/*
 * bench.h - measures backends: answers first, then times, then footprints.
 */
#ifndef ASSAY_BENCH_H
#define ASSAY_BENCH_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * `assay bench`, from argv[0] = "bench" on: prints a table to stdout and everything else to stderr.
 * Returns the exit status: 0, or 1 a backend failed its checks, 2 usage, 3 environment, 4 not offered.
 */
int assay_bench_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
