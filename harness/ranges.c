/*
 * ranges.c - disjoint address ranges in a B+ tree.
 *
 *            [ lows | children ]                 inner nodes, `height` levels of them
 *           /         |         \
 *     [ starts | ends | values ] <-> [ ... ]     leaves, linked in order
 *
 * No start below children[i] is under lows[i], which is 0 for i = 0, or at lows[i + 1] or above.
 *
 * Most searches do not go down the tree at all: a table of hints, indexed by address, says which leaf
 * was right the last time, and the bounds that each leaf keeps tell whether it still is.
 *
 * A node that falls below a quarter joins a neighbour where both together leave a quarter free, and
 * an empty one goes; so nodes cannot split and join in turns, and a tree of n ranges has about n / 3
 * leaves at most. Nodes are numbers in one book; those given back are used again.
 */
#include "assay/ranges.h"

#include "ranges_node.h"

#include "assay/books.h"

#include <assert.h>

#define MAX_RANGES ((size_t)1 << 24)
#define MAX_NODES ((size_t)1 << 23)
#define MAX_HEIGHT 14
#define HINTS ((size_t)1 << 16)
#define HINT_SHIFT 8 /* one hint for 256 bytes of addresses, modulo the table */

struct assay_ranges {
    struct node *nodes;
    size_t count;
    uint32_t root;
    uint32_t height;
    uint32_t used_nodes; /* nodes[used_nodes ...] were never used since the last clear */
    uint32_t free_nodes; /* list of those given back */
    uint32_t *hints;     /* of HINTS */
};

/* The way from the root to a leaf: at level i of the inner nodes, child positions[i] was taken. */
struct path {
    struct inner *nodes[MAX_HEIGHT];
    unsigned positions[MAX_HEIGHT];
};

#define BOOK_BYTES                                                                                 \
    (MAX_NODES * sizeof(struct node) + HINTS * sizeof(uint32_t) + sizeof(struct assay_ranges))

static void forget_bounds(struct node *node)
{
    node->low = 1;
    node->last = 0;
}

static uint32_t take_node(struct assay_ranges *ranges)
{
    uint32_t number = ranges->free_nodes;

    if (number != NONE)
        ranges->free_nodes = ranges->nodes[number].next_free;
    else
        number = ranges->used_nodes++;
    assert(number < MAX_NODES && "the tree is never this sparse");
    forget_bounds(&ranges->nodes[number]);
    return number;
}

static void give_node(struct assay_ranges *ranges, uint32_t number)
{
    forget_bounds(&ranges->nodes[number]);
    ranges->nodes[number].next_free = ranges->free_nodes;
    ranges->free_nodes = number;
}

static uint32_t new_leaf(struct assay_ranges *ranges)
{
    uint32_t number = take_node(ranges);
    struct leaf *leaf = &ranges->nodes[number].leaf;

    for (unsigned i = 0; i < LEAF; i++)
        leaf->starts[i] = UNUSED;
    leaf->order = IN_ORDER;
    leaf->count = 0;
    leaf->previous = NONE;
    leaf->next = NONE;
    return number;
}

static uint32_t new_inner(struct assay_ranges *ranges)
{
    uint32_t number = take_node(ranges);
    struct inner *inner = &ranges->nodes[number].inner;

    for (unsigned i = 0; i < FANOUT; i++)
        inner->lows[i] = UNUSED;
    inner->count = 0;
    return number;
}

void assay_ranges_clear(struct assay_ranges *ranges)
{
    for (uint32_t i = 0; i < ranges->used_nodes; i++)
        forget_bounds(&ranges->nodes[i]);
    ranges->count = 0;
    ranges->height = 0;
    ranges->used_nodes = 0;
    ranges->free_nodes = NONE;
    ranges->root = new_leaf(ranges);
    ranges->nodes[ranges->root].low = 0;
    ranges->nodes[ranges->root].last = UINTPTR_MAX;
}

struct assay_ranges *assay_ranges_open(void)
{
    /* [ nodes | hints | the set ]: a book starts on a page, so nodes start on cache lines. */
    struct node *nodes = assay_books_open(BOOK_BYTES);
    if (!nodes)
        return NULL;
    uint32_t *hints = (uint32_t *)(void *)(nodes + MAX_NODES);
    struct assay_ranges *ranges = (struct assay_ranges *)(void *)(hints + HINTS);
    ranges->nodes = nodes;
    ranges->hints = hints;
    assay_ranges_clear(ranges);
    return ranges;
}

void assay_ranges_close(struct assay_ranges *ranges)
{
    if (ranges)
        assay_books_close(ranges->nodes, BOOK_BYTES);
}

size_t assay_ranges_count(const struct assay_ranges *ranges)
{
    return ranges->count;
}

static uint32_t descend(const struct assay_ranges *ranges, uintptr_t key)
{
    uint32_t number = ranges->root;

    for (uint32_t level = 0; level < ranges->height; level++) {
        const struct inner *inner = &ranges->nodes[number].inner;
        number = inner->children[child_position(inner, key)];
    }
    return number;
}

