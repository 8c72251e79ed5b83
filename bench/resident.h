/*
 * resident.h - how much memory of this process is resident, now and at most.
 */
#ifndef ASSAY_BENCH_RESIDENT_H
#define ASSAY_BENCH_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>

size_t resident_bytes(void);      /* 0 if it is not to be had */
size_t resident_peak_bytes(void); /* since the start or the last reset */
bool resident_reset_peak(void);   /* false where the kernel does not offer it */

#endif
