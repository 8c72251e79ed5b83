/* registry.c - the backends there are, from the generated list. */
#include "assay/registry.h"

#include <string.h>

#define BACKEND(name) extern const struct assay_backend assay_backend_##name;
#include "backend_list.inc"
#undef BACKEND

static const struct assay_backend *const all[] = {
#define BACKEND(name) &assay_backend_##name,
#include "backend_list.inc"
#undef BACKEND
};

const struct assay_backend *const *assay_registry_all(size_t *count)
{
    *count = sizeof all / sizeof *all;
    return all;
}

assay_status assay_registry_find(const char *spec, const struct assay_backend **backend,
                                 struct assay_error *error)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(spec, all[i]->name) == 0) {
            *backend = all[i];
            return ASSAY_OK;
        }
    }
    assay_error_set(error, "no backend called '%s'", spec);
    return ASSAY_INVALID;
}
