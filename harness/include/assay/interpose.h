/*
 * interpose.h - puts gates in front of the calls by which one shared library takes and returns pages.
 *
 * The addresses of mmap, mremap, brk, sbrk, munmap, madvise and mprotect are replaced in the tables of
 * that library alone; no other library's calls change. What a library asks of the kernel directly, by syscall()
 * or by instructions of its own, is not seen.
 */
#ifndef ASSAY_INTERPOSE_H
#define ASSAY_INTERPOSE_H

#include "assay/gate.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * `address` is any address in the library. `takes` counts and refuses what asks for memory: new mappings,
 * growing ones, a higher break, access rights. `gives` does so for what returns some; a refused madvise()
 * or munmap() fails with ENOMEM. Gates outlive the interposition.
 *
 * How many places of the library's tables lead to the gates from now on; 0: none, nothing has changed. Once at
 * a time in a process, which should be a child made for it. O(relocations of the library). Not thread-safe.
 */
size_t assay_interpose_open(const void *address, struct assay_gate *takes,
                            struct assay_gate *gives);
/* The library's own calls again. Harmless if none was opened. */
void assay_interpose_close(void);

#ifdef __cplusplus
}
#endif

#endif
