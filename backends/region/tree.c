/*
 * tree.c - the free blocks: a bin for each size, for large ones each power of two, and in a bin a digital
 * search tree. First fit has a single bin.
 *
 *   key   place                       where a bin has one size, and for first fit
 *         size, place                 else; so the order of keys is the policy's
 *   tree  a node lies somewhere among the keys of its subtree, those with the next bit of the key 0 to the
 *         left, with 1 to the right:
 *
 *               [ 0110 ]              any key
 *               0/    \1
 *          [ 0011 ]  [ 1010 ]         begin with 0, with 1
 *               1\
 *              [ 0101 ]               begins with 01
 *
 * No tree is deeper than its keys are long, in whatever order blocks come and go, and none is ever
 * rebalanced: a block that leaves is replaced by any leaf below it. The record of a free block is its node, so the
 * index takes no room. For first fit each node knows the most units in its subtree.
 *
 * Whatever a program wrote over the links, no search takes more steps than a key has bits, and a link is followed only
 * to where a free block starts.
 *
 * Idea: E. Coffman, J. Eve, File Structures Using Hashing Functions, 1970; bins of them: D. Lea's malloc.
 */
#include "region.h"

static unsigned log_2(uint32_t number)
{
    return 31u - (unsigned)__builtin_clz(number);
}

/* A bin for each size up to a 32nd of the region. */
static unsigned exact_bits(uint32_t units)
{
    unsigned bits = 4;

    while ((2u << bits) <= REGION_EXACT_MAX && (2u << bits) <= units / 32)
        bits++;
    return bits;
}

size_t region_tree_roots(uint32_t units)
{
    unsigned bits = exact_bits(units);

    return ((size_t)1 << bits) + 31 - bits;
}

void region_tree_init(struct region *region, uint32_t *roots)
{
    struct region_holes *index = &region->index;

    index->roots = roots;
    index->exact_bits = exact_bits(region->units);
    index->exact = 1u << index->exact_bits;
    index->place_bits = region->units > 1 ? log_2(region->units - 1) + 1 : 1;
}

static unsigned bin_of(const struct region *region, uint32_t units)
{
    const struct region_holes *index = &region->index;

    if (region->policy == REGION_FIRST)
        return 0;
    return units < index->exact ? units : index->exact + log_2(units) - index->exact_bits;
}

/* How many bits of a size are part of the keys in a bin. */
static unsigned size_bits(const struct region *region, unsigned bin)
{
    const struct region_holes *index = &region->index;

    return bin < index->exact ? 0 : bin - index->exact + index->exact_bits;
}

static uint64_t key_of(const struct region *region, unsigned bin, uint32_t units, uint32_t place)
{
    uint64_t size = units & (((uint64_t)1 << size_bits(region, bin)) - 1);

    return (size << region->index.place_bits) + place;
}

/* The bit of a key that parts a bin's root's subtrees. */
static uint64_t top_bit(const struct region *region, unsigned bin)
{
    return (uint64_t)1 << (size_bits(region, bin) + region->index.place_bits - 1);
}

/* The block that `link` names, NULL for none. */
static inline struct region_block *follow(struct region *region, uint32_t link)
{
    if (!link)
        return NULL;
    if (link > region->units || !region_is_hole(region, link - 1)) {
        region->damaged = true;
        return NULL;
    }
    return region_at(region, link - 1);
}

static uint32_t most(struct region *region, uint32_t link)
{
    const struct region_block *block = follow(region, link);

    return block ? block->extra : 0;
}

static uint32_t most_of(struct region *region, const struct region_block *block)
{
    uint32_t left = most(region, block->left);
    uint32_t right = most(region, block->right);
    uint32_t below = left > right ? left : right;

    return below > block->units ? below : block->units;
}

void region_tree_insert(struct region *region, uint32_t place)
{
    struct region_block *fresh = region_at(region, place);
    unsigned bin = bin_of(region, fresh->units);
    uint64_t key = key_of(region, bin, fresh->units, place);
    uint64_t bit = top_bit(region, bin);
    uint32_t *link = &region->index.roots[bin];

    for (; *link; bit >>= 1) {
        struct region_block *block = follow(region, *link);
        if (!block || !bit) {
            region->damaged = true;
            return;
        }
        if (region->policy == REGION_FIRST && block->extra < fresh->units)
            block->extra = fresh->units;
        link = key & bit ? &block->right : &block->left;
    }
    *link = place + 1;
    fresh->left = fresh->right = 0;
    fresh->extra = fresh->units;
    region->index.filled[bin / 64] |= (uint64_t)1 << (bin % 64);
}

