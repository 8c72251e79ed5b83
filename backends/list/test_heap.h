/* test_heap.h - a list heap on a page source that counts, for the tests of the list. */
#ifndef ASSAY_LIST_TEST_HEAP_H
#define ASSAY_LIST_TEST_HEAP_H

#include "index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#define PAGE 4096

extern const struct assay_backend *const list;

/* One heap at a time: close_heap() expects that all pages are back. */
assay_status try_open(void **heap, size_t limit, const char *options);
void *open_heap(size_t limit, const char *options);
void close_heap(void *heap);

void assert_sound(void *heap);
/* That check() reports damage, in a sentence with `what` in it. */
void assert_damaged(void *heap, const char *what);
/* That the extents tile the region and hold so many blocks; gives the address of the first one. */
uintptr_t assert_tiled(void *heap, size_t bytes, size_t used);

size_t largest_free(void *heap);
size_t used_blocks(void *heap);
struct list_header *header_of(void *block);

#endif
