/*
 * vma_list.h - a virtual memory arena as a list of blocks, each with a list of miniblocks: what one writes first, and
 * what vma is measured against. Without permissions or content. Every operation is linear in the blocks.
 */
#ifndef BENCH_VMA_LIST_H
#define BENCH_VMA_LIST_H

#include <stdbool.h>
#include <stdint.h>

struct vma_list;

struct vma_list *vma_list_open(void);
void vma_list_close(struct vma_list *list);
/* false if some of the range is taken. */
bool vma_list_alloc(struct vma_list *list, uint64_t address, uint64_t size);
bool vma_list_free(struct vma_list *list, uint64_t address);
/* How much of the range lies in its block; 0 if the address is in none. */
uint64_t vma_list_span(const struct vma_list *list, uint64_t address, uint64_t size);

#endif
