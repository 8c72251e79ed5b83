/* harness_costs.c - the bare replay against a loop by hand, from a file, and the shadow. */
#include "harness_costs.h"

#include "resident.h"
#include "shim.h"

#include "assay/bare.h"
#include "assay/guard.h"
#include "assay/os_pages.h"
#include "assay/registry.h"
#include "assay/replay.h"
#include "assay/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS 3600
#define FILE_OPS ((size_t)10000000)
#define FILE_LIVE 1000

static const struct cost {
    const char *name;
    const char *summary;
    const char *backend;
    uint32_t live;
    size_t replacements;
} costs[] = {
    {"overhead", "bare replay against a loop by hand on the same table", "null", 1000, 500000},
    {"from-file", "bare replay of 10000000 operations from a trace in a file", "null", FILE_LIVE,
     500000 - FILE_LIVE},
    {"shadow-10k", "shadow and bare replay with 10000 live blocks", "system", 10000, 200000},
    {"shadow-100k", "shadow and bare replay with 100000 live blocks", "system", 100000, 400000},
    {"shadow-1m", "shadow and bare replay with 1000000 live blocks", "system", 1000000, 2000000},
};
#define COSTS (sizeof costs / sizeof *costs)

const char *cost_name(size_t number)
{
    return number < COSTS ? costs[number].name : NULL;
}

const char *cost_summary(size_t number)
{
    return number < COSTS ? costs[number].summary : NULL;
}

struct task {
    struct row *rows;
    size_t count;
    struct workload workload;
    const char *path; /* of the trace in a file */
    struct assay_bare *bare;
    void **blocks; /* of the loop by hand */
    int repetitions;
    double min_time_s;
};

/* What a benchmark gets: its row and what all share. */
struct runner {
    struct row *row;
    struct task *task;
};

static void open_heap(const struct runner *runner, struct assay_heap *heap)
{
    size_t limit = heap_limit(runner->row->backend, &runner->task->workload);

    if (runner->task->path)
        limit *= FILE_OPS / runner->task->workload.stream.count + 1;
    if (assay_heap_open(heap, runner->row->backend, assay_os_pages(), limit, 0, NULL) != ASSAY_OK)
        abort(); /* the system has no room for a mapping that costs nothing */
}

static void by_hand(void *arg, struct shim_state *state)
{
    struct runner *runner = arg;
    const struct assay_stream *stream = &runner->task->workload.stream;
    const struct assay_backend *backend = runner->row->backend;
    void **blocks = runner->task->blocks;
    struct assay_heap heap;
    size_t failed = 0;

    while (shim_next(state)) {
        shim_pause(state);
        open_heap(runner, &heap);
        shim_resume(state);
        for (size_t i = 0; i < stream->count; i++) {
            const struct assay_op *op = &stream->ops[i];
            if (op->kind == ASSAY_OP_ALLOC)
                blocks[op->slot] = backend->alloc(heap.self, op->size);
            else
                failed += backend->free(heap.self, blocks[op->slot]) != ASSAY_OK;
        }
        shim_pause(state);
        assay_heap_close(&heap, NULL);
        shim_resume(state);
    }
    runner->row->refused = failed;
}

static void by_bare_replay(void *arg, struct shim_state *state)
{
    struct runner *runner = arg;
    struct task *task = runner->task;
    struct assay_bare_result result = {0};
    struct assay_stream_reader memory;
    struct assay_heap heap;

    while (shim_next(state)) {
        shim_pause(state);
        open_heap(runner, &heap);
        shim_resume(state);
        assay_stream_reader_init(&memory, &task->workload.stream);
        assay_bare_run(task->bare, &heap, &memory.reader, ASSAY_TOUCH_NONE, &result);
        shim_pause(state);
        assay_bare_drain(task->bare, &heap);
        assay_heap_close(&heap, NULL);
        shim_resume(state);
    }
    runner->row->refused = result.refused;
}

static void by_file(void *arg, struct shim_state *state)
{
    struct runner *runner = arg;
    struct task *task = runner->task;
    struct assay_bare_result result = {0};
    struct assay_trace_reader *trace;
    struct assay_error error;
    struct assay_heap heap;

    while (shim_next(state)) {
        shim_pause(state);
        open_heap(runner, &heap);
        size_t before = resident_bytes();
        bool is_reset = resident_reset_peak();
        shim_resume(state);
        if (assay_trace_open(&trace, task->path, &error) != ASSAY_OK)
            abort(); /* it was written a moment ago */
        assay_bare_run(task->bare, &heap, assay_trace_stream(trace), ASSAY_TOUCH_NONE, &result);
        shim_pause(state);
        size_t peak = resident_peak_bytes();
        if (is_reset && peak > before + runner->row->peak_resident_bytes)
            runner->row->peak_resident_bytes = peak - before;
        assay_trace_close(trace);
        assay_bare_drain(task->bare, &heap);
        assay_heap_close(&heap, NULL);
        shim_resume(state);
    }
    runner->row->refused = result.refused;
}

