/* trace_encode.c - operations to the columns of one frame. */
#include "trace_format.h"

#include "assay/sizes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A hash table from slots to places in `named`, twice as large as the names of a frame. */
#define PLACES ((size_t)2 * ASSAY_TRACE_FRAME_OPS)

struct assay_trace_place {
    uint32_t slot;
    uint32_t place; /* index in `named`, plus 1; 0: nothing here */
};

static const uint32_t number_bytes[ASSAY_TRACE_COLUMNS] = {
    [ASSAY_TRACE_CODES] = 1,  [ASSAY_TRACE_AGES] = 3,  [ASSAY_TRACE_SLOTS] = 4,
    [ASSAY_TRACE_SIZES] = 10, [ASSAY_TRACE_ARGS] = 10, [ASSAY_TRACE_THREADS] = 2,
    [ASSAY_TRACE_TIMES] = 10,
};

static void put(struct assay_trace_encoder *encoder, enum assay_trace_column column, uint64_t n)
{
    uint8_t *at = encoder->column[column] + encoder->bytes[column];
    uint32_t count = 0;

    for (; n >= 0x80; n >>= 7)
        at[count++] = (uint8_t)(n | 0x80);
    at[count++] = (uint8_t)n;
    encoder->bytes[column] += count;
}

static struct assay_trace_place *place_of(struct assay_trace_encoder *encoder, uint32_t slot)
{
    uint32_t i = (slot * 2654435769u) >> 15; /* Knuth, TAOCP vol. 3, 6.4: Fibonacci hashing */

    _Static_assert(PLACES == (uint32_t)1 << 17, "the hash has as many bits as the table");
    while (encoder->places[i].place && encoder->places[i].slot != slot)
        i = (i + 1) % PLACES;
    return &encoder->places[i];
}

static void name(struct assay_trace_encoder *encoder, struct assay_trace_place *place,
                 uint32_t slot)
{
    struct assay_trace_context *context = &encoder->context;

    context->named[context->names++] = slot;
    *place = (struct assay_trace_place){.slot = slot, .place = context->names};
}

/* The slot of an operation that fills it. Returns the flag of the code. */
static unsigned put_filled(struct assay_trace_encoder *encoder, uint32_t slot)
{
    struct assay_trace_context *context = &encoder->context;
    unsigned flag = 0;

    if (context->frees != 0 && context->freed[context->frees - 1] == slot) {
        context->frees--;
    } else if (context->frees == 0 && slot == context->fresh) {
        context->fresh++;
    } else {
        put(encoder, ASSAY_TRACE_SLOTS, assay_trace_fold(slot - context->fresh));
        context->fresh = slot + 1;
        flag = ASSAY_TRACE_FAR;
    }
    name(encoder, place_of(encoder, slot), slot);
    return flag;
}

/* The slot of an operation that needs a block in it. Returns the flag of the code. */
static unsigned put_used(struct assay_trace_encoder *encoder, unsigned kind, uint32_t slot)
{
    struct assay_trace_context *context = &encoder->context;
    struct assay_trace_place *place = place_of(encoder, slot);
    unsigned flag = 0;

    if (place->place) {
        put(encoder, ASSAY_TRACE_AGES, context->names - place->place);
    } else {
        put(encoder, ASSAY_TRACE_SLOTS, assay_trace_fold(slot - context->far));
        context->far = slot;
        flag = ASSAY_TRACE_FAR;
    }
    if (kind == ASSAY_OP_FREE)
        context->freed[context->frees++] = slot;
    else
        name(encoder, place, slot);
    return flag;
}

void assay_trace_encoder_add(struct assay_trace_encoder *encoder, const struct assay_op *op)
{
    struct assay_trace_context *context = &encoder->context;
    unsigned traits = assay_trace_traits(op->kind);
    unsigned code = op->kind;

    assert(encoder->ops < ASSAY_TRACE_FRAME_OPS && "a full frame is written before the next");
    assert(assay_op_is_valid(op) && "only valid operations reach an encoder");
    if (traits & ASSAY_TRACE_FILLS)
        code |= put_filled(encoder, op->slot);
    else if (traits & ASSAY_TRACE_HAS_SLOT)
        code |= put_used(encoder, op->kind, op->slot);
    if (traits & ASSAY_TRACE_HAS_SIZE)
        put(encoder, ASSAY_TRACE_SIZES, op->size);
    if (traits & ASSAY_TRACE_ARG_IS_LOG)
        put(encoder, ASSAY_TRACE_ARGS, assay_floor_log2(op->arg));
    else if (traits & ASSAY_TRACE_HAS_ARG)
        put(encoder, ASSAY_TRACE_ARGS, op->arg);
    if (op->thread != context->thread) {
        put(encoder, ASSAY_TRACE_THREADS, op->thread);
        context->thread = op->thread;
        code |= ASSAY_TRACE_OTHER_THREAD;
    }
    put(encoder, ASSAY_TRACE_TIMES, op->delta_ns);
    encoder->has_time |= op->delta_ns != 0;
    encoder->column[ASSAY_TRACE_CODES][encoder->bytes[ASSAY_TRACE_CODES]++] = (uint8_t)code;
    encoder->ops++;
}

void assay_trace_encoder_reset(struct assay_trace_encoder *encoder)
{
    struct assay_trace_context *context = &encoder->context;

    context->names = context->frees = 0;
    context->fresh = context->far = context->thread = 0;
    memset(encoder->bytes, 0, sizeof encoder->bytes);
    memset(encoder->places, 0, PLACES * sizeof *encoder->places);
    encoder->ops = 0;
    encoder->has_time = false;
}

assay_status assay_trace_encoder_open(struct assay_trace_encoder *encoder)
{
    bool complete = true;

    *encoder = (struct assay_trace_encoder){0};
    for (int i = 0; i < ASSAY_TRACE_COLUMNS; i++) {
        encoder->column[i] = malloc((size_t)ASSAY_TRACE_FRAME_OPS * number_bytes[i]);
        complete = complete && encoder->column[i];
    }
    encoder->context.named = malloc(ASSAY_TRACE_FRAME_OPS * sizeof *encoder->context.named);
    encoder->context.freed = malloc(ASSAY_TRACE_FRAME_OPS * sizeof *encoder->context.freed);
    encoder->places = calloc(PLACES, sizeof *encoder->places);
    if (complete && encoder->context.named && encoder->context.freed && encoder->places)
        return ASSAY_OK;
    assay_trace_encoder_close(encoder);
    return ASSAY_NO_MEMORY;
}

void assay_trace_encoder_close(struct assay_trace_encoder *encoder)
{
    for (int i = 0; i < ASSAY_TRACE_COLUMNS; i++)
        free(encoder->column[i]);
    free(encoder->context.named);
    free(encoder->context.freed);
    free(encoder->places);
    *encoder = (struct assay_trace_encoder){0};
}
