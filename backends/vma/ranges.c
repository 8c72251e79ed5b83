/*
 * ranges.c - looks up, adds and removes along one path, from the root to a leaf.
 *
 * What an inner node says of its children is exact, also at the edges; so an address below the first key of a leaf
 * is below all ranges. After a change it is mended upwards, to the first node for which nothing changed.
 */
#include "ranges.h"

#include <stdlib.h>
#include <string.h>

#define LINE 64 /* of a cache */
/* VMA_LEAST to this power, times the size of a node, is more than there are addresses of memory. */
#define HIGHEST 15

_Static_assert(sizeof(struct vma_node) <= 1024, "a node has no more than 1 KiB");
_Static_assert(offsetof(struct vma_below, end) == offsetof(struct vma_range, end),
               "an entry ends in one place, whatever it stands for");

/* The nodes from a leaf, at 0, to the root, and which entry of each is meant. */
struct step {
    struct vma_node *node;
    unsigned at;
};
struct path {
    struct step steps[HIGHEST + 1];
};

/* --- looking up --- */

/* How many keys are at most `address`, by no branch. The first line of four is chosen, then the keys in it. */
static unsigned rank(const struct vma_node *node, uint64_t address)
{
    const uint64_t *keys = node->keys;
    unsigned line =
        8u * ((keys[8] <= address) + (keys[16] <= address) + (unsigned)(keys[24] <= address));
    unsigned count = line;

    for (unsigned i = 0; i < 8; i++)
        count += keys[line + i] <= address;
    return count;
}

/* No range begins at the last address, whose rank would count what is behind the keys. */
static uint64_t any_start(uint64_t address)
{
    return address - (address == UINT64_MAX);
}

/* Asks for all lines of a leaf at one time: which of them is needed is known only after a wait for the keys. */
static void fetch(const struct vma_node *leaf)
{
    for (size_t line = 0; line < sizeof *leaf; line += LINE)
        __builtin_prefetch((const char *)leaf + line);
}

/* The last child that begins at or before address, or the first. */
static unsigned child_at(const struct vma_node *node, uint64_t address)
{
    unsigned count = rank(node, address);

    return count - (count > 0);
}

/* Whether the place is the one behind the last entry of its leaf. */
static struct vma_place settle(struct vma_place place)
{
    if (place.index == place.leaf->count)
        return (struct vma_place){place.leaf->behind, 0};
    return place;
}

struct vma_place vma_ranges_from(const struct vma_ranges *ranges, uint64_t address)
{
    struct vma_node *node = ranges->root;

    if (!node)
        return (struct vma_place){NULL, 0};
    for (unsigned level = ranges->height; level > 0; level--)
        node = node->entries[child_at(node, any_start(address))].below.child;
    fetch(node);
    unsigned count = rank(node, any_start(address));
    if (count > 0 && node->entries[count - 1].range.end > address)
        count--;
    return settle((struct vma_place){node, count});
}

struct vma_place vma_ranges_next(struct vma_place place)
{
    return settle((struct vma_place){place.leaf, place.index + 1});
}

/* The path to where a range that begins at `start` is, or would be behind the one at the path's end. */
static void descend(const struct vma_ranges *ranges, uint64_t start, struct path *path)
{
    struct vma_node *node = ranges->root;

    for (unsigned level = ranges->height; level > 0; level--) {
        unsigned at = child_at(node, start);
        path->steps[level] = (struct step){node, at};
        node = node->entries[at].below.child;
    }
    fetch(node);
    path->steps[0] = (struct step){node, rank(node, start)};
}

/* --- nodes --- */

static struct vma_node *make_node(struct vma_ranges *ranges)
{
    size_t size = (sizeof(struct vma_node) + LINE - 1) / LINE * LINE;
    struct vma_node *node = aligned_alloc(LINE, size);

    if (!node)
        return NULL;
    memset(node->keys, 0xff, sizeof node->keys);
    node->count = 0;
    node->behind = NULL;
    ranges->nodes++;
    return node;
}

static void end_node(struct vma_ranges *ranges, struct vma_node *node)
{
    ranges->nodes--;
    free(node);
}

/* Moves `count` entries, from those at `from` to those at `to`; the counts of the nodes stay. */
static void move(struct vma_node *to, unsigned to_at, const struct vma_node *from, unsigned from_at,
                 unsigned count)
{
    memmove(&to->keys[to_at], &from->keys[from_at], count * sizeof *to->keys);
    memmove(&to->entries[to_at], &from->entries[from_at], count * sizeof *to->entries);
}

