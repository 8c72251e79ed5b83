/*
 * bytes.c - the stream as a fuzzer sees it.
 *
 *   [ version | limit code | seed, 2 bytes ] [ record ] [ record ] ...      4 bytes each
 *
 *   short record   [ kind code | slot and thread | a | b ]    one operation
 *   wide record    [ kind code | 0xFF | thread, 2 bytes ]     takes its values from the literals before
 *   literal        [ literal code | 3 bytes ]                 shifted into size, argument or slot
 *   set-up         [ set-up code | ignored ]                  limit or seed from the size literal
 *
 * Every record has the same width and no record looks at the operations before it, so a changed byte
 * stays a changed operation. What codes mean is fixed for ever: the files that found bugs rely on it.
 */
#include "assay/bytes.h"

#include "bytes_codes.h"
#include "assay/sizes.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 4
#define RECORD 4
#define VERSION 1

#define WIDE 0xFF
#define SLOT_BITS 5
#define SLOT_MASK ((1u << SLOT_BITS) - 1)
#define PLAIN_THREADS 4 /* the first thread codes that all mean thread 0 */

/* A record's kind code: the operation kinds, then what is not an operation. */
enum {
    LITERAL_SIZE = ASSAY_OP_KINDS,
    LITERAL_ARG,
    LITERAL_SLOT,
    SETUP_LIMIT,
    SETUP_SEED,
};

#define X2(kind) kind, kind
#define X4(kind) X2(kind), X2(kind)
#define X8(kind) X4(kind), X4(kind)
#define X16(kind) X8(kind), X8(kind)
#define X32(kind) X16(kind), X16(kind)
#define X64(kind) X32(kind), X32(kind)

/* Weights: a program of random records lives with about 20 of its 32 slots full. */
static const uint8_t kind_of_code[256] = {
    X64(ASSAY_OP_ALLOC),
    X8(ASSAY_OP_ALLOC),
    X4(ASSAY_OP_ALLOC),
    X16(ASSAY_OP_ALLOC_ZEROED),
    X16(ASSAY_OP_ALLOC_ALIGNED),
    X4(ASSAY_OP_ALLOC_ALIGNED),
    X32(ASSAY_OP_REALLOC),
    X64(ASSAY_OP_FREE),
    X16(ASSAY_OP_FREE),
    X4(ASSAY_OP_FREE),
    X2(ASSAY_OP_FREE),
    X2(ASSAY_OP_FREE_NULL),
    X8(ASSAY_OP_TOUCH),
    ASSAY_OP_CHECK,
    ASSAY_OP_HAND_OVER,
    ASSAY_OP_DOUBLE_FREE,
    ASSAY_OP_FREE_INTERIOR,
    ASSAY_OP_FREE_FOREIGN,
    ASSAY_OP_FREE_MISALIGNED,
    ASSAY_OP_OVERRUN,
    ASSAY_OP_UNDERRUN,
    ASSAY_OP_WRITE_AFTER_FREE,
    ASSAY_OP_REFUSE_NEXT,
    ASSAY_OP_REFUSE_BEYOND,
    LITERAL_SIZE,
    LITERAL_ARG,
    LITERAL_SLOT,
    SETUP_LIMIT,
    SETUP_SEED,
};

static const uint8_t thread_of_code[8] = {0, 0, 0, 0, 0, 1, 2, 3};

/* What literal records have said since the last operation. */
struct literals {
    uint64_t size;
    uint64_t arg;
    uint64_t slot;
};

static uint64_t at_least(uint64_t value, uint64_t least)
{
    return value < least ? least : value;
}

static uint64_t shift_in(uint64_t value, const uint8_t *record)
{
    return value << 24 | (uint64_t)record[1] << 16 | (uint64_t)record[2] << 8 | record[3];
}

static void decode_wide(struct assay_op *op, const uint8_t *record, const struct literals *literals)
{
    const struct assay_op_shape *shape = &assay_op_shapes[op->kind];

    op->thread = (record[2] | record[3] << 8) & (ASSAY_THREADS - 1);
    op->slot = shape->has_slot ? literals->slot & (ASSAY_SLOTS - 1) : 0;
    op->size = shape->has_size ? at_least(literals->size, shape->size_min) : 0;
    op->arg = 0;
    if (shape->has_arg) {
        uint64_t arg = at_least(literals->arg, shape->arg_min);
        if (shape->arg_is_power_of_two)
            arg = UINT64_C(1) << assay_floor_log2(arg);
        op->arg = arg > shape->arg_max ? shape->arg_max : arg;
    }
}

/*
 * The kinds that need no more than a slot and a size. They are three records in four, so they are decoded
 * by masks: a switch on random kinds would cost more than all else.
 */
