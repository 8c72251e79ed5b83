/*
 * campaign.c - runs random streams in children and tells what the first finding was.
 *
 * What the child learns it writes to memory that both see, before and after each stream, so that nothing is
 * lost when a stream ends the process. A stream that takes longer than stream_seconds() of processor time
 * is ended by a timer, one that waits for ever by the guard.
 */
#include "assay/campaign.h"

#include "assay/guard.h"
#include "assay/heap.h"
#include "assay/pages.h"
#include "assay/replay.h"
#include "assay/sanitizer.h"
#include "assay/swarm.h"

#include <sys/resource.h>
#include <time.h>

#define STREAM_SECONDS 3
/* Under a sanitizer so many times that: it makes a stream of many slots take seconds. */
#define SANITIZED_TIMES 5
/* Of a child that waits: streams take milliseconds, but the machine may be loaded. */
#define GUARD_SECONDS 40
/* Of one child, so that the guard may be short of patience. */
#define CHILD_SECONDS 2
#define CONTENT_BYTES ((size_t)64 << 10)
/* As much as the largest heap of a stream may map, and some. */
#define RECYCLED_BYTES ((size_t)64 << 20)

/* What child and parent share. */
struct record {
    assay_status status;
    struct assay_error error;
    struct assay_campaign_result result;
    uint64_t number;      /* of the stream under way, counted from 0 */
    volatile uint64_t op; /* of that stream, the operation under way */
};

/* What a child runs streams on. */
struct rig {
    struct assay_fence fence;
    struct assay_recycler recycler;
    struct assay_replay *fenced, *recycled;
    struct assay_stream stream;
};

struct job {
    const struct assay_backend *backend;
    const struct assay_campaign_options *options;
    struct record *record;
    struct rig *rig;     /* made by the parent, warm in every child */
    uint64_t first, end; /* streams to run, counted from 0 */
};

uint64_t assay_campaign_number(uint64_t seed, uint64_t n)
{
    return (seed << 32) + n + 1;
}

bool assay_campaign_is_fenced(uint64_t number)
{
    return number % 2 != 0;
}

const char *assay_campaign_pages(uint64_t number)
{
    return assay_campaign_is_fenced(number) ? "fenced" : "recycled";
}

static double processor_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- the rig --- */

static void recycle(void *ctx)
{
    assay_recycler_reset(ctx);
}

static void rig_close(struct rig *rig)
{
    assay_replay_close(rig->fenced);
    assay_replay_close(rig->recycled);
    if (rig->fence.base)
        assay_fence_close(&rig->fence);
    if (rig->recycler.base)
        assay_recycler_close(&rig->recycler);
    assay_stream_clear(&rig->stream);
}

static bool rig_open(struct rig *rig, const struct job *job)
{
    struct assay_replay_options options = {
        .content_bytes = CONTENT_BYTES,
        .options = job->options->options,
        .ignored = job->options->ignored,
        .progress = &job->record->op,
    };

    *rig = (struct rig){0};
    if (assay_fence_open(&rig->fence) != ASSAY_OK ||
        assay_recycler_open(&rig->recycler, RECYCLED_BYTES, NULL) != ASSAY_OK)
        return false;
    options.pages = &rig->fence.source;
    options.reset_pages = assay_fence_reset;
    options.reset_ctx = &rig->fence;
    rig->fenced = assay_replay_open(job->backend, &options);
    options.pages = &rig->recycler.source;
    options.reset_pages = recycle;
    options.reset_ctx = &rig->recycler;
    rig->recycled = assay_replay_open(job->backend, &options);
    return rig->fenced && rig->recycled;
}

static int stream_seconds(void)
{
    return assay_is_sanitized() ? SANITIZED_TIMES * STREAM_SECONDS : STREAM_SECONDS;
}

/* --- in a child --- */

/* Seconds that a stream may take. A hang that is ignored takes no more of them than the whole campaign may. */
static double patience(const struct assay_campaign_options *options)
{
    const double most = options->most_seconds, seconds = stream_seconds();
    bool ignores = options->ignored >> ASSAY_CHECK_HANG & 1;

    return ignores && most > 0 && most < seconds ? most : seconds;
}