static void set_count(struct vma_node *node, unsigned count)
{
    for (unsigned i = count; i < node->count; i++)
        node->keys[i] = UINT64_MAX;
    node->count = count;
}

static void open_entry(struct vma_node *node, unsigned at)
{
    move(node, at + 1, node, at, node->count - at);
    node->count++;
}

static void close_entry(struct vma_node *node, unsigned at)
{
    move(node, at, node, at + 1, node->count - at - 1);
    set_count(node, node->count - 1);
}

static uint64_t largest_gap(const struct vma_node *node, unsigned level)
{
    uint64_t largest = 0;

    for (unsigned i = 0; i < node->count; i++) {
        uint64_t gap = i > 0 ? node->keys[i] - node->entries[i - 1].range.end : 0;
        if (level > 0 && node->entries[i].below.gap > gap)
            gap = node->entries[i].below.gap;
        if (gap > largest)
            largest = gap;
    }
    return largest;
}

/* Lets entry `at` of a node say what is so of its child, which is at `level`; false if it did. */
static bool describe(struct vma_node *node, unsigned at, struct vma_node *child, unsigned level)
{
    struct vma_below *below = &node->entries[at].below;
    struct vma_below now = {child->entries[child->count - 1].range.end, child,
                            largest_gap(child, level)};

    if (node->keys[at] == child->keys[0] && below->child == child && below->end == now.end &&
        below->gap == now.gap)
        return false;
    node->keys[at] = child->keys[0];
    *below = now;
    return true;
}

/* Describes the node at `level` of the path, and those above it, as far as something changes. */
static void describe_path(const struct vma_ranges *ranges, struct path *path, unsigned level)
{
    for (; level < ranges->height; level++) {
        const struct step *up = &path->steps[level + 1];
        if (!describe(up->node, up->at, path->steps[level].node, level))
            return;
    }
}

/*
 * Whether that changes nothing, where the leaf's entry is new, or is about to go. If others are on both sides, the leaf's description
 * changes only if the hole between them is, or becomes, its largest gap.
 */
static bool is_described(const struct vma_ranges *ranges, const struct path *path)
{
    const struct vma_node *leaf = path->steps[0].node;
    unsigned at = path->steps[0].at;

    if (ranges->height == 0)
        return true;
    if (at == 0 || at + 1 == leaf->count)
        return false;
    const struct step *up = &path->steps[1];
    return leaf->keys[at + 1] - leaf->entries[at - 1].range.end <
           up->node->entries[up->at].below.gap;
}

/* --- adding --- */

/* Puts a root of one entry above the root. */
static bool raise(struct vma_ranges *ranges, struct path *path)
{
    struct vma_node *root = make_node(ranges);

    if (!root)
        return false;
    root->count = 1;
    describe(root, 0, ranges->root, ranges->height);
    ranges->root = root;
    ranges->height++;
    path->steps[ranges->height] = (struct step){root, 0};
    return true;
}

/*
 * Makes room for an entry in the node at `level`, by splitting it, so that the path leads to the half which the
 * entry belongs to. All memory is taken before anything changes.
 */
static bool make_room(struct vma_ranges *ranges, struct path *path, unsigned level)
{
    struct step *step = &path->steps[level], *up = step + 1;
    struct vma_node *left = step->node;
    const unsigned half = (VMA_FAN + 1) / 2;

    if (left->count < VMA_FAN)
        return true;
    struct vma_node *right = make_node(ranges);
    if (!right)
        return false;
    if (level == ranges->height ? !raise(ranges, path) : !make_room(ranges, path, level + 1)) {
        end_node(ranges, right);
        return false;
    }
    move(right, 0, left, half, VMA_FAN - half);
    right->count = VMA_FAN - half;
    set_count(left, half);
    right->behind = left->behind;
    left->behind = right;
    open_entry(up->node, up->at + 1);
    describe(up->node, up->at, left, level);
    describe(up->node, up->at + 1, right, level);
    if (step->at >= half) {
        *step = (struct step){right, step->at - half};
        up->at++;
    }
    return true;
}

