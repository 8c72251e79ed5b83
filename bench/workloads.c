/* workloads.c - the streams that are measured. All are balanced: what is allocated is freed. */
#include "workloads.h"

#include "assay/books.h"
#include "assay/input.h"
#include "assay/sizes.h"
#include "assay/workload.h"

#include <stdio.h>
#include <string.h>

/*
 * What is measured where nothing is asked for: each workload as it is, and some in other ways. Their
 * sizes are such that a backend which uses nothing again stays below what the shadow may touch.
 */
static const char *const standard[] = {
    "pairs:sizes=16",
    "pairs",
    "pairs:sizes=256",
    "pairs:sizes=4k,count=16384",
    "pairs:sizes=64k,count=1024",
    "batches",
    "batches:order=last",
    "churn",
    "server",
    "pipeline",
    "scratch",
    "thrash",
    "shifts",
    "swap",
    "growth",
    "growth:by=factor,rounds=20",
    "large",
    "phases",
    "drifting",
    "fill",
    "bursts",
    "aged",
};

const char *workload_standard(size_t number)
{
    return number < sizeof standard / sizeof *standard ? standard[number] : NULL;
}

const char *workload_threaded(size_t number)
{
    static const char *const threaded[] = {"server", "pipeline", "scratch",
                                           "thrash", "swap",     "bursts"};

    return number < sizeof threaded / sizeof *threaded ? threaded[number] : NULL;
}

uint64_t workload_asked_bytes(const struct assay_op *op)
{
    size_t bytes = assay_op_bytes(op);

    return bytes < SIZE_MAX / 4 ? bytes : 0;
}

/* The same with what alignment may waste. */
static uint64_t needed_bytes(const struct assay_op *op)
{
    bool allocates = op->kind <= ASSAY_OP_REALLOC;
    size_t align = op->kind == ASSAY_OP_ALLOC_ALIGNED ? op->arg : 16;

    return allocates ? assay_add(workload_asked_bytes(op), align) : 0;
}

assay_status workload_sum(struct workload *workload)
{
    uint64_t *sizes = assay_books_open(ASSAY_SLOTS * sizeof *sizes);
    uint64_t live = 0;

    if (!sizes)
        return ASSAY_NO_MEMORY;
    workload->requested_bytes = 0;
    workload->peak_live_bytes = 0;
    for (size_t i = 0; i < workload->stream.count; i++) {
        const struct assay_op *op = &workload->stream.ops[i];
        workload->requested_bytes = assay_add(workload->requested_bytes, needed_bytes(op));
        if (op->kind > ASSAY_OP_FREE)
            continue;
        live += workload_asked_bytes(op) - sizes[op->slot];
        sizes[op->slot] = workload_asked_bytes(op);
        if (live > workload->peak_live_bytes)
            workload->peak_live_bytes = live;
    }
    assay_books_close(sizes, ASSAY_SLOTS * sizeof *sizes);
    return ASSAY_OK;
}

size_t workload_prefix(const struct workload *workload, uint64_t bytes)
{
    size_t i = 0;

    for (uint64_t sum = 0; i < workload->stream.count; i++) {
        sum = assay_add(sum, needed_bytes(&workload->stream.ops[i]));
        if (sum > bytes)
            break;
    }
    return i;
}

assay_status workload_make(struct workload *workload, const char *spec, struct assay_error *error)
{
    *workload = (struct workload){0};
    snprintf(workload->name, sizeof workload->name, "%s", spec);
    assay_status status = assay_workload_make(&workload->stream, spec, error);
    if (status == ASSAY_OK && workload_sum(workload) != ASSAY_OK) {
        status = ASSAY_NO_MEMORY;
        assay_error_set(error, "no memory for workload '%.80s'", spec);
    }
    if (status != ASSAY_OK)
        workload_clear(workload);
    return status;
}

/* "corpus/traces/sqlite3.trace" -> "sqlite3" */
static void name_after_file(struct workload *workload, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    int length = dot && dot > base ? (int)(dot - base) : (int)strlen(base);

    snprintf(workload->name, sizeof workload->name, "%.*s", length, base);
}

assay_status workload_load(struct workload *workload, const char *path, struct assay_error *error)
{
    struct assay_input *input;

    *workload = (struct workload){.path = path};
    name_after_file(workload, path);
    assay_status status = assay_input_open(&input, path, ASSAY_ENCODING_GUESS, error);
    if (status != ASSAY_OK)
        return status;
    struct assay_reader *reader = assay_input_reader(input);
    status = assay_stream_collect(&workload->stream, reader);
    if (status == ASSAY_OK)
        status = workload_sum(workload);
    if (status != ASSAY_OK) {
        *error = reader->error;
        if (status == ASSAY_NO_MEMORY)
            assay_error_set(error, "%s: no memory for its operations", path);
        workload_clear(workload);
    }
    assay_input_close(input);
    return status;
}

void workload_clear(struct workload *workload)
{
    assay_stream_clear(&workload->stream);
    workload->requested_bytes = 0;
}
