/*
 * mem.h - one region of memory per process, whose objects are freed by any address inside them.
 *
 * Sizes are in bytes. Before Mem_Init nothing is in an object. Not thread-safe. A forked child has a copy of
 * its own. All but Mem_Init take O(log n) of the region's size.
 */
#ifndef MEM_H
#define MEM_H

#ifdef __cplusplus
extern "C" {
#endif

/* Which hole serves a request: the smallest, the largest, the one of lowest address; the lowest of equals. */
enum mem_policy { MEM_BEST_FIT, MEM_WORST_FIT, MEM_FIRST_FIT };

/*
 * Maps the region, once: sizeOfRegion rounded up to whole pages, for objects with 8 bytes each before them. 0, or
 * -1 if it was done before, if sizeOfRegion is not positive, or if the system has no memory. Best fit.
 */
int Mem_Init(int sizeOfRegion);
/* The same with a policy; -1 also for one that there is not. */
int Mem_InitPolicy(int sizeOfRegion, enum mem_policy policy);
/* An object at a multiple of 8; NULL if size is not positive, nothing can hold it, or before Mem_Init. */
void *Mem_Alloc(int size);
/* Frees the object around ptr: any of the bytes asked for. 0, also for NULL; -1 if there is no object. */
int Mem_Free(void *ptr);
/* 1 if ptr is in an object, else 0. */
int Mem_IsValid(void *ptr);
/* The size that was asked for of the object around ptr, -1 if there is none. */
int Mem_GetSize(void *ptr);

#ifdef __cplusplus
}
#endif

#endif
