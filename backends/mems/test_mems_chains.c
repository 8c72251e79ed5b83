/*
 * test_mems_chains.c - a system behaves as the list of lists that the exercise describes: the same addresses, the same
 * statistics, at every page size, and a refused page changes nothing.
 */
#include "mems/print.h"
#include "reference.h"

#include "assay/os_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define SLOTS 400

static uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* --- a page source that counts, and refuses where it is told to --- */

static size_t mapped_bytes;
static size_t refuse_from; /* requests from this one on; counts down */
static size_t multiple;    /* of which all requests must be */

static void *map(void *ctx, size_t bytes, size_t align)
{
    const struct assay_page_source *os = assay_os_pages();

    (void)ctx;
    if (refuse_from == 0)
        return NULL;
    refuse_from--;
    assert_int_equal(bytes % multiple, 0);
    void *start = os->map(os->ctx, bytes, align);
    mapped_bytes += start ? bytes : 0;
    return start;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    const struct assay_page_source *os = assay_os_pages();

    (void)ctx;
    mapped_bytes -= bytes;
    os->unmap(os->ctx, start, bytes);
}

static struct assay_page_source pages = {.map = map, .unmap = unmap};

static struct mems *open_system(size_t page_size)
{
    pages.page_size = assay_os_pages()->page_size;
    multiple = pages.page_size;
    refuse_from = SIZE_MAX;
    mapped_bytes = 0;
    struct mems *mems = mems_open(&(struct mems_setup){.pages = &pages,
                                                       .page_size = page_size,
                                                       .limit = SIZE_MAX,
                                                       .first = 1000,
                                                       .span = INT64_MAX});
    assert_non_null(mems);
    return mems;
}

static void assert_sound(const struct mems *mems)
{
    struct assay_damage damage = {0};

    if (mems_check(mems, &damage) != ASSAY_OK)
        fail_msg("%s", damage.what);
    assert_int_equal(mems->mapped_bytes, mapped_bytes);
}

/* --- a system and its reference --- */

struct twin {
    struct mems *mems;
    struct reference *reference;
    uint64_t random;
    size_t most;
    uint64_t address[SLOTS];
    size_t size[SLOTS];
};

static void assert_same_print(const struct twin *twin)
{
    char *text, *expected;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes), *expected_out = open_memstream(&expected, &bytes);

    mems_print(twin->mems, out);
    reference_print(twin->reference, expected_out);
    fclose(out);
    fclose(expected_out);
    assert_string_equal(text, expected);
    free(text);
    free(expected);
}

static void assert_same_place(struct twin *twin, size_t i)
{
    uint64_t probe = 900 + random_next(&twin->random) % (twin->mems->end - 800);
    size_t size = 0;
    uint64_t start = reference_around(twin->reference, probe, &size);
    struct mems_entry process;

    assert_int_equal(mems_around(twin->mems, probe, &process), start != 0);
    assert_int_equal(mems_place(twin->mems, probe) != NULL, start != 0);
    if (start) {
        assert_int_equal(process.key, start);
        assert_int_equal(-process.room, size);
        assert_ptr_equal((char *)mems_place(twin->mems, start) + (probe - start),
                         mems_place(twin->mems, probe));
        assert_true(mems_owns(twin->mems, mems_place(twin->mems, probe)));
    }
    if (!twin->address[i])
        return;
    const unsigned char *content = mems_place(twin->mems, twin->address[i]);
    for (size_t k = 0; k < twin->size[i]; k++)
        assert_int_equal(content[k], i & 255);
}

static void twin_step(struct twin *twin)
{
    size_t i = random_next(&twin->random) % SLOTS;

    assert_same_place(twin, i);
    if (twin->address[i]) {
        assert_int_equal(mems_release(twin->mems, twin->address[i]), ASSAY_OK);
        assert_true(reference_release(twin->reference, twin->address[i]));
        twin->address[i] = 0;
        return;
    }
    size_t bits = random_next(&twin->random) % 16;
    size_t size = 1 + random_next(&twin->random) % twin->most;
    size = bits < 12 ? 1 + size % ((size_t)1 << bits) : size;
    uint64_t address = mems_take(twin->mems, size);
    assert_int_equal(address, reference_take(twin->reference, size));
    twin->address[i] = address;
    twin->size[i] = size;
    memset(mems_place(twin->mems, address), (int)i, size);
}