static void by_shadow(void *arg, struct shim_state *state)
{
    struct runner *runner = arg;
    const struct assay_replay_options options = {0};
    struct assay_stream_reader memory;
    struct assay_replay_result result;
    struct assay_error error;
    struct assay_replay *replay = assay_replay_open(runner->row->backend, &options);

    if (!replay)
        abort(); /* the system has no room for a mapping that costs nothing */
    while (shim_next(state)) {
        assay_stream_reader_init(&memory, &runner->task->workload.stream);
        if (assay_replay_run(replay, &memory.reader, &result, &error) != ASSAY_OK || result.found)
            abort(); /* the C library's malloc is taken to be right */
    }
    assay_replay_close(replay);
}

static void note(void *arg, double cpu_ns, uint64_t iterations)
{
    (void)iterations;
    struct row *row = ((struct runner *)arg)->row;

    if (row->repetitions < MOST_REPETITIONS)
        row->ns[row->repetitions++] = cpu_ns / (double)row->ops;
}

/* The stream again and again, until the trace has FILE_OPS operations. */
static bool write_trace(struct task *task)
{
    const struct assay_stream *stream = &task->workload.stream;
    struct assay_trace_writer *writer;
    struct assay_error error;

    if (assay_trace_create(&writer, task->path, &stream->setup, "made up", &error) != ASSAY_OK)
        return false;
    for (size_t written = 0; written < FILE_OPS; written += stream->count)
        assay_trace_append(writer, stream->ops, stream->count);
    return assay_trace_finish(writer, NULL, &error) == ASSAY_OK;
}

static void run(void *arg, volatile uint64_t *progress)
{
    static const struct {
        const char *spec;
        shim_body *body;
    } ways[] = {
        {"by hand", by_hand},
        {"bare replay", by_bare_replay},
        {"from file", by_file},
        {"shadow", by_shadow},
    };
    struct runner runners[MOST_COST_ROWS];
    struct task *task = arg;

    (void)progress;
    become_multithreaded();
    for (int round = 0; round < task->repetitions; round++) {
        for (size_t i = 0; i < task->count; i++) {
            runners[i] = (struct runner){&task->rows[i], task};
            for (size_t way = 0; way < sizeof ways / sizeof *ways; way++)
                if (strcmp(ways[way].spec, task->rows[i].spec) == 0)
                    shim_add(ways[way].spec, ways[way].body, note, &runners[i], 0);
        }
        shim_run(task->min_time_s);
    }
    for (size_t i = 0; i < task->count; i++)
        task->rows[i].passed = task->rows[i].repetitions > 0;
}

static bool prepare(struct task *task, const struct cost *cost, char *path, size_t room)
{
    const char *folder = getenv("TMPDIR");
    struct assay_error error;
    char spec[80];

    snprintf(spec, sizeof spec, "churn:live=%u,rounds=%zu", cost->live, cost->replacements);
    if (workload_make(&task->workload, spec, &error) != ASSAY_OK)
        return false;
    task->bare = assay_bare_open();
    task->blocks = calloc(cost->live, sizeof *task->blocks);
    if (!task->bare || !task->blocks)
        return false;
    if (strcmp(cost->name, "from-file") != 0)
        return true;
    snprintf(path, room, "%s/assay-%ld.trace", folder ? folder : "/tmp", (long)getpid());
    task->path = path;
    return write_trace(task);
}

static void name_rows(struct task *task, const struct cost *cost,
                      const struct assay_backend *backend)
{
    bool is_file = strcmp(cost->name, "from-file") == 0;
    bool is_shadow = strncmp(cost->name, "shadow", 6) == 0;
    const char *first = is_shadow || is_file ? "bare replay" : "by hand";
    const char *second = is_shadow ? "shadow" : is_file ? "from file" : "bare replay";

    task->count = 2;
    for (size_t i = 0; i < task->count; i++) {
        struct row *row = &task->rows[i];
        *row = (struct row){.backend = backend, .spec = i ? second : first};
        snprintf(row->workload, sizeof row->workload, "%s", cost->name);
        snprintf(row->failure, sizeof row->failure, "could not be measured");
        row->ops = i && is_file ? FILE_OPS : task->workload.stream.count;
    }
}

size_t cost_measure(const char *name, struct row rows[MOST_COST_ROWS], int repetitions,
                    double min_time_s)
{
    for (size_t i = 0; i < COSTS; i++) {
        const struct assay_backend *backend;
        struct assay_guard_outcome outcome;
        struct assay_error error;
        char path[512];

        if (strcmp(costs[i].name, name) != 0 ||
            assay_registry_find(costs[i].backend, &backend, &error) != ASSAY_OK)
            continue;
        struct task task = {.rows = rows, .repetitions = repetitions, .min_time_s = min_time_s};
        bool is_ready = prepare(&task, &costs[i], path, sizeof path);
        name_rows(&task, &costs[i], backend);
        if (is_ready && assay_guard_run(run, &task, SECONDS, false, &outcome) != ASSAY_OK)
            snprintf(rows[0].failure, sizeof rows[0].failure, "no child process to be had");
        if (task.path)
            unlink(task.path);
        free(task.blocks);
        assay_bare_close(task.bare);
        workload_clear(&task.workload);
        return task.count;
    }
    return 0;
}
