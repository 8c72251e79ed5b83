/* c_functions.c - the functions behind a backend that is a whole malloc library. */
#include "assay/c_functions.h"
#include "assay/registry.h"
#include "libraries.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The object that a function, the first member of what `function` points to, lies in; NULL: not known. */
static const void *object_of(const void *function)
{
    void *address;
    Dl_info info;

    memcpy(&address, function, sizeof address);
    return address && dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

/* A preloaded malloc may lack some of its family: what the C library has then is of another heap. */
static const struct assay_c_functions *own_functions(void)
{
    static struct assay_c_functions own;
    const void *object = object_of(&of_process.malloc);

    own = of_process;
#define KEEP_OWN(member) own.member = object_of(&own.member) == object ? own.member : NULL
    KEEP_OWN(calloc);
    KEEP_OWN(realloc);
    KEEP_OWN(reallocarray);
    KEEP_OWN(posix_memalign);
    KEEP_OWN(aligned_alloc);
    KEEP_OWN(memalign);
    KEEP_OWN(valloc);
    KEEP_OWN(pvalloc);
    KEEP_OWN(malloc_usable_size);
#undef KEEP_OWN
    return &own;
}

/* getpid() is the C library's, whatever is preloaded. */
bool assay_malloc_is_preloaded(const void **address)
{
    pid_t (*function)(void) = getpid;

    memcpy(address, &of_process.malloc, sizeof *address);
    return object_of(&of_process.malloc) != object_of(&function);
}

const struct assay_c_functions *assay_registry_functions(const struct assay_backend *backend)
{
    return strcmp(backend->name, "system") == 0 ? own_functions() : assay_dl_functions(backend);
}
