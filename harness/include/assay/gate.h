/*
 * gate.h - numbers the requests for pages and refuses those that a plan names.
 *
 * A meter refuses by bytes and from now on; a gate refuses by the number that a request has since the gate
 * was made, so that a run can be repeated with just one request refused, whichever it is. It stands in front
 * of a page source, or in front of a library's own calls (interpose.h).
 */
#ifndef ASSAY_GATE_H
#define ASSAY_GATE_H

#include "assay/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

enum assay_gate_plan {
    ASSAY_GATE_OPEN,      /* refuses nothing */
    ASSAY_GATE_ONE,       /* request `from` alone */
    ASSAY_GATE_BEYOND,    /* request `from` and all after it */
    ASSAY_GATE_ALTERNATE, /* request `from` and each second one after it */
};

/* Not thread-safe. Stays where it is once its source was taken. */
struct assay_gate {
    enum assay_gate_plan plan;
    uint64_t from;     /* counted from 0 */
    uint64_t requests; /* seen so far */
    uint64_t refusals; /* of those */
    struct assay_page_source source;
    const struct assay_page_source *inner;
};

/* Counts a request; false: the plan refuses it. */
bool assay_gate_passes(struct assay_gate *gate);
/* Puts the gate in front of a page source: &gate->source is for heaps. unmap() is not counted. */
void assay_gate_guard(struct assay_gate *gate, const struct assay_page_source *inner);

#ifdef __cplusplus
}
#endif

#endif
