/* libraries.h - backends out of shared libraries; for registry.c alone. */
#ifndef ASSAY_LIBRARIES_H
#define ASSAY_LIBRARIES_H

#include "assay/backend.h"
#include "assay/c_functions.h"
#include "assay/error.h"

/*
 * Each opens a library, keeps it open for good, even a wrong one, for it may be an allocator that
 * others use by now, and stores its table, not yet validated. ASSAY_INVALID with a sentence in
 * *error.
 */
ASSAY_MUST_CHECK assay_status assay_plugin_open(const char *path,
                                                const struct assay_backend **backend,
                                                struct assay_error *error);
/* what: PATH or PATH:PREFIX. */
ASSAY_MUST_CHECK assay_status assay_dl_open(const char *what, const struct assay_backend **backend,
                                            struct assay_error *error);
/* The functions behind a table that assay_dl_open() made; NULL for every other table. */
const struct assay_c_functions *assay_dl_functions(const struct assay_backend *backend);
/* Whether another library than the C library is this process's malloc; *address lies in whichever it is. */
bool assay_malloc_is_preloaded(const void **address);

/*
 * dlopen(RTLD_NOW | RTLD_LOCAL), with the library's own names first, or NULL with a sentence in *error that starts with `kind`: what is
 * wrong with the file, and the way out. A path without a slash goes through the loader's search
 * path.
 */
void *assay_library_open(const char *kind, const char *path, struct assay_error *error);

#endif
