/*
 * slowed.c - the backend `list` with SPINS turns of an empty loop before each call, as a plug-in: a slowdown
 * that is known to be there, for bench/trust to plant.
 */
#include "assay/backend.h"

#ifndef SPINS
#define SPINS 0
#endif

extern const struct assay_backend assay_backend_list;

/* One turn is about one cycle, and the compiler cannot leave it out. */
static inline void spin(void)
{
    for (unsigned i = 0; i < SPINS; i++)
        __asm__ volatile("" : "+r"(i));
}

static void *slowed_alloc(void *self, size_t size)
{
    spin();
    return assay_backend_list.alloc(self, size);
}

static assay_status slowed_free(void *self, void *block)
{
    spin();
    return assay_backend_list.free(self, block);
}

static void *slowed_realloc(void *self, void *block, size_t size)
{
    spin();
    return assay_backend_list.realloc(self, block, size);
}

const struct assay_backend *assay_backend_plugin(void);

__attribute__((visibility("default"))) const struct assay_backend *assay_backend_plugin(void)
{
    static struct assay_backend table;

    table = assay_backend_list;
    table.name = "slowed";
    table.alloc = slowed_alloc;
    table.free = slowed_free;
    table.realloc = assay_backend_list.realloc ? slowed_realloc : 0;
    return &table;
}
