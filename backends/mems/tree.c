/* tree.c - a B+ tree of stretches. */
#include "mems/tree.h"

#include <assert.h>
#include <string.h>

#define ROOM MEMS_NODE_ROOM

_Static_assert(sizeof(struct mems_node) == 1024, "nodes fill cache lines");

void mems_stock_add(struct mems_stock *stock, struct mems_node *node)
{
    node->next_spare = stock->spare;
    stock->spare = node;
    stock->count++;
}

static struct mems_node *new_node(struct mems_tree *tree)
{
    struct mems_stock *stock = tree->stock;
    struct mems_node *node = stock->spare;

    assert(node && "the caller has filled the stock");
    stock->spare = node->next_spare;
    stock->count--;
    node->count = 0;
    return node;
}

/* Asks for all of a node at one time: what a search would wait for line by line is then there together. */
static struct mems_node *fetched(struct mems_node *node)
{
    for (unsigned line = 0; line < sizeof *node; line += 64)
        __builtin_prefetch((const char *)node + line);
    return node;
}

static struct mems_node *below(const struct mems_node *node, unsigned i)
{
    return fetched((struct mems_node *)(uintptr_t)node->value[i]);
}

/* The last index whose key is at most `key`, 0 if all are larger. The steps depend on the count only. */
static unsigned search(const struct mems_node *node, uint64_t key)
{
    unsigned at = 0;

    for (unsigned left = node->count; left > 1;) {
        unsigned half = left / 2;
        at = node->key[at + half] <= key ? at + half : at;
        left -= half;
    }
    return at;
}

static int64_t most(const struct mems_node *node)
{
    int64_t room = node->room[0];

    for (unsigned i = 1; i < node->count; i++)
        room = node->room[i] > room ? node->room[i] : room;
    return room;
}

static struct mems_entry entry_at(const struct mems_node *node, unsigned i)
{
    return (struct mems_entry){node->key[i], node->value[i], node->room[i]};
}

/* --- questions --- */

/* The leaf in which `key` is, or would be. There is one. */
static const struct mems_node *leaf_of(const struct mems_tree *tree, uint64_t key)
{
    const struct mems_node *node = tree->root;

    for (unsigned level = tree->height; level > 1; level--)
        node = below(node, search(node, key));
    return node;
}

bool mems_tree_find(const struct mems_tree *tree, uint64_t key, struct mems_entry *entry)
{
    if (!tree->root || tree->root->key[0] > key)
        return false;
    const struct mems_node *leaf = leaf_of(tree, key);
    *entry = entry_at(leaf, search(leaf, key));
    return true;
}

bool mems_tree_after(const struct mems_tree *tree, uint64_t key, struct mems_entry *entry)
{
    const struct mems_node *node = tree->root, *right = NULL;
    unsigned right_level = 0;

    if (!node)
        return false;
    for (unsigned level = tree->height; level > 0; level--) {
        unsigned i = search(node, key);
        unsigned next = node->key[i] > key ? i : i + 1;
        if (next < node->count) {
            right = level > 1 ? below(node, next) : node;
            right_level = level - 1;
            *entry = entry_at(node, next);
        }
        if (level > 1)
            node = below(node, i);
    }
    for (; right && right_level > 0; right_level--) {
        *entry = entry_at(right, 0);
        if (right_level > 1)
            right = below(right, 0);
    }
    return right != NULL;
}

void mems_tree_beside(const struct mems_tree *tree, uint64_t key, struct mems_entry *before,
                      struct mems_entry *after)
{
    const struct mems_node *leaf = leaf_of(tree, key);
    unsigned i = search(leaf, key);

    *before = *after = (struct mems_entry){.key = key};
    if (i > 0)
        *before = entry_at(leaf, i - 1);
    else
        (void)mems_tree_find(tree, key - 1, before);
    if (i + 1 < leaf->count)
        *after = entry_at(leaf, i + 1);
    else
        (void)mems_tree_after(tree, key, after);
}

