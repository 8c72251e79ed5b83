/* calls.c - addresses become slots: what each call does to the stream, by what was answered. */
#include "assay/calls.h"

#include "assay/sizes.h"
#include "slots.h"

#include <assert.h>
#include <stdlib.h>

#define BATCH 4096
#define OPS_OF_A_CALL 3 /* at most */

struct assay_calls {
    struct assay_slots slots;
    struct assay_calls_counts counts;
    uint64_t live_bytes, live_blocks;
    uint64_t delta_ns; /* of the next operation */
    uint16_t thread;
    assay_status status;
    size_t count;
    struct assay_op ops[BATCH];
};

struct assay_calls *assay_calls_open(void)
{
    return calloc(1, sizeof(struct assay_calls));
}

void assay_calls_close(struct assay_calls *calls)
{
    if (!calls)
        return;
    assay_slots_clear(&calls->slots);
    free(calls);
}

void assay_calls_set_thread(struct assay_calls *calls, uint16_t thread)
{
    calls->thread = thread;
}

void assay_calls_pass(struct assay_calls *calls, uint64_t delta_ns)
{
    calls->delta_ns = assay_add(calls->delta_ns, delta_ns);
}

size_t assay_calls_ops(struct assay_calls *calls, const struct assay_op **ops)
{
    size_t count = calls->count;

    *ops = calls->ops;
    calls->count = 0;
    return count;
}

bool assay_calls_is_full(const struct assay_calls *calls)
{
    return calls->count > BATCH - OPS_OF_A_CALL * ASSAY_CALLS_AT_ONCE;
}

assay_status assay_calls_status(const struct assay_calls *calls)
{
    return calls->status;
}

const struct assay_calls_counts *assay_calls_counts(const struct assay_calls *calls)
{
    return &calls->counts;
}

bool assay_calls_is_live(const struct assay_calls *calls, uint64_t address)
{
    return assay_slots_find(&calls->slots, address) != ASSAY_NO_SLOT;
}

static void emit(struct assay_calls *calls, enum assay_op_kind kind, uint32_t slot, uint64_t size,
                 uint64_t arg)
{
    assert(calls->count < BATCH && "operations are taken out in time");
    calls->ops[calls->count++] = (struct assay_op){
        .kind = (uint8_t)kind,
        .slot = slot,
        .size = size,
        .arg = arg,
        .thread = calls->thread,
        .delta_ns = calls->delta_ns,
    };
    calls->delta_ns = 0;
}

/* --- which blocks are live --- */

static void set_live(struct assay_calls *calls, uint32_t slot, uint64_t bytes)
{
    calls->slots.sizes[slot] = bytes;
    calls->live_bytes = assay_add(calls->live_bytes, bytes);
    calls->live_blocks++;
    if (calls->counts.peak_bytes < calls->live_bytes)
        calls->counts.peak_bytes = calls->live_bytes;
    if (calls->counts.peak_blocks < calls->live_blocks)
        calls->counts.peak_blocks = calls->live_blocks;
}

static void set_dead(struct assay_calls *calls, uint32_t slot)
{
    calls->live_bytes -= calls->slots.sizes[slot];
    calls->live_blocks--;
}

static uint32_t take_slot(struct assay_calls *calls)
{
    uint32_t slot = assay_slots_take(&calls->slots);

    if (slot == ASSAY_NO_SLOT)
        calls->status = calls->slots.used == ASSAY_SLOTS ? ASSAY_UNSUPPORTED : ASSAY_NO_MEMORY;
    return slot;
}

static void free_slot(struct assay_calls *calls, uint32_t slot)
{
    emit(calls, ASSAY_OP_FREE, slot, 0, 0);
    set_dead(calls, slot);
    assay_slots_give(&calls->slots, slot);
}

/* Lets slot, which is taken, stand for the block at address. */
static void bind(struct assay_calls *calls, uint64_t address, uint32_t slot, uint64_t bytes)
{
    uint32_t other = assay_slots_unbind(&calls->slots, address);

    if (other != ASSAY_NO_SLOT) {
        free_slot(calls, other);
        calls->counts.missed_frees++;
    }
    set_live(calls, slot, bytes);
    if (assay_slots_bind(&calls->slots, address, slot) != ASSAY_OK)
        calls->status = ASSAY_NO_MEMORY;
}

