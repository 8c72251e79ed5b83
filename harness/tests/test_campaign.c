/* test_campaign.c - campaigns of random streams: what they find, what they ignore, and when they end. */
#include "assay/campaign.h"
#include "assay/registry.h"
#include "assay/replay.h"
#include "assay/swarm.h"
#include "mutants/planted.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>

#define OPERATIONS 1000000

static struct assay_campaign_result run(const struct assay_backend *backend,
                                        const struct assay_campaign_options *options)
{
    struct assay_campaign_result result;
    struct assay_error error;

    assert_int_equal(assay_campaign_run(backend, options, &result, &error), ASSAY_OK);
    return result;
}

static void expect_no_finding(const struct assay_backend *backend)
{
    const struct assay_campaign_options options = {.seed = 1, .most_ops = OPERATIONS};
    struct assay_campaign_result result = run(backend, &options);

    if (result.found)
        fail_msg("%s: %s: %s", backend->name, assay_check_name(result.finding.check),
                 result.finding.what);
    assert_true(result.ops >= OPERATIONS);
    assert_true(result.served > 0);
}

static void test_correct_backends_have_no_finding(void **state)
{
    size_t count;
    const struct assay_backend *const *all = assay_registry_all(&count);

    (void)state;
    for (int kind = PLANTED_REGION; kind <= PLANTED_PLAIN_GROWS; kind++) {
        struct planted planted = planted_make((enum planted_kind)kind, PLANT_NOTHING);
        expect_no_finding(&planted.backend);
    }
    for (size_t i = 0; i < count; i++)
        expect_no_finding(all[i]);
}

static void test_the_number_of_a_stream_is_enough_to_find_it_again(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_SHRINK_CUTS_TOO_MUCH);
    const struct assay_campaign_options options = {.seed = 7, .most_ops = OPERATIONS};
    struct assay_campaign_result result = run(&planted.backend, &options);
    const struct assay_replay_options how = {.content_bytes = (size_t)64 << 10};
    struct assay_replay *replay = assay_replay_open(&planted.backend, &how);
    struct assay_stream stream = {0};
    struct assay_stream_reader memory;
    struct assay_replay_result again;
    struct assay_error error;

    (void)state;
    assert_true(result.found);
    assert_non_null(replay);
    assert_int_equal(assay_swarm_stream(&stream, result.stream), ASSAY_OK);
    assay_stream_reader_init(&memory, &stream);
    assert_int_equal(assay_replay_run(replay, &memory.reader, &again, &error), ASSAY_OK);
    assert_true(again.found);
    assert_int_equal(again.finding.check, result.finding.check);
    assert_int_equal(again.finding.op, result.finding.op);
    assay_replay_close(replay);
    assay_stream_clear(&stream);
}

static void test_the_same_seed_gives_the_same_finding(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_FREE_LIST_LOSES_REST);
    const struct assay_campaign_options options = {.seed = 3, .most_ops = OPERATIONS};
    struct assay_campaign_result first = run(&planted.backend, &options);
    struct assay_campaign_result second = run(&planted.backend, &options);

    (void)state;
    assert_true(first.found);
    assert_int_equal(first.finding.check, second.finding.check);
    assert_int_equal(first.stream, second.stream);
    assert_int_equal(first.ops, second.ops);
}

static void test_what_is_ignored_is_not_told(void **state)
{
    struct planted planted = planted_make(PLANTED_REGION, PLANT_USABLE_SIZE_SHORT);
    struct assay_campaign_options options = {.seed = 1, .most_ops = OPERATIONS};
    struct assay_campaign_result result = run(&planted.backend, &options);

    (void)state;
    assert_true(result.found);
    assert_int_equal(result.finding.check, ASSAY_CHECK_USABLE);
    options.ignored = UINT64_C(1) << ASSAY_CHECK_USABLE;
    result = run(&planted.backend, &options);
    assert_false(result.found);
    assert_true(result.ops >= OPERATIONS);
}

/* --- heaps that end or stop the process --- */

static assay_status hang(void *self, void *block)
{
    (void)self;
    (void)block;
    for (volatile int forever = 1; forever;)
        ;
    return ASSAY_OK;
}

static assay_status crash(void *self, void *block)
{
    (void)self;
    (void)block;
    raise(SIGSEGV);
    return ASSAY_OK;
}

static struct assay_campaign_result run_with_free(assay_status (*free_block)(void *, void *))
{
    const struct assay_campaign_options options = {.seed = 1, .most_ops = OPERATIONS};
    struct planted planted = planted_make(PLANTED_PLAIN, PLANT_NOTHING);

    planted.backend.free = free_block;
    return run(&planted.backend, &options);
}

static void test_a_crash_is_told_with_its_operation(void **state)
{
    struct assay_campaign_result result = run_with_free(crash);

    (void)state;
    assert_true(result.found);
    assert_int_equal(result.finding.check, ASSAY_CHECK_CRASH);
    assert_non_null(strstr(result.finding.what, strsignal(SIGSEGV)));
}

static void test_a_hang_is_told_with_its_operation(void **state)
{
    struct assay_campaign_result result = run_with_free(hang);

    (void)state;
    assert_true(result.found);
    assert_int_equal(result.finding.check, ASSAY_CHECK_HANG);
}

/* Of processor time, which a campaign counts. */
static void test_a_hang_that_is_ignored_takes_no_more_than_the_campaign_may(void **state)
{
    const struct assay_campaign_options options = {
        .seed = 1, .most_seconds = 0.05, .ignored = UINT64_C(1) << ASSAY_CHECK_HANG};
    struct planted planted = planted_make(PLANTED_PLAIN, PLANT_NOTHING);

    (void)state;
    planted.backend.free = hang;
    struct assay_campaign_result result = run(&planted.backend, &options);
    assert_false(result.found);
    assert_true(result.seconds >= 0.05);
    assert_true(result.seconds < 2);
}

static void test_time_ends_a_campaign(void **state)
{
    const struct assay_campaign_options options = {.seed = 1, .most_seconds = 0.2};
    struct planted planted = planted_make(PLANTED_PLAIN, PLANT_NOTHING);
    struct assay_campaign_result result = run(&planted.backend, &options);

    (void)state;
    assert_false(result.found);
    assert_true(result.seconds >= 0.2);
    assert_true(result.ops > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_correct_backends_have_no_finding),
        cmocka_unit_test(test_the_number_of_a_stream_is_enough_to_find_it_again),
        cmocka_unit_test(test_the_same_seed_gives_the_same_finding),
        cmocka_unit_test(test_what_is_ignored_is_not_told),
        cmocka_unit_test(test_a_crash_is_told_with_its_operation),
        cmocka_unit_test(test_a_hang_is_told_with_its_operation),
        cmocka_unit_test(test_a_hang_that_is_ignored_takes_no_more_than_the_campaign_may),
        cmocka_unit_test(test_time_ends_a_campaign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
