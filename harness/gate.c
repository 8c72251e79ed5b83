/* gate.c - numbers the requests for pages and refuses those that a plan names. */
#include "assay/gate.h"

static bool is_refused(const struct assay_gate *gate, uint64_t number)
{
    switch (gate->plan) {
    case ASSAY_GATE_OPEN:
        return false;
    case ASSAY_GATE_ONE:
        return number == gate->from;
    case ASSAY_GATE_BEYOND:
        return number >= gate->from;
    case ASSAY_GATE_ALTERNATE:
        return number >= gate->from && (number - gate->from) % 2 == 0;
    }
    return false;
}

bool assay_gate_passes(struct assay_gate *gate)
{
    bool refused = is_refused(gate, gate->requests++);

    gate->refusals += refused;
    return !refused;
}

static void *map(void *ctx, size_t bytes, size_t align)
{
    struct assay_gate *gate = ctx;

    return assay_gate_passes(gate) ? gate->inner->map(gate->inner->ctx, bytes, align) : NULL;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    struct assay_gate *gate = ctx;

    gate->inner->unmap(gate->inner->ctx, start, bytes);
}

void assay_gate_guard(struct assay_gate *gate, const struct assay_page_source *inner)
{
    gate->inner = inner;
    gate->source = (struct assay_page_source){
        .page_size = inner->page_size, .map = map, .unmap = unmap, .ctx = gate};
}
