/* test_mems.c - addresses and statistics of mems.h, to the byte. */
#include "test_api.h"

static const char ten_times_a_thousand[] =
    "----- MeMS SYSTEM STATS -----\n"
    "MAIN[1000:5095]-> P[1000:1999] <-> P[2000:2999] <-> P[3000:3999] <-> P[4000:4999] <-> "
    "H[5000:5095] <-> NULL\n"
    "MAIN[5096:9191]-> P[5096:6095] <-> P[6096:7095] <-> P[7096:8095] <-> P[8096:9095] <-> "
    "H[9096:9191] <-> NULL\n"
    "MAIN[9192:13287]-> P[9192:10191] <-> P[10192:11191] <-> H[11192:13287] <-> NULL\n"
    "Pages used:\t3\n"
    "Space unused:\t2288\n"
    "Main Chain Length:\t3\n"
    "Sub-chain Length array: [5, 5, 3, ]\n"
    "-----------------------------\n";

static const char ten_times_a_thousand_without_the_fourth[] =
    "----- MeMS SYSTEM STATS -----\n"
    "MAIN[1000:5095]-> P[1000:1999] <-> P[2000:2999] <-> P[3000:3999] <-> H[4000:5095] <-> NULL\n"
    "MAIN[5096:9191]-> P[5096:6095] <-> P[6096:7095] <-> P[7096:8095] <-> P[8096:9095] <-> "
    "H[9096:9191] <-> NULL\n"
    "MAIN[9192:13287]-> P[9192:10191] <-> P[10192:11191] <-> H[11192:13287] <-> NULL\n"
    "Pages used:\t3\n"
    "Space unused:\t3288\n"
    "Main Chain Length:\t3\n"
    "Sub-chain Length array: [4, 5, 3, ]\n"
    "-----------------------------\n";

static void take_ten_times_a_thousand(void)
{
    static const uintptr_t expected[] = {1000, 2000, 3000, 4000, 5096,
                                         6096, 7096, 8096, 9192, 10192};

    for (size_t i = 0; i < 10; i++)
        assert_ptr_equal(mems_malloc(1000), address(expected[i]));
}

static void test_a_fresh_system_has_no_pages(void **state)
{
    (void)state;
    assert_string_equal(stats(), "----- MeMS SYSTEM STATS -----\n"
                                 "Pages used:\t0\n"
                                 "Space unused:\t0\n"
                                 "Main Chain Length:\t0\n"
                                 "Sub-chain Length array: []\n"
                                 "-----------------------------\n");
}

static void test_ten_requests_of_a_thousand_bytes_take_three_pages(void **state)
{
    (void)state;
    take_ten_times_a_thousand();
    assert_string_equal(stats(), ten_times_a_thousand);
}

static void test_a_freed_segment_is_one_with_the_hole_behind_it(void **state)
{
    (void)state;
    take_ten_times_a_thousand();
    mems_free(address(4000));
    assert_string_equal(stats(), ten_times_a_thousand_without_the_fourth);
}

static void test_the_same_request_takes_the_freed_place_again(void **state)
{
    (void)state;
    take_ten_times_a_thousand();
    mems_free(address(4000));
    assert_ptr_equal(mems_malloc(1000), address(4000));
    assert_string_equal(stats(), ten_times_a_thousand);
}

static void test_whole_pages_leave_no_hole(void **state)
{
    (void)state;
    assert_ptr_equal(mems_malloc(4096), address(1000));
    assert_string_equal(stats(), "----- MeMS SYSTEM STATS -----\n"
                                 "MAIN[1000:5095]-> P[1000:5095] <-> NULL\n"
                                 "Pages used:\t1\n"
                                 "Space unused:\t0\n"
                                 "Main Chain Length:\t1\n"
                                 "Sub-chain Length array: [1, ]\n"
                                 "-----------------------------\n");
    assert_ptr_equal(mems_malloc(5000), address(5096));
    assert_string_equal(stats(), "----- MeMS SYSTEM STATS -----\n"
                                 "MAIN[1000:5095]-> P[1000:5095] <-> NULL\n"
                                 "MAIN[5096:13287]-> P[5096:10095] <-> H[10096:13287] <-> NULL\n"
                                 "Pages used:\t3\n"
                                 "Space unused:\t3192\n"
                                 "Main Chain Length:\t2\n"
                                 "Sub-chain Length array: [1, 2, ]\n"
                                 "-----------------------------\n");
}

