/* answers.c - a workload under the shadow, in a child: what fails here gets no number. */
#include "measure.h"

#include "assay/guard.h"
#include "assay/replay.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECONDS 600

/* So many operations between two looks at the clock. */
#define LOOK_EACH 1024

struct task {
    struct row *row;
    const struct workload *workload;
    const struct pace *pace;
};

/* The operations of a stream until it is enough; `seen` is how many. */
struct bounded {
    struct assay_reader reader;
    const struct assay_stream *stream;
    size_t seen;
    double seconds; /* of processor time of this process; 0: no bound */
};

static size_t next_within(struct assay_reader *reader, const struct assay_op **ops)
{
    struct bounded *bounded = (struct bounded *)reader;
    size_t left = bounded->stream->count - bounded->seen;
    size_t count = bounded->seconds > 0 && left > LOOK_EACH ? LOOK_EACH : left;
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    if (bounded->seconds > 0 &&
        (double)used.tv_sec + (double)used.tv_nsec * 1e-9 > bounded->seconds)
        return 0;
    *ops = bounded->stream->ops + bounded->seen;
    bounded->seen += count;
    return count;
}

bool is_reusable(const struct assay_backend *backend)
{
    return backend->caps & (ASSAY_CAP_GROWS | ASSAY_CAP_COALESCES);
}

size_t heap_limit(const struct assay_backend *backend, const struct workload *workload)
{
    size_t wanted = workload->stream.setup.limit ? workload->stream.setup.limit : ASSAY_HEAP_LIMIT;

    if (is_reusable(backend) || wanted / 4 >= workload->requested_bytes)
        return wanted;
    return (size_t)workload->requested_bytes * 4;
}

static void tell_finding(struct row *row, const struct assay_finding *finding)
{
    snprintf(row->failure, sizeof row->failure, "check %s failed at operation %llu: %s",
             assay_check_name(finding->check), (unsigned long long)finding->op, finding->what);
}

static void run(void *arg, volatile uint64_t *progress)
{
    struct task *task = arg;
    struct row *row = task->row;
    struct assay_stream stream = task->workload->stream;
    struct assay_replay_options options = {.progress = progress};
    struct bounded bounded = {{.next = next_within}, &stream, 0, task->pace->check_s};
    struct assay_replay_result result;
    struct assay_error error = {{0}};

    if (!is_reusable(row->backend))
        stream.count = workload_prefix(task->workload, TOUCHED_AT_MOST);
    stream.setup.limit = heap_limit(row->backend, task->workload);
    struct assay_replay *replay = assay_replay_open(row->backend, &options);
    if (!replay) {
        snprintf(row->failure, sizeof row->failure, "no memory for the shadow");
        return;
    }
    bounded.reader.setup = stream.setup;
    if (assay_replay_run(replay, &bounded.reader, &result, &error) != ASSAY_OK) {
        snprintf(row->failure, sizeof row->failure, "%s", error.what);
        return;
    }
    row->passed = !result.found;
    row->checked_ops = bounded.seen;
    if (result.found)
        tell_finding(row, &result.finding);
}

void measure_answers(struct row *row, const struct workload *workload, const struct pace *pace)
{
    struct task task = {row, workload, pace};
    struct assay_guard_outcome outcome;

    row->passed = false;
    row->failure[0] = '\0';
    row->ops = workload->stream.count;
    row->peak_live_bytes = workload->peak_live_bytes;
    if (assay_guard_run(run, &task, SECONDS, false, &outcome) != ASSAY_OK) {
        snprintf(row->failure, sizeof row->failure, "no child process to be had");
        return;
    }
    if (outcome.ending == ASSAY_ENDED)
        return;
    row->passed = false;
    if (outcome.ending == ASSAY_HUNG)
        snprintf(row->failure, sizeof row->failure, "hung at operation %llu",
                 (unsigned long long)outcome.progress);
    else
        snprintf(row->failure, sizeof row->failure, "%s %d at operation %llu",
                 outcome.ending == ASSAY_CRASHED ? "crashed by signal" : "exited with status",
                 outcome.code, (unsigned long long)outcome.progress);
}
