/* dl.h - a backend table made at run time from the functions of a malloc library. */
#ifndef ASSAY_DL_H
#define ASSAY_DL_H

#include "assay/backend.h"
#include "assay/c_functions.h"

struct dl_library {
    struct assay_backend table; /* first: create() is handed its address */
    struct assay_c_functions functions;
    char name[64];
    char summary[160];
};

/*
 * Fills in library->table from library->functions; name and summary are there already. Asks the
 * library for some hundred small blocks to see how it aligns them and what malloc(0) and realloc(block, 0) give.
 */
void dl_make_table(struct dl_library *library);

#endif
