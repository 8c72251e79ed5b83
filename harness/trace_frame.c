/* trace_frame.c - one frame of a file: its head, its checksum, its columns unpacked. */
#include "trace_reader.h"

#include <stdlib.h>
#include <string.h>

static bool grow(uint8_t **buffer, size_t *room, size_t bytes)
{
    if (bytes <= *room)
        return true;
    free(*buffer);
    *buffer = malloc(bytes);
    *room = *buffer ? bytes : 0;
    return *buffer != NULL;
}

/* --- one frame --- */

static bool frame_head_is_possible(const struct assay_trace_reader *trace,
                                   const struct assay_trace_frame *head)
{
    return head->ops >= 1 && head->ops <= ASSAY_TRACE_FRAME_OPS && head->packed >= 1 &&
           head->packed <= ASSAY_TRACE_PACKED_MAX && head->content <= ASSAY_TRACE_CONTENT_MAX &&
           head->column[ASSAY_TRACE_CODES] == head->ops &&
           (!trace->info.is_whole ||
            (head->ops <= trace->info.ops && head->first <= trace->info.ops - head->ops &&
             (trace->info.has_time || head->column[ASSAY_TRACE_TIMES] == 0)));
}

assay_status assay_trace_frame_head(struct assay_trace_reader *trace,
                                    struct assay_trace_frame *head,
                                    uint8_t raw[ASSAY_TRACE_FRAME_HEAD_BYTES])
{
    trace->frame = trace->offset;
    trace->number = trace->following;
    if (!assay_trace_is_there(trace, trace->offset, ASSAY_TRACE_FRAME_HEAD_BYTES))
        return assay_trace_cut_short(trace, "frame");
    assay_status status =
        assay_trace_read_at(trace, trace->offset, raw, ASSAY_TRACE_FRAME_HEAD_BYTES);
    if (status != ASSAY_OK)
        return status;
    if (assay_trace_get32(raw) != ASSAY_TRACE_FRAME_MARK)
        return assay_trace_damaged_frame(trace, "does not begin as a frame");
    *head = (struct assay_trace_frame){.ops = assay_trace_get32(raw + 4),
                                       .first = assay_trace_get64(raw + 8),
                                       .packed = assay_trace_get32(raw + 16),
                                       .checksum = assay_trace_get64(raw + 48)};
    for (size_t i = 0; i < ASSAY_TRACE_COLUMNS; i++) {
        head->column[i] = assay_trace_get32(raw + 20 + 4 * i);
        head->content += head->column[i];
    }
    if (head->first != trace->op)
        return assay_trace_damaged_frame(trace, "begins with another operation");
    if (!frame_head_is_possible(trace, head))
        return assay_trace_damaged_frame(trace, "has impossible lengths");
    if (!assay_trace_is_there(trace, trace->offset + ASSAY_TRACE_FRAME_HEAD_BYTES, head->packed))
        return assay_trace_cut_short(trace, "frame");
    return ASSAY_OK;
}

/* Compressed bytes of the frame at trace->offset, their checksum found right; NULL if not. */
static const uint8_t *read_packed(struct assay_trace_reader *trace,
                                  const struct assay_trace_frame *head,
                                  uint8_t raw[ASSAY_TRACE_FRAME_HEAD_BYTES])
{
    uint64_t offset = trace->offset + ASSAY_TRACE_FRAME_HEAD_BYTES;
    const uint8_t *packed;

    if (trace->file < 0) {
        packed = trace->memory + offset;
    } else {
        if (!grow(&trace->packed, &trace->packed_room, head->packed)) {
            (void)assay_trace_no_memory(trace);
            return NULL;
        }
        if (assay_trace_read_at(trace, offset, trace->packed, head->packed) != ASSAY_OK)
            return NULL;
        packed = trace->packed;
    }
    if (assay_trace_frame_sum(raw, packed, head->packed) == head->checksum)
        return packed;
    (void)assay_trace_damaged_frame(trace, "has a wrong checksum");
    return NULL;
}

assay_status assay_trace_load_frame(struct assay_trace_reader *trace)
{
    uint8_t raw[ASSAY_TRACE_FRAME_HEAD_BYTES];
    struct assay_trace_frame head = {0};
    assay_status status = assay_trace_frame_head(trace, &head, raw);

    if (status != ASSAY_OK)
        return status;
    const uint8_t *packed = read_packed(trace, &head, raw);
    if (!packed)
        return ASSAY_CORRUPT;
    if (!grow(&trace->content, &trace->content_room, head.content + ASSAY_TRACE_SLACK))
        return assay_trace_no_memory(trace);
    if (!trace->zstd && !(trace->zstd = ZSTD_createDCtx()))
        return assay_trace_no_memory(trace);
    /* In one call zstd keeps its window in the content itself: there is none to allocate. */
    size_t bytes =
        ZSTD_decompressDCtx(trace->zstd, trace->content, head.content, packed, head.packed);
    if (ZSTD_isError(bytes) || bytes != head.content)
        return assay_trace_damaged_frame(trace, "cannot be unpacked by zstd");
    memset(trace->content + head.content, 0, ASSAY_TRACE_SLACK);
    status = assay_trace_decoder_start(&trace->decoder, trace->content, head.column, head.ops);
    if (status == ASSAY_NO_MEMORY)
        return assay_trace_no_memory(trace);
    if (status != ASSAY_OK)
        return assay_trace_damaged_frame(trace, "has lengths that contradict each other");
    trace->following++;
    trace->offset += ASSAY_TRACE_FRAME_HEAD_BYTES + head.packed;
    return ASSAY_OK;
}
