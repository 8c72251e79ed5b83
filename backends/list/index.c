/*
 * index.c - where the free blocks are.
 *
 *   level[2]   [ max of 16 ]                                   at most 16 entries at the top
 *   level[1]   [ max of 16 | max of 16 | ... ]
 *   level[0]   [ largest free block that starts in leaf 0 | in leaf 1 | ... ]     in units
 *   bits       [ which units of leaf 0 start a free block | of leaf 1 | ... ]
 *
 * A leaf is a fixed 1 KiB of addresses. The first fit is in the leftmost leaf whose maximum is large
 * enough, found by one look at 16 neighbouring numbers, a cache line, for each level. All zero means
 * that nothing is free, so memory fresh from the page source needs no initialising. 12.3 bytes for each KiB.
 */
#include "index.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#if defined(__SSE2__)

/* SSE2 compares signed numbers only: the sign of every number is turned. */
static inline __m128i turned(const uint32_t *node, int quarter)
{
    __m128i four = _mm_load_si128((const __m128i *)(const void *)node + quarter);

    return _mm_xor_si128(four, _mm_set1_epi32(INT32_MIN));
}

static inline __m128i larger(__m128i a, __m128i b)
{
    __m128i first = _mm_cmpgt_epi32(a, b);

    return _mm_or_si128(_mm_and_si128(first, a), _mm_andnot_si128(first, b));
}

/* Bit i is set if node[i] >= least. */
static inline unsigned at_least(const uint32_t *node, uint32_t least)
{
    const __m128i bound = _mm_set1_epi32((int)(least ^ 0x80000000u));
    __m128i low = _mm_packs_epi32(_mm_cmpgt_epi32(bound, turned(node, 0)),
                                  _mm_cmpgt_epi32(bound, turned(node, 1)));
    __m128i high = _mm_packs_epi32(_mm_cmpgt_epi32(bound, turned(node, 2)),
                                   _mm_cmpgt_epi32(bound, turned(node, 3)));

    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high)) ^ 0xffffu;
}

static inline uint32_t largest_of(const uint32_t *node)
{
    __m128i four =
        larger(larger(turned(node, 0), turned(node, 1)), larger(turned(node, 2), turned(node, 3)));

    four = larger(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(1, 0, 3, 2)));
    four = larger(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(2, 3, 0, 1)));
    return (uint32_t)_mm_cvtsi128_si32(four) ^ 0x80000000u;
}

#else

static inline unsigned at_least(const uint32_t *node, uint32_t least)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < LIST_FAN; i++)
        mask |= (unsigned)(node[i] >= least) << i;
    return mask;
}

static inline uint32_t largest_of(const uint32_t *node)
{
    uint32_t largest = 0;

    for (unsigned i = 0; i < LIST_FAN; i++)
        largest = node[i] > largest ? node[i] : largest;
    return largest;
}

#endif

/* Entries of each level for so many leaves, in whole nodes; returns how many levels there are. */
static unsigned shape(size_t leaves, size_t count[LIST_LEVELS_MAX])
{
    unsigned levels = 0;

    for (;;) {
        count[levels++] = assay_align_up(leaves, LIST_FAN);
        if (leaves <= LIST_FAN)
            return levels;
        leaves = (leaves + LIST_FAN - 1) / LIST_FAN;
    }
}

static size_t leaves_for(size_t bytes)
{
    return (bytes >> LIST_LEAF_SHIFT) + 1;
}

size_t assay_list_index_bytes(size_t bytes)
{
    size_t count[LIST_LEVELS_MAX];
    unsigned levels = shape(leaves_for(bytes), count);
    size_t total = assay_align_up(leaves_for(bytes) * sizeof(uint64_t), 64);

    for (unsigned i = 0; i < levels; i++)
        total += count[i] * sizeof(uint32_t);
    return total;
}

