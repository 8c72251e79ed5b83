/* trace_decode.c - the columns of one frame to operations. */
#include "trace_format.h"

#include <stdlib.h>
#include <string.h>

#define SLOT ASSAY_TRACE_HAS_SLOT
#define SIZE ASSAY_TRACE_HAS_SIZE
#define ARG ASSAY_TRACE_HAS_ARG

/* Which columns a kind uses; a new kind without a line here would decode to nothing valid. */
static const uint8_t traits_of[ASSAY_TRACE_KIND_MASK + 1] = {
    [ASSAY_OP_ALLOC] = SLOT | ASSAY_TRACE_FILLS | SIZE,
    [ASSAY_OP_ALLOC_ZEROED] = SLOT | ASSAY_TRACE_FILLS | SIZE | ARG,
    [ASSAY_OP_ALLOC_ALIGNED] = SLOT | ASSAY_TRACE_FILLS | SIZE | ARG | ASSAY_TRACE_ARG_IS_LOG,
    [ASSAY_OP_REALLOC] = SLOT | SIZE,
    [ASSAY_OP_FREE] = SLOT,
    [ASSAY_OP_TOUCH] = SLOT,
    [ASSAY_OP_HAND_OVER] = SLOT | ARG,
    [ASSAY_OP_DOUBLE_FREE] = SLOT,
    [ASSAY_OP_FREE_INTERIOR] = SLOT | ARG,
    [ASSAY_OP_FREE_FOREIGN] = ARG,
    [ASSAY_OP_FREE_MISALIGNED] = SLOT | ARG,
    [ASSAY_OP_OVERRUN] = SLOT | ARG,
    [ASSAY_OP_UNDERRUN] = SLOT | ARG,
    [ASSAY_OP_WRITE_AFTER_FREE] = SLOT | ARG,
    [ASSAY_OP_REFUSE_NEXT] = ARG,
    [ASSAY_OP_REFUSE_BEYOND] = ARG,
};
_Static_assert(ASSAY_OP_KINDS <= ASSAY_TRACE_KIND_MASK + 1, "a kind fits into a code");

unsigned assay_trace_traits(unsigned kind)
{
    return traits_of[kind & ASSAY_TRACE_KIND_MASK];
}

