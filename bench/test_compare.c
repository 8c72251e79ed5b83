/* test_compare - what is claimed of made-up runs whose truth is known. */
#include "compare.h"

#include "dice.h"

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define WORKLOADS ((size_t)4)
#define BACKENDS ((size_t)3)
#define ROWS (WORKLOADS * BACKENDS)

static char workloads[][8] = {"pairs", "shifts", "swap", "churn"};
static char made_up[] = "made up";
static char backends[][8] = {"null", "system", "list"};

/* A run of ROWS rows; its strings are not its own. */
struct run {
    struct results results;
    struct result rows[ROWS];
};

static size_t rounds = 15; /* of each row */

/* Numbers around 0 of the given spread, nearly normal. */
static double noise(struct dice *dice, double spread)
{
    double sum = 0;

    for (int i = 0; i < 12; i++)
        sum += (double)dice_roll(dice, 1000001) / 1000000 - 0.5;
    return sum * spread;
}

/*
 * Rounds scattered by `spread`, all of one round by `common` besides, and all of the run by `drift`; those of
 * list longer by `slowdown`.
 */
static void make_run(struct run *run, struct dice *dice, double spread, double common, double drift,
                     double slowdown)
{
    *run = (struct run){.results = {.path = made_up, .rows = run->rows, .count = ROWS}};
    for (size_t w = 0; w < WORKLOADS; w++)
        for (size_t b = 0; b < BACKENDS; b++)
            run->rows[w * BACKENDS + b] =
                (struct result){.workload = workloads[w], .backend = backends[b], .passed = true};
    for (size_t w = 0; w < WORKLOADS; w++)
        for (size_t round = 0; round < rounds; round++) {
            double shared = noise(dice, common) + drift;
            for (size_t b = 0; b < BACKENDS; b++) {
                struct sample *ns = &run->rows[w * BACKENDS + b].ns;
                double more = b == 2 ? log(1 + slowdown) : 0;
                ns->values[ns->count++] =
                    10 * (double)(b + 1) * exp(shared + more + noise(dice, spread));
            }
        }
}

static size_t count_verdicts(const struct comparison *comparisons, enum verdict verdict)
{
    size_t count = 0;

    for (size_t i = 0; i < ROWS; i++)
        count += comparisons[i].verdict == verdict;
    return count;
}

static struct run first, second;
static struct comparison comparisons[ROWS];

static void compare(void)
{
    assert_int_equal(compare_results(&first.results, &second.results, comparisons), 0);
}

static void test_runs_of_the_same_build_are_never_called_different(void **state)
{
    (void)state;
    struct dice dice = {11};
    /* Some quiet, some noisy, on a machine that is slower at times. */
    for (int i = 0; i < 40; i++) {
        double spread = i % 4 == 0 ? 0.002 : 0.02 * (i % 4), drift = 0.1 * (i % 3);
        make_run(&first, &dice, spread, 0.02, 0, 0);
        make_run(&second, &dice, spread, 0.02, drift, 0);
        compare();
        assert_int_equal(count_verdicts(comparisons, VERDICT_NOISE), ROWS);
    }
}

static void test_a_slowdown_of_five_percent_is_found_and_blamed_on_its_backend(void **state)
{
    (void)state;
    struct dice dice = {12};
    size_t found = 0;

    for (int i = 0; i < 10; i++) {
        make_run(&first, &dice, 0.01, 0.01, 0, 0);
        make_run(&second, &dice, 0.01, 0.01, 0, 0.05);
        compare();
        found += count_verdicts(comparisons, VERDICT_SLOWER) > 0;
        for (size_t k = 0; k < ROWS; k++)
            if (comparisons[k].verdict == VERDICT_SLOWER)
                assert_string_equal(comparisons[k].a->backend, "list");
    }
    assert_int_equal(found, 10);
}

/* Some rounds, other ones for each row, last half as long again: what a neighbour on the same core does. */
static void disturb(struct run *run, struct dice *dice, unsigned percent)
{
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < run->rows[i].ns.count; k++)
            if (dice_roll(dice, 100) < percent)
                run->rows[i].ns.values[k] *= 1.4 + 0.1 * noise(dice, 1);
}

static void test_rounds_that_neighbours_disturb_neither_hide_nor_make_a_difference(void **state)
{
    (void)state;
    struct dice dice = {17};
    size_t found = 0;

    rounds = 30;
    for (int i = 0; i < 20; i++) {
        make_run(&first, &dice, 0.01, 0.01, 0, 0);
        make_run(&second, &dice, 0.01, 0.01, 0, 0);
        disturb(&first, &dice, 30);
        disturb(&second, &dice, 50);
        compare();
        assert_int_equal(count_verdicts(comparisons, VERDICT_NOISE), ROWS);
        make_run(&second, &dice, 0.01, 0.01, 0, 0.08);
        disturb(&second, &dice, 30);
        compare();
        found += count_verdicts(comparisons, VERDICT_SLOWER) > 0;
    }
    rounds = 15;
    assert_true(found >= 18);
}

