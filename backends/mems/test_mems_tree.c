/* test_mems_tree.c - the tree of stretches against a sorted array. */
#include "mems/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define MOST 6000
/* A root over as many full leaves as it can have. */
#define FULL (UINT64_C(42) * 42)

static uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The same entries twice: in a tree, and in order in an array. */
struct both {
    struct mems_stock stock;
    struct mems_tree tree;
    struct mems_node *nodes;
    size_t made;
    struct mems_entry entry[MOST];
    size_t count;
};

static void open_both(struct both *both)
{
    memset(both, 0, sizeof *both);
    both->made = MOST;
    both->nodes = calloc(both->made, sizeof *both->nodes);
    assert_non_null(both->nodes);
    for (size_t i = 0; i < both->made; i++)
        mems_stock_add(&both->stock, &both->nodes[i]);
    both->tree.stock = &both->stock;
}

static void close_both(struct both *both)
{
    free(both->nodes);
}

/* Where an entry of this key is in the array, or would be. */
static size_t place_of(const struct both *both, uint64_t key)
{
    size_t low = 0, high = both->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (both->entry[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_there(const struct both *both, uint64_t key)
{
    size_t i = place_of(both, key);

    return i < both->count && both->entry[i].key == key;
}

static void put(struct both *both, uint64_t key, int64_t room)
{
    size_t i = place_of(both, key);
    struct mems_entry entry = {key, key * 3, room};

    memmove(both->entry + i + 1, both->entry + i, (both->count - i) * sizeof *both->entry);
    both->entry[i] = entry;
    both->count++;
    size_t before = both->stock.count, needs = mems_tree_needs(&both->tree, key);
    assert_true(needs <= mems_tree_appetite(&both->tree));
    mems_tree_put(&both->tree, &entry);
    assert_int_equal(before - both->stock.count, needs);
}

static void drop(struct both *both, uint64_t key)
{
    size_t i = place_of(both, key);

    memmove(both->entry + i, both->entry + i + 1, (both->count - i - 1) * sizeof *both->entry);
    both->count--;
    mems_tree_drop(&both->tree, key);
}

static void set(struct both *both, uint64_t key, int64_t room)
{
    both->entry[place_of(both, key)].room = room;
    mems_tree_set(&both->tree, key, room);
}

/* --- the same answers --- */

static void assert_entry(bool found, const struct mems_entry *entry, const struct both *both,
                         size_t i, bool expected)
{
    assert_int_equal(found, expected);
    if (expected)
        assert_memory_equal(entry, &both->entry[i], sizeof *entry);
}

static void assert_same_answers(const struct both *both, uint64_t key, int64_t room)
{
    struct mems_entry entry;
    size_t i = place_of(both, key), fit = 0;
    bool here = i < both->count && both->entry[i].key == key;

    bool found = mems_tree_find(&both->tree, key, &entry);
    assert_entry(found, &entry, both, here ? i : i - 1, here || i > 0);
    found = mems_tree_after(&both->tree, key, &entry);
    assert_entry(found, &entry, both, i + here, i + here < both->count);
    if (here) {
        struct mems_entry before, after;
        mems_tree_beside(&both->tree, key, &before, &after);
        assert_entry(before.key != key, &before, both, i - 1, i > 0);
        assert_entry(after.key != key, &after, both, i + 1, i + 1 < both->count);
    }
    while (fit < both->count && both->entry[fit].room < room)
        fit++;
    found = mems_tree_fit(&both->tree, 0, room, &entry);
    assert_entry(found, &entry, both, fit, fit < both->count);
    for (fit = i; fit < both->count && both->entry[fit].room < room;)
        fit++;
    found = mems_tree_fit(&both->tree, key, room, &entry);
    assert_entry(found, &entry, both, fit, fit < both->count);
}

static void assert_same(const struct both *both)
{
    struct mems_entry entry = {.key = 0};
    const void *where;
    size_t count = 0;
    int64_t most = INT64_MIN;

    assert_true(mems_tree_is_sound(&both->tree, &where));
    while (mems_tree_after(&both->tree, entry.key, &entry)) {
        assert_memory_equal(&entry, &both->entry[count], sizeof entry);
        most = entry.room > most ? entry.room : most;
        count++;
    }
    assert_int_equal(count, both->count);
    assert_int_equal(mems_tree_most(&both->tree), most);
}

static void test_the_tree_answers_as_a_sorted_array_does(void **state)
{
    static struct both both;
    uint64_t random = 1;

    (void)state;
    open_both(&both);
    for (int step = 0; step < 100000; step++) {
        uint64_t key = 1 + random_next(&random) % 12000;
        int64_t room = (int64_t)(random_next(&random) % 2000) - 1000;
        bool grows = step / 10000 % 2 == 0; /* rises to thousands, falls to few, again and again */
        bool there = is_there(&both, key);
        if (there && room > 500)
            set(&both, key, room - 700);
        else if (there && (!grows || room > 0))
            drop(&both, key);
        else if (!there && (grows || room > 800) && both.count + 1 < MOST)
            put(&both, key, room);
        assert_same_answers(&both, random_next(&random) % 12100,
                            (int64_t)(random_next(&random) % 2000) - 1000);
        if (step % 1000 == 0)
            assert_same(&both);
    }
    while (both.count > 0)
        drop(&both, both.entry[random_next(&random) % both.count].key);
    assert_same(&both);
    assert_int_equal(both.tree.height, 0);
    assert_int_equal(both.stock.count, both.made);
    close_both(&both);
}

static void test_keys_that_rise_fill_the_nodes(void **state)
{
    static struct both both;

    (void)state;
    open_both(&both);
    for (uint64_t key = 1; key <= FULL; key++)
        put(&both, key, 1);
    assert_same(&both);
    assert_int_equal(both.made - both.stock.count, 43);
    close_both(&both);
}

static void test_keys_that_fall_take_two_nodes_for_one(void **state)
{
    static struct both both;

    (void)state;
    open_both(&both);
    for (uint64_t key = FULL; key > 0; key--)
        put(&both, key, 1);
    assert_same(&both);
    assert_true(both.made - both.stock.count < 100);
    close_both(&both);
}

static void test_what_shrinks_gives_nodes_back(void **state)
{
    static struct both both;

    (void)state;
    open_both(&both);
    for (uint64_t key = 1; key < MOST; key++)
        put(&both, key, (int64_t)key);
    for (uint64_t key = 1; key < MOST; key++)
        if (key % 40)
            drop(&both, key);
    assert_same(&both);
    assert_true(both.made - both.stock.count <= 2 * both.count / 21 + 2);
    close_both(&both);
}

static void test_a_tree_of_nothing_has_no_answers(void **state)
{
    struct mems_tree tree = {0};
    struct mems_entry entry;
    const void *where;

    (void)state;
    assert_false(mems_tree_find(&tree, UINT64_MAX, &entry));
    assert_false(mems_tree_after(&tree, 0, &entry));
    assert_false(mems_tree_fit(&tree, 0, INT64_MIN, &entry));
    assert_int_equal(mems_tree_most(&tree), INT64_MIN);
    assert_true(mems_tree_is_sound(&tree, &where));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_tree_answers_as_a_sorted_array_does),
        cmocka_unit_test(test_keys_that_rise_fill_the_nodes),
        cmocka_unit_test(test_keys_that_fall_take_two_nodes_for_one),
        cmocka_unit_test(test_what_shrinks_gives_nodes_back),
        cmocka_unit_test(test_a_tree_of_nothing_has_no_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