/* Reads at most ASSAY_TRACE_NUMBER_BYTES; bits beyond 64 are lost. */
static inline uint64_t take(const uint8_t **at)
{
    uint64_t n = *(*at)++;

    if (n < 0x80)
        return n;
    n &= 0x7f;
    for (unsigned shift = 7; shift < 7 * ASSAY_TRACE_NUMBER_BYTES; shift += 7) {
        uint64_t byte = *(*at)++;
        n |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return n;
}

static inline uint32_t take_filled(struct assay_trace_decoder *decoder, unsigned code)
{
    struct assay_trace_context *context = &decoder->context;
    uint32_t slot;

    if (code & ASSAY_TRACE_FAR) {
        uint64_t distance = take(&decoder->at[ASSAY_TRACE_SLOTS]);
        slot = context->fresh + assay_trace_unfold((uint32_t)distance);
        context->fresh = slot + 1;
    } else if (context->frees != 0) {
        slot = context->freed[--context->frees];
    } else {
        slot = context->fresh++;
    }
    context->named[context->names++] = slot;
    return slot;
}

static inline uint32_t take_used(struct assay_trace_decoder *decoder, unsigned code)
{
    struct assay_trace_context *context = &decoder->context;
    uint32_t slot;

    if (code & ASSAY_TRACE_FAR) {
        uint64_t distance = take(&decoder->at[ASSAY_TRACE_SLOTS]);
        slot = context->far += assay_trace_unfold((uint32_t)distance);
    } else {
        uint64_t age = take(&decoder->at[ASSAY_TRACE_AGES]);
        if (age >= context->names)
            return UINT32_MAX; /* no slot: the operation is refused */
        slot = context->named[context->names - 1 - age];
    }
    if ((code & ASSAY_TRACE_KIND_MASK) == ASSAY_OP_FREE)
        context->freed[context->frees++] = slot;
    else
        context->named[context->names++] = slot;
    return slot;
}

/* The fields beside slot and size, which most operations have not. */
static bool decode_rest(struct assay_trace_decoder *decoder, unsigned code, struct assay_op *op)
{
    if (code & ASSAY_TRACE_NO_FLAG)
        return false;
    if (traits_of[op->kind] & ASSAY_TRACE_HAS_ARG) {
        op->arg = take(&decoder->at[ASSAY_TRACE_ARGS]);
        if (traits_of[op->kind] & ASSAY_TRACE_ARG_IS_LOG)
            op->arg = op->arg < 64 ? UINT64_C(1) << op->arg : 0;
    }
    if (code & ASSAY_TRACE_OTHER_THREAD) {
        uint64_t thread = take(&decoder->at[ASSAY_TRACE_THREADS]);
        if (thread >= decoder->threads)
            return false;
        decoder->context.thread = (uint32_t)thread;
        op->thread = (uint16_t)thread;
    }
    if (op->kind == ASSAY_OP_HAND_OVER && op->arg >= decoder->threads)
        return false;
    return assay_op_is_valid(op);
}

static inline bool decode(struct assay_trace_decoder *decoder, struct assay_op *op)
{
    unsigned code = *decoder->at[ASSAY_TRACE_CODES]++;
    unsigned kind = code & ASSAY_TRACE_KIND_MASK;
    unsigned traits = traits_of[kind];

    *op = (struct assay_op){.kind = (uint8_t)kind, .thread = (uint16_t)decoder->context.thread};
    if (traits & ASSAY_TRACE_HAS_SLOT) {
        op->slot =
            traits & ASSAY_TRACE_FILLS ? take_filled(decoder, code) : take_used(decoder, code);
        if (op->slot >= decoder->slots)
            return false;
    }
    if (traits & ASSAY_TRACE_HAS_SIZE)
        op->size = take(&decoder->at[ASSAY_TRACE_SIZES]);
    if (decoder->has_time)
        op->delta_ns = take(&decoder->at[ASSAY_TRACE_TIMES]);
    /* With no arg and on the same thread, alloc and free have nothing more, and cannot be wrong. */
    if ((code & ~ASSAY_TRACE_FAR) == ASSAY_OP_ALLOC || (code & ~ASSAY_TRACE_FAR) == ASSAY_OP_FREE)
        return true;
    return decode_rest(decoder, code, op);
}

static bool overran(const struct assay_trace_decoder *decoder)
{
    for (int i = 0; i < ASSAY_TRACE_COLUMNS; i++)
        if (decoder->at[i] > decoder->end[i] ||
            (decoder->left == 0 && decoder->at[i] != decoder->end[i]))
            return true;
    return false;
}

uint32_t assay_trace_decoder_next(struct assay_trace_decoder *decoder, struct assay_op *ops)
{
    uint32_t count = decoder->left < ASSAY_TRACE_BATCH ? decoder->left : ASSAY_TRACE_BATCH;

    for (uint32_t i = 0; i < count; i++)
        if (!decode(decoder, &ops[i]))
            return 0;
    decoder->left -= count;
    if (overran(decoder)) {
        decoder->left += count;
        return 0;
    }
    return count;
}

assay_status assay_trace_decoder_start(struct assay_trace_decoder *decoder, const uint8_t *content,
                                       const uint32_t bytes[ASSAY_TRACE_COLUMNS], uint32_t ops)
{
    struct assay_trace_context *context = &decoder->context;

    decoder->left = 0;
    if (bytes[ASSAY_TRACE_CODES] != ops)
        return ASSAY_INVALID;
    if (ops > decoder->room) {
        assay_trace_decoder_clear(decoder);
        context->named = malloc(ops * sizeof *context->named);
        context->freed = malloc(ops * sizeof *context->freed);
        if (!context->named || !context->freed)
            return ASSAY_NO_MEMORY;
        decoder->room = ops;
    }
    context->names = context->frees = 0;
    context->fresh = context->far = context->thread = 0;
    decoder->left = ops;
    decoder->has_time = bytes[ASSAY_TRACE_TIMES] != 0;
    for (int i = 0; i < ASSAY_TRACE_COLUMNS; i++) {
        decoder->at[i] = content;
        decoder->end[i] = content += bytes[i];
    }
    return ASSAY_OK;
}

void assay_trace_decoder_init(struct assay_trace_decoder *decoder)
{
    *decoder = (struct assay_trace_decoder){.slots = ASSAY_SLOTS, .threads = ASSAY_THREADS};
}

void assay_trace_decoder_clear(struct assay_trace_decoder *decoder)
{
    free(decoder->context.named);
    free(decoder->context.freed);
    decoder->context.named = decoder->context.freed = NULL;
    decoder->room = 0;
}
