/*
 * misuse_ops.c - what programs must not do, done to backends that claim to answer it.
 *
 * Freeing what is no block must give ASSAY_INVALID and harm nothing: the heap is audited before and
 * after the first such operation of a stream and one in 32 of the others. Harm done by the rest,
 * or to the content of blocks, is found later under its own name.
 *
 * An overrun writes at most OVERRUN_BYTES past the usable end, so that what lies behind can be
 * put back. Where check() reports it the bytes are put back and the block lives on. Where only
 * free() does, the bytes are put back and the block is freed again: whatever the answer, the
 * slot is empty then; if the heap still calls itself corrupt it cannot be judged any further and
 * the stream ends there, without a finding.
 *
 * Underruns and writes after free have no capability that promises an answer, so they never run.
 */
#include "assay/misuse.h"

#include "replay_state.h"

#include <string.h>

#define OVERRUN_BYTES 16

static unsigned char foreign[3 * 4096] __attribute__((aligned(4096)));

void *assay_foreign_address(uint64_t which)
{
    static const uintptr_t unmapped[] = {16, UINTPTR_MAX - 15, (uintptr_t)1 << 63, 4096};

    which %= ASSAY_FOREIGN_ADDRESSES;
    switch (which) {
    case 0:
        return foreign + 4096;
    case 1:
        return foreign + 4096 + 16;
    case 2:
        return foreign + 4096 + 17;
    case 3:
        return foreign + 64;
    default:
        return (void *)unmapped[which - 4];
    }
}

static const char *name_of(const struct assay_op *op)
{
    return assay_op_shapes[op->kind].name;
}

/* Renames a finding that was made right after a misuse. */
static bool blame(struct assay_replay *replay, const struct assay_op *op)
{
    struct assay_finding *finding = finding_of(replay);
    struct assay_finding first = *finding;

    assay_finding_set(finding, ASSAY_CHECK_MISUSE, first.has_block ? &first.block : NULL,
                      "%s did harm: %s", name_of(op), first.what);
    finding->has_other = first.has_other;
    finding->other = first.other;
    return false;
}

/* Frees an address that is no block. */
static bool free_wrongly(struct assay_replay *replay, const struct assay_op *op, void *address,
                         const struct assay_block *block)
{
    bool looked_at = is_due(replay->misuses++);

    /* Whatever is wrong already is not the misuse's doing. */
    if (looked_at && !replay_audit(replay))
        return false;
    assay_status status = replay->backend->free(replay->heap.self, address);
    answer(replay, op->kind | (uint64_t)status << 8);
    replay->result->checks++;
    if (status != ASSAY_INVALID)
        return assay_finding_set(finding_of(replay), ASSAY_CHECK_MISUSE, block,
                                 "%s was answered with: %s", name_of(op),
                                 assay_status_text(status));
    return !looked_at || replay_audit(replay) || blame(replay, op);
}

/* Whether free(handle) would be right: another live block has come to the same place. */
static bool is_block_again(const struct assay_replay *replay, const struct assay_shadow_slot *gone)
{
    struct assay_block block;
    const char *from = NULL;

    if (!replay->backend->resolve)
        return assay_shadow_find(replay->shadow, gone->handle, &block) &&
               (block.start == gone->handle ||
                assay_backend_claims(replay->backend, ASSAY_CAP_FREE_INTERIOR));
    /* Handles say nothing about places. */
    while (assay_shadow_next(replay->shadow, from, &block)) {
        if (replay->slots[block.slot].handle == gone->handle)
            return true;
        from = (const char *)block.start + 1;
    }
    return assay_backend_claims(replay->backend, ASSAY_CAP_FREE_INTERIOR);
}

static bool run_double_free(struct assay_replay *replay, const struct assay_op *op)
{
    const struct assay_shadow_slot *slot = &replay->slots[op->slot];

    if (slot->live || !slot->handle || is_block_again(replay, slot))
        return skip(replay, op);
    struct assay_block block = replay_block(replay, op->slot);
    return free_wrongly(replay, op, slot->handle, &block);
}

/* Legal where FREE_INTERIOR is claimed. */
static bool run_free_interior(struct assay_replay *replay, const struct assay_op *op)
{
    const struct assay_shadow_slot *slot = &replay->slots[op->slot];
    struct assay_block block = replay_block(replay, op->slot);

    if (!slot->live || slot->usable < 2)
        return skip(replay, op);
    char *address = (char *)slot->handle + 1 + (op->arg - 1) % (slot->usable - 1);
    if (!claims(replay, ASSAY_CAP_FREE_INTERIOR))
        return free_wrongly(replay, op, address, &block);
    if (!assay_shadow_remove(replay->shadow, op->slot, finding_of(replay)))
        return false;
    assay_status status = replay->backend->free(replay->heap.self, address);
    answer(replay, op->kind | (uint64_t)status << 8);
    replay->result->checks++;
    if (status == ASSAY_OK)
        return true;
    return assay_finding_set(finding_of(replay), ASSAY_CHECK_FREE, &block,
                             "freeing the block of op %llu by an address inside it was answered "
                             "with: %s",
                             (unsigned long long)block.op, assay_status_text(status));
}

