/*
 * features.c - watches a heap in a child process.
 */
#include "assay/features.h"

#include "assay/guard.h"

#include <string.h>

#define STREAM_SECONDS 3
/* Of a child that waits. */
#define GUARD_SECONDS 40

/* What child and parent share. */
struct record {
    uint8_t marks[ASSAY_WATCH_MARKS];
    volatile uint64_t op; /* under way */
    uint64_t ops;         /* that ran; where the child came to its end */
    assay_status status;
    struct assay_error error;
    bool found;
    enum assay_check check;
};

struct job {
    const struct assay_backend *backend;
    const struct assay_stream *stream;
    const struct assay_replay_options *options;
    struct record *record;
};

static void run(void *arg, volatile uint64_t *progress)
{
    struct job *job = arg;
    struct record *record = job->record;
    struct assay_replay_options options = *job->options;
    struct assay_watch watch = {.marks = record->marks};
    struct assay_replay_result result = {0};
    struct assay_stream_reader reader;

    (void)progress;
    options.watch = &watch;
    options.progress = &record->op;
    record->status = ASSAY_NO_MEMORY;
    assay_error_set(&record->error, "no memory for the books of the shadow");
    struct assay_replay *replay = assay_replay_open(job->backend, &options);
    if (!replay)
        return;
    assay_guard_memory(ASSAY_GUARD_MEMORY);
    assay_guard_limit(STREAM_SECONDS);
    assay_stream_reader_init(&reader, job->stream);
    record->status = assay_replay_run(replay, &reader.reader, &result, &record->error);
    record->ops = result.ops;
    record->found = result.found;
    record->check = result.finding.check;
}

/* --- in the parent --- */

static void take(struct assay_features *features, const struct record *record)
{
    features->ops = record->ops;
    features->found = record->found;
    features->check = record->check;
    memcpy(features->seen, record->marks, sizeof features->seen);
}

assay_status assay_features_run(struct assay_features *features,
                                const struct assay_backend *backend,
                                const struct assay_stream *stream,
                                const struct assay_replay_options *options,
                                struct assay_error *error)
{
    struct assay_guard_outcome ending;
    struct job job = {.backend = backend, .stream = stream, .options = options};
    assay_status status = ASSAY_OK;

    job.record = assay_guard_shared(sizeof *job.record);
    if (!job.record || assay_guard_run(run, &job, GUARD_SECONDS, true, &ending) != ASSAY_OK) {
        assay_error_set(error, "no child process, or no memory to share with it");
        status = ASSAY_NO_MEMORY;
    } else if (ending.ending != ASSAY_ENDED) {
        struct assay_watch watch = {.marks = job.record->marks};
        job.record->ops = job.record->op;
        job.record->found = true;
        job.record->check = assay_guard_hung(&ending) ? ASSAY_CHECK_HANG : ASSAY_CHECK_CRASH;
        assay_watch_fail(&watch, job.record->check);
    } else if (job.record->status != ASSAY_OK) {
        status = job.record->status;
        *error = job.record->error;
    }
    if (status == ASSAY_OK)
        take(features, job.record);
    if (job.record)
        assay_guard_unshare(job.record, sizeof *job.record);
    return status;
}

size_t assay_features_add(struct assay_features *into, const struct assay_features *from)
{
    size_t fresh = 0;

    for (size_t i = 0; i < ASSAY_WATCH_MARKS; i++) {
        fresh += from->seen[i] > into->seen[i];
        into->seen[i] |= from->seen[i];
    }
    return fresh;
}
