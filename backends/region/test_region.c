/*
 * test_region.c - the functions of mem.h: exact capacities, coalescing in every order, addresses inside objects, and
 * bad input. A region is made once in a process, so each test runs in a child of its own.
 */
#include "mem.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __func__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static int global;

static void expect_no_object(void *ptr)
{
    EXPECT(Mem_IsValid(ptr) == 0 && Mem_GetSize(ptr) == -1);
    EXPECT(Mem_Free(ptr) == (ptr ? -1 : 0));
}

/* What is in no object whatever there is, and requests that nothing can hold. */
static void expect_nonsense_is_answered(void)
{
    static const uintptr_t numbers[] = {0,
                                        1,
                                        8,
                                        4096,
                                        SIZE_MAX,
                                        SIZE_MAX - 7,
                                        SIZE_MAX / 2,
                                        INT_MAX,
                                        (uintptr_t)INT_MIN,
                                        (uintptr_t)-4096};
    static const int sizes[] = {0, -1, -8, INT_MIN, INT_MIN + 1, INT_MAX, INT_MAX - 7};
    char local[64] = "";
    void *foreign = malloc(100);

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        expect_no_object((void *)numbers[i]); /* NOLINT(performance-no-int-to-ptr) */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        EXPECT(!Mem_Alloc(sizes[i]));
    expect_no_object(local + 16);
    expect_no_object(&global);
    expect_no_object((void *)(uintptr_t)expect_no_object);
    expect_no_object((void *)(uintptr_t)numbers);
    expect_no_object(foreign);
    free(foreign);
}

static void test_before_init_nothing_is_an_object(void)
{
    expect_nonsense_is_answered();
    EXPECT(!Mem_Alloc(8));
    EXPECT(Mem_Init(4096) == 0 && Mem_Alloc(4080)); /* and nothing is lost by it */
}

static void test_a_region_is_made_once(void)
{
    EXPECT(Mem_Init(0) == -1 && Mem_Init(-1) == -1 && Mem_Init(INT_MIN) == -1);
    EXPECT(Mem_InitPolicy(4096, (enum mem_policy)3) == -1);
    EXPECT(Mem_Init(1) == 0 && Mem_Init(4096) == -1);
    EXPECT(Mem_Alloc(4080) != NULL);
}

static void test_a_policy_that_there_is_not_makes_no_region(void)
{
    static const int none[] = {-1, 3, 4, 256, INT_MAX, INT_MIN};

    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        enum mem_policy policy;
        memcpy(&policy, &none[i],
               sizeof policy); /* as a caller in another language might have it */
        EXPECT(Mem_InitPolicy(4096, policy) == -1 && !Mem_Alloc(1));
    }
    EXPECT(Mem_InitPolicy(0, MEM_WORST_FIT) == -1 && Mem_InitPolicy(INT_MIN, MEM_FIRST_FIT) == -1);
    EXPECT(Mem_InitPolicy(4096, MEM_WORST_FIT) == 0 && Mem_Alloc(4080));
}

static void test_the_largest_region_holds_the_largest_object(void)
{
    EXPECT(Mem_Init(INT_MAX) == 0); /* of two gigabytes, which nobody writes to */
    char *object = Mem_Alloc(INT_MAX - 65536);
    EXPECT(object && Mem_GetSize(object + 1000000000) == INT_MAX - 65536);
    EXPECT(!Mem_Alloc(65536) && Mem_Free(object + (INT_MAX - 65537)) == 0);
    EXPECT(Mem_Free(object) == -1);
}

static void test_one_object_of_4080_bytes_fits_a_page(void)
{
    EXPECT(Mem_Init(4096) == 0 && !Mem_Alloc(4095));
    void *object = Mem_Alloc(4080);
    EXPECT(object && (uintptr_t)object % 8 == 0 && Mem_GetSize(object) == 4080);
    EXPECT(!Mem_Alloc(1) && Mem_Free(object) == 0 && Mem_Alloc(4080));
}

static void test_2048_then_2047_do_not_fit_a_page(void)
{
    EXPECT(Mem_Init(4096) == 0 && Mem_Alloc(2048) && !Mem_Alloc(2047));
}

