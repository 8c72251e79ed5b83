/*
 * reduce_values.c - makes what is left plain: other kinds, small and round numbers, slots in their order.
 *
 * A number becomes the smallest power of two that does; where none does, it is made smaller by steps that
 * halve. Where many blocks only take room, fewer and larger ones do. All is tried in a fixed order, so the result
 * is always the same.
 */
#include "reduce_state.h"

#include "assay/sizes.h"

#include <stdlib.h>
#include <string.h>

static bool try_op(struct reduce_runner *runner, size_t index, const struct assay_op *op)
{
    const struct reduce_change change = {.index = index, .op = *op};

    return reduce_try(runner, &change);
}

static uint64_t *size_of(struct assay_op *op)
{
    return &op->size;
}

static uint64_t *arg_of(struct assay_op *op)
{
    return &op->arg;
}

static bool try_number(struct reduce_runner *runner, size_t index,
                       uint64_t *(*field)(struct assay_op *), uint64_t number)
{
    struct assay_op op = runner->reduce->ops[index];

    *field(&op) = number;
    return assay_op_is_valid(&op) && try_op(runner, index, &op);
}

/* Makes one number of an operation smaller. */
static void shrink(struct reduce_runner *runner, size_t index,
                   uint64_t *(*field)(struct assay_op *))
{
    uint64_t number = *field(&runner->reduce->ops[index]);

    for (uint64_t power = 1; power < number && power != 0; power *= 2)
        if (try_number(runner, index, field, power))
            return;
    if (assay_is_power_of_two(number))
        return;
    for (uint64_t step = number / 2; step > 0; step /= 2) {
        uint64_t least = UINT64_C(1) << assay_floor_log2(number);
        while (number - least >= step && try_number(runner, index, field, number - step)) {
            number -= step;
            least = UINT64_C(1) << assay_floor_log2(number);
        }
    }
}

/* A kind that says the same with less, or a request in place of one that asks for more than bytes. */
static void make_plain_kind(struct reduce_runner *runner, size_t index)
{
    struct assay_op op = runner->reduce->ops[index];

    if (op.kind == ASSAY_OP_ALLOC_ZEROED) {
        op.size = assay_multiply(op.arg, op.size);
    } else if (op.kind != ASSAY_OP_ALLOC_ALIGNED && op.kind != ASSAY_OP_REALLOC &&
               op.kind != ASSAY_OP_FREE_INTERIOR) {
        return;
    }
    op.kind = op.kind == ASSAY_OP_FREE_INTERIOR ? ASSAY_OP_FREE : ASSAY_OP_ALLOC;
    if (op.kind == ASSAY_OP_FREE)
        op.size = 0;
    op.arg = 0;
    try_op(runner, index, &op);
}

void reduce_plain_ops(struct reduce_runner *runner, void *unused)
{
    struct reduce *reduce = runner->reduce;

    (void)unused;
    for (size_t i = 0; i < reduce->count; i++) {
        if (reduce->is_dropped[i])
            continue;
        if (!reduce_advance(runner, i))
            return;
        make_plain_kind(runner, i);
        if (reduce->ops[i].size > 1)
            shrink(runner, i, size_of);
        if (reduce->ops[i].arg > 1)
            shrink(runner, i, arg_of);
    }
}

/* --- two as one --- */

static bool is_request(const struct assay_op *op)
{
    return op->kind == ASSAY_OP_ALLOC || op->kind == ASSAY_OP_ALLOC_ZEROED ||
           op->kind == ASSAY_OP_ALLOC_ALIGNED;
}

/* The next request that is left after index; count if there is none. */
static size_t next_request(const struct reduce *reduce, size_t index)
{
    do
        index++;
    while (index < reduce->count &&
           (reduce->is_dropped[index] || !is_request(&reduce->ops[index])));
    return index;
}

void reduce_merge_requests(struct reduce_runner *runner, void *arg)
{
    const struct reduce *reduce = runner->reduce;
    const uint32_t *groups = arg;

    for (size_t i = 0; i < reduce->count; i++) {
        if (reduce->is_dropped[i] || !is_request(&reduce->ops[i]))
            continue;
        if (!reduce_advance(runner, i))
            return;
        for (size_t other; (other = next_request(reduce, i)) < reduce->count;) {
            struct reduce_change change = {groups, groups[other], i, reduce->ops[i]};
            change.op.size = assay_add(change.op.size, reduce->ops[other].size);
            if (groups[other] == groups[i] || !reduce_try(runner, &change))
                break;
        }
    }
}

/* --- all at once --- */

/* Slots by their first use, no threads, no times. False without memory. */
static bool renumber(const struct reduce *reduce, struct assay_op *ops)
{
    uint32_t *number_of = calloc(ASSAY_SLOTS, sizeof *number_of); /* 1 above; 0: none yet */
    uint32_t next = 0;

    if (!number_of)
        return false;
    for (size_t i = 0; i < reduce->count; i++) {
        ops[i] = reduce->ops[i];
        ops[i].thread = 0;
        ops[i].delta_ns = 0;
        if (!assay_op_shapes[ops[i].kind].has_slot)
            continue;
        if (number_of[ops[i].slot] == 0)
            number_of[ops[i].slot] = ++next;
        ops[i].slot = number_of[ops[i].slot] - 1;
    }
    free(number_of);
    return true;
}

static bool is_as_it_was(const struct reduce *reduce, const struct assay_setup *setup,
                         const struct assay_op *ops)
{
    return setup->limit == reduce->setup.limit && setup->seed == reduce->setup.seed &&
           memcmp(ops, reduce->ops, reduce->count * sizeof *ops) == 0;
}

static void try_setup(struct reduce *reduce, struct assay_op *ops, struct assay_setup setup)
{
    memcpy(ops, reduce->ops, reduce->count * sizeof *ops);
    if (!is_as_it_was(reduce, &setup, ops))
        reduce_try_stream(reduce, &setup, ops);
}

void reduce_plain_stream(struct reduce *reduce)
{
    struct assay_op *ops = calloc(reduce->count + 1, sizeof *ops);
    struct assay_setup setup = reduce->setup;

    if (!ops)
        return;
    if (renumber(reduce, ops) && !is_as_it_was(reduce, &setup, ops))
        reduce_try_stream(reduce, &setup, ops);
    setup = reduce->setup;
    setup.seed = 0;
    try_setup(reduce, ops, setup);
    for (setup = reduce->setup, setup.limit = 4096; setup.limit < reduce->setup.limit;
         setup.limit *= 2)
        try_setup(reduce, ops, setup);
    free(ops);
}
