/*
 * books.h - memory for the harness's own records, never from the heap under test.
 *
 * A book is one large reserved mapping of which only what is touched costs anything, so that a table
 * with room for every slot needs no growing, no copying and no malloc.
 */
#ifndef ASSAY_BOOKS_H
#define ASSAY_BOOKS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reserves bytes of zero, or returns NULL. */
void *assay_books_open(size_t bytes);
/* Gives back what assay_books_open(bytes) returned; NULL is allowed. */
void assay_books_close(void *book, size_t bytes);
/* Makes the first `touched` bytes zero again, the cheap way: by writing few, by unmapping many. */
void assay_books_reset(void *book, size_t touched);

#ifdef __cplusplus
}
#endif

#endif