static void test_four_of_884_fit_and_1380_after_the_last_is_freed(void)
{
    void *last = NULL;

    EXPECT(Mem_Init(4096) == 0);
    for (int i = 0; i < 4; i++)
        EXPECT((last = Mem_Alloc(884)) != NULL);
    EXPECT(!Mem_Alloc(884) && Mem_Free(last) == 0 && Mem_Alloc(1380));
}

static void test_a_full_region_spends_8_bytes_on_each_object(void)
{
    int objects = 0;

    EXPECT(Mem_Init(1 << 20) == 0);
    while (Mem_Alloc(24))
        objects++;
    EXPECT(objects == (1 << 20) / 32);
}

/* Fills a page with `objects` of `size`, frees those at `order` and expects `whole` to fit. */
static void coalesce(int objects, int size, const char *order, int whole)
{
    void *object[8];

    EXPECT(Mem_Init(4096) == 0);
    for (int i = 0; i < objects; i++)
        EXPECT((object[i] = Mem_Alloc(size)) != NULL);
    for (int rest = 4096; rest > 0; rest--)
        while (Mem_Alloc(rest))
            ;
    EXPECT(!Mem_Alloc(1));
    for (; *order; order++)
        EXPECT(Mem_Free(object[*order - '1']) == 0);
    EXPECT(Mem_Alloc(whole));
}

static void test_two_neighbours_become_one_hole(void)
{
    coalesce(4, 800, "12", 1600);
}

static void test_two_neighbours_become_one_hole_backwards(void)
{
    coalesce(4, 800, "21", 1600);
}

static void test_the_last_two_become_one_hole(void)
{
    coalesce(4, 800, "34", 1600);
}

static void test_a_block_between_two_holes_joins_them(void)
{
    coalesce(5, 600, "132", 1800);
}

static void test_holes_grow_together_in_any_order(void)
{
    coalesce(7, 500, "15243", 2500);
}

/* Holes of 300, 200, 200, 800 and 300 bytes; where does an object of 50 land? */
static int hole_of(enum mem_policy policy, int second)
{
    static const int sizes[] = {300, 200, 200, 100, 200, 800, 500, 700, 300};
    char *object[9];

    EXPECT(Mem_InitPolicy(4096, policy) == 0);
    for (int i = 0; i < 9; i++)
        EXPECT((object[i] = Mem_Alloc(sizes[i])) != NULL);
    while (Mem_Alloc(8))
        ;
    for (int i = 0; i < 9; i += 2)
        EXPECT(Mem_Free(object[i]) == 0);
    if (second)
        EXPECT(Mem_Free(object[second]) == 0);
    char *small = Mem_Alloc(50);
    for (int i = 0; i < 9; i++)
        if (small == object[i])
            return i;
    return -1;
}

static void test_best_fit_takes_the_smallest_hole_of_lowest_address(void)
{
    EXPECT(hole_of(MEM_BEST_FIT, 0) == 2);
}

static void test_worst_fit_takes_the_largest_hole(void)
{
    EXPECT(hole_of(MEM_WORST_FIT, 0) == 6);
}

static void test_worst_fit_sees_that_holes_have_grown_together(void)
{
    EXPECT(hole_of(MEM_WORST_FIT, 5) == 4);
}

static void test_first_fit_takes_the_hole_of_lowest_address(void)
{
    EXPECT(hole_of(MEM_FIRST_FIT, 0) == 0);
}

static void test_every_address_inside_an_object_stands_for_it(void)
{
    EXPECT(Mem_Init(4096) == 0);
    int *p = Mem_Alloc(50 * (int)sizeof *p);
    for (int i = 0; i < 50; i++)
        EXPECT(Mem_IsValid(p + i) == 1 && Mem_GetSize(p + i) == 200);
    EXPECT(Mem_IsValid(p + 50) == 0 && Mem_GetSize(p + 50) == -1 && Mem_Free(p + 50) == -1);
    EXPECT(Mem_IsValid(p - 1) == 0 && Mem_Free(p - 1) == -1);
    EXPECT(Mem_Free(p + 30) == 0);
    EXPECT(Mem_Free(p + 30) == -1 && Mem_Free(p) == -1);
}

