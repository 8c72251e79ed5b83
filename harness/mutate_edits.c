/* mutate_edits.c - each kind of edit of a stream's operations. */
#include "assay/mutate.h"

#include "dice.h"

#include <string.h>

#define RUN_MAX 16   /* operations that one edit takes together */
#define ADDED_MAX 64 /* operations that one edit adds */
#define NEAR_SLOTS 32
#define HEADER_MAX 64

/* Operations from .. from + count - 1 of a stream. */
struct run {
    size_t from;
    size_t count;
};

static struct run choose_run(struct dice *dice, const struct assay_stream *stream, size_t longest)
{
    size_t from = dice_roll(dice, stream->count);
    size_t left = stream->count - from;

    return (struct run){from, dice_between(dice, 1, left < longest ? left : longest)};
}

static bool allocates(const struct assay_op *op)
{
    return op->kind <= ASSAY_OP_REALLOC;
}

/* A place in the stream whose operation `fits`, searched onwards from a random one; count if none. */
static size_t choose(struct dice *dice, const struct assay_stream *stream,
                     bool (*fits)(const struct assay_op *op))
{
    size_t start = dice_roll(dice, stream->count);

    for (size_t i = 0; i < stream->count; i++) {
        size_t at = (start + i) % stream->count;
        if (fits(&stream->ops[at]))
            return at;
    }
    return stream->count;
}

/* Moves the operation at `from` to `to`; those between make way. */
static void shift(struct assay_op *ops, size_t from, size_t to)
{
    struct assay_op op = ops[from];

    if (from < to)
        memmove(&ops[from], &ops[from + 1], (to - from) * sizeof *ops);
    else
        memmove(&ops[to + 1], &ops[to], (from - to) * sizeof *ops);
    ops[to] = op;
}

static assay_status insert_at(struct assay_stream *stream, size_t at, struct assay_op op)
{
    if (assay_stream_append(stream, &op) != ASSAY_OK)
        return ASSAY_NO_MEMORY;
    shift(stream->ops, stream->count - 1, at);
    return ASSAY_OK;
}