static void test_the_harness_is_neither_blamed_nor_a_witness(void **state)
{
    (void)state;
    struct dice dice = {18};

    make_run(&first, &dice, 0.005, 0.01, 0, 0);
    make_run(&second, &dice, 0.005, 0.01, 0.1, 0);
    for (size_t w = 0; w < WORKLOADS; w++) /* what slowed the heaps passed it by */
        for (size_t k = 0; k < rounds; k++)
            second.rows[w * BACKENDS].ns.values[k] *= 0.7;
    compare();
    assert_int_equal(count_verdicts(comparisons, VERDICT_NOISE), ROWS);
}

static void test_a_heap_that_no_other_was_measured_beside_is_not_judged(void **state)
{
    (void)state;
    struct dice dice = {19};

    make_run(&first, &dice, 0.005, 0.01, 0, 0);
    make_run(&second, &dice, 0.005, 0.01, 0, 0.3);
    for (size_t i = 0; i < ROWS; i++)
        if (i % BACKENDS == 1)
            first.rows[i].ns.count = second.rows[i].ns.count = 0;
    compare();
    assert_int_equal(count_verdicts(comparisons, VERDICT_NOISE), ROWS);
}

static void test_less_than_a_cycle_is_not_claimed_however_sure(void **state)
{
    (void)state;
    struct dice dice = {20};

    make_run(&first, &dice, 0.001, 0.001, 0, 0);
    make_run(&second, &dice, 0.001, 0.001, 0, 0.06);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < rounds; k++) {
            first.rows[i].ns.values[k] /= 10;
            second.rows[i].ns.values[k] /= 10;
        }
    compare();
    assert_int_equal(count_verdicts(comparisons, VERDICT_NOISE), ROWS);
    make_run(&second, &dice, 0.001, 0.001, 0, 0.2);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < rounds; k++)
            second.rows[i].ns.values[k] /= 10;
    compare();
    assert_int_equal(count_verdicts(comparisons, VERDICT_SLOWER), WORKLOADS);
}

static void test_the_ratio_is_about_what_was_planted(void **state)
{
    (void)state;
    struct dice dice = {13};

    make_run(&first, &dice, 0.005, 0.01, 0, 0);
    make_run(&second, &dice, 0.005, 0.01, 0.3, -0.2);
    compare();
    for (size_t i = 2; i < ROWS; i += BACKENDS)
        assert_true(fabs(comparisons[i].ratio.middle - 0.8) < 0.02);
    /* As measured it did not become faster: the machine was slow. Nothing is claimed. */
    assert_int_equal(count_verdicts(comparisons, VERDICT_FASTER), 0);
    make_run(&second, &dice, 0.005, 0.01, 0, -0.2);
    compare();
    assert_int_equal(count_verdicts(comparisons, VERDICT_FASTER), WORKLOADS);
}

static void test_three_rounds_claim_nothing(void **state)
{
    (void)state;
    struct dice dice = {14};

    make_run(&first, &dice, 0.005, 0.01, 0, 0);
    make_run(&second, &dice, 0.005, 0.01, 0, 1);
    for (size_t i = 0; i < ROWS; i++)
        first.rows[i].ns.count = second.rows[i].ns.count = 3;
    compare();
    assert_int_equal(count_verdicts(comparisons, VERDICT_NOISE), ROWS);
}

static void test_answers_come_before_times(void **state)
{
    (void)state;
    struct dice dice = {15};

    make_run(&first, &dice, 0.005, 0.01, 0, 0);
    make_run(&second, &dice, 0.005, 0.01, 0, 0);
    second.rows[2].passed = false;
    second.rows[2].ns.count = 0;
    first.rows[5].passed = false;
    first.rows[5].ns.count = 0;
    second.results.count = ROWS - 1;
    compare();
    assert_int_equal(comparisons[2].verdict, VERDICT_BROKEN);
    assert_int_equal(comparisons[5].verdict, VERDICT_MENDED);
    assert_int_equal(comparisons[ROWS - 1].verdict, VERDICT_MISSING);
}

/* The run with rows of its own, that may grow. */
static struct results copy(const struct run *run)
{
    struct results results = {.path = made_up, .rows = malloc(sizeof run->rows), .count = ROWS};

    assert_non_null(results.rows);
    memcpy(results.rows, run->rows, sizeof run->rows);
    return results;
}

