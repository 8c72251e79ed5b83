/* timeline.c - how much memory a heap has while it runs a workload. */
#include "timeline.h"

#include "resident.h"

#include "assay/bare.h"
#include "assay/books.h"
#include "assay/guard.h"
#include "assay/os_pages.h"

#include <malloc.h>
#include <unistd.h>

#define SECONDS 3600

struct task {
    struct timeline *timeline;
    const struct row *row;
    const struct workload *workload;
    uint64_t every;
    int resident;  /* as resident_open() gives */
    size_t before; /* resident bytes */
};

/* What is live by the stream alone; of a heap that refuses, what it was asked to have. */
struct live {
    uint64_t *sizes; /* by slot */
    uint64_t bytes;
};

static void follow(struct live *live, const struct assay_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ops[i].kind > ASSAY_OP_FREE)
            continue;
        uint64_t size = workload_asked_bytes(&ops[i]);
        live->bytes += size - live->sizes[ops[i].slot];
        live->sizes[ops[i].slot] = size;
    }
}

static bool find_largest(void *arg, const struct assay_extent *extent)
{
    size_t *largest = arg;

    if (extent->kind == ASSAY_EXTENT_FREE && extent->bytes > *largest)
        *largest = extent->bytes;
    return true;
}

/* Statistics first: what they say is free of headers. */
static void ask_heap(const struct assay_heap *heap, struct moment *moment)
{
    const struct assay_backend *backend = heap->backend;
    struct assay_heap_stats stats = {ASSAY_UNKNOWN, ASSAY_UNKNOWN, ASSAY_UNKNOWN, ASSAY_UNKNOWN};
    size_t largest = 0;

    if (backend->stats)
        backend->stats(heap->self, &stats);
    moment->largest_free = stats.largest_free;
    if (stats.largest_free == ASSAY_UNKNOWN && backend->walk &&
        backend->walk(heap->self, find_largest, &largest) == ASSAY_OK)
        moment->largest_free = largest;
    moment->mapped_bytes = assay_backend_claims(backend, ASSAY_CAP_PAGE_SOURCE)
                               ? heap->meter.mapped_bytes
                               : stats.mapped_bytes;
}

static void note(struct task *task, const struct assay_heap *heap, const struct live *live,
                 uint64_t op)
{
    struct timeline *timeline = task->timeline;

    if (timeline->count == timeline->room)
        return;
    struct moment *moment = &timeline->moments[timeline->count++];
    size_t resident = resident_read(task->resident);

    *moment = (struct moment){.op = op, .live_bytes = live->bytes};
    moment->resident_bytes = resident > task->before ? resident - task->before : 0;
    ask_heap(heap, moment);
}

static void run_and_note(struct task *task, struct assay_bare *bare, struct live *live)
{
    const struct assay_stream *stream = &task->workload->stream;
    struct assay_bare_result result = {0};
    struct assay_heap heap;

    if (!footprint_warm(bare, task->workload) ||
        assay_heap_open(&heap, task->row->backend, assay_os_pages(),
                        heap_limit(task->row->backend, task->workload), stream->setup.seed,
                        NULL) != ASSAY_OK)
        return;
    /* The books of sizes become resident before, too. */
    for (size_t i = 0; i < stream->count; i++)
        live->sizes[stream->ops[i].slot] = 0;
    malloc_trim(0);
    task->before = resident_read(task->resident);
    for (size_t done = 0; done < stream->count;) {
        size_t left = stream->count - done;
        struct assay_stream part = {.ops = stream->ops + done,
                                    .count = task->every < left ? (size_t)task->every : left};
        struct assay_stream_reader memory;
        assay_stream_reader_init(&memory, &part);
        assay_bare_run(bare, &heap, &memory.reader, ASSAY_TOUCH_PAGES, &result);
        follow(live, part.ops, part.count);
        done += part.count;
        note(task, &heap, live, done);
    }
    assay_bare_drain(bare, &heap);
    assay_heap_close(&heap, NULL);
    task->timeline->is_measured = true;
}

static void run(void *arg, volatile uint64_t *progress)
{
    struct task *task = arg;
    struct assay_bare *bare = assay_bare_open();
    struct live live = {assay_books_open(ASSAY_SLOTS * sizeof *live.sizes), 0};

    (void)progress;
    become_multithreaded();
    task->resident = resident_open();
    if (bare && live.sizes)
        run_and_note(task, bare, &live);
    if (task->resident >= 0)
        close(task->resident);
    assay_books_close(live.sizes, ASSAY_SLOTS * sizeof *live.sizes);
    if (bare)
        assay_bare_close(bare);
}

size_t timeline_moments(uint64_t ops, uint64_t every)
{
    return (size_t)(ops / every + (ops % every != 0));
}

void measure_timeline(struct timeline *timeline, const struct row *row,
                      const struct workload *workload, uint64_t every)
{
    struct task task = {.timeline = timeline, .row = row, .workload = workload, .every = every};
    struct assay_guard_outcome outcome;

    timeline->count = 0;
    timeline->is_measured = false;
    if (assay_guard_run(run, &task, SECONDS, false, &outcome) != ASSAY_OK ||
        outcome.ending != ASSAY_ENDED)
        timeline->is_measured = false;
}
