/*
 * content.h - what was written to a miniblock: in one piece if it is small or pinned, else in pieces where something
 * was written.
 */
#ifndef VMA_CONTENT_H
#define VMA_CONTENT_H

#include "ranges.h"

/* A miniblock up to this size has its content in one piece, from its first write on. */
#define VMA_PIECE 4096

/*
 * Each is told a miniblock by its range and its start, and counts the memory it takes, and gives back, in *held. The
 * range's content is that piece, or a struct vma_ranges of pieces, each at a multiple of VMA_PIECE; NULL while nothing
 * was written.
 */

/* Writes [address, address + size), which lies in the miniblock; VMA_NO_MEMORY may come half way. */
enum vma_status content_write(struct vma_range *mini, uint64_t start, uint64_t address,
                              const unsigned char *bytes, size_t size, size_t *held);
/* The first piece at or after address and before end, both of which lie in the miniblock; false if there is none. */
bool content_next(const struct vma_range *mini, uint64_t start, uint64_t address, uint64_t end,
                  struct vma_piece *piece);
/* Brings all of it into one piece; NULL without memory. */
unsigned char *content_pin(struct vma_range *mini, uint64_t start, size_t *held);
void content_free(struct vma_range *mini, uint64_t start, size_t *held);

#endif
