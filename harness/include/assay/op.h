/*
 * op.h - one operation on a heap, and the two forms in which a stream of them travels.
 *
 * Everything that can be run is a stream of operations: what a fuzzer made, what a person wrote,
 * what a real program did. An operation names slots, never addresses; a slot holds one block or none.
 *
 * What an operation means when its slot is in the wrong state is fixed here, once, for every
 * consumer: an allocating operation on a full slot, and any operation that needs a block on an empty
 * slot, is skipped and counted. realloc on an empty slot is realloc(NULL, size). An operation that
 * the backend does not offer, or a misuse that it does not claim to answer, is skipped and counted.
 */
#ifndef ASSAY_OP_H
#define ASSAY_OP_H

#include "assay/backend.h"
#include "assay/error.h"
#include "assay/sizes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Slots are 0 .. ASSAY_SLOTS - 1: the bound on what any stream can make the harness remember. */
#define ASSAY_SLOTS (1u << 24)
/* Threads are 0 .. ASSAY_THREADS - 1. */
#define ASSAY_THREADS (1u << 12)

/* Values are part of the byte and trace encodings: append only. */
enum assay_op_kind {
    /* What programs do. */
    ASSAY_OP_ALLOC,         /* slot, size */
    ASSAY_OP_ALLOC_ZEROED,  /* slot, size of one, arg = count */
    ASSAY_OP_ALLOC_ALIGNED, /* slot, size, arg = alignment, a power of two */
    ASSAY_OP_REALLOC,       /* slot, size > 0 */
    ASSAY_OP_FREE,          /* slot */
    ASSAY_OP_FREE_NULL,     /* nothing */
    ASSAY_OP_TOUCH,         /* slot: check the content, then write it anew */
    ASSAY_OP_CHECK,         /* nothing: self-check, walk and statistics against the shadow */
    ASSAY_OP_HAND_OVER,     /* slot, arg = the thread that owns it from here on */
    /* What programs must not do; run only where the backend claims to answer it. */
    ASSAY_OP_DOUBLE_FREE,      /* slot, empty: free again the block it held last */
    ASSAY_OP_FREE_INTERIOR,    /* slot, arg = offset into the block, at least 1 */
    ASSAY_OP_FREE_FOREIGN,     /* arg = which address of assay_foreign_address() */
    ASSAY_OP_FREE_MISALIGNED,  /* slot, arg = offset, at least 1, taken modulo min_align */
    ASSAY_OP_OVERRUN,          /* slot, arg = bytes written past the end, at least 1 */
    ASSAY_OP_UNDERRUN,         /* slot, arg = bytes written before the start, at least 1 */
    ASSAY_OP_WRITE_AFTER_FREE, /* slot, empty, arg = offset into the block it held last */
    /* What the page source does. */
    ASSAY_OP_REFUSE_NEXT,   /* arg = how many requests to refuse from now on; 0: none */
    ASSAY_OP_REFUSE_BEYOND, /* arg = bytes that may still be mapped; UINT64_MAX: no bound */
    ASSAY_OP_KINDS
};

/* Fields that a kind does not use are 0, so that equal operations are equal field by field. */
struct assay_op {
    uint64_t size;
    uint64_t arg;
    uint64_t delta_ns; /* since the operation before it in the stream; 0 where not known */
    uint32_t slot;
    uint16_t thread;
    uint8_t kind; /* enum assay_op_kind */
    uint8_t unused;
};

/* What a kind looks like: the one table from which every encoding takes its fields. */
struct assay_op_shape {
    const char *name; /* as in the text form: "alloc", "zeroed", ... */
    bool has_slot;
    bool has_size;
    bool has_arg;
    bool arg_is_power_of_two;
    uint64_t size_min, size_max;
    uint64_t arg_min, arg_max;
};
extern const struct assay_op_shape assay_op_shapes[ASSAY_OP_KINDS];

/* Whether every field is in the range of its kind and unused ones are 0. */
bool assay_op_is_valid(const struct assay_op *op);

/* The bytes that a request asks for, SIZE_MAX where the product does not fit. */
static inline size_t assay_op_bytes(const struct assay_op *op)
{
    return op->kind == ASSAY_OP_ALLOC_ZEROED ? assay_multiply(op->arg, op->size) : op->size;
}

/* How the heap of a stream is made. Part of the stream: the same bug needs the same arena. */
struct assay_setup {
    uint64_t limit; /* bytes, need not be whole pages; 0: the consumer's default */
    uint64_t seed;
};

/* A stream in memory. Zero-initialise; free with assay_stream_clear(). */
struct assay_stream {
    struct assay_setup setup;
    struct assay_op *ops;
    size_t count;
    size_t room;
};

/* Appends *op, which is valid. ASSAY_NO_MEMORY leaves the stream as it was. Amortised O(1). */
ASSAY_MUST_CHECK assay_status assay_stream_append(struct assay_stream *stream,
                                                  const struct assay_op *op);
/* Frees the operations and zeroes the stream. */
void assay_stream_clear(struct assay_stream *stream);
/* Whether both have the same set-up and the same operations in the same order. O(count). */
bool assay_stream_equal(const struct assay_stream *a, const struct assay_stream *b);

/*
 * A stream read from front to back, in batches: from memory, or from a trace of any length.
 *
 * next() points *ops at the operations that follow and returns how many; they stay valid until the
 * next call. 0 means the end, or a failure where error.what is not empty.
 */
struct assay_reader {
    struct assay_setup setup;
    size_t (*next)(struct assay_reader *reader, const struct assay_op **ops);
    struct assay_error error;
};

/* Reads a stream in memory, which must outlive it, as one batch. Copies nothing. */
struct assay_stream_reader {
    struct assay_reader reader;
    const struct assay_stream *stream;
    bool done;
};
void assay_stream_reader_init(struct assay_stream_reader *memory,
                              const struct assay_stream *stream);

/* Appends all that is left in reader to *stream, and takes over its set-up. */
ASSAY_MUST_CHECK assay_status assay_stream_collect(struct assay_stream *stream,
                                                   struct assay_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
