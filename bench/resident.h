/*
 * resident.h - how much memory of this process is resident, now and at most.
 */
#ifndef ASSAY_BENCH_RESIDENT_H
#define ASSAY_BENCH_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>

size_t resident_bytes(void); /* 0 if it is not to be had */
/*
 * For who asks often: a file of this process, not of a child of it; -1: not to be had. To be closed by the caller.
 * A reading takes a twentieth of resident_bytes(), which opens one each time.
 */
int resident_open(void);
/* resident_bytes() by that file; 0 where it cannot be read. */
size_t resident_read(int file);
size_t resident_peak_bytes(void); /* since the start or the last reset */
bool resident_reset_peak(void);   /* false where the kernel does not offer it */

#endif
