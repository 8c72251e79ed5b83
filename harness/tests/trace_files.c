/* trace_files.c - streams, a folder, and files in memory for the tests of traces. */
#include "trace_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[256];

uint64_t trace_random(uint64_t *state)
{
    /* Steele, Lea, Flood: Fast splittable pseudorandom number generators (splitmix64). */
    uint64_t n = *state += UINT64_C(0x9e3779b97f4a7c15);

    n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
    return n ^ (n >> 31);
}

static uint64_t between(uint64_t *state, uint64_t low, uint64_t high)
{
    uint64_t n = trace_random(state);

    switch (n % 5) {
    case 0:
        return low;
    case 1:
        return high;
    case 2:
        n = trace_random(state) >> (trace_random(state) % 64);
        break;
    default:
        n = trace_random(state) % 300;
    }
    return n < low ? low : n > high ? high : n;
}

struct assay_op trace_extreme_op(uint64_t *state, bool with_time)
{
    struct assay_op op = {.kind = (uint8_t)(trace_random(state) % ASSAY_OP_KINDS)};
    const struct assay_op_shape *shape = &assay_op_shapes[op.kind];

    if (shape->has_slot)
        op.slot = (uint32_t)between(state, 0, ASSAY_SLOTS - 1);
    if (shape->has_size)
        op.size = between(state, shape->size_min, shape->size_max);
    if (shape->arg_is_power_of_two)
        op.arg = UINT64_C(1) << (trace_random(state) % 64);
    else if (shape->has_arg)
        op.arg = between(state, shape->arg_min, shape->arg_max);
    op.thread = (uint16_t)between(state, 0, ASSAY_THREADS - 1);
    if (with_time)
        op.delta_ns = between(state, 0, UINT64_MAX);
    assert_true(assay_op_is_valid(&op));
    return op;
}

void trace_fill_extreme(struct assay_stream *stream, size_t count, uint64_t seed, bool with_time)
{
    for (size_t i = 0; i < count; i++) {
        struct assay_op op = trace_extreme_op(&seed, with_time);
        assert_int_equal(assay_stream_append(stream, &op), ASSAY_OK);
    }
}

void trace_fill_plain(struct assay_stream *stream, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct assay_op op = {.slot = (uint32_t)(i / 3 % 5), .size = 40 + i % 3};
        switch (i % 3) {
        case 0:
            op.kind = ASSAY_OP_ALLOC;
            break;
        case 1:
            op.kind = ASSAY_OP_REALLOC;
            break;
        default:
            op.kind = ASSAY_OP_FREE;
            op.size = 0;
        }
        assert_int_equal(assay_stream_append(stream, &op), ASSAY_OK);
    }
}

const char *trace_path(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Calls each() for every file of the folder, and counts them. */
static size_t visit_files(int (*each)(const char *path))
{
    DIR *list = opendir(folder);
    struct dirent *entry;
    size_t count = 0;

    assert_non_null(list);
    while ((entry = readdir(list))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (each)
            each(trace_path(entry->d_name));
        count++;
    }
    closedir(list);
    return count;
}

size_t trace_count_files(void)
{
    return visit_files(NULL);
}

int trace_make_folder(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)state;
    snprintf(folder, sizeof folder, "%s/assay-trace-XXXXXX", parent ? parent : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

int trace_remove_folder(void **state)
{
    (void)state;
    visit_files(remove);
    return rmdir(folder);
}

void trace_write(const struct assay_stream *stream, const char *name)
{
    struct assay_trace_writer *writer;
    struct assay_trace_info info;
    struct assay_error error = {""};

    assert_int_equal(
        assay_trace_create(&writer, trace_path(name), &stream->setup, "a test", &error), ASSAY_OK);
    assay_trace_append(writer, stream->ops, stream->count);
    assert_int_equal(assay_trace_finish(writer, &info, &error), ASSAY_OK);
    assert_int_equal(info.ops, stream->count);
    assert_string_equal(error.what, "");
}

uint8_t *trace_load(const char *name, size_t *size)
{
    FILE *file = fopen(trace_path(name), "rb");
    long end;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    end = ftell(file);
    assert_true(end > 0);
    rewind(file);
    uint8_t *data = malloc((size_t)end);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)end, file), (size_t)end);
    fclose(file);
    *size = (size_t)end;
    return data;
}

struct trace_outcome trace_read_memory(const struct assay_stream *stream, const void *data,
                                       size_t size)
{
    struct trace_outcome outcome = {.all_right = true};
    struct assay_trace_reader *trace;
    const struct assay_op *ops;
    size_t count;

    outcome.opened = assay_trace_open_memory(&trace, "a file", data, size, &outcome.error);
    if (outcome.opened != ASSAY_OK) {
        assert_null(trace);
        return outcome;
    }
    outcome.is_whole = assay_trace_info(trace)->is_whole;
    struct assay_reader *reader = assay_trace_stream(trace);
    while ((count = reader->next(reader, &ops)) != 0) {
        if (outcome.ops + count > stream->count ||
            memcmp(ops, stream->ops + outcome.ops, count * sizeof *ops) != 0) {
            outcome.all_right = false;
            for (size_t i = 0; i < count; i++)
                assert_true(assay_op_is_valid(&ops[i]));
        }
        outcome.ops += count;
    }
    outcome.error = reader->error;
    assay_trace_close(trace);
    return outcome;
}
