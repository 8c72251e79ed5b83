/* latency.c - how long single operations take. */
#include "latency.h"

#include "assay/bare.h"
#include "assay/books.h"
#include "assay/guard.h"
#include "assay/os_pages.h"
#include "assay/ticks.h"

#include <string.h>

#define SECONDS 3600
#define BATCH 4096

struct task {
    struct latency *latency;
    const struct row *row;
    const struct workload *workload;
    unsigned replays;
    size_t ops; /* of the workload, as many as are measured */
};

/* Keeps the least time of each operation of a batch; `began` is the reading before the first. */
static void keep_least(uint32_t *least, const uint64_t *stamps, size_t count, uint64_t began)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t ticks = stamps[i] - (i ? stamps[i - 1] : began);
        if (ticks < least[i])
            least[i] = (uint32_t)ticks;
    }
}

/* One replay on a heap of its own. */
static bool replay(const struct task *task, struct assay_bare *bare, uint32_t *least)
{
    const struct workload *workload = task->workload;
    struct assay_bare_result result = {0};
    struct assay_heap heap;
    uint64_t stamps[BATCH];

    if (assay_heap_open(&heap, task->row->backend, assay_os_pages(),
                        heap_limit(task->row->backend, workload), workload->stream.setup.seed,
                        NULL) != ASSAY_OK)
        return false;
    for (size_t done = 0; done < task->ops; done += BATCH) {
        size_t count = task->ops - done < BATCH ? task->ops - done : BATCH;
        uint64_t began = assay_ticks();
        assay_bare_stamp(bare, &heap, workload->stream.ops + done, count, stamps, &result);
        keep_least(least + done, stamps, count, began);
    }
    assay_bare_drain(bare, &heap);
    assay_heap_close(&heap, NULL);
    return true;
}

static void count_all(const struct task *task, const uint32_t *least)
{
    struct latency *latency = task->latency;
    uint64_t cost = assay_ticks_cost();
    double ns = assay_ticks_ns();

    for (size_t i = 0; i < task->ops; i++) {
        unsigned kind = task->workload->stream.ops[i].kind;
        if (kind >= LATENCY_KINDS)
            continue;
        uint64_t ticks = least[i] > cost ? least[i] - cost : 0;
        uint64_t taken = (uint64_t)((double)ticks * ns + 0.5);
        if (taken > latency->kinds[kind].max || latency->kinds[kind].count == 0)
            latency->worst_op[kind] = i;
        assay_histogram_add(&latency->kinds[kind], taken);
    }
    latency->timer_ns = (double)cost * ns;
    latency->is_measured = true;
}

static void run(void *arg, volatile uint64_t *progress)
{
    struct task *task = arg;
    struct assay_bare *bare = assay_bare_open();
    uint32_t *least = assay_books_open(LATENCY_MOST_OPS * sizeof *least);
    bool is_whole = bare && least;

    (void)progress;
    if (is_whole)
        memset(least, 0xff, task->ops * sizeof *least);
    become_multithreaded();
    for (unsigned i = 0; i < task->replays && is_whole; i++)
        is_whole = replay(task, bare, least);
    if (is_whole)
        count_all(task, least);
    assay_books_close(least, LATENCY_MOST_OPS * sizeof *least);
    if (bare)
        assay_bare_close(bare);
}

void measure_latency(struct latency *latency, const struct row *row,
                     const struct workload *workload, unsigned replays)
{
    size_t all = workload->stream.count;
    struct task task = {latency, row, workload, replays,
                        all < LATENCY_MOST_OPS ? all : LATENCY_MOST_OPS};
    struct assay_guard_outcome outcome;

    memset(latency, 0, sizeof *latency);
    if (assay_guard_run(run, &task, SECONDS, false, &outcome) != ASSAY_OK ||
        outcome.ending != ASSAY_ENDED)
        latency->is_measured = false;
}