static uint64_t within(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* Around class limits, powers of two, pages, the heap's limit and the end of the numbers. */
static uint64_t edge(struct dice *dice, uint64_t limit)
{
    uint64_t power = UINT64_C(1) << dice_between(dice, 3, 17);
    uint64_t base;

    switch (dice_roll(dice, 8)) {
    case 0:
    case 1:
        base = power;
        break;
    case 2:
    case 3:
        base = power + power / 4 * dice_roll(dice, 4);
        break;
    case 4:
        base = dice_between(dice, 1, 16) * 4096;
        break;
    case 5:
        base = limit >> dice_roll(dice, 4);
        break;
    case 6:
        base = UINT64_C(1) << dice_between(dice, 31, 63);
        break;
    default:
        base = 0; /* and below it the largest sizes */
        break;
    }
    static const uint8_t headers[] = {0, 0, 1, 7, 8, 16, 24, 32, 48, HEADER_MAX};
    uint64_t header = headers[dice_roll(dice, sizeof headers)];
    return dice_once_in(dice, 3) ? base + header : base - header;
}

static assay_status insert(struct assay_stream *stream, struct dice *dice)
{
    /* What programs do is four times as likely as what they must not. */
    uint64_t kinds = dice_once_in(dice, 5) ? ASSAY_OP_KINDS : ASSAY_OP_CHECK + 1;
    struct assay_op op = {.kind = (uint8_t)dice_roll(dice, kinds)};
    const struct assay_op_shape *shape = &assay_op_shapes[op.kind];

    if (shape->has_slot)
        op.slot = (uint32_t)dice_roll(dice, NEAR_SLOTS);
    if (shape->has_size)
        op.size =
            within(dice_once_in(dice, 2) ? edge(dice, stream->setup.limit) : dice_roll(dice, 512),
                   shape->size_min, shape->size_max);
    if (shape->arg_is_power_of_two)
        op.arg = UINT64_C(1) << dice_roll(dice, 14);
    else if (shape->has_arg)
        op.arg = within(dice_roll(dice, 64), shape->arg_min, shape->arg_max);
    return insert_at(stream, dice_roll(dice, stream->count + 1), op);
}

static void cut(struct assay_stream *stream, struct dice *dice)
{
    struct run run = choose_run(dice, stream, dice_once_in(dice, 2) ? 1 : RUN_MAX);
    size_t end = run.from + run.count;

    memmove(&stream->ops[run.from], &stream->ops[end], (stream->count - end) * sizeof *stream->ops);
    stream->count -= run.count;
}

static void swap(struct assay_op *a, struct assay_op *b)
{
    struct assay_op kept = *a;

    *a = *b;
    *b = kept;
}

static assay_status splice(struct assay_stream *stream, struct dice *dice)
{
    size_t at = choose(dice, stream, allocates);
    if (at == stream->count)
        return ASSAY_OK;
    uint32_t from = stream->ops[at].slot, to = (uint32_t)dice_roll(dice, NEAR_SLOTS);
    if (to == from)
        to = (to + 1) % NEAR_SLOTS;

    size_t place = at;
    bool ended = false;
    for (size_t added = 0; added < ADDED_MAX && at < stream->count && !ended; at++) {
        struct assay_op op = stream->ops[at];
        if (!assay_op_shapes[op.kind].has_slot || op.slot != from)
            continue;
        ended = op.kind == ASSAY_OP_FREE;
        op.slot = to;
        /* Never before what it copies, so that what was not looked at yet only moves up by one. */
        place = dice_between(dice, (place > at ? place : at) + 1, stream->count);
        if (insert_at(stream, place, op) != ASSAY_OK)
            return ASSAY_NO_MEMORY;
        added++;
    }
    return ASSAY_OK;
}

static bool has_slot(const struct assay_op *op)
{
    return assay_op_shapes[op->kind].has_slot;
}

static bool has_size(const struct assay_op *op)
{
    return assay_op_shapes[op->kind].has_size;
}

static bool is_free(const struct assay_op *op)
{
    return op->kind == ASSAY_OP_FREE;
}

static void retarget(struct assay_stream *stream, struct dice *dice)
{
    size_t at = choose(dice, stream, has_slot);

    if (at < stream->count) {
        /* To a slot that is in use, mostly: there it meets a block. */
        size_t other = choose(dice, stream, has_slot);
        stream->ops[at].slot =
            dice_once_in(dice, 4) ? (uint32_t)dice_roll(dice, NEAR_SLOTS) : stream->ops[other].slot;
    }
}

static void resize(struct assay_stream *stream, struct dice *dice)
{
    size_t at = choose(dice, stream, has_size);
    if (at == stream->count)
        return;
    struct assay_op *op = &stream->ops[at];
    uint64_t size = dice_once_in(dice, 3) ? op->size + dice_roll(dice, 33) - 16
                                          : edge(dice, stream->setup.limit);
    const struct assay_op_shape *shape = &assay_op_shapes[op->kind];
    op->size = within(size, shape->size_min, shape->size_max);
}

static assay_status repeat(struct assay_stream *stream, struct dice *dice)
{
    struct run run = choose_run(dice, stream, RUN_MAX);
    size_t added = run.count * dice_between(dice, 1, ADDED_MAX / run.count);

    for (size_t i = 0; i < added; i++) {
        struct assay_op op = stream->ops[run.from + i];
        if (insert_at(stream, run.from + run.count + i, op) != ASSAY_OK)
            return ASSAY_NO_MEMORY;
    }
    return ASSAY_OK;
}

static void scale(struct assay_stream *stream, struct dice *dice)
{
    struct run run = choose_run(dice, stream, stream->count);
    bool up = dice_once_in(dice, 2);

    for (size_t i = run.from; i < run.from + run.count; i++) {
        struct assay_op *op = &stream->ops[i];
        const struct assay_op_shape *shape = &assay_op_shapes[op->kind];
        if (shape->has_size)
            op->size = within(up ? op->size << 1 : op->size >> 1, shape->size_min, shape->size_max);
    }
}

/* A free, and where the block it frees came from. */
struct end {
    struct assay_op op;
    size_t born;
};

static size_t born_before(const struct assay_stream *stream, size_t at)
{
    size_t i = at;

    while (i > 0 &&
           !(allocates(&stream->ops[i - 1]) && stream->ops[i - 1].slot == stream->ops[at].slot))
        i--;
    return i;
}

static void swap_ends(struct end *a, struct end *b)
{
    struct end kept = *a;

    *a = *b;
    *b = kept;
}

/* By insertion, for there are few. */
static void sort(struct end *ends, size_t count, bool youngest_first)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && ends[j].born != ends[j - 1].born &&
                           (ends[j].born < ends[j - 1].born) != youngest_first;
             j--)
            swap_ends(&ends[j], &ends[j - 1]);
}

