/* table_plugin.c - a backend of this tree as a plug-in: MUTANT_TABLE is its table. */
#include "assay/backend.h"

extern const struct assay_backend MUTANT_TABLE;
const struct assay_backend *assay_backend_plugin(void);

__attribute__((visibility("default"))) const struct assay_backend *assay_backend_plugin(void)
{
    return &MUTANT_TABLE;
}
