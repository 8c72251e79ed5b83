/* plugin.c - backends from shared libraries that export assay_backend_plugin(). */
#include "libraries.h"

#include <dlfcn.h>
#include <string.h>

assay_status assay_plugin_open(const char *path, const struct assay_backend **backend,
                               struct assay_error *error)
{
    assay_plugin_entry_fn *entry;
    void *library = assay_library_open("plugin", path, error);

    if (!library)
        return ASSAY_INVALID;
    void *symbol = dlsym(library, ASSAY_PLUGIN_ENTRY);
    if (!symbol) {
        assay_error_set(error,
                        "plugin: '%s' does not export %s(), which returns the backend's table; "
                        "for a library with malloc and free say dl:%s",
                        path, ASSAY_PLUGIN_ENTRY, path);
        return ASSAY_INVALID;
    }
    /* ISO C has no cast from an object's address to a function's. */
    memcpy(&entry, &symbol, sizeof entry);
    const struct assay_backend *table = entry();
    if (!table) {
        assay_error_set(error, "plugin: %s() of '%s' returned NULL instead of a table",
                        ASSAY_PLUGIN_ENTRY, path);
        return ASSAY_INVALID;
    }
    *backend = table;
    return ASSAY_OK;
}
