/*
 * arena.c - miniblocks in one tree by address. Blocks are read off: two miniblocks that touch are of one block.
 */
#include "content.h"

#include <stdlib.h>

struct vma_arena {
    uint64_t size;
    uint64_t allocated;
    struct vma_node *miniblocks;
    size_t miniblock_count;
    size_t block_count;
    size_t held; /* memory for content */
    /* The miniblock found last, or NULL: what asks whether it may write there writes there next. */
    struct vma_node *last;
};

/* The miniblock that holds address, or NULL. */
static struct vma_node *holder(const struct vma_arena *arena, uint64_t address)
{
    struct vma_node *last = arena->last;

    if (last && address >= last->start && address < last->end)
        return last;
    struct vma_node *node = vma_tree_find(arena->miniblocks, address);
    if (node)
        ((struct vma_arena *)(uintptr_t)arena)->last = node; /* a memory, no part of what it is */
    return node;
}

static struct vma_mini *mini_of(struct vma_node *node)
{
    return (struct vma_mini *)node;
}

struct vma_arena *vma_open(uint64_t size)
{
    struct vma_arena *arena = calloc(1, sizeof *arena);

    if (arena)
        arena->size = size;
    return arena;
}

static void free_miniblocks(struct vma_arena *arena, struct vma_node *root)
{
    if (!root)
        return;
    free_miniblocks(arena, root->left);
    free_miniblocks(arena, root->right);
    content_free(mini_of(root), &arena->held);
    free(root);
}

void vma_close(struct vma_arena *arena)
{
    if (!arena)
        return;
    free_miniblocks(arena, arena->miniblocks);
    free(arena);
}

/* --- miniblocks --- */

/* How many of the addresses beside [start, end) are allocated: of a block that touches it. */
static size_t neighbours(const struct vma_arena *arena, uint64_t start, uint64_t end)
{
    return (start > 0 && vma_tree_find(arena->miniblocks, start - 1)) +
           (vma_tree_find(arena->miniblocks, end) != NULL);
}

static struct vma_mini *begins_at(const struct vma_arena *arena, uint64_t address)
{
    struct vma_node *node = holder(arena, address);

    return node && node->start == address ? mini_of(node) : NULL;
}

enum vma_status vma_alloc(struct vma_arena *arena, uint64_t address, uint64_t size)
{
    if (size == 0)
        return VMA_INVALID;
    if (address >= arena->size)
        return VMA_OUTSIDE;
    if (size > arena->size - address)
        return VMA_PAST_END;
    uint64_t end = address + size;
    const struct vma_node *next = vma_tree_from(arena->miniblocks, address);
    if (next && next->start < end)
        return VMA_OVERLAP;
    struct vma_mini *mini = calloc(1, sizeof *mini);
    if (!mini)
        return VMA_NO_MEMORY;
    mini->node.start = address;
    mini->node.end = end;
    mini->node.permission = VMA_READ | VMA_WRITE;
    arena->block_count = arena->block_count + 1 - neighbours(arena, address, end);
    arena->miniblock_count++;
    arena->allocated += size;
    arena->miniblocks = vma_tree_add(arena->miniblocks, &mini->node);
    return VMA_OK;
}

enum vma_status vma_free(struct vma_arena *arena, uint64_t address)
{
    struct vma_mini *mini = begins_at(arena, address);

    if (!mini)
        return VMA_BAD_ADDRESS;
    arena->miniblocks = vma_tree_remove(arena->miniblocks, address);
    arena->block_count = arena->block_count + neighbours(arena, address, mini->node.end) - 1;
    arena->miniblock_count--;
    arena->last = NULL;
    arena->allocated -= mini->node.end - address;
    content_free(mini, &arena->held);
    free(mini);
    return VMA_OK;
}

enum vma_status vma_protect(struct vma_arena *arena, uint64_t address, unsigned permission)
{
    struct vma_mini *mini = begins_at(arena, address);