static bool run_free_misaligned(struct assay_replay *replay, const struct assay_op *op)
{
    const struct assay_shadow_slot *slot = &replay->slots[op->slot];
    size_t align = replay->backend->min_align;

    if (!slot->live || align < 2)
        return skip(replay, op);
    struct assay_block block = replay_block(replay, op->slot);
    size_t offset = op->arg % align;
    return free_wrongly(replay, op, (char *)slot->handle + (offset ? offset : 1), &block);
}

/* --- overrun and underrun --- */

/* The bytes past a block, or before it: what was there, and what was written. */
struct overrun {
    const char *side; /* "past", "before" */
    unsigned char *at;
    size_t bytes;
    unsigned char saved[OVERRUN_BYTES];
    unsigned char written[OVERRUN_BYTES];
};

static void put_back(const struct overrun *overrun)
{
    memcpy(overrun->at, overrun->saved, overrun->bytes);
}

static bool is_reported_by_check(struct assay_replay *replay)
{
    struct assay_finding damage = {0};

    return !assay_audit_self(&replay->heap, &damage);
}

/* The block is out of the shadow; free() must not take it as it is. */
static bool report_by_free(struct assay_replay *replay, const struct assay_op *op,
                           const struct overrun *overrun)
{
    void *handle = replay->slots[op->slot].handle;
    struct assay_block block = replay_block(replay, op->slot);
    assay_status status = replay->backend->free(replay->heap.self, handle);

    answer(replay, op->kind | (uint64_t)status << 8);
    if (status == ASSAY_OK)
        return assay_finding_set(finding_of(replay), ASSAY_CHECK_OVERRUN, &block,
                                 "%zu bytes written %s the block of op %llu were not reported",
                                 overrun->bytes, overrun->side, (unsigned long long)block.op);
    if (memcmp(overrun->at, overrun->written, overrun->bytes) != 0) {
        replay->stopped = true; /* the heap has its own use for these bytes by now */
        return true;
    }
    put_back(overrun);
    status = replay->backend->free(replay->heap.self, handle);
    replay->stopped = status != ASSAY_OK && status != ASSAY_INVALID;
    return true;
}

static bool run_overrun(struct assay_replay *replay, const struct assay_op *op)
{
    const struct assay_shadow_slot *slot = &replay->slots[op->slot];
    bool before = op->kind == ASSAY_OP_UNDERRUN;
    struct overrun overrun = {.side = before ? "before" : "past"};

    if (!slot->live)
        return skip(replay, op);
    overrun.bytes = 1 + (op->arg - 1) % OVERRUN_BYTES;
    overrun.at = before ? slot->start - overrun.bytes : slot->start + slot->usable;
    if (!assay_meter_holds(&replay->heap.meter, overrun.at, overrun.bytes))
        return skip(replay, op);
    /* Whatever is wrong already is not the overrun's doing. */
    if (is_due(replay->misuses++) && !assay_audit_self(&replay->heap, finding_of(replay)))
        return false;
    memcpy(overrun.saved, overrun.at, overrun.bytes);
    for (size_t i = 0; i < OVERRUN_BYTES; i++)
        overrun.written[i] = (unsigned char)~overrun.saved[i];
    memcpy(overrun.at, overrun.written, overrun.bytes);
    replay->result->checks++;
    if (is_reported_by_check(replay)) {
        put_back(&overrun);
        answer(replay, op->kind | 1u << 16);
        return true;
    }
    return assay_shadow_remove(replay->shadow, op->slot, finding_of(replay)) &&
           report_by_free(replay, op, &overrun);
}

bool misuse_run(struct assay_replay *replay, const struct assay_op *op)
{
    switch (op->kind) {
    case ASSAY_OP_DOUBLE_FREE:
        return run_double_free(replay, op);
    case ASSAY_OP_FREE_INTERIOR:
        return run_free_interior(replay, op);
    case ASSAY_OP_FREE_FOREIGN:
        return free_wrongly(replay, op, assay_foreign_address(op->arg), NULL);
    case ASSAY_OP_FREE_MISALIGNED:
        return run_free_misaligned(replay, op);
    case ASSAY_OP_OVERRUN:
    case ASSAY_OP_UNDERRUN:
        return run_overrun(replay, op);
    default:
        return skip(replay, op);
    }
}
