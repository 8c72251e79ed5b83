/*
 * misuse.h - addresses that are no block of any heap.
 */
#ifndef ASSAY_MISUSE_H
#define ASSAY_MISUSE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many there are; a larger number wraps around. */
#define ASSAY_FOREIGN_ADDRESSES 8
/* Some of them may be read, some are not mapped, some are misaligned. Never NULL. */
void *assay_foreign_address(uint64_t which);

#ifdef __cplusplus
}
#endif

#endif
