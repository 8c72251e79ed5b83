/*
 * reduce_groups.c - which operations are left out together.
 *
 *   ranges      0 0 0 0 1 1 1 1 2 2 ...
 *   slots       s0 s1 s0 s0 s1 s2        0 1 0 0 1 2
 *   lifetimes   alloc s0, free s0, alloc s0, realloc s0        0 0 1 1
 */
#include "reduce_state.h"

#include <stdlib.h>

void reduce_group_ranges(const struct reduce *reduce, size_t size, uint32_t *groups)
{
    for (size_t i = 0; i < reduce->count; i++)
        groups[i] = (uint32_t)(i / size);
}

static bool makes_block(const struct assay_op *op)
{
    return op->kind == ASSAY_OP_ALLOC || op->kind == ASSAY_OP_ALLOC_ZEROED ||
           op->kind == ASSAY_OP_ALLOC_ALIGNED;
}

bool reduce_group_blocks(const struct reduce *reduce, bool by_slot, uint32_t *groups)
{
    uint32_t slots = 0, next = 0;

    for (size_t i = 0; i < reduce->count; i++)
        slots = reduce->ops[i].slot >= slots ? reduce->ops[i].slot + 1 : slots;
    uint32_t *group_of = calloc(slots ? slots : 1, sizeof *group_of); /* 1 above; 0: none */
    if (!group_of)
        return false;
    for (size_t i = 0; i < reduce->count; i++) {
        const struct assay_op *op = &reduce->ops[i];
        if (!assay_op_shapes[op->kind].has_slot) {
            groups[i] = next++;
            continue;
        }
        if (group_of[op->slot] == 0 || (!by_slot && makes_block(op)))
            group_of[op->slot] = ++next;
        groups[i] = group_of[op->slot] - 1;
    }
    free(group_of);
    return true;
}
