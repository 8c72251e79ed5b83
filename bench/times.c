/*
 * times.c - the time that each backend takes for a workload, in one child process, interleaved.
 *
 * Every repetition has a heap of its own and runs the stream once before the clock starts, for the
 * process's own heap, which is always warm, is one of those compared.
 */
#include "measure.h"
#include "shim.h"

#include "assay/bare.h"
#include "assay/guard.h"
#include "assay/os_pages.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SECONDS 3600

struct runner {
    struct row *row;
    const struct workload *workload;
    struct assay_bare *bare;
};

struct task {
    struct row *rows;
    size_t count;
    const struct workload *workload;
    int repetitions;
    double min_time_s;
};

static void *nothing(void *arg)
{
    return arg;
}

void become_multithreaded(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, nothing, NULL) == 0)
        pthread_join(thread, NULL);
}

static void run_once(struct runner *runner, struct assay_heap *heap,
                     struct assay_bare_result *result)
{
    struct assay_stream_reader memory;

    assay_stream_reader_init(&memory, &runner->workload->stream);
    assay_bare_run(runner->bare, heap, &memory.reader, ASSAY_TOUCH_NONE, result);
}

/* Makes the heap ready for the stream again. */
static bool recover(struct runner *runner, struct assay_heap *heap)
{
    const struct workload *workload = runner->workload;

    assay_bare_drain(runner->bare, heap);
    if (is_reusable(heap->backend))
        return true;
    assay_heap_destroy(heap, NULL);
    return assay_heap_reopen(heap, heap_limit(heap->backend, workload), workload->stream.setup.seed,
                             NULL) == ASSAY_OK;
}

static void body(void *arg, struct shim_state *state)
{
    struct runner *runner = arg;
    struct row *row = runner->row;
    const struct workload *workload = runner->workload;
    struct assay_bare_result result = {0};
    struct assay_heap heap;

    if (assay_heap_open(&heap, row->backend, assay_os_pages(), heap_limit(row->backend, workload),
                        workload->stream.setup.seed, NULL) != ASSAY_OK)
        abort(); /* it could, when the answers were checked */
    run_once(runner, &heap, &result);
    row->refused = result.refused;
    row->skipped = result.skipped;
    row->made_up = heap.made_up;
    if (!recover(runner, &heap))
        abort();
    while (shim_next(state)) {
        run_once(runner, &heap, &result);
        shim_pause(state);
        if (!recover(runner, &heap))
            abort();
        shim_resume(state);
    }
    assay_heap_close(&heap, NULL);
}

static void note(void *arg, double cpu_ns)
{
    struct row *row = ((struct runner *)arg)->row;

    if (row->repetitions < MOST_REPETITIONS && row->ops > 0)
        row->ns[row->repetitions++] = cpu_ns / (double)row->ops;
}

static void run(void *arg, volatile uint64_t *progress)
{
    struct task *task = arg;
    struct runner *runners = calloc(task->count, sizeof *runners);
    struct assay_bare *bare = assay_bare_open();

    (void)progress;
    if (!runners || !bare) {
        free(runners);
        return;
    }
    become_multithreaded();
    for (size_t i = 0; i < task->count; i++) {
        runners[i] = (struct runner){&task->rows[i], task->workload, bare};
        if (task->rows[i].passed)
            shim_add(task->rows[i].spec, body, note, &runners[i]);
    }
    shim_run(task->repetitions, task->min_time_s);
    assay_bare_close(bare);
    free(runners);
}

void measure_times(struct row *rows, size_t count, const struct workload *workload, int repetitions,
                   double min_time_s)
{
    struct task task = {rows, count, workload, repetitions, min_time_s};
    struct assay_guard_outcome outcome;
    size_t passed = 0;

    for (size_t i = 0; i < count; i++)
        passed += rows[i].passed;
    if (passed == 0)
        return;
    assay_status status = assay_guard_run(run, &task, SECONDS, false, &outcome);
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].passed || rows[i].repetitions > 0)
            continue;
        rows[i].passed = false;
        snprintf(rows[i].failure, sizeof rows[i].failure, "the timed run %s",
                 status != ASSAY_OK ? "could not be started" : "did not come to its end");
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double row_median(const struct row *row)
{
    double sorted[MOST_REPETITIONS];
    unsigned n = row->repetitions;

    for (unsigned i = 0; i < n; i++)
        sorted[i] = row->ns[i];
    qsort(sorted, n, sizeof *sorted, compare);
    if (n == 0)
        return 0;
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}
