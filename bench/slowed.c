/*
 * slowed.c - the backend `list`, in which EXTRA of a thousand allocs are done once more, as a plug-in: a slowdown
 * that is known to be there, for bench/trust to plant. Work of the heap itself, unlike an empty loop,
 * does not hide behind the work before it.
 */
#include "assay/backend.h"

#ifndef EXTRA
#define EXTRA 0
#endif

extern const struct assay_backend assay_backend_list;

static void *slowed_alloc(void *self, size_t size)
{
    static unsigned owed;

    for (owed += EXTRA; owed >= 1000; owed -= 1000)
        if (assay_backend_list.free(self, assay_backend_list.alloc(self, size)) != ASSAY_OK)
            return NULL;
    return assay_backend_list.alloc(self, size);
}

const struct assay_backend *assay_backend_plugin(void);

__attribute__((visibility("default"))) const struct assay_backend *assay_backend_plugin(void)
{
    static struct assay_backend table;

    table = assay_backend_list;
    table.name = "slowed";
    table.alloc = slowed_alloc;
    return &table;
}
