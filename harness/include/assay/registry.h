/*
 * registry.h - which backends there are: built in, dl:PATH[:prefix], plugin:PATH.
 *
 * Implemented in backends/registry.c, above the harness: only programs may use it.
 */
#ifndef ASSAY_REGISTRY_H
#define ASSAY_REGISTRY_H

#include "assay/backend.h"
#include "assay/c_functions.h"
#include "assay/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The built-in backends in the order of the list; *count is how many. Static. */
const struct assay_backend *const *assay_registry_all(size_t *count);

/*
 * Finds a backend by what a user typed. Built-in tables are static; those of libraries live until the
 * process ends, for a library that was an allocator is never unloaded. ASSAY_INVALID with one sentence in
 * *error: no such name (with the nearest one), file missing or not a library, symbol missing, wrong ABI,
 * table incomplete. Not thread-safe.
 */
ASSAY_MUST_CHECK assay_status assay_registry_find(const char *spec,
                                                  const struct assay_backend **backend,
                                                  struct assay_error *error);

/*
 * An address in the shared library that a dl: or plugin: backend came from, or in the preloaded one that `system` is;
 * NULL for all else.
 */
const void *assay_registry_library(const struct assay_backend *backend);

/* malloc and its family of `system` and of a dl: backend; NULL for every other. As long-lived as the table. */
const struct assay_c_functions *assay_registry_functions(const struct assay_backend *backend);

/* Whether a table keeps the rules of backend.h that can be read off it; *error says which it breaks. */
ASSAY_MUST_CHECK assay_status assay_backend_validate(const struct assay_backend *backend,
                                                     struct assay_error *error);

#ifdef __cplusplus
}
#endif

#endif
