/*
 * trace_format.h - what the writer and the reader of traces share. harness/doc/trace.md describes
 * the format; names here are the names there.
 */
#ifndef ASSAY_TRACE_FORMAT_H
#define ASSAY_TRACE_FORMAT_H

#include "assay/trace.h"

#include <xxhash.h>

#define ASSAY_TRACE_VERSION 1u

/* A fixed part, the origin, a checksum. */
#define ASSAY_TRACE_MAGIC "\x89TRACE\r\n"
#define ASSAY_TRACE_MAGIC_BYTES 8
#define ASSAY_TRACE_HEAD_BYTES 32
#define ASSAY_TRACE_CHECKSUM_BYTES 8

/* Each part after the head begins with one of these, little-endian. */
#define ASSAY_TRACE_FRAME_MARK 0x4d415246u /* "FRAM" */
#define ASSAY_TRACE_INDEX_MARK 0x58444e49u /* "INDX" */
#define ASSAY_TRACE_END_MARK 0x2e444e45u   /* "END." */

#define ASSAY_TRACE_FRAME_OPS ((uint32_t)1 << 16)
#define ASSAY_TRACE_FRAME_HEAD_BYTES 56
#define ASSAY_TRACE_INDEX_HEAD_BYTES 8
#define ASSAY_TRACE_INDEX_ENTRY_BYTES 16
#define ASSAY_TRACE_END_BYTES 56
#define ASSAY_TRACE_END_HAS_TIME 1u

/* The fields of the operations of a frame, each kind of field together. */
enum assay_trace_column {
    ASSAY_TRACE_CODES,   /* one byte an operation: kind and flags */
    ASSAY_TRACE_AGES,    /* slots, as how long ago the slot was named last */
    ASSAY_TRACE_SLOTS,   /* slots, as distances */
    ASSAY_TRACE_SIZES,   /* as they are */
    ASSAY_TRACE_ARGS,    /* as they are, alignments as logarithms */
    ASSAY_TRACE_THREADS, /* as they are */
    ASSAY_TRACE_TIMES,   /* as they are; empty where all are 0 */
    ASSAY_TRACE_COLUMNS
};

/* A code is the kind of the operation and these. */
#define ASSAY_TRACE_KIND_MASK 0x1fu
#define ASSAY_TRACE_FAR 0x20u          /* the slot is in SLOTS */
#define ASSAY_TRACE_NO_FLAG 0x80u      /* never set */
#define ASSAY_TRACE_OTHER_THREAD 0x40u /* the thread is not that of the operation before */

/* Bytes of the longest variable-length number; most bytes of one operation in all columns. */
#define ASSAY_TRACE_NUMBER_BYTES 10
#define ASSAY_TRACE_OP_BYTES (1 + 4 + 10 + 10 + 2 + 10)
#define ASSAY_TRACE_CONTENT_MAX ((size_t)ASSAY_TRACE_FRAME_OPS * ASSAY_TRACE_OP_BYTES)
/* As ZSTD_compressBound(), and a block head for each column. */
#define ASSAY_TRACE_PACKED_MAX (ASSAY_TRACE_CONTENT_MAX + (ASSAY_TRACE_CONTENT_MAX >> 8) + 1024)

/* What the operations of a frame so far say about the ones to come; alike on both sides. */
struct assay_trace_context {
    uint32_t *named; /* the slots that operations but free named, in their order */
    uint32_t *freed; /* the slots that free named and no operation filled since, in their order */
    uint32_t names, frees;
    uint32_t fresh; /* 1 above the slot that was filled last other than from `freed` */
    uint32_t far;   /* the slot of SLOTS that a non-filling operation named last */
    uint32_t thread;
};

/* How the columns of one kind of operation are used. */
enum {
    ASSAY_TRACE_HAS_SLOT = 1u << 0,
    ASSAY_TRACE_FILLS = 1u << 1, /* makes a block in an empty slot */
    ASSAY_TRACE_HAS_SIZE = 1u << 2,
    ASSAY_TRACE_HAS_ARG = 1u << 3,
    ASSAY_TRACE_ARG_IS_LOG = 1u << 4,
};
/* Indexed by a masked code; 0 for what is no kind. */
unsigned assay_trace_traits(unsigned kind);

