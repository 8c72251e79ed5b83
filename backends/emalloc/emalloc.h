/*
 * emalloc.h - a pair for malloc and free: three strategies by size, and a mark around every block.
 *
 * Sizes are in bytes. Any thread may call anything at any time, also before main(), while it ends, and in a child
 * after fork(); a block may be freed by another thread than the one that asked for it. Blocks are aligned to
 * 16 bytes. A request of 0 bytes, or one that there is no memory for, gives NULL; errno is left alone.
 *
 * A mark that was overwritten, a double free, or an address that is no block ends the process by abort(), after
 * one line on standard error that says what, which block, and which part of its mark.
 */
#ifndef EMALLOC_H
#define EMALLOC_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The block is the caller's until efree(). */
void *emalloc(unsigned long size);
/* NULL is nothing to do. */
void efree(void *ptr);
/* count * size bytes of zero; NULL if the product overflows. */
void *ecalloc(unsigned long count, unsigned long size);
/*
 * Makes ptr a block of size bytes, in place if it can; the smaller of both sizes' bytes are kept. NULL for ptr
 * is emalloc(); size 0 is efree() and gives NULL. Without memory it gives NULL, and ptr is as it was.
 */
void *erealloc(void *ptr, unsigned long size);
/* align is a power of two, else NULL. */
void *ealigned_alloc(unsigned long align, unsigned long size);
/* What was asked for ptr; 0 if it is no block. */
unsigned long emalloc_usable_size(const void *ptr);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
