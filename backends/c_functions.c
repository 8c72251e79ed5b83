/* c_functions.c - the functions behind a backend that is a whole malloc library. */
#include "assay/c_functions.h"
#include "assay/registry.h"
#include "libraries.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Whatever malloc this process has: the C library's, or one that is preloaded. */
static const struct assay_c_functions of_process = {
    .malloc = malloc,
    .free = free,
    .calloc = calloc,
    .realloc = realloc,
    .posix_memalign = posix_memalign,
    .aligned_alloc = aligned_alloc,
#ifdef __GLIBC__
    .reallocarray = reallocarray,
    .memalign = memalign,
    .valloc = valloc,
    .pvalloc = pvalloc,
    .malloc_usable_size = malloc_usable_size,
#endif
};

const struct assay_c_functions *assay_registry_functions(const struct assay_backend *backend)
{
    return strcmp(backend->name, "system") == 0 ? &of_process : assay_dl_functions(backend);
}
