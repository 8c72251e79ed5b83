/*
 * trace_reader.h - what the parts of the reader share: the file (trace_source.c), one frame
 * (trace_frame.c), and their order (trace_read.c).
 */
#ifndef ASSAY_TRACE_READER_H
#define ASSAY_TRACE_READER_H

#include "trace_format.h"

#include <zstd.h>

struct assay_trace_reader {
    struct assay_reader stream; /* first: next() is given this */
    struct assay_trace_info info;
    char *name;
    int file; /* -1: the trace is in memory */
    const uint8_t *memory;
    uint64_t size;
    uint64_t first_frame, index, frames; /* the last two where info.is_whole */
    bool index_is_good;

    uint64_t offset;        /* of the part that follows */
    uint64_t op;            /* index of the operation that next() gives first */
    uint64_t following;     /* how many frames stand before offset */
    uint64_t frame, number; /* where the frame read last stands, and how many before it */
    struct assay_trace_decoder decoder;
    ZSTD_DCtx *zstd;
    uint8_t *packed, *content;
    size_t packed_room, content_room;
    struct assay_op batch[ASSAY_TRACE_BATCH];
    uint32_t held; /* operations at the end of the batch that a seek decoded and next() gives */
    uint32_t in_batch;
};

/* The head of a frame. */
struct assay_trace_frame {
    uint32_t ops, packed;
    uint64_t first;
    uint32_t column[ASSAY_TRACE_COLUMNS];
    uint64_t checksum;
    size_t content;
};

/* --- the file --- */

/* Whether the file has these bytes. */
bool assay_trace_is_there(const struct assay_trace_reader *trace, uint64_t offset, uint64_t bytes);
/* Reads bytes that are there; every failure sets the stream's error. */
ASSAY_MUST_CHECK assay_status assay_trace_read_at(struct assay_trace_reader *trace, uint64_t offset,
                                                  void *to, size_t bytes);

/*
 * Each sets the stream's error and returns a status: "FILE is damaged after operation N: WHAT at byte
 * OFFSET", or "...: frame F at byte B WHAT", or "FILE is cut short after operation N: its WHAT ...".
 */
assay_status assay_trace_damaged(struct assay_trace_reader *trace, uint64_t offset,
                                 const char *what);
assay_status assay_trace_damaged_frame(struct assay_trace_reader *trace, const char *what);
assay_status assay_trace_cut_short(struct assay_trace_reader *trace, const char *what);
assay_status assay_trace_no_memory(struct assay_trace_reader *trace);

/* --- one frame --- */

/*
 * Reads the head of the frame at trace->offset, which must begin with operation trace->op; raw is
 * how it stands there. Its lengths are possible and its bytes there; its checksum is not looked at.
 */
ASSAY_MUST_CHECK assay_status assay_trace_frame_head(struct assay_trace_reader *trace,
                                                     struct assay_trace_frame *head,
                                                     uint8_t raw[ASSAY_TRACE_FRAME_HEAD_BYTES]);
/* Makes the frame at trace->offset the one that is decoded, and goes to what follows it. */
ASSAY_MUST_CHECK assay_status assay_trace_load_frame(struct assay_trace_reader *trace);

/* --- their order --- */

/* next() of the stream. */
size_t assay_trace_batch(struct assay_reader *reader, const struct assay_op **ops);

#endif
