/*
 * fuzz_trace - any file is refused with a sentence, or read to its end and from any point, the same.
 *
 * Each input is tried twice: as it is, and with its checksums made right, for else they would keep
 * nearly all inputs from what comes behind them.
 */
#include "fuzz.h"

#include "assay/trace.h"
#include "../trace_format.h"

#include <string.h>

/* No input makes the target read more: a small file may claim, and really hold, a great many. */
#define OPS_MAX ((size_t)1 << 20)
#define SEEKS 4

/* Reads operations from where the trace is, up to OPS_MAX, into *stream. */
static void collect(struct assay_stream *stream, struct assay_trace_reader *trace)
{
    struct assay_reader *reader = assay_trace_stream(trace);
    const struct assay_op *ops;
    size_t count;

    while (stream->count < OPS_MAX && (count = reader->next(reader, &ops)) != 0)
        for (size_t i = 0; i < count; i++) {
            FUZZ_EXPECT(assay_op_is_valid(&ops[i]));
            FUZZ_EXPECT(assay_stream_append(stream, &ops[i]) == ASSAY_OK);
        }
}

/* What follows a seek to `index` is what the first reading had there, or an error: an index may lie. */
static void expect_same_from(struct assay_trace_reader *trace, const struct assay_stream *whole,
                             size_t index)
{
    const struct assay_op *ops;

    if (assay_trace_seek(trace, index) != ASSAY_OK)
        return;
    struct assay_reader *reader = assay_trace_stream(trace);
    size_t count = reader->next(reader, &ops);
    if (index < whole->count)
        FUZZ_EXPECT(count > 0 || reader->error.what[0] != '\0');
    for (size_t i = 0; i < count && index + i < whole->count; i++)
        FUZZ_EXPECT(memcmp(&ops[i], &whole->ops[index + i], sizeof *ops) == 0);
}

/* Makes the checksum of bytes [from, from + bytes) right, which stands behind them, if there is one. */
static void seal(uint8_t *data, size_t size, size_t from, size_t bytes)
{
    if (from <= size && bytes <= size - from && size - from - bytes >= ASSAY_TRACE_CHECKSUM_BYTES)
        assay_trace_put64(data + from + bytes, XXH64(data + from, bytes, 0));
}

/* Makes all checksums right that are found by following the lengths. */
static void seal_all(uint8_t *data, size_t size)
{
    if (size < ASSAY_TRACE_HEAD_BYTES)
        return;
    size_t at = ASSAY_TRACE_HEAD_BYTES + (size_t)assay_trace_get32(data + 12);
    seal(data, size, 0, at);
    at += ASSAY_TRACE_CHECKSUM_BYTES;
    while (at <= size && size - at >= ASSAY_TRACE_FRAME_HEAD_BYTES &&
           assay_trace_get32(data + at) == ASSAY_TRACE_FRAME_MARK) {
        uint8_t *head = data + at;
        size_t packed = assay_trace_get32(head + 16);
        at += ASSAY_TRACE_FRAME_HEAD_BYTES;
        if (packed > size - at)
            return;
        assay_trace_put64(head + 48, assay_trace_frame_sum(head, data + at, packed));
        at += packed;
    }
    if (at <= size && size - at >= ASSAY_TRACE_INDEX_HEAD_BYTES)
        seal(data, size, at,
             ASSAY_TRACE_INDEX_HEAD_BYTES +
                 (size_t)assay_trace_get32(data + at + 4) * ASSAY_TRACE_INDEX_ENTRY_BYTES);
    if (size >= ASSAY_TRACE_END_BYTES)
        seal(data, size, size - ASSAY_TRACE_END_BYTES,
             ASSAY_TRACE_END_BYTES - ASSAY_TRACE_CHECKSUM_BYTES);
}

static void read_trace(const uint8_t *data, size_t size)
{
    struct assay_trace_reader *trace = NULL;
    struct assay_stream whole = {0};
    struct assay_error error = {""};

    if (assay_trace_open_memory(&trace, "input", data, size, &error) != ASSAY_OK) {
        FUZZ_EXPECT(error.what[0] != '\0');
        return;
    }
    const struct assay_trace_info *info = assay_trace_info(trace);
    FUZZ_EXPECT(memchr(info->origin, '\0', sizeof info->origin));
    collect(&whole, trace);
    for (size_t i = 0; i < SEEKS; i++)
        expect_same_from(trace, &whole, whole.count * i / (SEEKS - 1));
    expect_same_from(trace, &whole, SIZE_MAX);
    assay_trace_close(trace);
    assay_stream_clear(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *sealed = malloc(size ? size : 1);

    FUZZ_EXPECT(sealed);
    memcpy(sealed, data, size);
    read_trace(data, size);
    seal_all(sealed, size);
    read_trace(sealed, size);
    free(sealed);
    return 0;
}