struct plain {
    uint64_t size_mask;
    uint8_t least;
    uint8_t slot_mask;
    bool is;
};
static const struct plain plains[ASSAY_OP_KINDS] = {
    [ASSAY_OP_ALLOC] = {UINT64_MAX, 0, SLOT_MASK, true},
    [ASSAY_OP_REALLOC] = {UINT64_MAX, 1, SLOT_MASK, true},
    [ASSAY_OP_FREE] = {0, 0, SLOT_MASK, true},
    [ASSAY_OP_TOUCH] = {0, 0, SLOT_MASK, true},
    [ASSAY_OP_DOUBLE_FREE] = {0, 0, SLOT_MASK, true},
    [ASSAY_OP_FREE_NULL] = {0, 0, 0, true},
    [ASSAY_OP_CHECK] = {0, 0, 0, true},
};

static void decode_plain(struct assay_op *op, const struct plain *plain, const uint8_t *record)
{
    uint64_t size = size_of_codes(record[2], record[3]) & plain->size_mask;

    op->size = size + (size < plain->least);
    op->arg = 0;
    op->slot = record[1] & plain->slot_mask;
}

/* The other kinds, whose argument has a code. */
static void decode_argument(struct assay_op *op, const uint8_t *record)
{
    uint8_t a = record[2], b = record[3];

    op->size = 0;
    op->slot = assay_op_shapes[op->kind].has_slot ? record[1] & SLOT_MASK : 0;
    switch (op->kind) {
    case ASSAY_OP_ALLOC_ZEROED:
        op->size = size_of_pair(a, b);
        op->arg = count_of_code(b, op->size);
        return;
    case ASSAY_OP_ALLOC_ALIGNED:
        op->size = size_of_pair(a, b);
        op->arg = align_of_code(b);
        return;
    case ASSAY_OP_HAND_OVER:
        op->arg = a & 7;
        return;
    case ASSAY_OP_FREE_FOREIGN:
        op->arg = a | (unsigned)b << 8;
        return;
    case ASSAY_OP_WRITE_AFTER_FREE:
        op->arg = offset_of_codes(a, b);
        return;
    case ASSAY_OP_REFUSE_NEXT:
        op->arg = requests_of_codes(a, b);
        return;
    case ASSAY_OP_REFUSE_BEYOND:
        op->arg = budget_of_codes(a, b);
        return;
    default: /* misuse at an offset of at least 1 */
        op->arg = 1 + offset_of_codes(a, b);
        return;
    }
}

/* Takes a record that is no operation. */
static void decode_other(struct assay_setup *setup, struct literals *literals, uint8_t kind,
                         const uint8_t *record)
{
    switch (kind) {
    case LITERAL_SIZE:
        literals->size = shift_in(literals->size, record);
        return;
    case LITERAL_ARG:
        literals->arg = shift_in(literals->arg, record);
        return;
    case LITERAL_SLOT:
        literals->slot = shift_in(literals->slot, record);
        return;
    case SETUP_LIMIT:
        if (literals->size)
            setup->limit = literals->size;
        break;
    default:
        if (literals->size)
            setup->seed = literals->size;
        break;
    }
    *literals = (struct literals){0};
}

static assay_status make_room(struct assay_stream *stream, size_t room)
{
    if (stream->room >= room)
        return ASSAY_OK;
    struct assay_op *ops = realloc(stream->ops, room * sizeof *ops);
    if (!ops)
        return ASSAY_NO_MEMORY;
    stream->ops = ops;
    stream->room = room;
    return ASSAY_OK;
}

static void decode_records(struct assay_stream *stream, const uint8_t *record, size_t records)
{
    struct literals literals = {0};
    struct assay_op *op = stream->ops;

    for (const uint8_t *end = record + records * RECORD; record < end; record += RECORD) {
        uint8_t kind = kind_of_code[record[0]];
        if (kind >= ASSAY_OP_KINDS) {
            decode_other(&stream->setup, &literals, kind, record);
            continue;
        }
        op->kind = kind;
        op->unused = 0;
        op->delta_ns = 0;
        op->thread = thread_of_code[record[1] >> SLOT_BITS];
        if (record[1] == WIDE)
            decode_wide(op, record, &literals);
        else if (plains[kind].is)
            decode_plain(op, &plains[kind], record);
        else
            decode_argument(op, record);
        literals = (struct literals){0};
        op++;
    }
    stream->count = (size_t)(op - stream->ops);
}

assay_status assay_bytes_decode(struct assay_stream *stream, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t records = size < HEAD ? 0 : (size - HEAD) / RECORD;

    if (make_room(stream, records) != ASSAY_OK)
        return ASSAY_NO_MEMORY;
    /* bytes[0] is the version; there is one, and a value that names none means it too. */
    stream->setup.limit = size > 1 ? assay_limit_of_code(bytes[1]) : 0;
    stream->setup.seed = size >= HEAD ? bytes[2] | (unsigned)bytes[3] << 8 : 0;
    stream->count = 0;
    if (records)
        decode_records(stream, bytes + HEAD, records);
    return ASSAY_OK;
}

