/* workloads.c - the list of workloads, and one of them made. */
#include "workloads.h"

#include "spec.h"

#include <stdio.h>
#include <string.h>

const struct assay_workload *const *assay_workload_all(size_t *count)
{
#define ADDRESS(name) &workload_##name,
    static const struct assay_workload *const all[] = {WORKLOADS(ADDRESS)};
#undef ADDRESS

#define PLACE(name) PLACE_##name,
    enum { WORKLOADS(PLACE) COUNT };
#undef PLACE

    *count = COUNT;
    return all;
}

assay_status assay_workload_check(const char *text, struct assay_error *error)
{
    struct spec spec;
    assay_status status = spec_parse(&spec, text, error);

    if (status == ASSAY_OK)
        spec_close(&spec);
    return status;
}

/* What went wrong on the way, after which workload it was. */
static void tell(const char *text, assay_status status, struct assay_error *error)
{
    struct assay_error why = *error;

    if (status == ASSAY_NO_MEMORY)
        assay_error_set(error, "no memory for workload '%.80s'", text);
    else
        assay_error_set(error, "workload '%.80s': %s", text, why.what);
}

assay_status assay_workload_make(struct assay_stream *stream, const char *text,
                                 struct assay_error *error)
{
    struct spec spec;

    assay_stream_clear(stream);
    assay_status status = spec_parse(&spec, text, error);
    if (status != ASSAY_OK)
        return status;
    struct making making = {
        .stream = stream,
        .dice = {spec.seed},
        .status = ASSAY_OK,
        .error = error,
    };
    memcpy(making.values, spec.values, sizeof making.values);
    spec.workload->make(&making);
    spec_close(&spec);
    if (making.status != ASSAY_OK) {
        tell(text, making.status, error);
        assay_stream_clear(stream);
    }
    return making.status;
}