static bool fit(const struct mems_node *node, unsigned level, uint64_t from, int64_t room,
                struct mems_entry *entry)
{
    for (unsigned i = search(node, from); i < node->count; i++) {
        if (node->room[i] < room)
            continue;
        if (level > 1 && fit(below(node, i), level - 1, from, room, entry))
            return true;
        if (level > 1 || node->key[i] < from)
            continue; /* that room is before `from`; not so in the next one */
        *entry = entry_at(node, i);
        return true;
    }
    return false;
}

bool mems_tree_fit(const struct mems_tree *tree, uint64_t from, int64_t room,
                   struct mems_entry *entry)
{
    return tree->root && fit(tree->root, tree->height, from, room, entry);
}

size_t mems_tree_needs(const struct mems_tree *tree, uint64_t key)
{
    const struct mems_node *node = tree->root;
    size_t full = 1; /* a new root, if all are full or there is none */

    for (unsigned level = tree->height; level > 0; level--) {
        full = node->count == ROOM ? full + 1 : 0;
        if (level > 1)
            node = below(node, search(node, key));
    }
    return full;
}

int64_t mems_tree_most(const struct mems_tree *tree)
{
    return tree->root ? most(tree->root) : INT64_MIN;
}

/* --- changes --- */

static void move(struct mems_node *to, unsigned at, const struct mems_node *from, unsigned first,
                 unsigned count)
{
    memmove(to->key + at, from->key + first, count * sizeof *to->key);
    memmove(to->value + at, from->value + first, count * sizeof *to->value);
    memmove(to->room + at, from->room + first, count * sizeof *to->room);
}

static void insert(struct mems_node *node, unsigned at, const struct mems_entry *entry)
{
    move(node, at + 1, node, at, node->count - at);
    node->key[at] = entry->key;
    node->value[at] = entry->value;
    node->room[at] = entry->room;
    node->count++;
}

static void erase(struct mems_node *node, unsigned at)
{
    node->count--;
    move(node, at, node, at + 1, node->count - at);
}

static struct mems_entry summary(const struct mems_node *node)
{
    return (struct mems_entry){node->key[0], (uintptr_t)node, most(node)};
}

static void summarise(struct mems_node *node, unsigned i)
{
    struct mems_entry entry = summary(below(node, i));

    node->key[i] = entry.key;
    node->room[i] = entry.room;
}

/* Inserts, and gives the node that was split off to the right if there was no room; else NULL. A node that grows
 * at its end stays full: what comes in order fills nodes. */
static struct mems_node *insert_or_split(struct mems_tree *tree, struct mems_node *node,
                                         unsigned at, const struct mems_entry *entry)
{
    struct mems_node *right = NULL, *into = node;

    if (node->count == ROOM) {
        unsigned kept = at == ROOM ? ROOM : ROOM / 2;
        right = new_node(tree);
        move(right, 0, node, kept, ROOM - kept);
        right->count = ROOM - kept;
        node->count = kept;
        if (at >= kept) {
            into = right;
            at -= kept;
        }
    }
    insert(into, at, entry);
    return right;
}

static struct mems_node *put(struct mems_tree *tree, struct mems_node *node, unsigned level,
                             const struct mems_entry *entry)
{
    unsigned i = search(node, entry->key);

    if (level == 1)
        return insert_or_split(tree, node, node->key[i] > entry->key ? i : i + 1, entry);
    struct mems_node *right = put(tree, below(node, i), level - 1, entry);
    summarise(node, i);
    if (!right)
        return NULL;
    struct mems_entry beside = summary(right);
    return insert_or_split(tree, node, i + 1, &beside);
}