static void test_an_exact_fit_uses_the_whole_hole(void **state)
{
    (void)state;
    take_ten_times_a_thousand();
    assert_ptr_equal(mems_malloc(96), address(5000));
    assert_ptr_equal(mems_malloc(96), address(9096));
    assert_ptr_equal(mems_malloc(96), address(11192));
}

static void test_one_byte_is_one_byte(void **state)
{
    (void)state;
    assert_ptr_equal(mems_malloc(1), address(1000));
    assert_ptr_equal(mems_malloc(1), address(1001));
    assert_ptr_equal(mems_malloc(3), address(1002));
    assert_ptr_equal(mems_malloc(1), address(1005));
}

static void test_the_first_hole_that_is_large_enough_is_taken(void **state)
{
    (void)state;
    take_ten_times_a_thousand();
    mems_free(address(2000));
    mems_free(address(6096));
    assert_ptr_equal(mems_malloc(1001), address(11192));
    assert_ptr_equal(mems_malloc(600), address(2000));
    assert_ptr_equal(mems_malloc(600), address(6096));
    assert_ptr_equal(mems_malloc(400), address(2600));
    assert_ptr_equal(mems_malloc(400), address(6696));
}

static void test_a_segment_crosses_no_mapping(void **state)
{
    (void)state;
    assert_ptr_equal(mems_malloc(4096), address(1000));
    assert_ptr_equal(mems_malloc(4096), address(5096));
    mems_free(address(1000));
    mems_free(address(5096));
    assert_ptr_equal(mems_malloc(4097), address(9192));
    assert_non_null(strstr(stats(), "MAIN[1000:5095]-> H[1000:5095] <-> NULL\n"
                                    "MAIN[5096:9191]-> H[5096:9191] <-> NULL\n"));
}

static void test_holes_grow_together_in_any_order(void **state)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    (void)state;
    for (size_t order = 0; order < sizeof orders / sizeof *orders; order++) {
        mems_init();
        assert_ptr_equal(mems_malloc(500), address(1000));
        for (uintptr_t i = 0; i < 3; i++)
            assert_ptr_equal(mems_malloc(1000), address(1500 + i * 1000));
        assert_ptr_equal(mems_malloc(596), address(4500));
        for (int i = 0; i < 3; i++)
            mems_free(address(1500 + (uintptr_t)orders[order][i] * 1000));
        assert_non_null(
            strstr(stats(), "MAIN[1000:5095]-> P[1000:1499] <-> H[1500:4499] <-> P[4500:5095]"));
        assert_ptr_equal(mems_malloc(3000), address(1500));
    }
}

static void test_pages_are_kept_until_the_end(void **state)
{
    (void)state;
    take_ten_times_a_thousand();
    for (uintptr_t i = 0; i < 10; i++)
        mems_free(address(1000 + i / 4 * 4096 + i % 4 * 1000));
    assert_string_equal(stats(), "----- MeMS SYSTEM STATS -----\n"
                                 "MAIN[1000:5095]-> H[1000:5095] <-> NULL\n"
                                 "MAIN[5096:9191]-> H[5096:9191] <-> NULL\n"
                                 "MAIN[9192:13287]-> H[9192:13287] <-> NULL\n"
                                 "Pages used:\t3\n"
                                 "Space unused:\t12288\n"
                                 "Main Chain Length:\t3\n"
                                 "Sub-chain Length array: [1, 1, 1, ]\n"
                                 "-----------------------------\n");
}

static void test_every_address_of_a_segment_leads_to_its_byte(void **state)
{
    (void)state;
    char *first = mems_malloc(4000), *second = mems_malloc(9000);
    char *bytes = mems_get(first), *others = mems_get(second);

    for (int i = 0; i < 4000; i++)
        assert_ptr_equal(mems_get(first + i), bytes + i);
    for (int i = 0; i < 9000; i++)
        assert_ptr_equal(mems_get(second + i), others + i);
    memset(bytes, 1, 4000);
    memset(others, 2, 9000);
    assert_int_equal(*(char *)mems_get(first + 3999), 1);
    assert_int_equal(*(char *)mems_get(second), 2);
}

static void test_an_address_in_no_segment_leads_nowhere(void **state)
{
    (void)state;
    assert_null(mems_get(address(1000)));
    assert_ptr_equal(mems_malloc(1000), address(1000));
    assert_ptr_equal(mems_malloc(1000), address(2000));
    mems_free(address(1000));
    assert_null(mems_get(address(999)));
    assert_null(mems_get(address(1000)));
    assert_null(mems_get(address(1999)));
    assert_non_null(mems_get(address(2000)));
    assert_null(mems_get(address(3000)));
    assert_null(mems_get(address(5095)));
    assert_null(mems_get(address(5096)));
    assert_null(mems_get(mems_get(address(2000))));
}

