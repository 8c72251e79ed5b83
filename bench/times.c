/*
 * times.c - the time that each backend takes for a workload, in one round of many.
 *
 * A round is a child process in which all run once, in random order: what disturbs the machine for a while
 * disturbs them all, and ratios of one round hold. Between rounds addresses move, for where things lie in
 * caches is worth some percent; in one process it would look like a difference between two builds.
 *
 * Every heap is new and runs the stream once before the clock starts, for the process's own heap,
 * which is always warm, is one of those compared.
 */
#include "measure.h"
#include "shim.h"
#include "statistics.h"

#include "assay/bare.h"
#include "assay/guard.h"
#include "assay/os_pages.h"

#include "dice.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 3600

struct runner {
    struct row *row;
    const struct workload *workload;
    struct assay_bare *bare;
    struct counters counters;
    double least_ns; /* of the round's runs of the stream, the one that was disturbed least */
    double wall_ns;  /* the same run by the clock */
};

struct task {
    struct row *rows;
    size_t count;
    const struct workload *workload;
    int round;
    const struct pace *pace;
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

/* CLOCK_THREAD_CPUTIME_ID is of this thread. */
static double read_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What this thread has used since `before`, which is replaced by it. */
static void use_since(struct rusage *before)
{
    struct rusage now = {0};

    getrusage(RUSAGE_THREAD, &now);
    before->ru_minflt = now.ru_minflt + now.ru_majflt - before->ru_minflt - before->ru_majflt;
    before->ru_nvcsw = now.ru_nvcsw + now.ru_nivcsw - before->ru_nvcsw - before->ru_nivcsw;
}

/* A timed run; processor time is read inside of what else is asked. */
static void time_once(struct runner *runner, struct assay_heap *heap,
                      struct assay_bare_result *result)
{
    struct rusage used = {0};
    uint64_t before[COUNTERS], after[COUNTERS];