void assay_list_index_init(struct assay_list *list, uint64_t offset, size_t bytes)
{
    size_t count[LIST_LEVELS_MAX];

    list->leaves = (uint32_t)leaves_for(bytes);
    list->levels = shape(list->leaves, count);
    for (unsigned i = list->levels; i-- > 0;) {
        list->level[i] = offset;
        offset += count[i] * sizeof(uint32_t);
    }
    list->bits = offset;
}

void assay_list_index_clear(struct assay_list *list, uint64_t end)
{
    uint64_t count = list_leaf(list, end) + 1;

    memset(list_words(list), 0, count * sizeof(uint64_t));
    for (unsigned level = 0; level < list->levels; level++) {
        memset(list_entries(list, level), 0, count * sizeof(uint32_t));
        count = (count + LIST_FAN - 1) / LIST_FAN;
    }
}

/* Enters the maximum of a leaf, and those above it that change with it. */
static void set_leaf(struct assay_list *list, uint64_t leaf, uint32_t now)
{
    uint64_t i = leaf;

    for (unsigned level = 0;; level++) {
        uint32_t *entry = &list_entries(list, level)[i];
        uint32_t before = *entry;

        if (before == now)
            return;
        *entry = now;
        if (level + 1 == list->levels)
            return;
        uint32_t above = list_entries(list, level + 1)[i / LIST_FAN];
        if (now < above) {
            if (before != above)
                return;
            now = largest_of(entry - i % LIST_FAN);
        }
        i /= LIST_FAN;
    }
}

/* The largest of the free blocks that start in a leaf, from their headers. */
static uint32_t measure(const struct assay_list *list, uint64_t leaf)
{
    uint64_t largest = 0;

    for (uint64_t word = list_words(list)[leaf]; word; word &= word - 1) {
        uint64_t unit = (uint64_t)__builtin_ctzll(word);
        uint64_t size = list_size(list_at(list, list_leaf_start(list, leaf) + unit * LIST_UNIT));
        largest = size > largest ? size : largest;
    }
    return (uint32_t)list_units(largest);
}

void assay_list_index_insert(struct assay_list *list, uint64_t offset, uint64_t size)
{
    uint64_t leaf = list_leaf(list, offset);

    list_words(list)[leaf] |= (uint64_t)1 << list_bit_of(list, offset);
    if (list_units(size) > list_entries(list, 0)[leaf])
        set_leaf(list, leaf, (uint32_t)list_units(size));
}

void assay_list_index_remove(struct assay_list *list, uint64_t offset)
{
    uint64_t leaf = list_leaf(list, offset);

    list_words(list)[leaf] &= ~((uint64_t)1 << list_bit_of(list, offset));
    set_leaf(list, leaf, measure(list, leaf));
}

void assay_list_index_resize(struct assay_list *list, uint64_t offset, uint64_t size)
{
    uint64_t leaf = list_leaf(list, offset);

    if (list_units(size) > list_entries(list, 0)[leaf])
        set_leaf(list, leaf, (uint32_t)list_units(size));
    else
        set_leaf(list, leaf, measure(list, leaf));
}

void assay_list_index_move(struct assay_list *list, uint64_t from, uint64_t to, uint64_t size)
{
    uint64_t leaf = list_leaf(list, from);

    if (leaf != list_leaf(list, to)) {
        assay_list_index_remove(list, from);
        assay_list_index_insert(list, to, size);
        return;
    }
    list_words(list)[leaf] &= ~((uint64_t)1 << list_bit_of(list, from));
    list_words(list)[leaf] |= (uint64_t)1 << list_bit_of(list, to);
    set_leaf(list, leaf, measure(list, leaf));
}

/* The first block of a leaf at or after bit `from` that is large enough. */
static struct list_found fit_in_leaf(const struct assay_list *list, uint64_t leaf, uint64_t from,
                                     uint64_t size)
{
    struct list_found found = {0, 0};

    for (uint64_t word = list_words(list)[leaf] >> from << from; word; word &= word - 1) {
        found.offset = list_leaf_start(list, leaf) + (uint64_t)__builtin_ctzll(word) * LIST_UNIT;
        found.size = list_index_size(list, found.offset);
        if (found.size >= size)
            return found;
    }
    return (struct list_found){0, 0};
}

