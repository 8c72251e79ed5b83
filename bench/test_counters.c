/* test_counters - counters count, and one that is missing takes no other along. By the kernel's own events: those of the
   processor are not on every machine. */
#include "counters.h"

#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdbool.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#define PAGES 100
#define PAGE 4096
#define NO_SUCH_EVENT 4711

static const struct counter_event some_missing[COUNTERS] = {
    {"nonsense", PERF_TYPE_SOFTWARE, NO_SUCH_EVENT},
    {"faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
    {"more nonsense", PERF_TYPE_SOFTWARE, NO_SUCH_EVENT},
    {"minor faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN},
};
static const struct counter_event all_missing[COUNTERS] = {
    {"a", PERF_TYPE_SOFTWARE, NO_SUCH_EVENT},
    {"b", PERF_TYPE_SOFTWARE, NO_SUCH_EVENT},
    {"c", PERF_TYPE_SOFTWARE, NO_SUCH_EVENT},
    {"d", PERF_TYPE_SOFTWARE, NO_SUCH_EVENT},
};

static void touch_fresh_pages(void)
{
    char *pages = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(pages, MAP_FAILED);
    madvise(pages, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < PAGES; i++)
        *(volatile char *)(pages + i * PAGE) = 1;
    munmap(pages, (size_t)PAGES * PAGE);
}

static void test_what_is_there_counts_beside_what_is_not(void **state)
{
    struct counters counters;
    uint64_t before[COUNTERS], after[COUNTERS];
    char text[120];

    (void)state;
    counters_open(&counters, some_missing);
    if (counters.files[1] < 0) {
        printf("the kernel lets this process count nothing\n");
        counters_close(&counters);
        skip();
    }
    counters_describe(&counters, some_missing, text, sizeof text);
    assert_string_equal(text, "faults, minor faults");
    counters_read(&counters, before);
    touch_fresh_pages();
    counters_read(&counters, after);
    counters_close(&counters);
    assert_true(after[1] - before[1] >= PAGES);
    assert_true(after[3] - before[3] >= PAGES);
    assert_int_equal(after[0] + after[2], 0);
}

static void test_where_there_is_none_the_reason_is_told_and_all_are_0(void **state)
{
    struct counters counters;
    uint64_t values[COUNTERS] = {1, 1, 1, 1};
    char text[120];

    (void)state;
    counters_open(&counters, all_missing);
    counters_describe(&counters, all_missing, text, sizeof text);
    assert_int_equal(strncmp(text, "none: perf_event_open: ", 23), 0);
    assert_string_equal(text + 23, strerror(counters.error));
    assert_int_not_equal(counters.error, 0);
    counters_read(&counters, values);
    for (int i = 0; i < COUNTERS; i++)
        assert_int_equal(values[i], 0);
    counters_close(&counters);
}

static void test_a_description_ends_where_its_room_does(void **state)
{
    struct counters counters = {.files = {7, 7, 7, 7}};
    char text[12];

    (void)state;
    counters_describe(&counters, hardware_events, text, sizeof text);
    assert_string_equal(text, "cycles, ins");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_there_counts_beside_what_is_not),
        cmocka_unit_test(test_where_there_is_none_the_reason_is_told_and_all_are_0),
        cmocka_unit_test(test_a_description_ends_where_its_room_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