/* The links from a root to a node, so that what the nodes on the way know can be mended. */
struct path {
    uint32_t *link[64];
    unsigned depth;
};

/* Takes a leaf out from below the last node of path, and extends the path to where it was. */
static uint32_t pluck(struct region *region, struct path *path)
{
    struct region_block *block = follow(region, *path->link[path->depth]);

    while (block && (block->left || block->right)) {
        if (path->depth == 63) {
            region->damaged = true;
            return 0;
        }
        path->link[++path->depth] = block->right ? &block->right : &block->left;
        block = follow(region, *path->link[path->depth]);
    }
    if (!block)
        return 0;
    uint32_t leaf = *path->link[path->depth];
    *path->link[path->depth] = 0;
    return leaf;
}

void region_tree_remove(struct region *region, uint32_t place)
{
    struct region_block *gone = region_at(region, place);
    unsigned bin = bin_of(region, gone->units);
    uint64_t key = key_of(region, bin, gone->units, place);
    uint64_t bit = top_bit(region, bin);
    struct path path; /* of 64 links, of which few are ever used */

    path.depth = 0;
    path.link[0] = &region->index.roots[bin];
    for (; *path.link[path.depth] != place + 1; bit >>= 1) {
        struct region_block *block = follow(region, *path.link[path.depth]);
        if (!block || !bit) {
            region->damaged = true;
            return;
        }
        path.link[++path.depth] = key & bit ? &block->right : &block->left;
    }
    uint32_t *link = path.link[path.depth];
    unsigned at = path.depth;
    bool goes_right = gone->right; /* the way to the leaf that is plucked */
    uint32_t leaf = pluck(region, &path);
    if (leaf && leaf != place + 1) {
        struct region_block *instead = region_at(region, leaf - 1);
        instead->left = gone->left;
        instead->right = gone->right;
        *link = leaf;
        /* The link below it that the path went through is one of the leaf's now. */
        path.link[at + 1] = goes_right ? &instead->right : &instead->left;
    }
    if (region->policy == REGION_FIRST) {
        while (path.depth-- > 0) {
            struct region_block *block = follow(region, *path.link[path.depth]);
            if (block)
                block->extra = most_of(region, block);
        }
    }
    if (!region->index.roots[bin])
        region->index.filled[bin / 64] &= ~((uint64_t)1 << (bin % 64));
}

/* A search for the least key at or above one, of blocks with enough units. */
struct search {
    uint64_t from;
    uint64_t least;
    uint32_t units;
    uint32_t found;
};

static void consider(const struct region *region, struct search *search, unsigned bin,
                     uint32_t link, const struct region_block *block)
{
    uint64_t key = key_of(region, bin, block->units, link - 1);

    if (key >= search->from && key < search->least && block->units >= search->units) {
        search->least = key;
        search->found = link;
    }
}

/* Whether a search may find something in the subtree at link. Only first fit knows before it looks. */
static bool promises(struct region *region, const struct search *search, uint32_t link)
{
    return link && (region->policy != REGION_FIRST || most(region, link) >= search->units);
}

/* For the least key in a subtree, whose root's subtrees are parted by `bit`. */
static void search_least(struct region *region, unsigned bin, struct search *search, uint32_t link,
                         uint64_t bit)
{
    const struct region_block *block;

    for (; (block = follow(region, link)) != NULL; bit >>= 1) {
        consider(region, search, bin, link, block);
        if (!bit)
            break;
        link = promises(region, search, block->left) ? block->left : block->right;
    }
}

/*
 * Along the bits of `from` each right subtree that is passed by holds greater keys only, the last one the least of
 * them: so the answer is a node on this way, or on the way to the least in that subtree.
 */
