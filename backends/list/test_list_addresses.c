/*
 * test_list_addresses.c - the addresses of the list are those of plain address-ordered first fit.
 */
#include "reference.h"
#include "test_heap.h"

static uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

struct twin {
    void *heap;
    size_t region;
    uintptr_t base;
    struct reference reference;
    uint64_t random;
    size_t most; /* largest request */
    struct {
        char *block;
        size_t size;
    } slots[512];
    size_t refusals;
    size_t served;
};

static void twin_open(struct twin *twin, size_t limit, size_t most, uint64_t seed,
                      const char *options)
{
    memset(twin, 0, sizeof *twin);
    twin->heap = open_heap(limit, options);
    twin->region = assay_align_down(limit, PAGE);
    twin->base = assert_tiled(twin->heap, twin->region, 0);
    reference_init(&twin->reference, twin->base, largest_free(twin->heap) + LIST_HEADER);
    twin->random = seed;
    twin->most = most;
}

static size_t random_size(struct twin *twin)
{
    unsigned bits = (unsigned)(random_next(&twin->random) % assay_floor_log2(twin->most)) + 1;

    return random_next(&twin->random) & (((size_t)1 << bits) - 1);
}

static void assert_same(struct twin *twin, const char *block, size_t expected)
{
    if (expected == REFERENCE_NONE) {
        assert_null(block);
        twin->refusals++;
        return;
    }
    assert_non_null(block);
    assert_int_equal((uintptr_t)block - twin->base, expected);
    assert_int_equal(list->usable_size(twin->heap, block),
                     reference_usable(&twin->reference, expected));
    twin->served++;
}

static void twin_step(struct twin *twin)
{
    size_t i = random_next(&twin->random) % 512;
    char *block = twin->slots[i].block;
    size_t size = random_size(twin);
    size_t expected;

    if (block && random_next(&twin->random) % 3) {
        assert_int_equal(list->free(twin->heap, block), ASSAY_OK);
        reference_release(&twin->reference, (uintptr_t)block - twin->base);
        twin->slots[i].block = NULL;
        return;
    }
    if (block) {
        size_t kept = size < twin->slots[i].size ? size : twin->slots[i].size;
        size += !size;
        expected = reference_resize(&twin->reference, (uintptr_t)block - twin->base, size);
        block = list->realloc(twin->heap, block, size);
        assert_same(twin, block, expected);
        for (size_t k = 0; block && k < kept; k++)
            assert_int_equal(block[k], (char)i);
    } else {
        size_t align =
            random_next(&twin->random) % 4 ? 16 : (size_t)1 << random_next(&twin->random) % 14;
        expected = reference_take(&twin->reference, align < 16 ? 16 : align, size);
        block = align == 16 ? list->alloc(twin->heap, size)
                            : list->alloc_aligned(twin->heap, align, size);
        assert_same(twin, block, expected);
    }
    if (block) {
        twin->slots[i].block = block;
        twin->slots[i].size = size;
        memset(block, (int)i, size);
    }
}

static void run_twin(size_t limit, size_t most, uint64_t seed, const char *options, unsigned steps)
{
    static struct twin twin;

    twin_open(&twin, limit, most, seed, options);
    for (unsigned step = 0; step < steps; step++) {
        twin_step(&twin);
        assert_int_equal(largest_free(twin.heap), reference_largest(&twin.reference));
        if (step % 64 == 0) {
            assert_sound(twin.heap);
            assert_tiled(twin.heap, twin.region, used_blocks(twin.heap));
        }
    }
    assert_true(twin.served > steps / 8);
    for (size_t i = 0; i < 512; i++)
        assert_int_equal(list->free(twin.heap, twin.slots[i].block), ASSAY_OK);
    assert_sound(twin.heap);
    assert_int_equal(used_blocks(twin.heap), 0);
    assert_int_equal(largest_free(twin.heap),
                     twin.reference.count ? twin.region - (twin.base - (uintptr_t)twin.heap) -
                                                (size_t)2 * LIST_HEADER
                                          : 0);
    close_heap(twin.heap);
}

static void test_addresses_are_those_of_plain_first_fit(void **state)
{
    (void)state;
    run_twin((size_t)1 << 20, 1 << 13, 1, "", 100000);
    run_twin((size_t)1 << 16, 1 << 11, 2, "", 60000);
    run_twin((size_t)1 << 24, 1 << 18, 3, "", 30000);
}

static void test_addresses_are_those_of_plain_first_fit_in_a_checked_heap(void **state)
{
    (void)state;
    run_twin((size_t)1 << 17, 1 << 11, 4, "checked=1", 20000);
}

static void test_addresses_are_those_of_plain_first_fit_in_regions_of_odd_sizes(void **state)
{
    (void)state;
    for (size_t region = 1; region <= 40; region += 3)
        run_twin(region * PAGE + region * 111 % PAGE, region > 4 ? 2048 : 256, region, "", 3000);
}

static void test_headers_lead_to_both_neighbours_in_the_order_of_addresses(void **state)
{
    enum { BLOCKS = 6 };
    void *heap = open_heap((size_t)1 << 16, "");
    char *block[BLOCKS];

    (void)state;
    for (int i = 0; i < BLOCKS; i++)
        block[i] = list->alloc(heap, 100);
    assert_int_equal(list->free(heap, block[1]), ASSAY_OK);
    assert_int_equal(list->free(heap, block[4]), ASSAY_OK);
    for (int i = 0; i < BLOCKS; i++) {
        const struct list_header *header = header_of(block[i]);
        uint64_t size = list_size(header);
        assert_ptr_equal((const char *)header + LIST_HEADER, block[i]);
        assert_int_equal(list_status(header), i == 1 || i == 4 ? LIST_FREE : LIST_USED);
        assert_true(size >= 100 + LIST_HEADER);
        if (i + 1 < BLOCKS) {
            const struct list_header *next = header_of(block[i + 1]);
            assert_ptr_equal(next, (const char *)header + size);
            assert_int_equal(header->next - next->previous, size); /* offsets of each other */
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        assert_int_equal(list->free(heap, block[i]), i == 1 || i == 4 ? ASSAY_INVALID : ASSAY_OK);
    close_heap(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_lead_to_both_neighbours_in_the_order_of_addresses),
        cmocka_unit_test(test_addresses_are_those_of_plain_first_fit),
        cmocka_unit_test(test_addresses_are_those_of_plain_first_fit_in_a_checked_heap),
        cmocka_unit_test(test_addresses_are_those_of_plain_first_fit_in_regions_of_odd_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
