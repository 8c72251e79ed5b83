/*
 * test_mutants - every planted bug is found, every check finds one, and nothing else is found.
 *
 * Each mutant goes through the same campaign of random streams from fixed seeds, in a child
 * process, on pages between fences: what reads or writes past its pages crashes at once.
 */
#include "assay/campaign.h"
#include "assay/registry.h"
#include "mutants/planted.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

struct mutant {
    const char *name;
    enum planted_bug bug;
    enum planted_kind kind;
    const char *story;
};

static const struct mutant mutants[] = {
#define MUTANT(bug, kind, class, difficulty, story) {#bug, PLANT_##bug, PLANTED_##kind, story},
#define AGAIN(bug, kind, class, difficulty)                                                        \
    {#bug, PLANT_##bug, PLANTED_##kind, "the same in a heap that says less"},
#include "mutants/mutants.inc"
#undef MUTANT
#undef AGAIN
};
#define MUTANTS (sizeof mutants / sizeof *mutants)

/* Of processor time; far above what any mutant needs. */
#define SECONDS 20
/* For a backend without a bug. */
#define OPERATIONS 1000000

static struct assay_campaign_result run_campaign(const struct assay_backend *backend)
{
    const struct assay_campaign_options options = {
        .seed = 1, .most_ops = 10 * OPERATIONS, .most_seconds = SECONDS};
    struct assay_campaign_result result;
    struct assay_error error;

    fflush(stdout);
    assert_int_equal(assay_campaign_run(backend, &options, &result, &error), ASSAY_OK);
    return result;
}

static const char *name_of(const struct assay_campaign_result *result)
{
    return result->found ? assay_check_name(result->finding.check) : "-";
}

/*
 * Each mutant is found, and each check is the first to see one of them: a check that never is the
 * first is not known to be needed.
 */
static void test_every_mutant_is_found_and_every_check_finds_one(void **state)
{
    unsigned missed = 0;
    unsigned by[ASSAY_CHECKS] = {0};

    (void)state;
    printf("%-30s %-13s %10s  %s\n", "mutant", "check", "operations", "bug");
    for (size_t i = 0; i < MUTANTS; i++) {
        const struct mutant *mutant = &mutants[i];
        struct planted planted = planted_make(mutant->kind, mutant->bug);
        struct assay_campaign_result result = run_campaign(&planted.backend);
        printf("%-30s %-13s %10llu %8.3f  %s\n", mutant->name, name_of(&result),
               (unsigned long long)result.ops, result.seconds, mutant->story);
        if (result.found)
            by[result.finding.check]++;
        else
            missed++;
    }
    for (int check = 0; check < ASSAY_CHECKS; check++) {
        printf("%-13s %3u\n", assay_check_name((enum assay_check)check), by[check]);
        missed += !by[check];
    }
    assert_int_equal(missed, 0);
}

static void expect_no_finding(const struct assay_backend *backend)
{
    struct assay_campaign_result result = run_campaign(backend);

    printf("%-30s %-13s %10llu %8.3f  %s\n", backend->name, name_of(&result),
           (unsigned long long)result.ops, result.seconds, result.found ? result.finding.what : "");
    assert_false(result.found);
    assert_true(result.served > 0);
}

static void test_no_finding_without_a_bug(void **state)
{
    (void)state;
    for (int kind = PLANTED_REGION; kind <= PLANTED_PLAIN_GROWS; kind++) {
        struct planted planted = planted_make((enum planted_kind)kind, PLANT_NOTHING);
        expect_no_finding(&planted.backend);
    }
}

static void test_no_finding_on_the_backends(void **state)
{
    size_t count;
    const struct assay_backend *const *all = assay_registry_all(&count);

    (void)state;
    for (size_t i = 0; i < count; i++)
        expect_no_finding(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_finding_without_a_bug),
        cmocka_unit_test(test_no_finding_on_the_backends),
        cmocka_unit_test(test_every_mutant_is_found_and_every_check_finds_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
