/*
 * test_mutants - every planted bug is found by the check that must name it, and no correct backend is.
 *
 * Each mutant goes through the same campaign of random streams from fixed seeds, in a child process,
 * on pages between fences, so that what reads or writes past its pages crashes at once.
 */
#include "assay/finding.h"
#include "assay/guard.h"
#include "assay/op.h"
#include "assay/registry.h"
#include "assay/replay.h"
#include "assay/sizes.h"
#include "mutants/campaign.h"
#include "mutants/planted.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define STREAMS 24
/* For all but heaps that hang: far above what any machine needs. */
#define SECONDS 120
#define SECONDS_UNTIL_HUNG 2

struct mutant {
    const char *name;
    enum planted_bug bug;
    enum assay_check check;
    enum planted_kind kind;
    const char *story;
};

static const struct mutant mutants[] = {
#define MUTANT(bug, check, kind, story)                                                            \
    {#bug, PLANT_##bug, ASSAY_CHECK_##check, PLANTED_##kind, story},
#include "mutants/mutants.inc"
#undef MUTANT
};
#define MUTANTS (sizeof mutants / sizeof *mutants)

/* What a campaign over one backend came to; shared with the child that runs it. */
struct verdict {
    bool found;
    enum assay_check check;
    uint64_t ops; /* until the finding, or all */
    uint64_t served;
    char what[400];
};

struct job {
    const struct assay_backend *backend;
    struct verdict *verdict;
};

static void fail_job(struct verdict *verdict, const char *what)
{
    verdict->found = true;
    verdict->check = ASSAY_CHECKS;
    snprintf(verdict->what, sizeof verdict->what, "%s", what);
}

static void run_streams(struct job *job, struct assay_replay *replay, volatile uint64_t *progress)
{
    struct verdict *verdict = job->verdict;
    struct assay_stream stream = {0};
    struct assay_stream_reader reader;
    struct assay_replay_result result;
    struct assay_error error;

    for (uint64_t seed = 1; seed <= STREAMS && !verdict->found; seed++) {
        if (assay_campaign_stream(&stream, seed) != ASSAY_OK) {
            fail_job(verdict, "no memory");
            break;
        }
        *progress = 0;
        assay_stream_reader_init(&reader, &stream);
        if (assay_replay_run(replay, &reader.reader, &result, &error) != ASSAY_OK) {
            fail_job(verdict, error.what);
            break;
        }
        verdict->ops += result.found ? result.finding.op : result.ops;
        verdict->served += result.served;
        verdict->found = result.found;
        if (result.found) {
            verdict->check = result.finding.check;
            snprintf(verdict->what, sizeof verdict->what, "seed %llu op %llu: %s",
                     (unsigned long long)seed, (unsigned long long)result.finding.op,
                     result.finding.what);
        }
    }
    assay_stream_clear(&stream);
}

static void run_job(void *arg, volatile uint64_t *progress)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    struct job *job = arg;
    struct assay_fence fence;

    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], SIG_DFL); /* cmocka would make a failed test of it */
    if (assay_fence_open(&fence) != ASSAY_OK) {
        fail_job(job->verdict, "no fenced pages");
        return;
    }
    const struct assay_replay_options options = {
        .pages = &fence.source,
        .reset_pages = assay_fence_reset,
        .reset_ctx = &fence,
        .progress = progress,
    };
    struct assay_replay *replay = assay_replay_open(job->backend, &options);
    if (replay)
        run_streams(job, replay, progress);
    else
        fail_job(job->verdict, "no memory for the replay");
    assay_replay_close(replay);
    assay_fence_close(&fence);
}

static struct verdict run_campaign(const struct assay_backend *backend, unsigned seconds)
{
    struct verdict *shared = assay_guard_shared(sizeof *shared);
    struct assay_guard_outcome outcome;

    assert_non_null(shared);
    struct job job = {.backend = backend, .verdict = shared};
    fflush(stdout);
    assert_int_equal(assay_guard_run(run_job, &job, seconds, true, &outcome), ASSAY_OK);
    struct verdict verdict = *shared;
    assay_guard_unshare(shared, sizeof *shared);
    if (outcome.ending != ASSAY_ENDED) {
        verdict.found = true;
        verdict.check = outcome.ending == ASSAY_HUNG ? ASSAY_CHECK_HANG : ASSAY_CHECK_CRASH;
        verdict.ops += outcome.progress;
        snprintf(verdict.what, sizeof verdict.what, "ended by %d at op %llu", outcome.code,
                 (unsigned long long)outcome.progress);
    }
    return verdict;
}

static const char *name_of(const struct verdict *verdict)
{
    if (!verdict->found)
        return "-";
    return verdict->check < ASSAY_CHECKS ? assay_check_name(verdict->check) : "failed";
}

static void test_every_mutant_is_found_by_its_check(void **state)
{
    unsigned missed = 0;

    (void)state;
    printf("%-30s %-13s %10s  %s\n", "mutant", "check", "operations", "bug");
    for (size_t i = 0; i < MUTANTS; i++) {
        const struct mutant *mutant = &mutants[i];
        struct planted planted = planted_make(mutant->kind, mutant->bug);
        struct verdict verdict = run_campaign(
            &planted.backend, mutant->check == ASSAY_CHECK_HANG ? SECONDS_UNTIL_HUNG : SECONDS);
        printf("%-30s %-13s %10llu  %s\n", mutant->name, name_of(&verdict),
               (unsigned long long)verdict.ops, mutant->story);
        if (verdict.found && verdict.check == mutant->check)
            continue;
        missed++;
        printf("    expected %s: %s\n", assay_check_name(mutant->check), verdict.what);
    }
    assert_int_equal(missed, 0);
}

/* Every check but those listed in test_every_check... has a mutant that it names first. */
static void test_every_check_has_a_mutant(void **state)
{
    (void)state;
    for (int check = 0; check < ASSAY_CHECKS; check++) {
        size_t found = 0;
        for (size_t i = 0; i < MUTANTS; i++)
            found += (int)mutants[i].check == check;
        if (!found)
            printf("no mutant for %s\n", assay_check_name((enum assay_check)check));
        assert_true(found > 0);
    }
}

static void expect_no_finding(const struct assay_backend *backend)
{
    struct verdict verdict = run_campaign(backend, SECONDS);

    printf("%-30s %-13s %10llu  %s\n", backend->name, name_of(&verdict),
           (unsigned long long)verdict.ops, verdict.what);
    assert_false(verdict.found);
    assert_true(verdict.served > 0);
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
        cmocka_unit_test(test_every_mutant_is_found_by_its_check),
        cmocka_unit_test(test_every_check_has_a_mutant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