/* The end of the last range before the path's place; 0 if there is none. */
static uint64_t end_before(const struct vma_ranges *ranges, const struct path *path)
{
    for (unsigned level = 0; level <= ranges->height; level++) {
        const struct step *step = &path->steps[level];
        if (step->at > 0)
            return step->node->entries[step->at - 1].range.end;
    }
    return 0;
}

/* Of how many ranges, before the path's place and at `next`, [start, end) is the continuation. */
static unsigned touching(const struct vma_ranges *ranges, const struct path *path, uint64_t start,
                         uint64_t end, struct vma_place next)
{
    return (start > 0 && end_before(ranges, path) == start) +
           (unsigned)(next.leaf && vma_start(next) == end);
}

enum vma_status vma_ranges_add(struct vma_ranges *ranges, uint64_t start, uint64_t end,
                               struct vma_place *place)
{
    struct path path;
    struct step *step = path.steps;

    if (!ranges->root)
        ranges->root = make_node(ranges);
    if (!ranges->root)
        return VMA_NO_MEMORY;
    descend(ranges, start, &path);
    struct vma_place next = settle((struct vma_place){step->node, step->at});
    if (end_before(ranges, &path) > start || (next.leaf && vma_start(next) < end))
        return VMA_OVERLAP;
    unsigned touches = touching(ranges, &path, start, end, next);
    if (!make_room(ranges, &path, 0))
        return VMA_NO_MEMORY;
    *place = (struct vma_place){step->node, step->at};
    open_entry(place->leaf, place->index);
    place->leaf->keys[place->index] = start;
    *vma_range(*place) = (struct vma_range){.end = end};
    if (!is_described(ranges, &path))
        describe_path(ranges, &path, 0);
    ranges->count++;
    ranges->runs = ranges->runs + 1 - touches;
    return VMA_OK;
}

/* --- removing --- */

/* Entries `at` and at + 1 of a node lead to too few: lets both have the same, or one all, at `level`. */
static void even(struct vma_ranges *ranges, struct vma_node *node, unsigned at, unsigned level)
{
    struct vma_node *left = node->entries[at].below.child;
    struct vma_node *right = node->entries[at + 1].below.child;
    unsigned sum = left->count + right->count, first = left->count;

    if (sum <= VMA_FAN) {
        move(left, first, right, 0, right->count);
        left->count = sum;
        left->behind = right->behind;
        end_node(ranges, right);
        close_entry(node, at + 1);
        describe(node, at, left, level);
        return;
    }
    if (first < sum / 2) {
        unsigned count = sum / 2 - first;
        move(left, first, right, 0, count);
        left->count += count;
        move(right, 0, right, count, right->count - count);
        set_count(right, right->count - count);
    } else {
        unsigned count = first - sum / 2;
        move(right, count, right, 0, right->count);
        move(right, 0, left, sum / 2, count);
        right->count += count;
        set_count(left, sum / 2);
    }
    describe(node, at, left, level);
    describe(node, at + 1, right, level);
}

/* Mends what the removal of an entry of the path's leaf left too empty. */
static void mend(struct vma_ranges *ranges, struct path *path)
{
    unsigned level = 0;

    for (; level < ranges->height && path->steps[level].node->count < VMA_LEAST; level++) {
        const struct step *up = &path->steps[level + 1];
        even(ranges, up->node, up->at - (up->at > 0), level);
    }
    describe_path(ranges, path, level);
    while (ranges->height > 0 && ranges->root->count == 1) {
        struct vma_node *root = ranges->root;
        ranges->root = root->entries[0].below.child;
        ranges->height--;
        end_node(ranges, root);
    }
    if (ranges->root->count == 0)
        vma_ranges_clear(ranges);
}

bool vma_ranges_remove(struct vma_ranges *ranges, uint64_t start, struct vma_range *removed)
{
    struct path path;
    struct step *step = path.steps;

    if (!ranges->root)
        return false;
    descend(ranges, any_start(start), &path);
    if (step->at == 0 || step->node->keys[step->at - 1] != start)
        return false;
    step->at--;
    struct vma_place place = {step->node, step->at};
    *removed = *vma_range(place);
    __builtin_prefetch(removed->content); /* about to be freed */
    bool was_described = is_described(ranges, &path);
    ranges->runs =
        ranges->runs + touching(ranges, &path, start, removed->end, vma_ranges_next(place)) - 1;
    ranges->count--;
    close_entry(step->node, step->at);
    if (!was_described || step->node->count < VMA_LEAST)
        mend(ranges, &path);
    return true;
}
