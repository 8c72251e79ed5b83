/* planted_plugin.c - one planted bug as a plug-in: PLANTED_KIND is the table, PLANTED_BUG the bug. */
#include "planted.h"

const struct assay_backend *assay_backend_plugin(void);

__attribute__((visibility("default"))) const struct assay_backend *assay_backend_plugin(void)
{
    static struct planted planted;

    planted = planted_make(PLANTED_KIND, PLANTED_BUG);
    return &planted.backend;
}
