/*
 * tree.h - ranges of addresses that do not overlap, in a balanced tree (AVL).
 *
 * A node is part of what it stands for. Each knows the lowest and the highest address below it and the largest
 * gap between its ranges, so that the first gap that is large enough is found without a walk. O(log n).
 *
 * Idea: G. Adelson-Velsky and E. Landis, An algorithm for the organization of information, 1962.
 */
#ifndef VMA_TREE_H
#define VMA_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vma_node {
    struct vma_node *left, *right;
    uint64_t start, end;
    uint64_t lowest, highest; /* of the subtree */
    uint64_t gap;             /* the largest between two ranges of the subtree */
    uint8_t height;
    uint8_t permission; /* of a miniblock */
    uint8_t is_pinned;  /* its content is in one piece */
};

/* Adds a node whose range overlaps none. */
struct vma_node *vma_tree_add(struct vma_node *root, struct vma_node *node);
/* Takes the node out that begins at start; there is one. */
struct vma_node *vma_tree_remove(struct vma_node *root, uint64_t start);
/* The node that holds address, or NULL. */
struct vma_node *vma_tree_find(struct vma_node *root, uint64_t address);
/* The first node that ends behind address, or NULL. */
struct vma_node *vma_tree_from(struct vma_node *root, uint64_t address);
/*
 * The lowest start >= from, a multiple of align, of `size` free bytes that end at or before `end`. O(log n) where
 * align is 1; else gaps that are too small only by their alignment are looked at too.
 */
bool vma_tree_gap(const struct vma_node *root, uint64_t from, uint64_t end, uint64_t size,
                  uint64_t align, uint64_t *start);

#endif
