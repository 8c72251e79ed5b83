/*
 * posix.h - what C and POSIX ask of malloc and its family, asked of the functions themselves.
 *
 * The table of a malloc library evens out what the functions differ in: it raises small alignments, and has one
 * aligned allocation for three. What programs rely on beyond that is asked here: return values, errno, pointers
 * left alone, blocks of one function in the hands of another, threads that end, processes that fork.
 */
#ifndef ASSAY_POSIX_H
#define ASSAY_POSIX_H

#include "assay/c_functions.h"
#include "assay/conformance.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many questions there are. */
size_t assay_posix_count(void);
/*
 * Asks question number `index` in a child process. NOT_CLAIMED where a function is missing, or where no standard
 * asks for what the functions do not do. ASSAY_NO_MEMORY if no child process is to be had.
 */
ASSAY_MUST_CHECK assay_status assay_posix_run(const struct assay_c_functions *functions,
                                              size_t index,
                                              struct assay_conformance_result *result);

#ifdef __cplusplus
}
#endif

#endif
