/* registry.c - the backends there are: from the generated list, and from libraries. */
#include "assay/registry.h"
#include "assay/nearest.h"
#include "libraries.h"

#include <string.h>

#define BACKEND(name) extern const struct assay_backend assay_backend_##name;
#include "backend_list.inc"
#undef BACKEND

static const struct assay_backend *const all[] = {
#define BACKEND(name) &assay_backend_##name,
#include "backend_list.inc"
#undef BACKEND
};

#define COUNT (sizeof all / sizeof all[0])

const struct assay_backend *const *assay_registry_all(size_t *count)
{
    *count = COUNT;
    return all;
}

static void say_unknown(const char *spec, struct assay_error *error)
{
    const char *names[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        names[i] = all[i]->name;
    const char *nearest = assay_nearest(spec, names, COUNT);
    if (nearest)
        assay_error_set(error, "no backend called '%s' (did you mean '%s'?); see assay list", spec,
                        nearest);
    else if (strchr(spec, '/') || strstr(spec, ".so"))
        assay_error_set(error,
                        "no backend called '%s'; for a library say dl:%s (malloc and free) or "
                        "plugin:%s (%s)",
                        spec, spec, spec, ASSAY_PLUGIN_ENTRY);
    else
        assay_error_set(error, "no backend called '%s'; see assay list", spec);
}

/* What a library gave, once it is known to keep the rules. */
static assay_status accept(const char *spec, const struct assay_backend *table,
                           const struct assay_backend **backend, struct assay_error *error)
{
    struct assay_error broken;
    assay_status status = assay_backend_validate(table, &broken);

    if (status == ASSAY_OK)
        *backend = table;
    else
        assay_error_set(error, "%s: %s", spec, broken.what);
    return status;
}

assay_status assay_registry_find(const char *spec, const struct assay_backend **backend,
                                 struct assay_error *error)
{
    const struct assay_backend *table;
    assay_status status = ASSAY_INVALID;

    for (size_t i = 0; i < COUNT; i++) {
        if (strcmp(spec, all[i]->name) == 0) {
            *backend = all[i];
            return ASSAY_OK;
        }
    }
    if (strncmp(spec, "dl:", 3) == 0)
        status = assay_dl_open(spec + 3, &table, error);
    else if (strncmp(spec, "plugin:", 7) == 0)
        status = assay_plugin_open(spec + 7, &table, error);
    else
        say_unknown(spec, error);
    return status == ASSAY_OK ? accept(spec, table, backend, error) : status;
}

const void *assay_registry_library(const struct assay_backend *backend)
{
    const void *preloaded;

    if (strcmp(backend->name, "system") == 0 && assay_malloc_is_preloaded(&preloaded))
        return preloaded;
    for (size_t i = 0; i < COUNT; i++)
        if (all[i] == backend)
            return NULL;
    const struct assay_c_functions *functions = assay_dl_functions(backend);
    const void *address = backend; /* a plug-in's table lies in the plug-in */
    if (functions)
        memcpy(&address, &functions->malloc, sizeof address);
    return address;
}
