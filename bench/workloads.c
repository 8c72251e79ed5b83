/* workloads.c - the streams that are measured. All are balanced: what is allocated is freed. */
#include "workloads.h"

#include "assay/input.h"
#include "assay/sizes.h"

#include <stdio.h>
#include <string.h>

#define PAIRS 50000
/* What a backend that uses nothing again has to touch under the shadow. */
#define PAIRS_BYTES ((size_t)64 << 20)

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

/* As programs ask: nine in ten below 256 bytes, the others up to 16 KiB; even in the logarithm. */
static uint64_t mixed_size(uint64_t *seed)
{
    unsigned shift = next_random(seed) % 10 ? 3 + (unsigned)(next_random(seed) % 5)
                                            : 8 + (unsigned)(next_random(seed) % 6);

    return (UINT64_C(1) << shift) + next_random(seed) % (UINT64_C(1) << shift);
}

static assay_status add(struct assay_stream *stream, enum assay_op_kind kind, uint32_t slot,
                        uint64_t size)
{
    struct assay_op op = {.kind = (uint8_t)kind, .slot = slot, .size = size};

    return assay_stream_append(stream, &op);
}

static assay_status make_pairs(struct assay_stream *stream, size_t size)
{
    size_t pairs = PAIRS_BYTES / size < PAIRS ? PAIRS_BYTES / size : PAIRS;
    assay_status status = ASSAY_OK;

    for (size_t i = 0; i < pairs && status == ASSAY_OK; i++) {
        status = add(stream, ASSAY_OP_ALLOC, 0, size);
        if (status == ASSAY_OK)
            status = add(stream, ASSAY_OP_FREE, 0, 0);
    }
    return status;
}

/* Batches of 1000 blocks, freed in the order they came or in the opposite one. */
static assay_status make_batches(struct assay_stream *stream, size_t size, bool backwards)
{
    enum { BATCH = 1000 };
    assay_status status = ASSAY_OK;

    for (size_t round = 0; round < PAIRS / BATCH; round++) {
        for (uint32_t i = 0; i < BATCH && status == ASSAY_OK; i++)
            status = add(stream, ASSAY_OP_ALLOC, i, size);
        for (uint32_t i = 0; i < BATCH && status == ASSAY_OK; i++)
            status = add(stream, ASSAY_OP_FREE, backwards ? BATCH - 1 - i : i, 0);
    }
    return status;
}

static assay_status make_batches_in_order(struct assay_stream *stream, size_t size)
{
    return make_batches(stream, size, false);
}

static assay_status make_batches_backwards(struct assay_stream *stream, size_t size)
{
    return make_batches(stream, size, true);
}

assay_status workload_churn(struct assay_stream *stream, uint32_t live, size_t replacements)
{
    uint64_t seed = 88172645463325252u;
    assay_status status = ASSAY_OK;

    for (uint32_t slot = 0; slot < live && status == ASSAY_OK; slot++)
        status = add(stream, ASSAY_OP_ALLOC, slot, mixed_size(&seed));
    for (size_t i = 0; i < replacements && status == ASSAY_OK; i++) {
        uint32_t slot = (uint32_t)(next_random(&seed) % live);
        status = add(stream, ASSAY_OP_FREE, slot, 0);
        if (status == ASSAY_OK)
            status = add(stream, ASSAY_OP_ALLOC, slot, mixed_size(&seed));
    }
    for (uint32_t slot = 0; slot < live && status == ASSAY_OK; slot++)
        status = add(stream, ASSAY_OP_FREE, slot, 0);
    return status;
}

static assay_status make_churn(struct assay_stream *stream, size_t live)
{
    return workload_churn(stream, (uint32_t)live, 10 * live);
}

static const struct {
    const char *name;
    const char *summary;
    assay_status (*make)(struct assay_stream *stream, size_t parameter);
    size_t parameter;
} made_up[] = {
    {"pair-16", "alloc of 16 bytes, then its free", make_pairs, 16},
    {"pair-64", "alloc of 64 bytes, then its free", make_pairs, 64},
    {"pair-256", "alloc of 256 bytes, then its free", make_pairs, 256},
    {"pair-4096", "alloc of 4096 bytes, then its free", make_pairs, 4096},
    {"pair-65536", "alloc of 64 KiB, then its free", make_pairs, 65536},
    {"batch-64", "1000 blocks of 64 bytes, then their frees in order", make_batches_in_order, 64},
    {"stack-64", "1000 blocks of 64 bytes, then their frees, last first", make_batches_backwards,
     64},
    {"churn-10k", "random replacement among 10000 blocks of mixed sizes", make_churn, 10000},
};
#define MADE_UP (sizeof made_up / sizeof *made_up)

const char *workload_name(size_t number)
{
    return number < MADE_UP ? made_up[number].name : NULL;
}

const char *workload_summary(size_t number)
{
    return number < MADE_UP ? made_up[number].summary : NULL;
}

void workload_sum(struct workload *workload)
{
    workload->requested_bytes = 0;
    for (size_t i = 0; i < workload->stream.count; i++) {
        const struct assay_op *op = &workload->stream.ops[i];
        size_t count = op->kind == ASSAY_OP_ALLOC_ZEROED ? op->arg : 1;
        size_t align = op->kind == ASSAY_OP_ALLOC_ALIGNED ? op->arg : 16;
        size_t bytes = assay_add(assay_multiply(count, op->size), align);
        if (bytes < SIZE_MAX / 4) /* a larger one is refused */
            workload->requested_bytes = assay_add(workload->requested_bytes, bytes);
    }
}

assay_status workload_make(struct workload *workload, const char *name, struct assay_error *error)
{
    *workload = (struct workload){0};
    for (size_t i = 0; i < MADE_UP; i++) {
        if (strcmp(name, made_up[i].name) != 0)
            continue;
        snprintf(workload->name, sizeof workload->name, "%s", name);
        if (made_up[i].make(&workload->stream, made_up[i].parameter) == ASSAY_OK) {
            workload_sum(workload);
            return ASSAY_OK;
        }
        assay_error_set(error, "no memory for workload '%s'", name);
        workload_clear(workload);
        return ASSAY_NO_MEMORY;
    }
    assay_error_set(error, "no workload called '%s' (assay bench --list names them)", name);
    return ASSAY_INVALID;
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
    if (status != ASSAY_OK) {
        *error = reader->error;
        if (status == ASSAY_NO_MEMORY)
            assay_error_set(error, "%s: no memory for its operations", path);
        workload_clear(workload);
    }
    assay_input_close(input);
    if (status == ASSAY_OK)
        workload_sum(workload);
    return status;
}

void workload_clear(struct workload *workload)
{
    assay_stream_clear(&workload->stream);
    workload->requested_bytes = 0;
}