static void descend_noting(const struct assay_ranges *ranges, uintptr_t key, struct path *path)
{
    struct node *node = &ranges->nodes[ranges->root];

    for (uint32_t level = 0; level < ranges->height; level++) {
        unsigned position = child_position(&node->inner, key);
        path->nodes[level] = &node->inner;
        path->positions[level] = position;
        node = &ranges->nodes[node->inner.children[position]];
    }
}

/* The leaf that key belongs to. */
static inline struct leaf *leaf_of(const struct assay_ranges *ranges, uintptr_t key)
{
    if (ranges->height == 0) /* a handful: do not disturb the cache with hints */
        return &ranges->nodes[ranges->root].leaf;
    uint32_t *hint = &ranges->hints[key >> HINT_SHIFT & (HINTS - 1)];
    struct node *node = &ranges->nodes[*hint];

    if (node->low <= key && key <= node->last)
        return &node->leaf;
    *hint = descend(ranges, key);
    return &ranges->nodes[*hint].leaf;
}

static inline struct leaf *leaf_at(const struct assay_ranges *ranges, uint32_t number)
{
    return number == NONE ? NULL : &ranges->nodes[number].leaf;
}

/* The range with the highest start among those at most key; position is rank(leaf, key). */
static inline bool range_below(const struct assay_ranges *ranges, const struct leaf *leaf,
                               unsigned position, struct assay_range *found)
{
    if (position == 0) {
        leaf = leaf_at(ranges, leaf->previous);
        if (!leaf)
            return false;
        position = leaf->count;
    }
    *found = entry(leaf, position - 1);
    return true;
}

/* The range with the lowest start among those above key; position is rank(leaf, key). */
static inline bool range_above(const struct assay_ranges *ranges, const struct leaf *leaf,
                               unsigned position, struct assay_range *found)
{
    if (position == leaf->count) {
        leaf = leaf_at(ranges, leaf->next);
        if (!leaf)
            return false;
        position = 0;
    }
    *found = entry(leaf, position);
    return true;
}

bool assay_ranges_find(const struct assay_ranges *ranges, uintptr_t address,
                       struct assay_range *found)
{
    const struct leaf *leaf = leaf_of(ranges, address);
    struct assay_range below;

    if (!range_below(ranges, leaf, rank(leaf, address), &below))
        return false;
    if (below.start != address && below.end <= address)
        return false;
    *found = below;
    return true;
}

bool assay_ranges_next(const struct assay_ranges *ranges, uintptr_t from, struct assay_range *found)
{
    if (from == 0) {
        const struct leaf *leaf = leaf_of(ranges, 0);
        return range_above(ranges, leaf, 0, found);
    }
    const struct leaf *leaf = leaf_of(ranges, from - 1);
    return range_above(ranges, leaf, rank(leaf, from - 1), found);
}

/* --- growing --- */

/* Takes a new child into the inner nodes of path, from the lowest level up, splitting full ones. */
static void grow(struct assay_ranges *ranges, const struct path *path, uintptr_t low,
                 uint32_t child)
{
    for (uint32_t level = ranges->height; level-- > 0;) {
        struct inner *inner = path->nodes[level];
        unsigned at = path->positions[level] + 1;
        if (inner->count < FANOUT) {
            put_child(inner, at, low, child);
            return;
        }
        uint32_t number = new_inner(ranges);
        struct inner *right = &ranges->nodes[number].inner;
        unsigned middle = at == FANOUT ? FANOUT - 1 : FANOUT / 2; /* rising order: keep it dense */
        move_children(inner, middle, right);
        if (at > middle)
            put_child(right, at - middle, low, child);
        else
            put_child(inner, at, low, child);
        low = right->lows[0];
        right->lows[0] = 0;
        child = number;
    }
    uint32_t number = new_inner(ranges);
    put_child(&ranges->nodes[number].inner, 0, 0, ranges->root);
    put_child(&ranges->nodes[number].inner, 1, low, child);
    ranges->root = number;
    ranges->height++;
    assert(ranges->height <= MAX_HEIGHT && "the tree is never this high");
}

/* Puts range in front of start number `at` of a full leaf. */
static void split(struct assay_ranges *ranges, struct leaf *leaf, unsigned at,
                  struct assay_range range)
{
    bool is_rising = at == LEAF && leaf->next == NONE;
    unsigned middle = is_rising ? LEAF : LEAF / 2;
    uint32_t number = new_leaf(ranges);
    struct node *left_node = (struct node *)(void *)leaf;
    struct node *right_node = &ranges->nodes[number];
    struct leaf *right = &right_node->leaf;
    struct leaf *next = leaf_at(ranges, leaf->next);
    struct path path;

    descend_noting(ranges, range.start, &path);
    right->previous = (uint32_t)(left_node - ranges->nodes);
    right->next = leaf->next;
    leaf->next = number;
    if (next)
        next->previous = number;
    move_entries(leaf, middle, right);
    if (at > middle || is_rising)
        put_entry(right, at - middle, range);
    else
        put_entry(leaf, at, range);
    right_node->low = right->starts[0];
    right_node->last = left_node->last;
    left_node->last = right_node->low - 1;
    grow(ranges, &path, right_node->low, number);
}

