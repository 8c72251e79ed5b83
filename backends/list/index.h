/*
 * index.h - where the free blocks are. index.c describes it.
 *
 * The index is small and stays in the cache, headers do not. So the list asks the index which blocks are
 * free and how large they are, begins to read all the headers that it needs at once, and then
 * demands that they say the same.
 */
#ifndef ASSAY_LIST_INDEX_H
#define ASSAY_LIST_INDEX_H

#include "list.h"

static inline uint32_t *list_entries(const struct assay_list *list, unsigned level)
{
    return (uint32_t *)list_at(list, list->level[level]);
}

static inline uint64_t *list_words(const struct assay_list *list)
{
    return (uint64_t *)list_at(list, list->bits);
}

static inline uint64_t list_units(uint64_t bytes)
{
    return bytes / LIST_UNIT;
}

static inline uint64_t list_leaf(const struct assay_list *list, uint64_t offset)
{
    return (offset - list->first) >> LIST_LEAF_SHIFT;
}

static inline uint64_t list_leaf_start(const struct assay_list *list, uint64_t leaf)
{
    return list->first + (leaf << LIST_LEAF_SHIFT);
}

static inline uint64_t list_bit_of(const struct assay_list *list, uint64_t offset)
{
    return list_units(offset - list->first) % 64;
}

/* Whether a free block starts at offset, which is that of a block. */
static inline bool list_index_has(const struct assay_list *list, uint64_t offset)
{
    return list_words(list)[list_leaf(list, offset)] >> list_bit_of(list, offset) & 1;
}

/* Size of the largest free block that starts in a leaf; 0 if none does. */
static inline uint64_t list_index_leaf_largest(const struct assay_list *list, uint64_t leaf)
{
    return (uint64_t)list_entries(list, 0)[leaf] * LIST_UNIT;
}

/* Size of a free block: if it is alone in its leaf, without reading its header. Not verified. */
static inline uint64_t list_index_size(const struct assay_list *list, uint64_t offset)
{
    uint64_t leaf = list_leaf(list, offset);
    uint64_t word = list_words(list)[leaf];

    if (word & (word - 1))
        return list_size((const struct list_header *)list_at(list, offset));
    return list_index_leaf_largest(list, leaf);
}

struct list_found {
    uint64_t offset; /* 0 if there is none */
    uint64_t size;   /* not verified */
};

/* Bytes of index for a region of this many bytes. */
size_t assay_list_index_bytes(size_t bytes);
/* Lays the index out from `offset`, a multiple of 64, over memory that is zero. */
void assay_list_index_init(struct assay_list *list, uint64_t offset, size_t bytes);
/* Forgets all blocks; none was ever behind `end`. */
void assay_list_index_clear(struct assay_list *list, uint64_t end);
void assay_list_index_insert(struct assay_list *list, uint64_t offset, uint64_t size);
void assay_list_index_remove(struct assay_list *list, uint64_t offset);
/* The free block at offset has now this size. */
void assay_list_index_resize(struct assay_list *list, uint64_t offset, uint64_t size);
/* The free block at `from` is gone, and what is left of it begins at `to`. */
void assay_list_index_move(struct assay_list *list, uint64_t from, uint64_t to, uint64_t size);
/* The lowest free block at or after `from` of at least size bytes. */
struct list_found assay_list_index_find(const struct assay_list *list, uint64_t from,
                                        uint64_t size);
/* The highest free block at or before `offset`; 0 if there is none. */
uint64_t assay_list_index_before(const struct assay_list *list, uint64_t offset);
/* Size of the largest free block. */
uint64_t assay_list_index_largest(const struct assay_list *list);
/* Whether it holds so many blocks and each level agrees with the one below, as far as memory was touched. */
bool assay_list_index_agrees(const struct assay_list *list, uint64_t blocks);

#endif
