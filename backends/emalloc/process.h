/*
 * process.h - the one heap of the process, which emalloc.h and the C library's names share.
 *
 * `caller` is the function that a message names. What is no block, and damage, end the process with that message.
 */
#ifndef ASSAY_EMALLOC_PROCESS_H
#define ASSAY_EMALLOC_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

void *emalloc_process_alloc(size_t align, size_t size, bool zeroed);
void emalloc_process_free(void *block, const char *caller);
void *emalloc_process_resize(void *block, size_t size, const char *caller);
size_t emalloc_process_size(const void *block);

#endif