static void test_slack_is_in_no_object(void)
{
    EXPECT(Mem_Init(4096) == 0);
    char *object = Mem_Alloc(13);
    EXPECT(Mem_IsValid(object + 12) == 1 && Mem_IsValid(object + 13) == 0);
    EXPECT(Mem_Free(object + 13) == -1 && Mem_Free(object + 12) == 0);
}

static void test_what_is_no_object_is_answered_and_harms_nothing(void)
{
    EXPECT(Mem_Init(4096) == 0);
    char *object = Mem_Alloc(100), *freed = Mem_Alloc(200);
    EXPECT(object && freed && Mem_Free(freed) == 0);
    expect_nonsense_is_answered();
    for (int i = 0; i < 200; i++)
        expect_no_object(freed + i);
    for (int i = 1; i <= 8; i++)
        expect_no_object(object - i);
    expect_no_object(object + 100);
    expect_no_object(object + 2000);
    EXPECT(Mem_Init(4096) == -1 && Mem_Init(-1) == -1 && Mem_InitPolicy(1, MEM_FIRST_FIT) == -1);
    EXPECT(Mem_GetSize(object) == 100 && Mem_Free(object) == 0 && Mem_Alloc(4080));
}

static void test_init_without_a_policy_is_best_fit(void)
{
    EXPECT(Mem_Init(4096) == 0);
    char *large = Mem_Alloc(300), *wall = Mem_Alloc(8), *small = Mem_Alloc(100);
    EXPECT(large && wall && small && Mem_Alloc(8));
    while (Mem_Alloc(8))
        ;
    EXPECT(Mem_Free(large) == 0 && Mem_Free(small) == 0);
    EXPECT(Mem_Alloc(50) == small);
}

static void test_objects_are_at_multiples_of_8(void)
{
    EXPECT(Mem_Init(4096) == 0);
    for (int size = 1; size < 64; size++) {
        void *object = Mem_Alloc(size);
        EXPECT(object && (uintptr_t)object % 8 == 0);
    }
}

/* Nobody would wait for the end of a million walks along a million objects. */
static void test_a_million_objects_are_found_and_freed_from_inside(void)
{
    enum { OBJECTS = 1 << 20 };
    static char *object[OBJECTS];

    EXPECT(Mem_Init(OBJECTS * 32) == 0);
    for (int i = 0; i < OBJECTS; i++)
        EXPECT((object[i] = Mem_Alloc(24)) != NULL);
    for (int i = 0; i < OBJECTS; i++)
        EXPECT(Mem_GetSize(object[i] + i % 24) == 24 && Mem_IsValid(object[i] - 1 - i % 8) == 0);
    for (int i = 0; i < OBJECTS; i++)
        EXPECT(Mem_Free(object[(unsigned)i * 7919u % OBJECTS] + i % 24) == 0);
    EXPECT(Mem_Alloc(OBJECTS * 32 - 16));
}

static void test_a_child_forked_before_init_has_a_region_of_its_own(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(Mem_Init(8192) == 0 && Mem_Alloc(8000) ? 0 : 1);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(!Mem_Alloc(1) && Mem_Init(4096) == 0 && Mem_Alloc(4080));
}

static void test_a_forked_child_has_a_copy(void)
{
    int status = 0;

    EXPECT(Mem_Init(4096) == 0);
    char *object = Mem_Alloc(100);
    pid_t child = fork();
    if (child == 0)
        _exit(Mem_Init(4096) == -1 && Mem_Free(object + 99) == 0 && Mem_Alloc(4080) ? 0 : 1);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(Mem_GetSize(object) == 100 && Mem_Free(object) == 0);
}