bool assay_ranges_insert(struct assay_ranges *ranges, struct assay_range range,
                         struct assay_range *conflict)
{
    struct leaf *leaf = leaf_of(ranges, range.start);
    unsigned at = rank(leaf, range.start);
    struct assay_range near;

    assert(range.start <= range.end && ranges->count < MAX_RANGES);
    if (range_below(ranges, leaf, at, &near) &&
        (near.start == range.start || near.end > range.start)) {
        *conflict = near;
        return false;
    }
    if (range_above(ranges, leaf, at, &near) && near.start < range.end) {
        *conflict = near;
        return false;
    }
    ranges->count++;
    if (leaf->count < LEAF)
        put_entry(leaf, at, range);
    else
        split(ranges, leaf, at, range);
    return true;
}

/* --- shrinking --- */

/* Drops the child at `at` of inner, which is empty. */
static void discard(struct assay_ranges *ranges, struct inner *inner, unsigned at, bool is_leaf)
{
    uint32_t number = inner->children[at];

    if (is_leaf) {
        const struct leaf *leaf = &ranges->nodes[number].leaf;
        struct leaf *previous = leaf_at(ranges, leaf->previous);
        struct leaf *next = leaf_at(ranges, leaf->next);
        if (previous)
            previous->next = leaf->next;
        if (next)
            next->previous = leaf->previous;
    }
    give_node(ranges, number);
    drop_child(inner, at);
}

/* Empties the child at `right` of inner into the one before it, and drops it. */
static void join(struct assay_ranges *ranges, struct inner *inner, unsigned right, bool is_leaf)
{
    struct node *source = &ranges->nodes[inner->children[right]];
    struct node *target = &ranges->nodes[inner->children[right - 1]];

    if (is_leaf) {
        move_entries(&source->leaf, 0, &target->leaf);
        target->last = source->last;
    } else {
        source->inner.lows[0] = inner->lows[right];
        move_children(&source->inner, 0, &target->inner);
    }
    discard(ranges, inner, right, is_leaf);
}

static unsigned child_count(const struct assay_ranges *ranges, const struct inner *inner,
                            unsigned at, bool is_leaf)
{
    const struct node *child = &ranges->nodes[inner->children[at]];

    return is_leaf ? child->leaf.count : child->inner.count;
}

/* The child of inner at `at` is sparse: it goes or joins a neighbour, if it can. */
static void thin_out(struct assay_ranges *ranges, struct inner *inner, unsigned at, bool is_leaf)
{
    unsigned room = is_leaf ? LEAF - LEAF / 4 : FANOUT - FANOUT / 4;
    unsigned count = child_count(ranges, inner, at, is_leaf);

    if (count == 0)
        discard(ranges, inner, at, is_leaf);
    else if (at > 0 && count + child_count(ranges, inner, at - 1, is_leaf) <= room)
        join(ranges, inner, at, is_leaf);
    else if (at + 1 < inner->count && count + child_count(ranges, inner, at + 1, is_leaf) <= room)
        join(ranges, inner, at + 1, is_leaf);
}

/* The leaf at the end of path is about to go: the neighbour that will be found for its keys gets them. */
static void hand_on_bounds(struct assay_ranges *ranges, const struct path *path,
                           const struct leaf *leaf)
{
    const struct node *node = (const struct node *)(const void *)leaf;
    uint32_t level = ranges->height - 1;

    while (level > 0 && path->nodes[level]->count == 1) /* goes as well */
        level--;
    if (path->positions[level] > 0)
        ranges->nodes[leaf->previous].last = node->last;
    else
        ranges->nodes[leaf->next].low = node->low;
}

/* The leaf that key belongs to is sparse. */
static void shrink(struct assay_ranges *ranges, uintptr_t key)
{
    struct path noted, *path = &noted;

    descend_noting(ranges, key, path);
    if (leaf_of(ranges, key)->count == 0)
        hand_on_bounds(ranges, path, leaf_of(ranges, key));
    for (uint32_t level = ranges->height; level-- > 0;) {
        struct inner *inner = path->nodes[level];
        thin_out(ranges, inner, path->positions[level], level + 1 == ranges->height);
        if (inner->count >= FANOUT / 4)
            break;
    }
    while (ranges->height > 0 && ranges->nodes[ranges->root].inner.count == 1) {
        uint32_t only = ranges->nodes[ranges->root].inner.children[0];
        give_node(ranges, ranges->root);
        ranges->root = only;
        ranges->height--;
    }
}

bool assay_ranges_remove(struct assay_ranges *ranges, uintptr_t start, struct assay_range *removed)
{
    struct leaf *leaf = leaf_of(ranges, start);
    unsigned at = rank(leaf, start);

    if (at == 0 || leaf->starts[at - 1] != start)
        return false;
    if (removed)
        *removed = entry(leaf, at - 1);
    drop_entry(leaf, at - 1);
    ranges->count--;
    if (leaf->count < LEAF / 4 && ranges->height > 0)
        shrink(ranges, start);
    return true;
}
