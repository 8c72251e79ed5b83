/* op.c - what each kind of operation looks like, and streams in memory. */
#include "assay/op.h"

#include "assay/sizes.h"

#include <stdlib.h>
#include <string.h>

#define SLOT .has_slot = true
#define SIZE(low, high) .has_size = true, .size_min = (low), .size_max = (high)
#define ARG(low, high) .has_arg = true, .arg_min = (low), .arg_max = (high)
#define ANY UINT64_MAX

const struct assay_op_shape assay_op_shapes[ASSAY_OP_KINDS] = {
    [ASSAY_OP_ALLOC] = {.name = "alloc", SLOT, SIZE(0, ANY)},
    [ASSAY_OP_ALLOC_ZEROED] = {.name = "zeroed", SLOT, SIZE(0, ANY), ARG(0, ANY)},
    [ASSAY_OP_ALLOC_ALIGNED] = {.name = "aligned",
                                SLOT,
                                SIZE(0, ANY),
                                ARG(1, UINT64_C(1) << 63),
                                .arg_is_power_of_two = true},
    [ASSAY_OP_REALLOC] = {.name = "realloc", SLOT, SIZE(1, ANY)},
    [ASSAY_OP_FREE] = {.name = "free", SLOT},
    [ASSAY_OP_FREE_NULL] = {.name = "free-null"},
    [ASSAY_OP_TOUCH] = {.name = "touch", SLOT},
    [ASSAY_OP_CHECK] = {.name = "check"},
    [ASSAY_OP_HAND_OVER] = {.name = "hand-over", SLOT, ARG(0, ASSAY_THREADS - 1)},
    [ASSAY_OP_DOUBLE_FREE] = {.name = "double-free", SLOT},
    [ASSAY_OP_FREE_INTERIOR] = {.name = "free-interior", SLOT, ARG(1, ANY)},
    [ASSAY_OP_FREE_FOREIGN] = {.name = "free-foreign", ARG(0, ANY)},
    [ASSAY_OP_FREE_MISALIGNED] = {.name = "free-misaligned", SLOT, ARG(1, ANY)},
    [ASSAY_OP_OVERRUN] = {.name = "overrun", SLOT, ARG(1, ANY)},
    [ASSAY_OP_UNDERRUN] = {.name = "underrun", SLOT, ARG(1, ANY)},
    [ASSAY_OP_WRITE_AFTER_FREE] = {.name = "write-after-free", SLOT, ARG(0, ANY)},
    [ASSAY_OP_REFUSE_NEXT] = {.name = "refuse-next", ARG(0, ANY)},
    [ASSAY_OP_REFUSE_BEYOND] = {.name = "refuse-beyond", ARG(0, ANY)},
};

bool assay_op_is_valid(const struct assay_op *op)
{
    if (op->kind >= ASSAY_OP_KINDS || op->thread >= ASSAY_THREADS || op->unused != 0)
        return false;
    const struct assay_op_shape *shape = &assay_op_shapes[op->kind];
    if (op->slot >= (shape->has_slot ? ASSAY_SLOTS : 1))
        return false;
    if (op->size < shape->size_min || op->size > shape->size_max)
        return false;
    if (op->arg < shape->arg_min || op->arg > shape->arg_max)
        return false;
    return !shape->arg_is_power_of_two || assay_is_power_of_two(op->arg);
}

assay_status assay_stream_append(struct assay_stream *stream, const struct assay_op *op)
{
    if (stream->count == stream->room) {
        size_t room = stream->room ? stream->room * 2 : 256;
        struct assay_op *ops = realloc(stream->ops, room * sizeof *ops);
        if (!ops)
            return ASSAY_NO_MEMORY;
        stream->ops = ops;
        stream->room = room;
    }
    stream->ops[stream->count++] = *op;
    return ASSAY_OK;
}

void assay_stream_clear(struct assay_stream *stream)
{
    free(stream->ops);
    *stream = (struct assay_stream){0};
}

static bool ops_equal(const struct assay_op *a, const struct assay_op *b)
{
    return a->kind == b->kind && a->thread == b->thread && a->slot == b->slot &&
           a->size == b->size && a->arg == b->arg && a->delta_ns == b->delta_ns;
}

bool assay_stream_equal(const struct assay_stream *a, const struct assay_stream *b)
{
    if (a->count != b->count || a->setup.limit != b->setup.limit || a->setup.seed != b->setup.seed)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!ops_equal(&a->ops[i], &b->ops[i]))
            return false;
    return true;
}

static size_t read_all(struct assay_reader *reader, const struct assay_op **ops)
{
    struct assay_stream_reader *memory = (struct assay_stream_reader *)reader;

    if (memory->done)
        return 0;
    memory->done = true;
    *ops = memory->stream->ops;
    return memory->stream->count;
}

void assay_stream_reader_init(struct assay_stream_reader *memory, const struct assay_stream *stream)
{
    memory->reader.setup = stream->setup;
    memory->reader.next = read_all;
    memory->reader.error.what[0] = '\0';
    memory->stream = stream;
    memory->done = false;
}

assay_status assay_stream_collect(struct assay_stream *stream, struct assay_reader *reader)
{
    const struct assay_op *ops;
    size_t count;

    stream->setup = reader->setup;
    while ((count = reader->next(reader, &ops)) != 0)
        for (size_t i = 0; i < count; i++)
            if (assay_stream_append(stream, &ops[i]) != ASSAY_OK)
                return ASSAY_NO_MEMORY;
    return reader->error.what[0] ? ASSAY_INVALID : ASSAY_OK;
}
