/*
 * test_conformance - a broken promise fails the tests that are about it, and no others.
 *
 * A liar is a correct allocator with a flag that it does not keep, with one thing done wrong, or
 * with one of the planted bugs. All conformance tests run on it.
 */
#include "assay/conformance.h"
#include "assay/registry.h"
#include "assay/sanitizer.h"
#include "liars.h"
#include "mutants/planted.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define MOST_BROKEN 8
#define MOST_RUNS 100

struct lie {
    const char *name;
    void (*tell)(void);
    const char *broken[MOST_BROKEN];               /* the tests that must fail, up to NULL */
    enum { ON_NULL, ON_PLANTED, ON_SYSTEM } truth; /* ON_SYSTEM: not told under a sanitizer */
    enum planted_kind kind;
    enum planted_bug bug;
    uint32_t claims; /* falsely, besides what the truth claims */
    uint32_t denies;
    bool is_large; /* of blocks above 4 GiB: not told under a sanitizer */
    bool spreads;  /* so basic that other tests fail as well */
    bool races;    /* shows only when threads meet, which on a busy machine a run may miss */
};

static const struct lie lies[] = {
#include "lies.inc"
};

static const struct assay_backend *built_in(const char *name)
{
    const struct assay_backend *backend = NULL;
    struct assay_error error;

    assert_int_equal(assay_registry_find(name, &backend, &error), ASSAY_OK);
    return backend;
}

static bool must_break(const struct lie *lie, const char *name)
{
    for (size_t i = 0; i < MOST_BROKEN && lie->broken[i]; i++)
        if (strcmp(lie->broken[i], name) == 0)
            return true;
    return false;
}

/* Runs the conformance test with this index; again and again where only chance shows the lie. */
static struct assay_conformance_result run_index(const struct lie *lie, size_t index)
{
    struct assay_conformance_result result;
    int runs = 0;

    do
        assert_int_equal(assay_conformance_run(&assay_liar.backend, index, &result), ASSAY_OK);
    while (lie->races && must_break(lie, result.name) && result.verdict != ASSAY_BROKEN &&
           ++runs < MOST_RUNS);
    return result;
}

static unsigned run_lie(const struct lie *lie)
{
    struct planted planted = planted_make(lie->kind, lie->bug);
    unsigned wrong = 0, broken = 0, unknown = 0, named = 0;

    if ((lie->truth == ON_SYSTEM || lie->is_large) && assay_is_sanitized())
        return 0;
    assay_liar_copy(lie->truth == ON_NULL     ? built_in("null")
                    : lie->truth == ON_SYSTEM ? built_in("system")
                                              : &planted.backend);
    assay_liar.backend.caps |= lie->claims;
    assay_liar.backend.caps &= ~lie->denies;
    if (lie->tell)
        lie->tell();
    while (named < MOST_BROKEN && lie->broken[named])
        named++;
    for (size_t i = 0; i < assay_conformance_count(); i++) {
        struct assay_conformance_result result = run_index(lie, i);
        bool is_broken = result.verdict == ASSAY_BROKEN;
        broken += is_broken;
        if (is_broken == must_break(lie, result.name) || (is_broken && lie->spreads))
            continue;
        if (!is_broken && strcmp(result.why, ASSAY_TOO_SLOW) == 0) { /* no wrong answer */
            printf("%s: %s is not known: %s\n", lie->name, result.name, result.why);
            unknown++;
            continue;
        }
        wrong++;
        printf("%s: %s %s: %s\n", lie->name, result.name,
               is_broken ? "fails" : "should fail and does not", result.why);
    }
    if (named > broken + unknown && wrong == 0) {
        printf("%s: a name in the list is no test\n", lie->name);
        wrong++;
    }
    return wrong;
}

static void test_a_lie_breaks_the_tests_about_it_and_no_others(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        wrong += run_lie(&lies[i]);
    assert_int_equal(wrong, 0);
}

static void test_every_conformance_test_is_broken_by_some_lie(void **state)
{
    struct assay_conformance_result result;

    (void)state;
    for (size_t i = 0; i < assay_conformance_count(); i++) {
        size_t count = 0;
        assay_liar_copy(built_in("null"));
        assert_int_equal(assay_conformance_run(&assay_liar.backend, i, &result), ASSAY_OK);
        for (size_t j = 0; j < sizeof lies / sizeof *lies; j++)
            count += must_break(&lies[j], result.name);
        if (count == 0)
            printf("no lie breaks %s\n", result.name);
        assert_true(count > 0);
    }
}

static void test_the_truth_breaks_none(void **state)
{
    struct lie truth = {.name = "nothing", .truth = ON_NULL};

    (void)state;
    assert_int_equal(run_lie(&truth), 0);
    truth.truth = ON_PLANTED;
    for (int kind = PLANTED_REGION; kind <= PLANTED_PLAIN_GROWS; kind++) {
        truth.kind = (enum planted_kind)kind;
        assert_int_equal(run_lie(&truth), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_truth_breaks_none),
        cmocka_unit_test(test_a_lie_breaks_the_tests_about_it_and_no_others),
        cmocka_unit_test(test_every_conformance_test_is_broken_by_some_lie),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