static void search_bin(struct region *region, unsigned bin, struct search *search)
{
    uint64_t bit = top_bit(region, bin);
    uint32_t link = region->index.roots[bin];
    uint32_t aside = 0;
    uint64_t aside_bit = 0;
    const struct region_block *block;

    for (; (block = follow(region, link)) != NULL; bit >>= 1) {
        consider(region, search, bin, link, block);
        if (search->from & bit) {
            link = block->right;
            continue;
        }
        if (promises(region, search, block->right)) {
            aside = block->right;
            aside_bit = bit >> 1;
        }
        link = bit ? block->left : 0;
    }
    search_least(region, bin, search, aside, aside_bit);
}

/* The first bin at or above `bin` that holds something; UINT32_MAX if none does. */
static unsigned filled_from(const struct region *region, unsigned bin)
{
    const uint64_t *filled = region->index.filled;
    uint64_t above = UINT64_MAX << (bin % 64);

    for (unsigned word = bin / 64; word < REGION_BIN_WORDS; word++, above = UINT64_MAX) {
        if (filled[word] & above)
            return word * 64 + (unsigned)__builtin_ctzll(filled[word] & above);
    }
    return UINT32_MAX;
}

uint32_t region_tree_next(struct region *region, uint32_t units, uint32_t after)
{
    const struct region_block *last = after ? region_at(region, after - 1) : NULL;
    uint32_t from = last ? last->units : units;
    unsigned first = bin_of(region, from);

    for (unsigned bin = first; (bin = filled_from(region, bin)) != UINT32_MAX; bin++) {
        struct search search = {.least = UINT64_MAX, .units = units};
        if (bin == first)
            search.from = key_of(region, bin, from, after);
        if (search.from == 0)
            search_least(region, bin, &search, region->index.roots[bin], top_bit(region, bin));
        else
            search_bin(region, bin, &search);
        if (search.found)
            return search.found;
    }
    return 0;
}

/* The most units of a block in the highest bin: along the right edge of its tree. */
static uint32_t largest_by_size(struct region *region)
{
    unsigned word = REGION_BIN_WORDS;

    while (word-- > 0 && !region->index.filled[word])
        ;
    if (word >= REGION_BIN_WORDS)
        return 0;
    unsigned bin = word * 64 + 63u - (unsigned)__builtin_clzll(region->index.filled[word]);
    if (bin < region->index.exact)
        return bin;
    uint32_t link = region->index.roots[bin];
    uint32_t largest = 0;
    const struct region_block *block;
    for (uint64_t bit = top_bit(region, bin); (block = follow(region, link)) != NULL; bit >>= 1) {
        largest = block->units > largest ? block->units : largest;
        if (!bit)
            break;
        link = block->right ? block->right : block->left;
    }
    return largest;
}

uint32_t region_tree_largest(struct region *region)
{
    if (region->policy == REGION_FIRST)
        return most(region, region->index.roots[0]);
    return largest_by_size(region);
}

uint32_t region_tree_find(struct region *region, uint32_t units)
{
    if (region->policy != REGION_WORST)
        return region_tree_next(region, units, 0);
    uint32_t largest = region_tree_largest(region);
    return largest < units ? 0 : region_tree_next(region, largest, 0);
}

/* A subtree whose keys agree with `prefix` in all bits from `bit` doubled upwards. */
static size_t count(struct region *region, unsigned bin, uint32_t link, uint64_t prefix,
                    uint64_t bit)
{
    const struct region_block *block = follow(region, link);

    if (!block || region->damaged)
        return 0;
    uint64_t key = key_of(region, bin, block->units, link - 1);
    uint64_t below = bit ? 2 * bit - 1 : 0;
    if (bin_of(region, block->units) != bin || ((key ^ prefix) & ~below) != 0 ||
        (!bit && (block->left || block->right)) ||
        block->extra != (region->policy == REGION_FIRST ? most_of(region, block) : block->units)) {
        region->damaged = true;
        return 0;
    }
    return 1 + count(region, bin, block->left, prefix, bit >> 1) +
           count(region, bin, block->right, prefix | bit, bit >> 1);
}

size_t region_tree_count(struct region *region)
{
    size_t roots = region_tree_roots(region->units);
    size_t blocks = 0;

    for (unsigned bin = 0; bin < roots; bin++) {
        bool filled = region->index.filled[bin / 64] >> (bin % 64) & 1;
        if (filled != (region->index.roots[bin] != 0))
            region->damaged = true;
        blocks += count(region, bin, region->index.roots[bin], 0, top_bit(region, bin));
    }
    return blocks;
}
