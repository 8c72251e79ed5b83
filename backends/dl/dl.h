/* dl.h - a backend table made at run time from the functions of a malloc library. */
#ifndef ASSAY_DL_H
#define ASSAY_DL_H

#include "assay/backend.h"

/* What a library offers; malloc and free are never NULL. */
struct dl_functions {
    void *(*malloc)(size_t size);
    void (*free)(void *block);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *block, size_t size);
    int (*posix_memalign)(void **block, size_t align, size_t size);
    void *(*memalign)(size_t align, size_t size);
    void *(*aligned_alloc)(size_t align, size_t size);
    size_t (*malloc_usable_size)(void *block);
};

struct dl_library {
    struct assay_backend table; /* first: create() is handed its address */
    struct dl_functions functions;
    char name[64];
    char summary[160];
};

/*
 * Fills in library->table from library->functions; name and summary are there already. Asks the
 * library for some hundred small blocks to see how it aligns them and what malloc(0) and realloc(block, 0) give.
 */
void dl_make_table(struct dl_library *library);

#endif
