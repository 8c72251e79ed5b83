/* scaling.c - runs crews of threads in child processes. */
#include "scaling.h"

#include "statistics.h"

#include "assay/crew.h"
#include "assay/guard.h"
#include "assay/os_pages.h"

#include "dice.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 600
#define HANDOFFS 20000
#define HANDOFF_ROUNDS 5

struct task {
    struct scaling *one;
    const struct workload *workload;
    double min_time_s;
    bool verify;
    struct assay_crew_result least; /* of all runs, the one that took least */
    bool is_done;
};

static bool open_heap(const struct task *task, struct assay_heap *heap)
{
    const struct assay_backend *backend = task->one->row->backend;

    return assay_heap_open(heap, backend, assay_os_pages(), heap_limit(backend, task->workload),
                           task->workload->stream.setup.seed, NULL) == ASSAY_OK;
}

/* Makes the heap ready for the stream again. */
static bool recover(const struct task *task, struct assay_heap *heap)
{
    if (is_reusable(heap->backend))
        return true;
    assay_heap_destroy(heap, NULL);
    return assay_heap_reopen(heap, heap_limit(heap->backend, task->workload),
                             task->workload->stream.setup.seed, NULL) == ASSAY_OK;
}

/* The first run warms up; the clock decides when to end. */
static void run(void *arg, volatile uint64_t *progress)
{
    struct task *task = arg;
    struct assay_crew *crew = assay_crew_open(&task->workload->stream, task->one->threads);
    struct assay_heap room, *heap = task->one->row ? &room : NULL;
    struct assay_crew_result result;
    double spent = 0;

    (void)progress;
    if (!crew || (heap && !open_heap(task, heap)))
        return;
    task->least.wall_ns = UINT64_MAX;
    for (int i = 0; i < (task->verify ? 1 : 2) || spent < task->min_time_s * 1e9; i++) {
        if (i > 0 && heap && !recover(task, heap))
            return;
        if (assay_crew_run(crew, heap, task->verify, &result) != ASSAY_OK)
            return;
        spent += i > 0 || task->verify ? (double)result.wall_ns : 0;
        if ((i > 0 || task->verify) && result.wall_ns < task->least.wall_ns)
            task->least = result;
    }
    task->is_done = true;
    if (heap)
        assay_heap_close(heap, NULL);
    assay_crew_close(crew);
}

/* In a child; the task lies in memory that both see. NULL, or what was wrong. */
static const char *run_in_child(struct task *task)
{
    struct assay_guard_outcome outcome;

    if (assay_guard_run(run, task, SECONDS, true, &outcome) != ASSAY_OK)
        return "no child process to be had";
    if (outcome.ending == ASSAY_CRASHED)
        return "crashed";
    if (outcome.ending == ASSAY_HUNG)
        return "hung";
    return task->is_done ? NULL : "did not come to its end";
}

static void fail(struct scaling *one, const char *what)
{
    one->passed = false;
    snprintf(one->failure, sizeof one->failure, "%s when %u threads ran", what, one->threads);
}

/* Why a backend that is right is not asked by so many threads, or NULL. */
static const char *excuse(const struct scaling *one, const struct workload *workload)
{
    bool is_safe = !one->row || assay_backend_claims(one->row->backend, ASSAY_CAP_THREAD_SAFE);

    if (one->threads > 1 && !is_safe)
        return "n/a: does not claim thread_safe";
    return one->threads > assay_crew_threads(&workload->stream) ? "n/a: the stream has less threads"
                                                                : NULL;
}

void scaling_verify(struct scaling *one, const struct workload *workload)
{
    struct task *task = assay_guard_shared(sizeof *task);
    const char *wrong = NULL, *why = excuse(one, workload);

    one->passed = true;
    if (why)
        snprintf(one->unmeasured, sizeof one->unmeasured, "%s", why);
    if (!task)
        fail(one, "no memory");
    if (task && !why && one->row) {
        *task = (struct task){.one = one, .workload = workload, .verify = true};
        wrong = run_in_child(task);
        if (!wrong && task->least.damaged) {
            one->passed = false;
            snprintf(one->failure, sizeof one->failure,
                     "a block did not hold what was written at operation %llu when %u threads ran",
                     (unsigned long long)task->least.first_op, one->threads);
        }
    }
    if (wrong)
        fail(one, wrong);
    assay_guard_unshare(task, sizeof *task);
}

static void measure(struct scaling *one, const struct workload *workload, double min_time_s)
{
    struct task *task = assay_guard_shared(sizeof *task);
    const char *wrong = "no memory";
    double ops = (double)workload->stream.count;

    if (task) {
        *task = (struct task){.one = one, .workload = workload, .min_time_s = min_time_s};
        wrong = run_in_child(task);
    }
    if (wrong) {
        fail(one, wrong);
    } else {
        one->wall_ns[one->rounds] = (double)task->least.wall_ns / ops;
        one->cpu_ns[one->rounds++] = (double)task->least.cpu_ns / ops;
    }
    assay_guard_unshare(task, sizeof *task);
}

bool scaling_round(struct scaling *all, size_t count, const struct workload *workload, int round,
                   double min_time_s)
{
    struct dice dice = {(uint64_t)round + 1};
    size_t *order = calloc(count + 1, sizeof *order);
    bool is_on = false;

    for (size_t i = 0; order && i < count; i++) {
        size_t other = (size_t)dice_roll(&dice, i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    for (size_t i = 0; i < count; i++) {
        struct scaling *one = &all[order ? order[i] : i];
        if (!one->passed || *one->unmeasured || one->rounds != (unsigned)round)
            continue;
        measure(one, workload, min_time_s);
        is_on = true;
    }
    free(order);
    return is_on;
}

double scaling_wall_ns(const struct scaling *one)
{
    return rounds_median(one->wall_ns, one->rounds);
}

double scaling_cpu_ns(const struct scaling *one)
{
    return rounds_median(one->cpu_ns, one->rounds);
}

/* Two threads that take turns on one slot. */
double scaling_handoff_ns(void)
{
    struct workload workload = {.path = NULL};
    struct scaling one = {.threads = 2, .passed = true};

    for (unsigned i = 0; i < HANDOFFS; i++) {
        struct assay_op op = {.kind = ASSAY_OP_HAND_OVER, .thread = i % 2, .arg = (i + 1) % 2};
        if (assay_stream_append(&workload.stream, &op) != ASSAY_OK)
            one.passed = false;
    }
    for (int round = 0; round < HANDOFF_ROUNDS && one.passed; round++)
        measure(&one, &workload, 0);
    assay_stream_clear(&workload.stream);
    double least = one.rounds ? one.wall_ns[0] : NAN;
    for (unsigned i = 1; i < one.rounds; i++)
        least = fmin(least, one.wall_ns[i]);
    return one.passed ? least : NAN;
}
