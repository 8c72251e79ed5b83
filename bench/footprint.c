/*
 * footprint.c - how much a process grows while it runs a workload and writes to the pages it asked for.
 *
 * The kernel keeps the peak of a process's resident memory and lets it be reset. What the harness needs
 * for its own records is made resident first, by a run on a heap of no memory at all.
 */
#include "measure.h"
#include "resident.h"

#include "assay/bare.h"
#include "assay/guard.h"
#include "assay/os_pages.h"

#include <malloc.h>

#define SECONDS 600
/* So many operations make the harness's code resident. */
#define WARMING 4096

struct task {
    struct row *row;
    const struct workload *workload;
};

static assay_status nothing_create(const struct assay_backend *backend,
                                   const struct assay_heap_config *config, void **self)
{
    (void)config;
    *self = (void *)(uintptr_t)backend;
    return ASSAY_OK;
}

static void nothing_destroy(void *self)
{
    (void)self;
}

static void *nothing_alloc(void *self, size_t size)
{
    (void)size;
    return self;
}

static void *nothing_alloc_two(void *self, size_t a, size_t b)
{
    (void)a;
    (void)b;
    return self;
}

static void *nothing_realloc(void *self, void *block, size_t size)
{
    (void)block;
    (void)size;
    return self;
}

static assay_status nothing_free(void *self, void *block)
{
    (void)self;
    (void)block;
    return ASSAY_OK;
}

static const struct assay_backend nothing = {
    .abi = ASSAY_BACKEND_ABI,
    .name = "nothing",
    .create = nothing_create,
    .destroy = nothing_destroy,
    .alloc = nothing_alloc,
    .free = nothing_free,
    .alloc_zeroed = nothing_alloc_two,
    .alloc_aligned = nothing_alloc_two,
    .realloc = nothing_realloc,
};

static bool replay(struct assay_bare *bare, const struct assay_backend *backend,
                   const struct workload *workload, enum assay_touch touch)
{
    struct assay_stream_reader memory;
    struct assay_bare_result result = {0};
    struct assay_heap heap;

    if (assay_heap_open(&heap, backend, assay_os_pages(), heap_limit(backend, workload),
                        workload->stream.setup.seed, NULL) != ASSAY_OK)
        return false;
    assay_stream_reader_init(&memory, &workload->stream);
    assay_bare_run(bare, &heap, &memory.reader, touch, &result);
    assay_bare_drain(bare, &heap);
    assay_heap_close(&heap, NULL);
    return true;
}

bool footprint_warm(struct assay_bare *bare, const struct workload *workload)
{
    struct workload first = *workload;

    if (first.stream.count > WARMING)
        first.stream.count = WARMING;
    assay_bare_warm(bare, &workload->stream);
    return replay(bare, &nothing, &first, ASSAY_TOUCH_NONE);
}

static void run(void *arg, volatile uint64_t *progress)
{
    struct task *task = arg;
    struct assay_bare *bare = assay_bare_open();

    (void)progress;
    if (!bare || !footprint_warm(bare, task->workload))
        return;
    malloc_trim(0);
    size_t before = resident_bytes();
    if (!before || !resident_reset_peak())
        return;
    if (!replay(bare, task->row->backend, task->workload, ASSAY_TOUCH_PAGES))
        return;
    size_t peak = resident_peak_bytes();
    task->row->peak_resident_bytes = peak > before ? peak - before : 0;
}

void measure_footprint(struct row *row, const struct workload *workload)
{
    struct task task = {row, workload};
    struct assay_guard_outcome outcome;

    row->peak_resident_bytes = 0;
    if (!is_reusable(row->backend) && workload->requested_bytes > TOUCHED_AT_MOST)
        return;
    if (assay_guard_run(run, &task, SECONDS, true, &outcome) != ASSAY_OK ||
        outcome.ending != ASSAY_ENDED)
        row->peak_resident_bytes = 0;
}