void mems_tree_put(struct mems_tree *tree, const struct mems_entry *entry)
{
    tree->count++;
    if (!tree->root) {
        tree->root = new_node(tree);
        tree->height = 1;
        insert(tree->root, 0, entry);
        return;
    }
    struct mems_node *right = put(tree, tree->root, tree->height, entry);
    if (!right)
        return;
    struct mems_node *root = new_node(tree);
    struct mems_entry both[] = {summary(tree->root), summary(right)};
    insert(root, 0, &both[0]);
    insert(root, 1, &both[1]);
    tree->root = root;
    tree->height++;
}

/* What is true of a node after one of its entries went from `before` to `after`, if it was `all`. */
static int64_t most_after(const struct mems_node *node, int64_t all, int64_t before, int64_t after)
{
    if (after >= all)
        return after;
    return before < all ? all : most(node);
}

/* Gives the most room of the node, which was `all`. */
static int64_t set(struct mems_node *node, unsigned level, int64_t all, uint64_t key, int64_t room)
{
    unsigned i = search(node, key);
    int64_t before = node->room[i];

    if (level > 1)
        room = set(below(node, i), level - 1, before, key, room);
    node->room[i] = room;
    return most_after(node, all, before, room);
}

void mems_tree_set(struct mems_tree *tree, uint64_t key, int64_t room)
{
    /* As if the root's were INT64_MAX before: nobody asks. */
    (void)set(tree->root, tree->height, INT64_MAX, key, room);
}

/* Makes the nodes at i and i + 1 one, if half of one holds both. */
static void join(struct mems_tree *tree, struct mems_node *node, unsigned i)
{
    if (i + 1 >= node->count)
        return;
    struct mems_node *left = below(node, i), *right = below(node, i + 1);
    if (left->count + right->count > ROOM / 2)
        return;
    move(left, left->count, right, 0, right->count);
    left->count += right->count;
    mems_stock_add(tree->stock, right);
    erase(node, i + 1);
    summarise(node, i);
}

static void drop(struct mems_tree *tree, struct mems_node *node, unsigned level, uint64_t key)
{
    unsigned i = search(node, key);

    if (level == 1) {
        erase(node, i);
        return;
    }
    struct mems_node *child = below(node, i);
    drop(tree, child, level - 1, key);
    if (child->count == 0) {
        mems_stock_add(tree->stock, child);
        erase(node, i);
        return;
    }
    summarise(node, i);
    if (child->count > ROOM / 4)
        return; /* not worth a look at its neighbours */
    join(tree, node, i);
    if (i > 0)
        join(tree, node, i - 1);
}

void mems_tree_drop(struct mems_tree *tree, uint64_t key)
{
    struct mems_node *root = tree->root;

    tree->count--;
    drop(tree, root, tree->height, key);
    if (root->count == 0) {
        tree->root = NULL;
        tree->height = 0;
        mems_stock_add(tree->stock, root);
        return;
    }
    while (tree->height > 1 && tree->root->count == 1) {
        struct mems_node *single = tree->root;
        tree->root = below(single, 0);
        tree->height--;
        mems_stock_add(tree->stock, single);
    }
}

/* --- audit --- */

static bool is_sound(const struct mems_node *node, unsigned level, const void **where)
{
    *where = node;
    if (node->count == 0 || node->count > ROOM)
        return false;
    for (unsigned i = 1; i < node->count; i++)
        if (node->key[i - 1] >= node->key[i])
            return false;
    for (unsigned i = 0; level > 1 && i < node->count; i++) {
        const struct mems_node *child = below(node, i);
        if (!is_sound(child, level - 1, where))
            return false;
        *where = node;
        if (node->key[i] != child->key[0] || node->room[i] != most(child) ||
            (i + 1 < node->count && child->key[child->count - 1] >= node->key[i + 1]))
            return false;
    }
    return true;
}

bool mems_tree_is_sound(const struct mems_tree *tree, const void **where)
{
    *where = NULL;
    return tree->root ? is_sound(tree->root, tree->height, where) : tree->height == 0;
}