static void free_totals(struct results *results)
{
    for (size_t i = ROWS; i < results->count; i++) {
        free(results->rows[i].workload);
        free(results->rows[i].backend);
    }
    free(results->rows);
}

static void test_the_row_of_all_workloads_is_their_geometric_mean_of_each_round(void **state)
{
    (void)state;
    struct dice dice = {16};

    make_run(&first, &dice, 0.01, 0.01, 0, 0);
    make_run(&second, &dice, 0.01, 0.01, 0, 0);
    /* A row that lacks rounds in one run counts in neither. */
    second.rows[0].ns.count = 3;
    struct results a = copy(&first), b = copy(&second);
    assert_int_equal(results_add_totals(&a, &b), 0);
    assert_int_equal(a.count, ROWS + BACKENDS);
    assert_int_equal(b.count, ROWS + BACKENDS);
    const struct result *null = results_find(&a, RESULTS_TOTAL, "null");
    const struct result *list = results_find(&b, RESULTS_TOTAL, "list");
    assert_true(null && list);
    double of_null = 1, of_list = 1;
    for (size_t w = 0; w < WORKLOADS; w++) {
        of_null *= w ? first.rows[w * BACKENDS].ns.values[4] : 1;
        of_list *= second.rows[w * BACKENDS + 2].ns.values[4];
    }
    assert_true(fabs(null->ns.values[4] - pow(of_null, 1.0 / (WORKLOADS - 1))) < 1e-9);
    assert_true(fabs(list->ns.values[4] - pow(of_list, 1.0 / WORKLOADS)) < 1e-9);
    free_totals(&a);
    free_totals(&b);
}

static char *print_sheet(enum sheet_form form, unsigned width)
{
    static const char *const headings[] = {"name", "number>"};
    struct sheet *sheet = sheet_open(headings, 2);
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    assert_true(sheet && out);
    sheet_add(sheet, "a, \"b\" | c");
    sheet_add_number(sheet, 1.5, 1);
    sheet_add(sheet, "d");
    sheet_add_number(sheet, NAN, 1);
    sheet_fit(sheet, width);
    assert_int_equal(sheet_close(sheet, form, out), 0);
    fclose(out);
    return text;
}

static void test_a_sheet_has_the_same_words_in_three_forms(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        [SHEET_TABLE] = "name        number\na, \"b\" | c     1.5\nd                -\n",
        [SHEET_CSV] = "name,number\r\n\"a, \"\"b\"\" | c\",1.5\r\nd,-\r\n",
        [SHEET_MARKDOWN] =
            "| name | number |\n| --- | ---: |\n| a, \"b\" \\| c | 1.5 |\n| d | - |\n",
    };

    for (int form = SHEET_TABLE; form <= SHEET_MARKDOWN; form++) {
        char *text = print_sheet((enum sheet_form)form, 0);
        assert_string_equal(text, wanted[form]);
        free(text);
    }
}

static void test_a_table_is_folded_where_the_terminal_is_narrow_and_nothing_else_is(void **state)
{
    (void)state;
    static const char *const folded = "name\n    number\na, \"b\" | c\n       1.5\nd\n         -\n";

    for (int form = SHEET_TABLE; form <= SHEET_MARKDOWN; form++) {
        char *whole = print_sheet((enum sheet_form)form, 0);
        char *fits = print_sheet((enum sheet_form)form, 18),
             *narrow = print_sheet((enum sheet_form)form, 17);
        assert_string_equal(fits, whole);
        assert_string_equal(narrow, form == SHEET_TABLE ? folded : whole);
        free(whole);
        free(fits);
        free(narrow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_of_the_same_build_are_never_called_different),
        cmocka_unit_test(test_a_slowdown_of_five_percent_is_found_and_blamed_on_its_backend),
        cmocka_unit_test(test_rounds_that_neighbours_disturb_neither_hide_nor_make_a_difference),
        cmocka_unit_test(test_the_harness_is_neither_blamed_nor_a_witness),
        cmocka_unit_test(test_a_heap_that_no_other_was_measured_beside_is_not_judged),
        cmocka_unit_test(test_less_than_a_cycle_is_not_claimed_however_sure),
        cmocka_unit_test(test_the_ratio_is_about_what_was_planted),
        cmocka_unit_test(test_three_rounds_claim_nothing),
        cmocka_unit_test(test_answers_come_before_times),
        cmocka_unit_test(test_the_row_of_all_workloads_is_their_geometric_mean_of_each_round),
        cmocka_unit_test(test_a_sheet_has_the_same_words_in_three_forms),
        cmocka_unit_test(test_a_table_is_folded_where_the_terminal_is_narrow_and_nothing_else_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
