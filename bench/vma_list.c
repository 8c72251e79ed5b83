/* vma_list.c - two linked lists, walked from the front. */
#include "vma_list.h"

#include <stdlib.h>

struct mini {
    struct mini *next;
    uint64_t start, end;
};

struct block {
    struct block *next;
    struct mini *first;
    uint64_t start, end;
};

struct vma_list {
    struct block *first;
};

struct vma_list *vma_list_open(void)
{
    return calloc(1, sizeof(struct vma_list));
}

static void free_block(struct block *block)
{
    while (block->first) {
        struct mini *next = block->first->next;
        free(block->first);
        block->first = next;
    }
    free(block);
}

void vma_list_close(struct vma_list *list)
{
    while (list->first) {
        struct block *next = list->first->next;
        free_block(list->first);
        list->first = next;
    }
    free(list);
}

/* Appends the miniblocks of the next block to this one's. */
static void join_next(struct block *block)
{
    struct block *next = block->next;
    struct mini **end = &block->first;

    while (*end)
        end = &(*end)->next;
    *end = next->first;
    block->end = next->end;
    block->next = next->next;
    free(next);
}

bool vma_list_alloc(struct vma_list *list, uint64_t address, uint64_t size)
{
    struct block **link = &list->first, *before = NULL;
    uint64_t end = address + size;

    while (*link && (*link)->end <= address) {
        before = *link;
        link = &(*link)->next;
    }
    if (*link && (*link)->start < end)
        return false;
    struct block *block = calloc(1, sizeof *block);
    block->first = calloc(1, sizeof *block->first);
    block->start = block->first->start = address;
    block->end = block->first->end = end;
    block->next = *link;
    *link = block;
    if (block->next && block->next->start == end)
        join_next(block);
    if (before && before->end == address)
        join_next(before);
    return true;
}

/* Takes `mini`, which *link points to, out of block; what is behind it becomes a block of its own. */
static void take_out(struct block **at, struct mini **link)
{
    struct block *block = *at;
    struct mini *mini = *link, *behind = mini->next;

    *link = NULL;
    if (behind) {
        struct block *rest = calloc(1, sizeof *rest);
        *rest = (struct block){block->next, behind, behind->start, block->end};
        block->next = rest;
    }
    block->end = mini->start;
    free(mini);
    if (!block->first) {
        *at = block->next;
        free(block);
    }
}

bool vma_list_free(struct vma_list *list, uint64_t address)
{
    struct block **at = &list->first;

    while (*at && (*at)->end <= address)
        at = &(*at)->next;
    if (!*at || (*at)->start > address)
        return false;
    struct mini **link = &(*at)->first;
    while (*link && (*link)->start != address)
        link = &(*link)->next;
    if (!*link)
        return false;
    take_out(at, link);
    return true;
}

uint64_t vma_list_span(const struct vma_list *list, uint64_t address, uint64_t size)
{
    const struct block *block = list->first;

    while (block && block->end <= address)
        block = block->next;
    if (!block || block->start > address)
        return 0;
    return size < block->end - address ? size : block->end - address;
}