    getrusage(RUSAGE_THREAD, &used);
    counters_read(&runner->counters, before);
    double wall_began = read_ns(CLOCK_MONOTONIC), began = read_ns(CLOCK_THREAD_CPUTIME_ID);
    run_once(runner, heap, result);
    double taken = read_ns(CLOCK_THREAD_CPUTIME_ID) - began;
    double wall_taken = read_ns(CLOCK_MONOTONIC) - wall_began;
    counters_read(&runner->counters, after);
    use_since(&used);
    if (taken >= runner->least_ns)
        return;
    runner->least_ns = taken;
    runner->wall_ns = wall_taken;
    runner->row->faults = (uint64_t)used.ru_minflt;
    runner->row->switches = (uint64_t)used.ru_nvcsw;
    for (int i = 0; i < COUNTERS; i++)
        runner->row->counted[i] = (double)(after[i] - before[i]);
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
    counters_open(&runner->counters, hardware_events);
    while (shim_next(state)) {
        time_once(runner, &heap, &result);
        shim_pause(state);
        if (!recover(runner, &heap))
            abort();
        shim_resume(state);
    }
    counters_close(&runner->counters);
    assay_heap_close(&heap, NULL);
}

static void note(void *arg, double mean_ns, uint64_t iterations)
{
    struct runner *runner = arg;
    struct row *row = runner->row;

    row->iterations = iterations;
    row->spent_ns += mean_ns * (double)(iterations + 1);
    if (row->repetitions == MOST_REPETITIONS || row->ops == 0)
        return;
    row->wall_ns[row->repetitions] = runner->wall_ns / (double)row->ops;
    row->ns[row->repetitions++] = runner->least_ns / (double)row->ops;
}

/* Neither the next mapping nor the next break lies where it lay in the round before. */
static void move_addresses(int round)
{
    struct dice dice = {(uint64_t)getpid() << 32 ^ (uint64_t)round};

    void *mapping = mmap(NULL, dice_between(&dice, 1, 500) * 4096, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *end = sbrk((intptr_t)dice_between(&dice, 1, 4096) * 16);
    /* Where there is no room, addresses stay; that is no failure. */
    (void)mapping;
    (void)end;
}

/* Who takes longer for a single run than for all rounds together is asked once. */
static bool is_due(const struct task *task, const struct row *row)
{
    const struct pace *pace = task->pace;
    double cell_ns = pace->cell_s > 0 ? pace->cell_s * 1e9 : INFINITY;

    if ((unsigned)task->round >= row->rounds) /* an extra one */
        cell_ns *= 1 + pace->extra_rounds / (double)row->rounds;
    bool is_long = row->repetitions && row->ns[0] * (double)row->ops > cell_ns;
    int least_rounds = is_long ? 1 : pace->least_rounds;

    return row->passed && row->repetitions == (unsigned)task->round &&
           (task->round < least_rounds || row->spent_ns <= cell_ns);
}

static void run_round(void *arg, volatile uint64_t *progress)
{
    struct task *task = arg;
    struct runner *runners = calloc(task->count, sizeof *runners);
    struct assay_bare *bare = assay_bare_open();

    (void)progress;
    if (!runners || !bare) {
        free(runners);
        return;
    }
    move_addresses(task->round);
    become_multithreaded();
    for (size_t i = 0; i < task->count; i++) {
        runners[i] = (struct runner){
            .row = &task->rows[i], .workload = task->workload, .bare = bare, .least_ns = INFINITY};
        if (is_due(task, &task->rows[i]))
            shim_add(task->rows[i].spec, body, note, &runners[i], task->rows[i].iterations);
    }
    shim_run(task->pace->min_time_s);
    assay_bare_close(bare);
    free(runners);
}

/* A row that did not come to the end of a round has failed; those of the same process with it. */
static void fail_rows(const struct task *task, const bool *due, assay_status status)
{
    for (size_t i = 0; i < task->count; i++) {
        struct row *row = &task->rows[i];
        if (!due[i] || row->repetitions > (unsigned)task->round)
            continue;
        row->passed = false;
        snprintf(row->failure, sizeof row->failure, "the timed run %s",
                 status != ASSAY_OK ? "could not be started" : "did not come to its end");
    }
}

bool measure_round(struct row *rows, size_t count, const struct workload *workload, int round,
                   const struct pace *pace)
{
    struct task task = {rows, count, workload, round, pace};
    struct assay_guard_outcome outcome;
    bool *due = calloc(count, sizeof *due);
    size_t wanted = 0;

    for (size_t i = 0; due && i < count; i++)
        wanted += due[i] = is_due(&task, &rows[i]);
    if (wanted)
        fail_rows(&task, due, assay_guard_run(run_round, &task, SECONDS, false, &outcome));
    free(due);
    return wanted;
}

double rounds_median(const double *rounds, unsigned count)
{
    double sorted[MOST_REPETITIONS];

    memcpy(sorted, rounds, count * sizeof *sorted);
    return median_of(sorted, count);
}

/* Of the logarithm: some of it from each of two runs, three times their deviation stays below 3 %. */
#define SETTLED 0.006
#define SETTLED_NS 0.07

bool row_is_settled(const struct row *row)
{
    struct sample ns = {.count = row->repetitions};
    double resampled[SAMPLE_RESAMPLES];

    if (!row->passed || ns.count < SAMPLE_CALM_LEAST)
        return true;
    memcpy(ns.values, row->ns, ns.count * sizeof *row->ns);
    sample_calm_resampled(&ns, 1, resampled);
    return resampled_deviation(resampled) <= fmax(SETTLED * sample_calm(&ns), SETTLED_NS);
}

double row_median(const struct row *row)
{
    return row->repetitions ? rounds_median(row->ns, row->repetitions) : 0;
}

double row_wall_median(const struct row *row)
{
    return row->repetitions ? rounds_median(row->wall_ns, row->repetitions) : 0;
}
