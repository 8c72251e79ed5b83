/* ranges_walk.c - what goes down more than one path: gaps, the end of a tree, and its audit. */
#include "ranges.h"

#include <stdlib.h>

/* --- gaps --- */

/* Whether size bytes at a multiple of align fit into [from, end). */
static bool fits(uint64_t from, uint64_t end, uint64_t size, uint64_t align, uint64_t *start)
{
    uint64_t pad = -from & (align - 1);

    if (end - from < pad || end - from - pad < size)
        return false;
    *start = from + pad;
    return true;
}

/* Between the ranges below a node. */
static bool gap_in(const struct vma_node *node, unsigned level, uint64_t size, uint64_t align,
                   uint64_t *start)
{
    for (unsigned i = 0; i < node->count; i++) {
        const struct vma_below *below = &node->entries[i].below;
        if (level > 0 && below->gap >= size && gap_in(below->child, level - 1, size, align, start))
            return true;
        if (i + 1 < node->count && fits(below->end, node->keys[i + 1], size, align, start))
            return true;
    }
    return false;
}

bool vma_ranges_gap(const struct vma_ranges *ranges, uint64_t end, uint64_t size, uint64_t align,
                    uint64_t *start)
{
    const struct vma_node *root = ranges->root;

    if (!root)
        return fits(0, end, size, align, start);
    return fits(0, root->keys[0], size, align, start) ||
           gap_in(root, ranges->height, size, align, start) ||
           fits(root->entries[root->count - 1].below.end, end, size, align, start);
}

/* --- the end --- */

static void end_nodes(struct vma_node *node, unsigned level)
{
    for (unsigned i = 0; level > 0 && i < node->count; i++)
        end_nodes(node->entries[i].below.child, level - 1);
    free(node);
}

void vma_ranges_clear(struct vma_ranges *ranges)
{
    if (ranges->root)
        end_nodes(ranges->root, ranges->height);
    *ranges = (struct vma_ranges){0};
}

/* --- the audit --- */

/* What the nodes have in all, gathered from the left. */
struct audit {
    const struct vma_node *leaf; /* the last one */
    uint64_t end;                /* of the last range */
    size_t count, runs, nodes;
    const char *damage;
};

static void blame(struct audit *audit, bool is_wrong, const char *sentence)
{
    if (is_wrong && !audit->damage)
        audit->damage = sentence;
}

static void audit_leaf(struct audit *audit, const struct vma_node *leaf)
{
    blame(audit, audit->leaf && audit->leaf->behind != leaf, "a leaf does not know the next one");
    for (unsigned i = 0; i < leaf->count; i++) {
        uint64_t start = leaf->keys[i], end = leaf->entries[i].range.end;
        blame(audit, start >= end, "a range is empty");
        blame(audit, start < audit->end, "two ranges overlap");
        audit->runs += audit->count == 0 || start != audit->end;
        audit->count++;
        audit->end = end;
    }
    audit->leaf = leaf;
}

/* Gathers a node's leaves; gives what its parent must say of it. */
static struct vma_below audit_node(struct audit *audit, struct vma_node *node, unsigned level)
{
    struct vma_below is = {0, node, 0};

    audit->nodes++;
    for (unsigned i = node->count; i <= VMA_FAN; i++)
        blame(audit, node->keys[i] != UINT64_MAX, "a key stands behind the last one");
    for (unsigned i = 0; i < node->count && !audit->damage; i++) {
        const struct vma_below *below = &node->entries[i].below;
        if (i > 0 && node->keys[i] - is.end > is.gap)
            is.gap = node->keys[i] - is.end;
        is.end = below->end;
        if (level == 0)
            continue;
        struct vma_below child = audit_node(audit, below->child, level - 1);
        blame(audit, below->child->count < VMA_LEAST, "a node is less than half full");
        blame(audit, node->keys[i] != below->child->keys[0], "a node begins elsewhere");
        blame(audit, below->end != child.end, "a node ends elsewhere");
        blame(audit, below->gap != child.gap, "the largest gap of a node is another one");
        if (child.gap > is.gap)
            is.gap = child.gap;
    }
    if (level == 0)
        audit_leaf(audit, node);
    return is;
}

const char *vma_ranges_damage(const struct vma_ranges *ranges)
{
    struct audit audit = {0};

    if (ranges->root) {
        audit_node(&audit, ranges->root, ranges->height);
        blame(&audit, ranges->root->count < 1 + (ranges->height > 0), "a root is not needed");
        blame(&audit, audit.leaf && audit.leaf->behind, "the last leaf knows another one");
    }
    blame(&audit, audit.count != ranges->count, "the number of ranges is another one");
    blame(&audit, audit.runs != ranges->runs, "the number of runs is another one");
    blame(&audit, audit.nodes != ranges->nodes, "the number of nodes is another one");
    return audit.damage;
}
