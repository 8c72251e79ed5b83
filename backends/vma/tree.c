/* tree.c - balanced trees of ranges, by recursion as deep as they are high: at most 1.44 log2 n. */
#include "tree.h"

static unsigned height(const struct vma_node *node)
{
    return node ? node->height : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Computes what a node knows of its subtree from its children. */
static void update(struct vma_node *node)
{
    const struct vma_node *left = node->left, *right = node->right;

    node->height = (uint8_t)(1 + larger(height(left), height(right)));
    node->lowest = left ? left->lowest : node->start;
    node->highest = right ? right->highest : node->end;
    node->gap = 0;
    if (left)
        node->gap = larger(left->gap, node->start - left->highest);
    if (right)
        node->gap = larger(node->gap, larger(right->gap, right->lowest - node->end));
}

static struct vma_node *rotate_right(struct vma_node *node)
{
    struct vma_node *left = node->left;

    node->left = left->right;
    left->right = node;
    update(node);
    update(left);
    return left;
}

static struct vma_node *rotate_left(struct vma_node *node)
{
    struct vma_node *right = node->right;

    node->right = right->left;
    right->left = node;
    update(node);
    update(right);
    return right;
}

/* The root of the subtree after one of its children became higher or lower by one. */
static struct vma_node *balance(struct vma_node *node)
{
    if (height(node->left) > height(node->right) + 1) {
        if (height(node->left->left) < height(node->left->right))
            node->left = rotate_left(node->left);
        return rotate_right(node);
    }
    if (height(node->right) > height(node->left) + 1) {
        if (height(node->right->right) < height(node->right->left))
            node->right = rotate_right(node->right);
        return rotate_left(node);
    }
    update(node);
    return node;
}

struct vma_node *vma_tree_add(struct vma_node *root, struct vma_node *node)
{
    if (!root) {
        node->left = node->right = NULL;
        update(node);
        return node;
    }
    if (node->start < root->start)
        root->left = vma_tree_add(root->left, node);
    else
        root->right = vma_tree_add(root->right, node);
    return balance(root);
}

/* Takes the leftmost node out of a subtree, into *first. */
static struct vma_node *remove_first(struct vma_node *root, struct vma_node **first)
{
    if (!root->left) {
        *first = root;
        return root->right;
    }
    root->left = remove_first(root->left, first);
    return balance(root);
}

struct vma_node *vma_tree_remove(struct vma_node *root, uint64_t start)
{
    if (start < root->start) {
        root->left = vma_tree_remove(root->left, start);
    } else if (start > root->start) {
        root->right = vma_tree_remove(root->right, start);
    } else {
        struct vma_node *left = root->left, *right = root->right, *next;
        if (!right)
            return left;
        right = remove_first(right, &next);
        next->left = left;
        next->right = right;
        root = next;
    }
    return balance(root);
}

struct vma_node *vma_tree_find(struct vma_node *root, uint64_t address)
{
    while (root && (address < root->start || address >= root->end))
        root = address < root->start ? root->left : root->right;
    return root;
}

struct vma_node *vma_tree_from(struct vma_node *root, uint64_t address)
{
    struct vma_node *best = NULL;

    while (root) {
        if (root->end > address) {
            best = root;
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return best;
}

/* Whether size bytes at a multiple of align fit into [from, end). */
static bool fits(uint64_t from, uint64_t end, uint64_t size, uint64_t align, uint64_t *start)
{
    uint64_t pad = -from & (align - 1);

    if (end < from || end - from < pad || end - from - pad < size)
        return false;
    *start = from + pad;
    return true;
}

bool vma_tree_gap(const struct vma_node *root, uint64_t from, uint64_t end, uint64_t size,
                  uint64_t align, uint64_t *start)
{
    if (!root)
        return fits(from, end, size, align, start);
    /* The gaps before the subtree, in it, and behind it: none is large enough, none is looked at. */
    if (root->gap < size && (root->lowest < from || root->lowest - from < size) &&
        (end < root->highest || end - root->highest < size))
        return false;
    return vma_tree_gap(root->left, from, root->start, size, align, start) ||
           vma_tree_gap(root->right, root->end, end, size, align, start);
}
