/* content.c - memory for what was written, and for nothing else. */
#include "content.h"

#include <stdlib.h>
#include <string.h>

struct piece {
    struct vma_node node; /* the first member */
    unsigned char bytes[VMA_PIECE];
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- in one piece --- */

static unsigned char *whole(struct vma_mini *mini, size_t *held)
{
    uint64_t size = mini->node.end - mini->node.start;

    if (mini->content.bytes || size > PTRDIFF_MAX)
        return mini->content.bytes;
    mini->content.bytes = calloc(1, (size_t)size);
    if (mini->content.bytes)
        *held += (size_t)size;
    return mini->content.bytes;
}

/* --- in pieces --- */

/* The piece that holds address, made if there is none; NULL without memory. */
static struct piece *piece_at(struct vma_mini *mini, uint64_t address, size_t *held)
{
    struct piece *piece = (struct piece *)vma_tree_find(mini->content.pieces, address);

    if (piece)
        return piece;
    piece = calloc(1, sizeof *piece);
    if (!piece)
        return NULL;
    *held += sizeof *piece;
    piece->node.start = address - address % VMA_PIECE;
    piece->node.end = piece->node.start + (VMA_PIECE - 1) + 1;
    if (piece->node.end == 0) /* the last of all addresses is in no arena */
        piece->node.end = UINT64_MAX;
    mini->content.pieces = vma_tree_add(mini->content.pieces, &piece->node);
    return piece;
}

static bool write_pieces(struct vma_mini *mini, uint64_t address, const unsigned char *bytes,
                         size_t size, size_t *held)
{
    while (size > 0) {
        struct piece *piece = piece_at(mini, address, held);
        if (!piece)
            return false;
        size_t offset = (size_t)(address - piece->node.start);
        size_t part = (size_t)least(VMA_PIECE - offset, size);
        memcpy(piece->bytes + offset, bytes, part);
        address += part;
        bytes += part;
        size -= part;
    }
    return true;
}

static void free_pieces(struct vma_node *root, size_t *held)
{
    if (!root)
        return;
    free_pieces(root->left, held);
    free_pieces(root->right, held);
    *held -= sizeof(struct piece);
    free(root);
}

/* --- either --- */

bool content_write(struct vma_mini *mini, uint64_t address, const unsigned char *bytes, size_t size,
                   size_t *held)
{
    if (!content_is_whole(mini))
        return write_pieces(mini, address, bytes, size, held);
    unsigned char *content = whole(mini, held);
    if (content)
        memcpy(content + (address - mini->node.start), bytes, size);
    return content != NULL;
}

bool content_next(const struct vma_mini *mini, uint64_t address, uint64_t end,
                  struct vma_piece *piece)
{
    const unsigned char *bytes = mini->content.bytes;
    uint64_t start = mini->node.start, last = mini->node.end;

    if (!content_is_whole(mini)) {
        const struct piece *found = (struct piece *)vma_tree_from(mini->content.pieces, address);
        if (!found)
            return false;
        bytes = found->bytes;
        start = found->node.start;
        last = least(found->node.end, last);
    }
    if (!bytes || start >= end)
        return false;
    piece->address = address > start ? address : start;
    piece->bytes = bytes + (piece->address - start);
    piece->size = (size_t)(least(last, end) - piece->address);
    return true;
}

unsigned char *content_pin(struct vma_mini *mini, size_t *held)
{
    struct vma_mini pinned = *mini;
    struct vma_piece piece;
    uint64_t from = mini->node.start;

    if (content_is_whole(mini))
        return whole(mini, held);
    pinned.node.is_pinned = true;
    pinned.content.bytes = NULL;
    if (!whole(&pinned, held))
        return NULL;
    for (; content_next(mini, from, mini->node.end, &piece); from = piece.address + piece.size)
        memcpy(pinned.content.bytes + (piece.address - mini->node.start), piece.bytes, piece.size);
    free_pieces(mini->content.pieces, held);
    mini->node.is_pinned = true;
    mini->content.bytes = pinned.content.bytes;
    return mini->content.bytes;
}

void content_free(struct vma_mini *mini, size_t *held)
{
    if (!content_is_whole(mini)) {
        free_pieces(mini->content.pieces, held);
        return;
    }
    if (mini->content.bytes)
        *held -= (size_t)(mini->node.end - mini->node.start);
    free(mini->content.bytes);
}
