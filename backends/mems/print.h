/* print.h - a MeMS system as text. */
#ifndef ASSAY_MEMS_PRINT_H
#define ASSAY_MEMS_PRINT_H

#include "mems/instance.h"

#include <stdio.h>

/* What mems_print_stats() prints. */
void mems_print(const struct mems *mems, FILE *out);

#endif