/* --- encoding --- */

struct sink {
    uint8_t *data;
    size_t room;
    size_t length; /* of all, also of what found no room */
};

static void put(struct sink *sink, const uint8_t bytes[RECORD])
{
    if (sink->length < sink->room) {
        size_t left = sink->room - sink->length;
        memcpy(sink->data + sink->length, bytes, left < RECORD ? left : RECORD);
    }
    sink->length += RECORD;
}

static uint8_t code_of_kind(uint8_t kind)
{
    const uint8_t *code = memchr(kind_of_code, kind, sizeof kind_of_code);

    return (uint8_t)(code - kind_of_code);
}

/* The fewest literal records that shift in `value`; none for 0. */
static void put_literal(struct sink *sink, uint8_t kind, uint64_t value)
{
    for (int shift = 48; shift >= 0; shift -= 24) {
        if (value >> shift == 0)
            continue;
        uint64_t part = value >> shift;
        put(sink, (uint8_t[]){code_of_kind(kind), (uint8_t)(part >> 16), (uint8_t)(part >> 8),
                              (uint8_t)part});
    }
}

static void put_setup(struct sink *sink, uint8_t kind, uint64_t value)
{
    put_literal(sink, LITERAL_SIZE, value);
    put(sink, (uint8_t[]){code_of_kind(kind), 0, 0, 0});
}

static void put_wide(struct sink *sink, const struct assay_op *op)
{
    put_literal(sink, LITERAL_SIZE, op->size);
    put_literal(sink, LITERAL_ARG, op->arg);
    put_literal(sink, LITERAL_SLOT, op->slot);
    put(sink,
        (uint8_t[]){code_of_kind(op->kind), WIDE, (uint8_t)op->thread, (uint8_t)(op->thread >> 8)});
}

/* The codes that give the operation's size and argument; false if none do. */
static bool find_codes(const struct assay_op *op, uint8_t *a, uint8_t *b)
{
    *a = *b = 0;
    switch (op->kind) {
    case ASSAY_OP_ALLOC:
    case ASSAY_OP_REALLOC:
        return assay_find_size(op->size, a, b);
    case ASSAY_OP_ALLOC_ZEROED:
        return assay_find_zeroed(op->size, op->arg, a, b);
    case ASSAY_OP_ALLOC_ALIGNED:
        return assay_find_aligned(op->size, op->arg, a, b);
    case ASSAY_OP_HAND_OVER:
        *a = op->arg & 7;
        return op->arg <= 7;
    case ASSAY_OP_FREE_FOREIGN:
        *a = (uint8_t)op->arg;
        *b = (uint8_t)(op->arg >> 8);
        return op->arg <= UINT16_MAX;
    case ASSAY_OP_FREE_INTERIOR:
    case ASSAY_OP_FREE_MISALIGNED:
    case ASSAY_OP_OVERRUN:
    case ASSAY_OP_UNDERRUN:
        return assay_find_offset(op->arg - 1, a, b);
    case ASSAY_OP_WRITE_AFTER_FREE:
        return assay_find_offset(op->arg, a, b);
    case ASSAY_OP_REFUSE_NEXT:
        return assay_find_requests(op->arg, a, b);
    case ASSAY_OP_REFUSE_BEYOND:
        return assay_find_budget(op->arg, a, b);
    default:
        return true;
    }
}

static void put_op(struct sink *sink, const struct assay_op *op)
{
    uint8_t a, b;
    unsigned where = op->slot & SLOT_MASK;

    if (op->thread)
        where |= (op->thread + PLAIN_THREADS) << SLOT_BITS;
    bool is_short = op->slot <= SLOT_MASK && op->thread <= 3 && where != WIDE;
    if (is_short && find_codes(op, &a, &b))
        put(sink, (uint8_t[]){code_of_kind(op->kind), (uint8_t)where, a, b});
    else
        put_wide(sink, op);
}

size_t assay_bytes_encode(const struct assay_stream *stream, void *data, size_t room)
{
    struct sink sink = {.data = data, .room = room};
    uint64_t seed = stream->setup.seed <= UINT16_MAX ? stream->setup.seed : 0;
    uint8_t limit = 0;
    bool limit_has_code = assay_find_limit(stream->setup.limit, &limit);

    put(&sink, (uint8_t[]){VERSION, limit, (uint8_t)seed, (uint8_t)(seed >> 8)});
    if (!limit_has_code)
        put_setup(&sink, SETUP_LIMIT, stream->setup.limit);
    if (seed != stream->setup.seed)
        put_setup(&sink, SETUP_SEED, stream->setup.seed);
    for (size_t i = 0; i < stream->count; i++)
        put_op(&sink, &stream->ops[i]);
    return sink.length;
}
