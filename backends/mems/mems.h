/*
 * mems.h - segments of memory behind virtual addresses, in mappings of whole pages.
 *
 * Virtual addresses begin at 1000 and rise with each mapping. A segment is a PROCESS, of just the bytes asked for, or
 * a HOLE; it lies in one mapping. Mappings stay until mems_finish, or the next mems_init.
 *
 * One system for each process; a forked child has a copy. Not thread-safe. O(log n) of the number of segments.
 * Outside mems_init and mems_finish nothing is allocated: requests and questions give NULL, and mems_free and
 * mems_print_stats say on stderr that there is no system.
 */
#ifndef MEMS_H
#define MEMS_H

#include <stddef.h>

/* Bytes of a page: mappings are multiples of it. Any number above 0; define another before this line. */
#ifndef PAGE_SIZE
#define PAGE_SIZE 4096
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Starts afresh with pages of PAGE_SIZE bytes; what there was ends first. Without memory it says so on stderr. */
void mems_init(void);
/* The same with pages of so many bytes, for that is what PAGE_SIZE is where mems_init is called. */
void mems_init_pages(size_t page_size);
#define mems_init() mems_init_pages(PAGE_SIZE)

/* Unmaps everything, and is done. Harmless without a system. */
void mems_finish(void);

/*
 * The virtual address of a new PROCESS of size bytes: the beginning of the first HOLE that is large enough, else
 * of a new mapping. NULL if size is 0 or there is no memory.
 */
void *mems_malloc(size_t size);

/* Where the byte behind a virtual address is, any of a PROCESS. NULL if it lies in none. */
void *mems_get(void *v_ptr);

/*
 * Makes the PROCESS that begins at v_ptr a HOLE, one with the HOLEs beside it in the same mapping. Anything else
 * changes nothing, and is said on stderr.
 */
void mems_free(void *v_ptr);

/* Prints the main chain with its sub-chains, and what they add up to, on stdout. O(n log n). */
void mems_print_stats(void);

#ifdef __cplusplus
}
#endif

#endif
