/* trace_read.c - the frames of a trace in their order, its end, and the way to one operation. */
#include "trace_reader.h"

/* The index is read and summed up in pieces of this. */
#define PIECE 4096

/* --- the end --- */

/* Adds up the index, head to last entry, in pieces. */
static assay_status sum_index(struct assay_trace_reader *trace, XXH64_state_t *sum, uint64_t bytes)
{
    uint8_t piece[PIECE];

    XXH64_reset(sum, 0);
    for (uint64_t done = 0; done < bytes;) {
        size_t now = bytes - done < PIECE ? (size_t)(bytes - done) : PIECE;
        assay_status status = assay_trace_read_at(trace, trace->index + done, piece, now);
        if (status != ASSAY_OK)
            return status;
        if (done == 0 && (assay_trace_get32(piece) != ASSAY_TRACE_INDEX_MARK ||
                          assay_trace_get32(piece + 4) != trace->frames))
            return assay_trace_damaged(trace, trace->index, "no index begins");
        XXH64_update(sum, piece, now);
        done += now;
    }
    return ASSAY_OK;
}

/* Finds the index where the end says it is, and its checksum right. */
static assay_status check_index(struct assay_trace_reader *trace)
{
    uint64_t bytes = ASSAY_TRACE_INDEX_HEAD_BYTES + trace->frames * ASSAY_TRACE_INDEX_ENTRY_BYTES;
    uint8_t checksum[ASSAY_TRACE_CHECKSUM_BYTES];

    if (trace->index_is_good)
        return ASSAY_OK;
    XXH64_state_t *sum = XXH64_createState();
    if (!sum)
        return assay_trace_no_memory(trace);
    assay_status status = sum_index(trace, sum, bytes);
    uint64_t expected = XXH64_digest(sum);
    XXH64_freeState(sum);
    if (status == ASSAY_OK)
        status = assay_trace_read_at(trace, trace->index + bytes, checksum, sizeof checksum);
    if (status != ASSAY_OK)
        return status;
    if (assay_trace_get64(checksum) != expected)
        return assay_trace_damaged(trace, trace->index, "the index has a wrong checksum");
    trace->index_is_good = true;
    return ASSAY_OK;
}

/* The frames are over; ASSAY_OK if they had to be. */
static assay_status check_end(struct assay_trace_reader *trace)
{
    if (trace->info.is_whole) {
        if (trace->op != trace->info.ops)
            return assay_trace_damaged(trace, trace->offset, "frames are missing");
        return check_index(trace);
    }
    uint8_t head[ASSAY_TRACE_INDEX_HEAD_BYTES];
    if (!assay_trace_is_there(trace, trace->offset, sizeof head))
        return assay_trace_cut_short(trace, "end");
    assay_status status = assay_trace_read_at(trace, trace->offset, head, sizeof head);
    if (status != ASSAY_OK)
        return status;
    uint64_t bytes = ASSAY_TRACE_INDEX_HEAD_BYTES +
                     (uint64_t)assay_trace_get32(head + 4) * ASSAY_TRACE_INDEX_ENTRY_BYTES +
                     ASSAY_TRACE_CHECKSUM_BYTES + ASSAY_TRACE_END_BYTES;
    if (!assay_trace_is_there(trace, trace->offset, bytes))
        return assay_trace_cut_short(trace, "end");
    return assay_trace_damaged(trace, trace->offset + bytes - ASSAY_TRACE_END_BYTES,
                               "what should be the end is none");
}

/* Whether another frame comes; else ASSAY_OK in *status means the right end. */
static bool frame_follows(struct assay_trace_reader *trace, assay_status *status)
{
    uint8_t mark[4];

    *status = ASSAY_OK;
    if (trace->info.is_whole && trace->offset < trace->index)
        return true;
    if (!trace->info.is_whole) {
        if (!assay_trace_is_there(trace, trace->offset, sizeof mark)) {
            *status = assay_trace_cut_short(trace, "next frame or end");
            return false;
        }
        *status = assay_trace_read_at(trace, trace->offset, mark, sizeof mark);
        if (*status != ASSAY_OK)
            return false;
        if (assay_trace_get32(mark) != ASSAY_TRACE_INDEX_MARK)
            return true;
    }
    *status = check_end(trace);
    return false;
}