static void test_no_bytes_are_no_segment(void **state)
{
    (void)state;
    assert_null(mems_malloc(0));
    assert_non_null(strstr(stats(), "Pages used:\t0\n"));
}

static void test_init_starts_afresh(void **state)
{
    (void)state;
    take_ten_times_a_thousand();
    mems_finish();
    mems_init();
    assert_null(mems_get(address(1000)));
    take_ten_times_a_thousand();
    assert_string_equal(stats(), ten_times_a_thousand);
}

/* Pages of mappings of this process that may be written to. */
static size_t writable_pages(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long start, last;
    char mode[8], line[512];
    size_t pages = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        char *rest;
        start = strtoul(line, &rest, 16);
        last = strtoul(rest + 1, &rest, 16);
        memcpy(mode, rest + 1, 4);
        pages += mode[1] == 'w' && !strstr(line, "[stack]") ? (last - start) / 4096 : 0;
    }
    fclose(maps);
    return pages;
}

static void test_finish_unmaps_data_and_records(void **state)
{
    size_t before = 0;

    (void)state;
    for (int round = 0; round < 3; round++) {
        mems_init();
        for (int i = 0; i < 100000; i++)
            assert_non_null(mems_malloc(1 + (size_t)i % 300));
        for (int i = 0; i < 100; i++)
            assert_non_null(mems_malloc(100000));
        mems_finish();
        size_t after = writable_pages();
        assert_true(round < 2 || after <= before);
        before = after;
    }
}

static void test_pages_may_have_any_size(void **state)
{
    static const size_t sizes[] = {1, 16, 1000, 4095, 4096, 4097, 8192, 65536, 1 << 20};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char expected[80];
        mems_init_pages(sizes[i]);
        assert_ptr_equal(mems_malloc(1), address(1000));
        assert_ptr_equal(mems_malloc(sizes[i]), address(1000 + sizes[i]));
        memset(mems_get(address(1000 + sizes[i])), 7, sizes[i]);
        snprintf(expected, sizeof expected, "Pages used:\t2\nSpace unused:\t%zu\n", sizes[i] - 1);
        assert_non_null(strstr(stats(), expected));
    }
}

#undef PAGE_SIZE
#define PAGE_SIZE 8192

static void test_page_size_is_what_the_program_says_it_is(void **state)
{
    (void)state;
    mems_init();
    assert_ptr_equal(mems_malloc(1000), address(1000));
    assert_string_equal(stats(), "----- MeMS SYSTEM STATS -----\n"
                                 "MAIN[1000:9191]-> P[1000:1999] <-> H[2000:9191] <-> NULL\n"
                                 "Pages used:\t1\n"
                                 "Space unused:\t7192\n"
                                 "Main Chain Length:\t1\n"
                                 "Sub-chain Length array: [2, ]\n"
                                 "-----------------------------\n");
    (mems_init)(); /* the function itself has the usual one */
    assert_ptr_equal(mems_malloc(1000), address(1000));
    assert_non_null(strstr(stats(), "MAIN[1000:5095]-> P[1000:1999] <-> H[2000:5095] <-> NULL\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_fresh_system_has_no_pages),
        TEST(test_ten_requests_of_a_thousand_bytes_take_three_pages),
        TEST(test_a_freed_segment_is_one_with_the_hole_behind_it),
        TEST(test_the_same_request_takes_the_freed_place_again),
        TEST(test_whole_pages_leave_no_hole),
        TEST(test_an_exact_fit_uses_the_whole_hole),
        TEST(test_one_byte_is_one_byte),
        TEST(test_the_first_hole_that_is_large_enough_is_taken),
        TEST(test_a_segment_crosses_no_mapping),
        TEST(test_holes_grow_together_in_any_order),
        TEST(test_pages_are_kept_until_the_end),
        TEST(test_every_address_of_a_segment_leads_to_its_byte),
        TEST(test_an_address_in_no_segment_leads_nowhere),
        TEST(test_no_bytes_are_no_segment),
        TEST(test_init_starts_afresh),
        TEST(test_finish_unmaps_data_and_records),
        TEST(test_pages_may_have_any_size),
        TEST(test_page_size_is_what_the_program_says_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