static void run(size_t page_size, size_t most, uint64_t seed, int steps)
{
    static struct twin twin;

    twin = (struct twin){.mems = open_system(page_size),
                         .reference = reference_open(page_size),
                         .random = seed,
                         .most = most};
    for (int step = 0; step < steps; step++) {
        twin_step(&twin);
        if (step % 512 == 0) {
            assert_sound(twin.mems);
            assert_same_print(&twin);
        }
    }
    for (size_t i = 0; i < SLOTS; i++)
        if (twin.address[i])
            assert_int_equal(mems_release(twin.mems, twin.address[i]), ASSAY_OK);
    assert_sound(twin.mems);
    assert_int_equal(twin.mems->processes, 0);
    assert_int_equal(twin.mems->process_bytes, 0);
    mems_close(twin.mems);
    assert_int_equal(mapped_bytes, 0);
    reference_close(twin.reference);
}

static void test_addresses_and_statistics_are_those_of_the_lists(void **state)
{
    (void)state;
    run(4096, 3000, 1, 60000);
    run(4096, 20000, 2, 30000);
}

static void test_pages_of_other_sizes_have_the_addresses_of_the_lists(void **state)
{
    (void)state;
    run(1, 50, 3, 10000);
    run(7, 100, 4, 10000);
    run(64, 1000, 5, 10000);
    run(1000, 3000, 6, 10000);
    run(65536, 3000, 7, 30000);
}

/* --- scale, and refusals --- */

static void test_a_hundred_thousand_segments_come_and_go(void **state)
{
    enum { SEGMENTS = 100000 };
    static uint64_t address[SEGMENTS];
    struct mems *mems = open_system(4096);
    uint64_t random = 8;

    (void)state;
    for (int i = 0; i < SEGMENTS; i++) {
        address[i] = mems_take(mems, 1000);
        assert_int_equal(address[i], 1000 + (uint64_t)i / 4 * 4096 + (uint64_t)i % 4 * 1000);
    }
    assert_sound(mems);
    for (int i = SEGMENTS - 1; i > 0; i--) {
        int j = (int)(random_next(&random) % (uint64_t)(i + 1));
        uint64_t other = address[i];
        address[i] = address[j];
        address[j] = other;
    }
    for (int i = 0; i < SEGMENTS; i++) {
        assert_int_equal(mems_release(mems, address[i]), ASSAY_OK);
        if (i % 10000 == 0)
            assert_sound(mems);
    }
    assert_sound(mems);
    assert_int_equal(mems_take(mems, 4096), 1000);
    mems_close(mems);
    assert_int_equal(mapped_bytes, 0);
}

static void test_refused_pages_change_nothing(void **state)
{
    struct mems *mems = open_system(4096);
    uint64_t random = 9;
    int refused = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t size = 1 + random_next(&random) % 5000, mapped = mapped_bytes;
        uint64_t end = mems->end;
        refuse_from = random_next(&random) % 2;
        uint64_t address = mems_take(mems, size);
        if (!address) {
            refused++;
            assert_int_equal(mapped_bytes, mapped);
            assert_int_equal(mems->end, end);
            refuse_from = SIZE_MAX;
            address = mems_take(mems, size);
            assert_true(address >= end);
        }
        if (i % 3 == 0)
            assert_int_equal(mems_release(mems, address), ASSAY_OK);
        if (i % 1000 == 0)
            assert_sound(mems);
    }
    assert_sound(mems);
    assert_true(refused > 1000);
    mems_close(mems);
    assert_int_equal(mapped_bytes, 0);
}

static void test_all_memory_is_mapped_in_multiples_of_the_page_size_records_too(void **state)
{
    (void)state;
    for (size_t page = 4096; page <= 65536; page += 4096) {
        struct mems *mems = open_system(page);
        uint64_t random = page;
        assert_int_equal(mapped_bytes % page, 0);
        multiple = page;
        for (int i = 0; i < 5000; i++)
            assert_true(mems_take(mems, 1 + random_next(&random) % 3000));
        assert_sound(mems);
        assert_true(mems->chunk.next != NULL); /* records needed pages too */
        mems_close(mems);
        assert_int_equal(mapped_bytes, 0);
    }
}

static void test_each_mapping_is_behind_all_others_in_addresses(void **state)
{
    struct mems *mems = open_system(4096);
    uint64_t end = 1000;

    (void)state;
    for (size_t size = 4097; size < 1000000; size += 9999) {
        assert_int_equal(mems_take(mems, size), end); /* larger than all holes */
        end += (size + 4095) / 4096 * 4096;
        assert_int_equal(mems->end, end);
    }
    mems_close(mems);
}

