/* conformance.c - runs the tests that define what a backend is, each in a child process. */
#include "assay/conformance.h"

#include "assay/guard.h"
#include "conformance_tests.h"

#include <stdio.h>
#include <string.h>

/* A test takes milliseconds; this is for a heap that never comes back, on any machine. */
#define SECONDS 60
/* What is only tried may hang without being wrong. */
#define SECONDS_TRIED 10
/* Of processor time, for a heap that never comes back and is not asleep. */
#define SECONDS_COMPUTING 5

static const struct conformance_room *const rooms[] = {
    &assay_conformance_life,
    &assay_conformance_alloc,
    &assay_conformance_questions,
    &assay_conformance_caps,
    &assay_conformance_threads,
    &assay_conformance_misuse,
    NULL,
};

size_t assay_conformance_count(void)
{
    size_t count = 0;

    for (size_t i = 0; rooms[i]; i++)
        count += rooms[i]->count;
    return count;
}

static const struct conformance_test *test_at(size_t index)
{
    size_t room = 0;

    while (index >= rooms[room]->count)
        index -= rooms[room++]->count;
    return &rooms[room]->tests[index];
}

static bool offers(const struct assay_backend *backend, size_t function)
{
    void *entry;

    if (function == 0)
        return true;
    memcpy(&entry, (const char *)backend + function, sizeof entry);
    return entry != NULL;
}

static bool applies(const struct conformance_test *test, const struct assay_backend *backend)
{
    if (!offers(backend, test->function) || !assay_backend_claims(backend, test->setting))
        return false;
    if (backend->caps & test->unless)
        return false;
    return test->tried || assay_backend_claims(backend, test->capability);
}

struct job {
    const struct conformance_test *test;
    struct trial trial;
};

static void run_job(void *arg, volatile uint64_t *progress)
{
    struct job *job = arg;

    (void)progress;
    assay_guard_limit(SECONDS_COMPUTING);
    job->test->run(&job->trial);
    job->trial.result->verdict = job->trial.claimed ? ASSAY_KEPT : ASSAY_COULD_CLAIM;
}

/* A child that did not live to write its verdict has given it. */
static void judge_ending(struct assay_conformance_result *result, bool claimed,
                         const struct assay_guard_outcome *outcome)
{
    if (outcome->ending == ASSAY_ENDED || (outcome->ending == ASSAY_EXITED && outcome->code == 0))
        return;
    result->verdict = claimed ? ASSAY_BROKEN : ASSAY_NOT_CLAIMED;
    result->hung = assay_guard_hung(outcome);
    if (result->why[0] != '\0')
        return;
    if (result->hung)
        snprintf(result->why, sizeof result->why, "did not come back");
    else if (outcome->ending == ASSAY_CRASHED)
        snprintf(result->why, sizeof result->why, "crashed: %s", strsignal(outcome->code));
    else
        snprintf(result->why, sizeof result->why, "ended the process with status %d",
                 outcome->code);
}

assay_status assay_conformance_run(const struct assay_backend *backend, size_t index,
                                   struct assay_conformance_result *result)
{
    const struct conformance_test *test = test_at(index);
    struct assay_guard_outcome outcome;

    *result = (struct assay_conformance_result){
        .name = test->name, .needs = test->needs, .verdict = ASSAY_NOT_CLAIMED};
    if (!applies(test, backend))
        return ASSAY_OK;

    struct assay_conformance_result *shared = assay_guard_shared(sizeof *shared);
    if (!shared)
        return ASSAY_NO_MEMORY;
    *shared = *result;
    bool claimed = assay_backend_claims(backend, test->capability);
    struct job job = {.test = test,
                      .trial = {.backend = backend, .result = shared, .claimed = claimed}};
    assay_status status =
        assay_guard_run(run_job, &job, claimed ? SECONDS : SECONDS_TRIED, true, &outcome);
    if (status == ASSAY_OK) {
        *result = *shared;
        judge_ending(result, claimed, &outcome);
    }
    assay_guard_unshare(shared, sizeof *shared);
    return status;
}
