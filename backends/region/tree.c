/*
 * tree.c - the free blocks as a treap: a search tree by the policy's order, a heap by a hash of the place.
 *
 * Best and worst fit order by (size, address), first fit by address; each node knows the most units in its
 * subtree. The record of a free block is its node, so the index takes no room.
 *
 * The hash is a bijection, so a child's is always less than its parent's, whatever a program wrote over the
 * links: no search goes in circles, and a link is followed only to where a free block starts.
 *
 * Idea: C. Aragon, R. Seidel, Randomized Search Trees, 1989.
 */
#include "region.h"

static uint32_t priority(uint32_t place)
{
    place ^= place >> 16;
    place *= 0x7feb352du;
    place ^= place >> 15;
    place *= 0x846ca68bu;
    return place ^ place >> 16;
}

/* The block that `link` names, NULL for none. `above` is the place that the link was found in. */
static struct region_block *follow(struct region *region, uint32_t link, uint32_t above)
{
    if (!link)
        return NULL;
    uint32_t place = link - 1;
    if (place >= region->units || !region_bit(region->starts.level[0], place) ||
        region_bit(region->used, place) ||
        (above != UINT32_MAX && priority(place) >= priority(above))) {
        region->damaged = true;
        return NULL;
    }
    return region_at(region, place);
}

static bool before(const struct region *region, uint32_t a, uint32_t b)
{
    uint32_t a_units = region_at(region, a)->units;
    uint32_t b_units = region_at(region, b)->units;

    return region->policy == REGION_FIRST || a_units == b_units ? a < b : a_units < b_units;
}

static uint32_t most(struct region *region, uint32_t link, uint32_t above)
{
    const struct region_block *block = follow(region, link, above);

    return block ? block->extra : 0;
}

static void update(struct region *region, uint32_t place)
{
    struct region_block *block = region_at(region, place);
    uint32_t left = most(region, block->left, place);
    uint32_t right = most(region, block->right, place);
    uint32_t below = left > right ? left : right;

    block->extra = below > block->units ? below : block->units;
}

/* Splits the subtree at `link` into what is before `place` and what is behind. */
static void split(struct region *region, uint32_t link, uint32_t above, uint32_t place,
                  uint32_t *low, uint32_t *high)
{
    struct region_block *block = follow(region, link, above);

    if (!block) {
        *low = *high = 0;
        return;
    }
    if (before(region, link - 1, place)) {
        uint32_t right = block->right;
        *low = link;
        split(region, right, link - 1, place, &block->right, high);
    } else {
        uint32_t left = block->left;
        *high = link;
        split(region, left, link - 1, place, low, &block->left);
    }
    update(region, link - 1);
}

static uint32_t join(struct region *region, uint32_t low, uint32_t high, uint32_t above)
{
    struct region_block *left = follow(region, low, above);
    struct region_block *right = follow(region, high, above);

    if (!left || !right)
        return left ? low : right ? high : 0;
    if (priority(low - 1) > priority(high - 1)) {
        left->right = join(region, left->right, high, low - 1);
        update(region, low - 1);
        return low;
    }
    right->left = join(region, low, right->left, high - 1);
    update(region, high - 1);
    return high;
}

static uint32_t insert(struct region *region, uint32_t link, uint32_t above, uint32_t place)
{
    struct region_block *block = follow(region, link, above);
    struct region_block *fresh = region_at(region, place);

    if (!block || priority(place) > priority(link - 1)) {
        split(region, block ? link : 0, UINT32_MAX, place, &fresh->left, &fresh->right);
        update(region, place);
        return place + 1;
    }
    if (before(region, place, link - 1))
        block->left = insert(region, block->left, link - 1, place);
    else
        block->right = insert(region, block->right, link - 1, place);
    update(region, link - 1);
    return link;
}

void region_tree_insert(struct region *region, uint32_t place)
{
    region->root = insert(region, region->root, UINT32_MAX, place);
}

static uint32_t drop(struct region *region, uint32_t link, uint32_t above, uint32_t place)
{
    struct region_block *block = follow(region, link, above);

    if (!block) {
        region->damaged = true;
        return 0;
    }
    if (link - 1 == place)
        return join(region, block->left, block->right, place);
    if (before(region, place, link - 1))
        block->left = drop(region, block->left, link - 1, place);
    else
        block->right = drop(region, block->right, link - 1, place);
    update(region, link - 1);
    return link;
}

void region_tree_remove(struct region *region, uint32_t place)
{
    region->root = drop(region, region->root, UINT32_MAX, place);
}

/* In the order of sizes: the first with at least `units`. */
static uint32_t find_size(struct region *region, uint32_t units)
{
    uint32_t link = region->root;
    uint32_t above = UINT32_MAX;
    uint32_t found = 0;
    const struct region_block *block;

    while ((block = follow(region, link, above)) != NULL) {
        above = link - 1;
        if (block->units >= units) {
            found = link;
            link = block->left;
        } else {
            link = block->right;
        }
    }
    return found;
}

/* In the order of addresses: the first with at least `units`. */
static uint32_t find_address(struct region *region, uint32_t units)
{
    uint32_t link = region->root;
    uint32_t above = UINT32_MAX;
    const struct region_block *block;

    while ((block = follow(region, link, above)) != NULL && block->extra >= units) {
        above = link - 1;
        if (most(region, block->left, above) >= units)
            link = block->left;
        else if (block->units >= units)
            return link;
        else
            link = block->right;
    }
    return 0;
}

uint32_t region_tree_largest(struct region *region)
{
    return most(region, region->root, UINT32_MAX);
}

uint32_t region_tree_find(struct region *region, uint32_t units)
{
    uint32_t largest = region_tree_largest(region);

    if (largest < units)
        return 0;
    if (region->policy == REGION_FIRST)
        return find_address(region, units);
    return find_size(region, region->policy == REGION_BEST ? units : largest);
}

static size_t count(struct region *region, uint32_t link, uint32_t above)
{
    const struct region_block *block = follow(region, link, above);

    if (!block)
        return 0;
    uint32_t place = link - 1;
    uint32_t left = most(region, block->left, place);
    uint32_t right = most(region, block->right, place);
    uint32_t below = left > right ? left : right;
    if (block->extra != (below > block->units ? below : block->units) ||
        (left && !before(region, block->left - 1, place)) ||
        (right && !before(region, place, block->right - 1)))
        region->damaged = true;
    return 1 + count(region, block->left, place) + count(region, block->right, place);
}

size_t region_tree_count(struct region *region)
{
    return count(region, region->root, UINT32_MAX);
}