/* Runs stream n; false if the campaign ends here. */
static bool run_stream(struct rig *rig, struct job *job, uint64_t n)
{
    struct record *record = job->record;
    struct assay_campaign_result *sum = &record->result;
    struct assay_stream_reader reader;
    struct assay_replay_result result;
    uint64_t number = assay_campaign_number(job->options->seed, n);

    record->number = n;
    if (assay_swarm_stream(&rig->stream, number) != ASSAY_OK) {
        assay_error_set(&record->error, "no memory for a stream");
        record->status = ASSAY_NO_MEMORY;
        return false;
    }
    assay_stream_reader_init(&reader, &rig->stream);
    assay_guard_limit(patience(job->options));
    record->status =
        assay_replay_run(assay_campaign_is_fenced(number) ? rig->fenced : rig->recycled,
                         &reader.reader, &result, &record->error);
    if (record->status != ASSAY_OK)
        return false;
    sum->streams++;
    sum->ops += result.ops;
    sum->served += result.served;
    sum->refused += result.refused;
    sum->found = result.found;
    sum->stream = number;
    if (result.found)
        sum->finding = result.finding;
    return !result.found && (!job->options->most_ops || sum->ops < job->options->most_ops);
}

static void run_child(void *arg, volatile uint64_t *progress)
{
    struct job *job = arg;
    struct assay_campaign_result *sum = &job->record->result;
    const double most = job->options->most_seconds, before = sum->seconds;
    bool goes_on = true;

    (void)progress; /* the replay has its own */
    assay_guard_memory(ASSAY_GUARD_MEMORY);
    for (uint64_t n = job->first; goes_on && n < job->end; n++) {
        job->record->op = 0;
        goes_on = run_stream(job->rig, job, n);
        double spent = processor_seconds();
        sum->seconds = before + spent;
        goes_on = goes_on && spent < CHILD_SECONDS && (most <= 0 || sum->seconds < most);
    }
}

/* --- in the parent --- */

static bool is_spent(const struct job *job)
{
    const struct assay_campaign_options *options = job->options;
    const struct assay_campaign_result *sum = &job->record->result;

    return (options->most_ops && sum->ops >= options->most_ops) ||
           (options->most_seconds > 0 && sum->seconds >= options->most_seconds);
}

/* A child that did not come back: what it was doing is what it left in the record. */
static void describe_ending(const struct job *job, const struct assay_guard_outcome *ending)
{
    struct assay_campaign_result *sum = &job->record->result;
    uint64_t number = assay_campaign_number(job->options->seed, job->record->number);
    struct assay_finding *finding = &sum->finding;
    struct assay_stream stream = {0};
    const uint64_t op = job->record->op;

    *finding = (struct assay_finding){
        .backend = job->backend->name, .op = op, .seed = number, .ignored = job->options->ignored};
    if (assay_swarm_stream(&stream, number) == ASSAY_OK) {
        finding->at_end = op + 1 >= stream.count;
        finding->op += finding->at_end;
        if (op < stream.count)
            finding->operation = stream.ops[op];
    }
    assay_stream_clear(&stream);
    sum->streams++;
    sum->ops += op;
    sum->stream = number;
    sum->found = !assay_finding_set_ending(finding, ending);
}

/* Of the children that have ended. */
static double children_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Runs streams job->first .. job->end - 1, or as many as one child can. */
static assay_status run_some(struct job *job, struct assay_error *error)
{
    const double before = job->record->result.seconds, children = children_seconds();
    struct assay_guard_outcome ending;

    job->record->number = job->first;
    if (assay_guard_run(run_child, job, GUARD_SECONDS, true, &ending) != ASSAY_OK) {
        assay_error_set(error, "cannot start a child process");
        return ASSAY_NO_MEMORY;
    }
    if (ending.ending != ASSAY_ENDED) {
        /* It could not say itself; where this ending is to be ignored, the campaign goes on, but not for ever. */
        job->record->result.seconds = before + children_seconds() - children;
        describe_ending(job, &ending);
    } else if (job->record->status != ASSAY_OK)
        *error = job->record->error;
    return job->record->status;
}

/* Runs children until there is a finding or the campaign is spent. */
static assay_status run_all(struct job *job, struct assay_error *error)
{
    bool shares = !assay_backend_claims(job->backend, ASSAY_CAP_PAGE_SOURCE);
    assay_status status = ASSAY_OK;

    while (status == ASSAY_OK && !job->record->result.found && !is_spent(job)) {
        job->end = shares ? job->first + 1 : UINT64_MAX;
        status = run_some(job, error);
        job->first = job->record->number + 1;
    }
    return status;
}

assay_status assay_campaign_run(const struct assay_backend *backend,
                                const struct assay_campaign_options *options,
                                struct assay_campaign_result *result, struct assay_error *error)
{
    struct rig rig = {0};
    struct job job = {.backend = backend, .options = options, .rig = &rig};
    assay_status status = ASSAY_NO_MEMORY;

    job.record = assay_guard_shared(sizeof *job.record);
    if (job.record && rig_open(&rig, &job))
        status = run_all(&job, error);
    else
        assay_error_set(error, "no memory for the pages and books of a campaign");
    if (job.record)
        *result = job.record->result;
    rig_close(&rig);
    assay_guard_unshare(job.record, sizeof *job.record);
    return status;
}
