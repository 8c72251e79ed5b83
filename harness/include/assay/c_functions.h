/* c_functions.h - malloc and its family as addresses: what a malloc library exports. */
#ifndef ASSAY_C_FUNCTIONS_H
#define ASSAY_C_FUNCTIONS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NULL is what a library does not export; malloc and free are never NULL. */
struct assay_c_functions {
    void *(*malloc)(size_t size);
    void (*free)(void *block);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *block, size_t size);
    void *(*reallocarray)(void *block, size_t count, size_t size);
    int (*posix_memalign)(void **block, size_t align, size_t size);
    void *(*aligned_alloc)(size_t align, size_t size);
    void *(*memalign)(size_t align, size_t size);
    void *(*valloc)(size_t size);
    void *(*pvalloc)(size_t size);
    size_t (*malloc_usable_size)(void *block);
};

#ifdef __cplusplus
}
#endif

#endif