/* Whatever is written over a hole, calls end and go nowhere else. */
static void test_a_hole_that_was_written_to_leads_nowhere(void)
{
    EXPECT(Mem_Init(1 << 16) == 0);
    char *object[64];
    for (int i = 0; i < 64; i++)
        EXPECT((object[i] = Mem_Alloc(64)) != NULL);
    for (int i = 0; i < 64; i += 2)
        EXPECT(Mem_Free(object[i]) == 0);
    for (int i = 0; i < 64; i += 2)
        memset(object[i], i * 37 + 1, 64);
    for (int i = 1; i < 64; i += 2) {
        char *other = Mem_Alloc(64);
        EXPECT(!other || (other >= object[0] && other < object[0] + (1 << 16)));
        EXPECT(Mem_Free(object[i]) <= 0);
    }
}

/* Against a list of what is live, at addresses of every kind. */
static void churn(enum mem_policy policy)
{
    enum { SLOTS = 500 };
    static char *object[SLOTS];
    static int size[SLOTS];
    uint32_t random = 1;

    EXPECT(Mem_InitPolicy(1 << 16, policy) == 0);
    for (int step = 0; step < 200000; step++) {
        random = random * 1664525u + 1013904223u;
        int i = (int)((random >> 8) % SLOTS);
        if (object[i]) {
            int into = (int)((random >> 3) % (uint32_t)size[i]);
            EXPECT(object[i][0] == (char)i && object[i][size[i] - 1] == (char)i);
            EXPECT(Mem_GetSize(object[i] + into) == size[i] && Mem_Free(object[i] + into) == 0);
            EXPECT(!Mem_IsValid(object[i] + into));
            object[i] = NULL;
        } else {
            size[i] = (int)(random >> 20) % 300 + 1;
            object[i] = Mem_Alloc(size[i]);
            if (object[i])
                memset(object[i], i, (size_t)size[i]);
        }
    }
    for (int i = 0; i < SLOTS; i++)
        EXPECT(Mem_Free(object[i]) == 0);
    EXPECT(Mem_Alloc((1 << 16) - 16));
}

static void test_a_long_run_of_best_fit_loses_nothing(void)
{
    churn(MEM_BEST_FIT);
}

static void test_a_long_run_of_worst_fit_loses_nothing(void)
{
    churn(MEM_WORST_FIT);
}

static void test_a_long_run_of_first_fit_loses_nothing(void)
{
    churn(MEM_FIRST_FIT);
}

int main(void)
{
    static void (*const tests[])(void) = {
        test_before_init_nothing_is_an_object,
        test_a_region_is_made_once,
        test_a_policy_that_there_is_not_makes_no_region,
        test_the_largest_region_holds_the_largest_object,
        test_one_object_of_4080_bytes_fits_a_page,
        test_2048_then_2047_do_not_fit_a_page,
        test_four_of_884_fit_and_1380_after_the_last_is_freed,
        test_a_full_region_spends_8_bytes_on_each_object,
        test_two_neighbours_become_one_hole,
        test_two_neighbours_become_one_hole_backwards,
        test_the_last_two_become_one_hole,
        test_a_block_between_two_holes_joins_them,
        test_holes_grow_together_in_any_order,
        test_best_fit_takes_the_smallest_hole_of_lowest_address,
        test_worst_fit_takes_the_largest_hole,
        test_worst_fit_sees_that_holes_have_grown_together,
        test_first_fit_takes_the_hole_of_lowest_address,
        test_every_address_inside_an_object_stands_for_it,
        test_slack_is_in_no_object,
        test_what_is_no_object_is_answered_and_harms_nothing,
        test_a_forked_child_has_a_copy,
        test_a_hole_that_was_written_to_leads_nowhere,
        test_a_long_run_of_best_fit_loses_nothing,
        test_a_long_run_of_worst_fit_loses_nothing,
        test_init_without_a_policy_is_best_fit,
        test_objects_are_at_multiples_of_8,
        test_a_million_objects_are_found_and_freed_from_inside,
        test_a_child_forked_before_init_has_a_region_of_its_own,
        test_a_long_run_of_first_fit_loses_nothing,
    };
    int failed = 0;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            tests[i]();
            _exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            fprintf(stderr, "test %zu failed\n", i);
            failed++;
        }
    }
    printf("%zu tests, %d failed\n", sizeof tests / sizeof *tests, failed);
    return failed != 0;
}