/* --- calls --- */

/* What memalign() makes of it. */
static uint64_t round_to_power_of_two(uint64_t align)
{
    uint64_t most = UINT64_C(1) << 63;

    if (align <= 1)
        return 1;
    return align > most ? most : UINT64_C(2) << assay_floor_log2(align - 1);
}

void assay_calls_alloc(struct assay_calls *calls, enum assay_op_kind kind, uint64_t address,
                       uint64_t size, uint64_t arg)
{
    uint64_t bytes = kind == ASSAY_OP_ALLOC_ZEROED ? assay_multiply(size, arg) : size;

    if (calls->status != ASSAY_OK)
        return;
    if (kind == ASSAY_OP_ALLOC_ALIGNED)
        arg = round_to_power_of_two(arg);
    if (kind == ASSAY_OP_REALLOC && size == 0)
        kind = ASSAY_OP_ALLOC;
    uint32_t slot = take_slot(calls);
    if (slot == ASSAY_NO_SLOT)
        return;
    if (address) {
        bind(calls, address, slot, bytes);
        emit(calls, kind, slot, size, arg);
    } else {
        calls->counts.refused++;
        emit(calls, kind, slot, size, arg);
        emit(calls, ASSAY_OP_FREE, slot, 0, 0);
        assay_slots_give(&calls->slots, slot);
    }
}

void assay_calls_free(struct assay_calls *calls, uint64_t address)
{
    if (calls->status != ASSAY_OK)
        return;
    if (!address) {
        emit(calls, ASSAY_OP_FREE_NULL, 0, 0, 0);
        return;
    }
    uint32_t slot = assay_slots_unbind(&calls->slots, address);
    if (slot == ASSAY_NO_SLOT)
        calls->counts.unknown_frees++;
    else
        free_slot(calls, slot);
}

void assay_calls_realloc(struct assay_calls *calls, uint64_t before, uint64_t after, uint64_t size)
{
    if (before) {
        struct assay_calls_realloc begun = assay_calls_realloc_begin(calls, before);
        assay_calls_realloc_end(calls, &begun, after, size);
    } else {
        assay_calls_alloc(calls, ASSAY_OP_REALLOC, after, size, 0);
    }
}

/* From here on the address may be another thread's block; the slot stays taken. */
struct assay_calls_realloc assay_calls_realloc_begin(struct assay_calls *calls, uint64_t before)
{
    return (struct assay_calls_realloc){
        .before = before,
        .slot = assay_slots_unbind(&calls->slots, before),
    };
}

static void refuse_realloc(struct assay_calls *calls, const struct assay_calls_realloc *begun,
                           uint64_t size)
{
    if (begun->slot == ASSAY_NO_SLOT) {
        assay_calls_alloc(calls, ASSAY_OP_REALLOC, 0, size, 0);
        return;
    }
    uint64_t before = calls->slots.sizes[begun->slot];
    calls->counts.refused++;
    emit(calls, ASSAY_OP_REALLOC, begun->slot, size, 0);
    emit(calls, ASSAY_OP_REALLOC, begun->slot, before ? before : 1, 0);
    set_dead(calls, begun->slot);
    bind(calls, begun->before, begun->slot, before);
}

/* The C library's realloc(block, 0) frees; other ones answer with a small block. */
void assay_calls_realloc_end(struct assay_calls *calls, const struct assay_calls_realloc *begun,
                             uint64_t after, uint64_t size)
{
    bool is_known = begun->slot != ASSAY_NO_SLOT, is_free = !after && size == 0;

    if (calls->status != ASSAY_OK)
        return;
    if (!is_known && is_free)
        calls->counts.unknown_frees++;
    else if (!is_known)
        calls->counts.unknown_reallocs++;

    size = size ? size : 1;
    if (is_free) {
        if (is_known)
            free_slot(calls, begun->slot);
    } else if (!after) {
        refuse_realloc(calls, begun, size);
    } else if (!is_known) {
        assay_calls_alloc(calls, ASSAY_OP_REALLOC, after, size, 0);
    } else {
        set_dead(calls, begun->slot);
        bind(calls, after, begun->slot, size);
        emit(calls, ASSAY_OP_REALLOC, begun->slot, size, 0);
    }
}
