/* content.c - memory for what was written, and for nothing else. */
#include "content.h"

#include <stdlib.h>
#include <string.h>

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Whether the content is, or will be, in one piece. */
static bool is_whole(const struct vma_range *mini, uint64_t start)
{
    return mini->is_pinned || mini->end - start <= VMA_PIECE;
}

/* --- in one piece --- */

static unsigned char *whole(struct vma_range *mini, uint64_t start, size_t *held)
{
    uint64_t size = mini->end - start;

    if (mini->content || size > PTRDIFF_MAX)
        return mini->content;
    mini->content = calloc(1, (size_t)size);
    if (mini->content)
        *held += (size_t)size;
    return mini->content;
}

/* --- in pieces --- */

static size_t pieces_held(const struct vma_ranges *pieces)
{
    return sizeof *pieces + pieces->count * VMA_PIECE + pieces->nodes * sizeof(struct vma_node);
}

/* The piece that holds address, made if there is none; a place without a leaf without memory. */
static struct vma_place piece_at(struct vma_ranges *pieces, uint64_t address)
{
    uint64_t start = address - address % VMA_PIECE;
    struct vma_place place = vma_ranges_from(pieces, address);

    if (place.leaf && vma_start(place) == start)
        return place;
    void *bytes = calloc(1, VMA_PIECE);
    /* The last of all addresses is in no arena. */
    uint64_t end = least(start + (VMA_PIECE - 1), UINT64_MAX - 1) + 1;
    if (!bytes || vma_ranges_add(pieces, start, end, &place) != VMA_OK) {
        free(bytes);
        return (struct vma_place){NULL, 0};
    }
    vma_range(place)->content = bytes;
    return place;
}

static enum vma_status write_pieces(struct vma_ranges *pieces, uint64_t address,
                                    const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        struct vma_place place = piece_at(pieces, address);
        if (!place.leaf)
            return VMA_NO_MEMORY;
        size_t offset = (size_t)(address - vma_start(place));
        size_t part = (size_t)least(VMA_PIECE - offset, size);
        memcpy((unsigned char *)vma_range(place)->content + offset, bytes, part);
        address += part;
        bytes += part;
        size -= part;
    }
    return VMA_OK;
}

static void free_pieces(struct vma_ranges *pieces, size_t *held)
{
    if (!pieces)
        return;
    *held -= pieces_held(pieces);
    struct vma_place place = vma_ranges_from(pieces, 0);
    for (; place.leaf; place = vma_ranges_next(place))
        free(vma_range(place)->content);
    vma_ranges_clear(pieces);
    free(pieces);
}

/* --- either --- */

enum vma_status content_write(struct vma_range *mini, uint64_t start, uint64_t address,
                              const unsigned char *bytes, size_t size, size_t *held)
{
    if (is_whole(mini, start)) {
        unsigned char *content = whole(mini, start, held);
        if (content)
            memcpy(content + (address - start), bytes, size);
        return content ? VMA_OK : VMA_NO_MEMORY;
    }
    if (mini->content) {
        *held -= pieces_held(mini->content);
    } else {
        mini->content = calloc(1, sizeof(struct vma_ranges));
        if (!mini->content)
            return VMA_NO_MEMORY;
    }
    enum vma_status status = write_pieces(mini->content, address, bytes, size);
    *held += pieces_held(mini->content);
    return status;
}

bool content_next(const struct vma_range *mini, uint64_t start, uint64_t address, uint64_t end,
                  struct vma_piece *piece)
{
    const unsigned char *bytes = mini->content;
    uint64_t last = mini->end;

    if (!bytes)
        return false;
    if (!is_whole(mini, start)) {
        struct vma_place place = vma_ranges_from(mini->content, address);
        if (!place.leaf)
            return false;
        start = vma_start(place);
        last = vma_range(place)->end;
        bytes = vma_range(place)->content;
    }
    piece->address = address > start ? address : start;
    if (piece->address >= end)
        return false;
    piece->bytes = bytes + (piece->address - start);
    piece->size = (size_t)(least(last, end) - piece->address);
    return true;
}

unsigned char *content_pin(struct vma_range *mini, uint64_t start, size_t *held)
{
    struct vma_range pinned = *mini;
    struct vma_piece piece;
    uint64_t from = start;

    if (is_whole(mini, start))
        return whole(mini, start, held);
    pinned.is_pinned = true;
    pinned.content = NULL;
    unsigned char *bytes = whole(&pinned, start, held);
    if (!bytes)
        return NULL;
    for (; content_next(mini, start, from, mini->end, &piece); from = piece.address + piece.size)
        memcpy(bytes + (piece.address - start), piece.bytes, piece.size);
    free_pieces(mini->content, held);
    *mini = pinned;
    return bytes;
}

void content_free(struct vma_range *mini, uint64_t start, size_t *held)
{
    if (!is_whole(mini, start)) {
        free_pieces(mini->content, held);
        return;
    }
    if (mini->content)
        *held -= (size_t)(mini->end - start);
    free(mini->content);
}