static void test_numbers_that_make_no_sense_are_answered_and_change_nothing(void **state)
{
    static const uint64_t numbers[] = {0,
                                       1,
                                       999,
                                       1001,
                                       1100,
                                       5095,
                                       5096,
                                       INT64_MAX,
                                       UINT64_MAX,
                                       UINT64_MAX / 2 + 1,
                                       INT32_MAX,
                                       UINT32_MAX,
                                       UINT64_MAX - 4095,
                                       (uint64_t)-1000};
    struct mems *mems = open_system(4096);
    struct mems_entry process;

    (void)state;
    for (int live = 0; live < 2; live++) {
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            bool inside = live && numbers[i] == 1001;
            assert_int_equal(mems_release(mems, numbers[i]), ASSAY_INVALID);
            assert_int_equal(mems_place(mems, numbers[i]) != NULL, inside);
            assert_int_equal(mems_around(mems, numbers[i], &process), inside);
            assert_false(mems_owns(mems, (const void *)(uintptr_t)numbers[i]));
            if (numbers[i] == 0 || numbers[i] > (uint64_t)1 << 50)
                assert_int_equal(mems_take(mems, numbers[i]), 0);
        }
        assert_sound(mems);
        assert_int_equal(mems->processes, live);
        assert_true(live || mems_take(mems, 100) == 1000);
    }
    mems_close(mems);
}

static void test_the_limit_holds_records_too(void **state)
{
    struct mems *mems = open_system(4096);

    (void)state;
    mems->setup.limit = (size_t)1 << 20;
    while (mems_take(mems, 1))
        assert_true(mems->mapped_bytes <= mems->setup.limit);
    assert_true(mems->processes > 10000);
    assert_sound(mems);
    mems_close(mems);
}

static void test_what_was_freed_fits_again_where_no_record_can_be_had(void **state)
{
    enum { FREED = 200 };
    struct mems *mems = open_system(4096);
    uint64_t random = 10, address[FREED];

    (void)state;
    assert_true(mems_take(mems, 1 << 20));
    mems->setup.limit = mems->mapped_bytes + (256 << 10);
    assert_int_equal(mems_release(mems, 1000), ASSAY_OK);
    while (mems_take(mems, 3))
        continue;
    size_t segments = mems->processes; /* with plenty of room, but no record to say so */
    assert_true(mems->process_bytes < 900000 && segments > 5000);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < FREED; i++) {
            do
                address[i] = 1000 + random_next(&random) % segments * 3;
            while (mems_release(mems, address[i]) != ASSAY_OK);
            if (round % 2) /* one at a time, or all of them first */
                assert_true(mems_take(mems, 3));
        }
        for (int i = 0; i < FREED && round % 2 == 0; i++)
            assert_true(mems_take(mems, 3));
        assert_int_equal(mems->processes, segments);
        assert_sound(mems);
    }
    mems_close(mems);
    assert_int_equal(mapped_bytes, 0);
}

/* --- damage --- */

static void assert_damaged(const struct mems *mems, const char *what)
{
    struct assay_damage damage = {0};

    assert_int_equal(mems_check(mems, &damage), ASSAY_CORRUPT);
    if (!strstr(damage.what, what))
        fail_msg("'%s' instead of '%s'", damage.what, what);
}

static void test_damaged_records_are_found(void **state)
{
    struct mems *mems = open_system(4096);

    (void)state;
    for (int i = 0; i < 3000; i++)
        assert_true(mems_take(mems, 100));
    assert_int_equal(mems_release(mems, 1100), ASSAY_OK);
    assert_sound(mems);
    struct mems_node *leaf = mems->segments.root;
    for (unsigned level = mems->segments.height; level > 1; level--)
        leaf = (struct mems_node *)(uintptr_t)leaf->value[0];

    leaf->key[1]++;
    assert_damaged(mems, "does not begin where the one before ends");
    leaf->key[1]--;
    leaf->value[2]++;
    assert_damaged(mems, "lies apart");
    leaf->value[2]--;
    leaf->room[1] = INT64_MAX;
    assert_damaged(mems, "does not say what is below");
    leaf->room[1] = 100;
    leaf->room[1] = -100;
    assert_damaged(mems, "does not say what is below");
    leaf->room[1] = 100;
    leaf->count--;
    assert_damaged(mems, "does not begin where");
    leaf->count++;
    mems->processes++;
    assert_damaged(mems, "totals");
    mems->processes--;
    mems->end++;
    assert_damaged(mems, "do not reach");
    mems->end--;
    assert_sound(mems);
    mems_close(mems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_and_statistics_are_those_of_the_lists),
        cmocka_unit_test(test_pages_of_other_sizes_have_the_addresses_of_the_lists),
        cmocka_unit_test(test_a_hundred_thousand_segments_come_and_go),
        cmocka_unit_test(test_refused_pages_change_nothing),
        cmocka_unit_test(test_all_memory_is_mapped_in_multiples_of_the_page_size_records_too),
        cmocka_unit_test(test_each_mapping_is_behind_all_others_in_addresses),
        cmocka_unit_test(test_numbers_that_make_no_sense_are_answered_and_change_nothing),
        cmocka_unit_test(test_the_limit_holds_records_too),
        cmocka_unit_test(test_what_was_freed_fits_again_where_no_record_can_be_had),
        cmocka_unit_test(test_damaged_records_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