static void order(struct end *ends, size_t count, struct dice *dice)
{
    struct end kept[ADDED_MAX];
    size_t n = 0;

    switch (dice_roll(dice, 4)) {
    case 0:
        sort(ends, count, true);
        return;
    case 1:
        sort(ends, count, false);
        return;
    case 2: /* every other first */
        memcpy(kept, ends, count * sizeof *ends);
        for (size_t i = 0; i < count; i += 2)
            ends[n++] = kept[i];
        for (size_t i = 1; i < count; i += 2)
            ends[n++] = kept[i];
        return;
    default:
        for (size_t i = count - 1; i > 0; i--)
            swap_ends(&ends[i], &ends[dice_roll(dice, i + 1)]);
        return;
    }
}

static void reorder(struct assay_stream *stream, struct dice *dice)
{
    size_t from = choose(dice, stream, is_free), count = 0;
    size_t places[ADDED_MAX];
    struct end frees[ADDED_MAX];

    for (size_t i = from; i < stream->count && count < ADDED_MAX; i++) {
        if (is_free(&stream->ops[i])) {
            frees[count] = (struct end){stream->ops[i], born_before(stream, i)};
            places[count++] = i;
        }
    }
    if (count < 2)
        return;
    order(frees, count, dice);
    for (size_t i = 0; i < count; i++)
        stream->ops[places[i]] = frees[i].op;
}

assay_status assay_mutate_edit(struct assay_stream *stream, enum assay_edit edit, uint64_t seed)
{
    struct dice dice = {seed};

    if (edit == ASSAY_EDIT_INSERT)
        return insert(stream, &dice);
    if (stream->count == 0)
        return ASSAY_OK;
    size_t a = dice_roll(&dice, stream->count), b = dice_roll(&dice, stream->count);
    switch (edit) {
    case ASSAY_EDIT_DELETE:
        cut(stream, &dice);
        break;
    case ASSAY_EDIT_DUPLICATE:
        return insert_at(stream, a + 1, stream->ops[a]);
    case ASSAY_EDIT_SWAP:
        swap(&stream->ops[a], &stream->ops[b]);
        break;
    case ASSAY_EDIT_MOVE:
        shift(stream->ops, a, b);
        break;
    case ASSAY_EDIT_SPLICE:
        return splice(stream, &dice);
    case ASSAY_EDIT_RETARGET:
        retarget(stream, &dice);
        break;
    case ASSAY_EDIT_RESIZE:
        resize(stream, &dice);
        break;
    case ASSAY_EDIT_REPEAT:
        return repeat(stream, &dice);
    case ASSAY_EDIT_SCALE:
        scale(stream, &dice);
        break;
    default:
        reorder(stream, &dice);
        break;
    }
    return ASSAY_OK;
}