/* Decodes operations of the frame into the batch. 0 at its end, and on damage. */
static uint32_t decode_batch(struct assay_trace_reader *trace)
{
    trace->in_batch = assay_trace_decoder_next(&trace->decoder, trace->batch);
    if (trace->in_batch == 0 && trace->decoder.left != 0)
        (void)assay_trace_damaged_frame(trace, "encodes no valid operations");
    return trace->in_batch;
}

size_t assay_trace_batch(struct assay_reader *reader, const struct assay_op **ops)
{
    struct assay_trace_reader *trace = (struct assay_trace_reader *)reader;
    uint32_t count = trace->held;
    assay_status status;

    if (trace->stream.error.what[0])
        return 0;
    if (count == 0) {
        if (trace->decoder.left == 0 &&
            (!frame_follows(trace, &status) || assay_trace_load_frame(trace) != ASSAY_OK))
            return 0;
        count = decode_batch(trace);
    }
    *ops = trace->batch + (trace->in_batch - count);
    trace->held = 0;
    trace->op += count;
    return count;
}

/* --- seeking --- */

/* Puts the reader at the frame with operation `op`, by the index. */
static assay_status find_by_index(struct assay_trace_reader *trace, uint64_t op)
{
    uint64_t low = 0, high = trace->frames; /* the frame is in [low, high) */
    uint8_t entry[ASSAY_TRACE_INDEX_ENTRY_BYTES];
    assay_status status = check_index(trace);

    if (status != ASSAY_OK)
        return status;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        status = assay_trace_read_at(
            trace, trace->index + ASSAY_TRACE_INDEX_HEAD_BYTES + middle * sizeof entry, entry,
            sizeof entry);
        if (status != ASSAY_OK)
            return status;
        uint64_t first = assay_trace_get64(entry + 8);
        if (first <= op) {
            trace->offset = assay_trace_get64(entry);
            trace->op = first;
            trace->following = middle;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (trace->offset < trace->first_frame || trace->offset > trace->index)
        return assay_trace_damaged(trace, trace->index, "a frame is out of place in the index");
    return ASSAY_OK;
}

/* The same from head to head. */
static assay_status find_by_scan(struct assay_trace_reader *trace, uint64_t op)
{
    uint8_t raw[ASSAY_TRACE_FRAME_HEAD_BYTES];
    struct assay_trace_frame head = {0};
    assay_status status;

    while (frame_follows(trace, &status)) {
        status = assay_trace_frame_head(trace, &head, raw);
        if (status != ASSAY_OK)
            break;
        if (op - trace->op < head.ops)
            return ASSAY_OK;
        trace->offset += ASSAY_TRACE_FRAME_HEAD_BYTES + head.packed;
        trace->op += head.ops;
        trace->following++;
    }
    return trace->op == op ? ASSAY_OK : ASSAY_INVALID;
}

/* From the first operation of the frame at trace->offset to that with index `op`. */
static assay_status skip_to(struct assay_trace_reader *trace, uint64_t op)
{
    assay_status status = assay_trace_load_frame(trace);

    if (status != ASSAY_OK)
        return status;
    if (op - trace->op >= trace->decoder.left)
        return assay_trace_damaged_frame(trace, "is not as the index says");
    while (trace->op != op) {
        uint32_t count = decode_batch(trace);
        if (count == 0)
            return ASSAY_CORRUPT;
        uint32_t skipped = op - trace->op < count ? (uint32_t)(op - trace->op) : count;
        trace->held = count - skipped;
        trace->op += skipped;
    }
    return ASSAY_OK;
}

assay_status assay_trace_seek(struct assay_trace_reader *trace, uint64_t op)
{
    assay_status status;

    if (trace->info.is_whole && op > trace->info.ops)
        return ASSAY_INVALID;
    trace->stream.error.what[0] = '\0';
    trace->decoder.left = trace->held = 0;
    trace->offset = trace->first_frame;
    trace->op = trace->following = 0;
    if (op == 0)
        return ASSAY_OK;
    if (trace->info.is_whole && op == trace->info.ops) {
        trace->offset = trace->index;
        trace->op = op;
        return ASSAY_OK;
    }
    status = trace->info.is_whole ? find_by_index(trace, op) : find_by_scan(trace, op);
    return status == ASSAY_OK && trace->op != op ? skip_to(trace, op) : status;
}
