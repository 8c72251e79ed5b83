/*
 * fuzz_worker.c - runs slices, one after the other: each is a campaign of its own streams, known by its number.
 *
 * A slice ends with its first finding. A check that has been found often enough is ignored from then on, so that the
 * others can be seen behind it.
 */
#include "fuzz.h"

#include "assay/swarm.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Of one slice: about a second. */
#define SLICE_SECONDS 1.0
/* Findings of one check before it is ignored. */
#define SEEN_OFTEN 16

void fuzz_fail(struct fuzz_shared *shared, const struct assay_error *error)
{
    shared->error = *error;
    atomic_store(&shared->failed, true);
}

void fuzz_fail_with(const struct fuzz *fuzz, const char *what, const char *why)
{
    struct assay_error error;

    assay_error_set(&error, "%s: %s", what, why);
    fuzz_fail(fuzz->shared, &error);
}

enum fuzz_written fuzz_take(const struct fuzz *fuzz, unsigned number,
                            const struct assay_stream *whole, enum assay_check check,
                            const char *pages)
{
    struct fuzz_shared *shared = fuzz->shared;
    struct fuzz_worker *worker = &shared->worker[number];
    struct assay_error error;

    if (atomic_fetch_add(&shared->seen[check], 1) + 1 >= SEEN_OFTEN)
        atomic_fetch_or(&shared->ignored, 1ull << check);
    enum fuzz_written written = fuzz_write_finding(fuzz, whole, pages, &error);
    worker->written += written == FUZZ_NEW;
    worker->known += written == FUZZ_KNOWN;
    worker->unconfirmed += written == FUZZ_UNCONFIRMED;
    if (written == FUZZ_FAILED)
        fuzz_fail(shared, &error);
    return written;
}

static bool take_number(const struct fuzz *fuzz, unsigned number,
                        const struct assay_campaign_result *result)
{
    struct assay_stream stream = {0};
    struct assay_error error;
    const char *pages = assay_campaign_pages(result->stream);
    bool taken = assay_swarm_stream(&stream, result->stream) == ASSAY_OK;

    if (taken) {
        taken = fuzz_take(fuzz, number, &stream, result->finding.check, pages) != FUZZ_FAILED;
    } else {
        assay_error_set(&error, "no memory for a stream");
        fuzz_fail(fuzz->shared, &error);
    }
    assay_stream_clear(&stream);
    return taken;
}

static bool run_slice(const struct fuzz *fuzz, unsigned number)
{
    struct fuzz_worker *worker = &fuzz->shared->worker[number];
    const struct assay_campaign_options options = {
        .seed = (fuzz->seed << 20) + atomic_load(&worker->slice),
        .most_seconds = SLICE_SECONDS,
        .ignored = atomic_load(&fuzz->shared->ignored),
        .options = fuzz->options,
    };
    struct assay_campaign_result result;
    struct assay_error error;

    if (assay_campaign_run(fuzz->backend, &options, &result, &error) != ASSAY_OK) {
        fuzz_fail(fuzz->shared, &error);
        return false;
    }
    worker->streams += result.streams;
    worker->ops += result.ops;
    worker->served += result.served;
    worker->refused += result.refused;
    return !result.found || take_number(fuzz, number, &result);
}

/* At no moment does it look as if a slice that nobody has run were done. */
static void take_slice(struct fuzz_shared *shared, struct fuzz_worker *worker)
{
    atomic_store(&worker->slice, atomic_load(&shared->next_slice));
    atomic_store(&worker->has_slice, true);
    atomic_store(&worker->slice, atomic_fetch_add(&shared->next_slice, 1));
    worker->tries = 0;
}

void fuzz_work(const struct fuzz *fuzz, unsigned number)
{
    struct fuzz_shared *shared = fuzz->shared;
    struct fuzz_worker *worker = &shared->worker[number];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the supervisor tells us */
    signal(SIGTERM, SIG_DFL);
    while (!atomic_load(&shared->stop) && !atomic_load(&shared->failed)) {
        if (!worker->has_slice || worker->tries >= FUZZ_TRIES)
            take_slice(shared, worker);
        worker->tries++;
        /* The first slice of each worker: what is plain is found in it before an engine has started. */
        bool is_first = atomic_load(&worker->slice) < fuzz->jobs;
        bool is_random = fuzz->engine == FUZZ_RANDOM || is_first;
        if (!(is_random ? run_slice(fuzz, number) : fuzz_engine_run(fuzz, number)))
            break;
        atomic_store(&worker->has_slice, false);
    }
    _exit(0);
}