    if (!mini)
        return VMA_BAD_ADDRESS;
    mini->node.permission = (uint8_t)(permission & (VMA_READ | VMA_WRITE | VMA_EXEC));
    return VMA_OK;
}

/* --- content --- */

enum vma_status vma_span(const struct vma_arena *arena, uint64_t address, uint64_t size,
                         unsigned permission, uint64_t *count, uint64_t *granted)
{
    const struct vma_node *node = holder(arena, address);
    enum vma_status status = VMA_OK;
    uint64_t at = address;

    if (!node)
        return VMA_BAD_ADDRESS;
    while (node && size > 0) {
        uint64_t part = node->end - at;
        if ((node->permission & permission) != permission && status == VMA_OK) {
            status = VMA_DENIED;
            if (granted)
                *granted = at - address;
        }
        at += part < size - (at - address) ? part : size - (at - address);
        node = at - address < size ? holder(arena, at) : NULL;
    }
    *count = at - address;
    if (status == VMA_OK && granted)
        *granted = *count;
    return status;
}

enum vma_status vma_write(struct vma_arena *arena, uint64_t address, const void *bytes, size_t size)
{
    const unsigned char *from = bytes;

    while (size > 0) {
        struct vma_node *node = holder(arena, address);
        if (!node)
            return VMA_BAD_ADDRESS;
        size_t part = node->end - address < size ? (size_t)(node->end - address) : size;
        if (!content_write(mini_of(node), address, from, part, &arena->held))
            return VMA_NO_MEMORY;
        address += part;
        from += part;
        size -= part;
    }
    return VMA_OK;
}

bool vma_next_piece(const struct vma_arena *arena, uint64_t address, uint64_t end,
                    struct vma_piece *piece)
{
    while (address < end) {
        struct vma_node *node = vma_tree_from(arena->miniblocks, address);
        if (!node || node->start >= end)
            return false;
        uint64_t from = address > node->start ? address : node->start;
        if (content_next(mini_of(node), from, end < node->end ? end : node->end, piece))
            return true;
        address = node->end;
    }
    return false;
}

unsigned char *vma_pin(struct vma_arena *arena, uint64_t address)
{
    struct vma_mini *mini = begins_at(arena, address);

    return mini ? content_pin(mini, &arena->held) : NULL;
}

/* --- what there is --- */

bool vma_next_miniblock(const struct vma_arena *arena, uint64_t address,
                        struct vma_miniblock *miniblock)
{
    const struct vma_node *node = vma_tree_from(arena->miniblocks, address);

    if (node && node->start < address)
        node = vma_tree_from(arena->miniblocks, node->end);
    if (!node)
        return false;
    *miniblock = (struct vma_miniblock){node->start, node->end, node->permission};
    return true;
}

/* Whether a miniblock ends where another begins, so that none of its block begins there. */
static bool is_continued(const struct vma_arena *arena, uint64_t start)
{
    return start > 0 && holder(arena, start - 1);
}

bool vma_next_block(const struct vma_arena *arena, uint64_t address, struct vma_block *block)
{
    struct vma_miniblock next;

    do {
        if (!vma_next_miniblock(arena, address, &next))
            return false;
        address = next.end;
    } while (is_continued(arena, next.start));
    *block = (struct vma_block){next.start, next.end, 0};
    do {
        block->end = next.end;
        block->miniblocks++;
    } while (vma_next_miniblock(arena, block->end, &next) && next.start == block->end);
    return true;
}

void vma_totals(const struct vma_arena *arena, struct vma_totals *totals)
{
    *totals = (struct vma_totals){.size = arena->size,
                                  .allocated = arena->allocated,
                                  .blocks = arena->block_count,
                                  .miniblocks = arena->miniblock_count,
                                  .content_bytes = arena->held};
}

bool vma_find_gap(const struct vma_arena *arena, uint64_t size, uint64_t align, uint64_t *address)
{
    return size > 0 && vma_tree_gap(arena->miniblocks, 0, arena->size, size, align, address);
}
