/*
 * content.h - what was written to a miniblock: in one piece if it is small or pinned, else in pieces where something
 * was written.
 */
#ifndef VMA_CONTENT_H
#define VMA_CONTENT_H

#include "tree.h"
#include "vma.h"

/* A miniblock up to this size has its content in one piece, from its first write on. */
#define VMA_PIECE 4096

struct vma_mini {
    struct vma_node node; /* the first member */
    union {
        unsigned char *bytes;    /* one piece, all of the miniblock, or NULL */
        struct vma_node *pieces; /* each at a multiple of VMA_PIECE */
    } content;
};

/* Whether the content is, or will be, in one piece. */
static inline bool content_is_whole(const struct vma_mini *mini)
{
    return mini->node.is_pinned || mini->node.end - mini->node.start <= VMA_PIECE;
}

/* Each counts the memory it takes, and gives back, in *held. */

/* Writes [address, address + size), which lies in the miniblock; false without memory, nothing is written then. */
bool content_write(struct vma_mini *mini, uint64_t address, const unsigned char *bytes, size_t size,
                   size_t *held);
bool content_next(const struct vma_mini *mini, uint64_t address, uint64_t end,
                  struct vma_piece *piece);
/* Brings all of it into one piece; NULL without memory. */
unsigned char *content_pin(struct vma_mini *mini, size_t *held);
void content_free(struct vma_mini *mini, size_t *held);

#endif
