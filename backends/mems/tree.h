/*
 * tree.h - a B+ tree of stretches by where they begin, which finds the first with enough room.
 *
 *   level 1                  [ 1000 | 5000 | 9192 ]          an inner entry is what is true of the node below:
 *                             /        |        \            its lowest key, and the most room in it
 *   level 0   [ 1000 | 2000 | 3000 ] [5000|5096] [ 9192 ]
 *
 * Every operation goes down once: O(log n), and a node is a kilobyte, so that few of its steps leave the cache.
 * A node is given up when it is empty. One that falls to a quarter is joined with a neighbour if both fill half of one.
 *
 * Nodes come from a stock that the caller fills before it changes a tree, so that no operation fails.
 *
 * Idea: R. Bayer, E. McCreight, Organization and Maintenance of Large Ordered Indices, 1972; the maxima as in an
 * interval tree.
 */
#ifndef ASSAY_MEMS_TREE_H
#define ASSAY_MEMS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMS_NODE_ROOM 42

/* A stretch [key, key + its bytes). The room is its bytes if it is free, minus its bytes if it is taken. */
struct mems_entry {
    uint64_t key;
    uint64_t value;
    int64_t room;
};

/* In inner nodes, value is the node below. */
struct mems_node {
    uint32_t count;
    struct mems_node *next_spare;
    uint64_t key[MEMS_NODE_ROOM];
    uint64_t value[MEMS_NODE_ROOM];
    int64_t room[MEMS_NODE_ROOM];
};

struct mems_stock {
    struct mems_node *spare;
    size_t count;
};

struct mems_tree {
    struct mems_node *root; /* NULL: nothing in it */
    unsigned height;        /* levels; 0: nothing in it */
    size_t count;           /* entries */
    struct mems_stock *stock;
};

void mems_stock_add(struct mems_stock *stock, struct mems_node *node);

/* The most nodes that one put() takes from the stock, wherever. */
static inline size_t mems_tree_appetite(const struct mems_tree *tree)
{
    return tree->height + 1;
}

/* The nodes that putting an entry at `key` takes from the stock: those on the way to it that are full. */
size_t mems_tree_needs(const struct mems_tree *tree, uint64_t key);

/* The last entry that begins at `key` or before. False if there is none. */
bool mems_tree_find(const struct mems_tree *tree, uint64_t key, struct mems_entry *entry);
/* The first entry that begins after `key`. False if there is none. */
bool mems_tree_after(const struct mems_tree *tree, uint64_t key, struct mems_entry *entry);
/* The entries around the one at `key`, which is there; for none, `key` without room. */
void mems_tree_beside(const struct mems_tree *tree, uint64_t key, struct mems_entry *before,
                      struct mems_entry *after);
/* The first entry with that much room of those that begin at `from` or after. False if there is none. */
bool mems_tree_fit(const struct mems_tree *tree, uint64_t from, int64_t room,
                   struct mems_entry *entry);
/* The most room of any entry, INT64_MIN if there is none. */
int64_t mems_tree_most(const struct mems_tree *tree);

/* Adds an entry whose key is in none. */
void mems_tree_put(struct mems_tree *tree, const struct mems_entry *entry);
/* Changes the room of the entry at `key`, which is there. */
void mems_tree_set(struct mems_tree *tree, uint64_t key, int64_t room);
/* Removes the entry at `key`, which is there. */
void mems_tree_drop(struct mems_tree *tree, uint64_t key);

/* Whether keys rise, and inner entries say what is below them; *where is a node that does not. O(n). */
bool mems_tree_is_sound(const struct mems_tree *tree, const void **where);

#endif