/* The leftmost leaf below entry i of `level` whose maximum is at least `least`. */
static uint64_t descend(const struct assay_list *list, unsigned level, uint64_t i, uint32_t least)
{
    while (level-- > 0) {
        uint64_t node = i * LIST_FAN;
        unsigned mask = at_least(&list_entries(list, level)[node], least);
        i = node + (mask ? (uint64_t)__builtin_ctz(mask) : 0);
    }
    return i;
}

struct list_found assay_list_index_find(const struct assay_list *list, uint64_t from, uint64_t size)
{
    uint32_t least = (uint32_t)list_units(size);
    unsigned level = list->levels - 1;
    uint64_t i = 0;

    if (from != list->first) {
        struct list_found found =
            fit_in_leaf(list, list_leaf(list, from), list_bit_of(list, from), size);
        if (found.offset)
            return found;
        level = 0;
        i = list_leaf(list, from) + 1;
    }
    for (;; level++, i = i / LIST_FAN + 1) {
        /* A node of which nothing is behind us is one entry of the level above. */
        for (; i % LIST_FAN == 0 && level + 1 < list->levels; level++)
            i /= LIST_FAN;
        if (level == list->levels || (level + 1 == list->levels && i >= LIST_FAN))
            return (struct list_found){0, 0};
        const uint32_t *node = &list_entries(list, level)[i - i % LIST_FAN];
        unsigned mask = at_least(node, least) >> i % LIST_FAN;
        if (mask) {
            i += (uint64_t)__builtin_ctz(mask);
            return fit_in_leaf(list, descend(list, level, i, least), 0, size);
        }
    }
}

uint64_t assay_list_index_before(const struct assay_list *list, uint64_t offset)
{
    uint64_t leaf = list_leaf(list, offset);
    uint64_t word = list_words(list)[leaf] & ~(uint64_t)0 >> (63 - list_bit_of(list, offset));
    uint64_t i = leaf;
    unsigned level = 0;

    if (!word) {
        /* Up until something to the left is not empty, then down again on its right side. */
        for (;;) {
            while (i % LIST_FAN && !list_entries(list, level)[i - 1])
                i--;
            if (i % LIST_FAN)
                break;
            i /= LIST_FAN;
            if (++level >= list->levels)
                return 0;
        }
        i--;
        while (level-- > 0) {
            i = i * LIST_FAN + LIST_FAN - 1;
            while (i % LIST_FAN && !list_entries(list, level)[i])
                i--;
        }
        word = list_words(list)[i];
        if (!word)
            return 0;
    }
    return list_leaf_start(list, i) + (63 - (uint64_t)__builtin_clzll(word)) * LIST_UNIT;
}

uint64_t assay_list_index_largest(const struct assay_list *list)
{
    return (uint64_t)largest_of(list_entries(list, list->levels - 1)) * LIST_UNIT;
}

bool assay_list_index_agrees(const struct assay_list *list, uint64_t blocks)
{
    uint64_t leaves = list_leaf(list, list->touched) + 1;

    for (uint64_t leaf = 0; leaf < leaves; leaf++) {
        uint64_t word = list_words(list)[leaf];
        if (!word != !list_entries(list, 0)[leaf])
            return false;
        for (; word; word &= word - 1)
            blocks--;
    }
    for (unsigned level = 0; level + 1 < list->levels; level++) {
        uint64_t nodes = ((leaves - 1) >> (LIST_FAN_SHIFT * (level + 1))) + 1;
        for (uint64_t i = 0; i < nodes; i++) {
            if (list_entries(list, level + 1)[i] !=
                largest_of(&list_entries(list, level)[i * LIST_FAN]))
                return false;
        }
    }
    return blocks == 0;
}