/* --- operations to columns --- */

struct assay_trace_encoder {
    struct assay_trace_context context;
    uint8_t *column[ASSAY_TRACE_COLUMNS]; /* room for a whole frame each */
    uint32_t bytes[ASSAY_TRACE_COLUMNS];
    uint32_t ops;
    bool has_time;
    struct assay_trace_place *places; /* where in `named` a slot was put last */
};

ASSAY_MUST_CHECK assay_status assay_trace_encoder_open(struct assay_trace_encoder *encoder);
void assay_trace_encoder_close(struct assay_trace_encoder *encoder);
/* Forgets all operations: a frame begins. */
void assay_trace_encoder_reset(struct assay_trace_encoder *encoder);
/* Adds a valid operation; at most ASSAY_TRACE_FRAME_OPS. */
void assay_trace_encoder_add(struct assay_trace_encoder *encoder, const struct assay_op *op);

/* --- columns to operations --- */

/* Decoding looks this far beyond a column's end before it notices. */
#define ASSAY_TRACE_BATCH 1024u
#define ASSAY_TRACE_SLACK ((size_t)ASSAY_TRACE_BATCH * ASSAY_TRACE_NUMBER_BYTES)

struct assay_trace_decoder {
    struct assay_trace_context context;
    uint32_t room; /* operations for which the context has room */
    const uint8_t *at[ASSAY_TRACE_COLUMNS];
    const uint8_t *end[ASSAY_TRACE_COLUMNS];
    uint32_t left; /* operations */
    bool has_time;
    uint32_t slots, threads; /* larger ones are refused */
};

void assay_trace_decoder_init(struct assay_trace_decoder *decoder);
void assay_trace_decoder_clear(struct assay_trace_decoder *decoder);
/*
 * Begins a frame of `ops` operations whose columns of these lengths stand one after the other at
 * content, with ASSAY_TRACE_SLACK readable bytes behind them. ASSAY_INVALID if the lengths cannot be.
 */
ASSAY_MUST_CHECK assay_status assay_trace_decoder_start(struct assay_trace_decoder *decoder,
                                                        const uint8_t *content,
                                                        const uint32_t bytes[ASSAY_TRACE_COLUMNS],
                                                        uint32_t ops);
/*
 * Decodes the next operations, at most ASSAY_TRACE_BATCH, and returns how many. 0 at the end of the
 * frame, and where the content is none that an encoder makes: then `left` is not 0.
 */
uint32_t assay_trace_decoder_next(struct assay_trace_decoder *decoder, struct assay_op *ops);

/* --- numbers of fixed length, little-endian --- */

static inline void assay_trace_put32(uint8_t *at, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(n >> (8 * i));
}

static inline void assay_trace_put64(uint8_t *at, uint64_t n)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(n >> (8 * i));
}

static inline uint32_t assay_trace_get32(const uint8_t *at)
{
    uint32_t n = 0;

    for (int i = 0; i < 4; i++)
        n |= (uint32_t)at[i] << (8 * i);
    return n;
}

static inline uint64_t assay_trace_get64(const uint8_t *at)
{
    return assay_trace_get32(at) | (uint64_t)assay_trace_get32(at + 4) << 32;
}

/* The checksum of a frame: of its compressed bytes, with the checksum of its head as the seed. */
static inline uint64_t assay_trace_frame_sum(const uint8_t *head, const uint8_t *packed,
                                             size_t bytes)
{
    return XXH64(packed, bytes, XXH64(head, ASSAY_TRACE_FRAME_HEAD_BYTES - 8, 0));
}

/* A difference of two slots as a number that is small when the difference is, and back. */
static inline uint32_t assay_trace_fold(uint32_t difference)
{
    return (difference << 1) ^ (0u - (difference >> 31));
}

static inline uint32_t assay_trace_unfold(uint32_t folded)
{
    return (folded >> 1) ^ (0u - (folded & 1));
}

#endif
