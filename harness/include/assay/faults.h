/*
 * faults.h - one fixed stream again and again, each time with other page requests refused.
 *
 * After each refusal the request may give NULL and nothing else may have changed; once pages are allowed
 * again there is service, and at destroy nothing is lost. Each run is a child process that begins in the same
 * state, so that request number n is the same one in every run.
 */
#ifndef ASSAY_FAULTS_H
#define ASSAY_FAULTS_H

#include "assay/conformance.h"

#ifdef __cplusplus
extern "C" {
#endif

struct assay_faults_options {
    /* An address in the shared library whose own calls are to be refused (interpose.h), for a backend
     * without PAGE_SOURCE; NULL: none is known. */
    const void *library;
    bool every_request; /* each request once; else some, evenly spread */
};

/* How many tests there are. */
size_t assay_faults_count(void);
/*
 * Runs test number `index`, as assay_conformance_run(). `why` of a kept promise says how much was
 * refused. NOT_CLAIMED where the backend has no page source and its library's calls cannot be refused.
 */
ASSAY_MUST_CHECK assay_status assay_faults_run(const struct assay_backend *backend,
                                               const struct assay_faults_options *options,
                                               size_t index,
                                               struct assay_conformance_result *result);

#ifdef __cplusplus
}
#endif

#endif
