/* trace_read.c - reads a trace frame by frame, and believes nothing that a file says of itself. */
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

/* The index is read and summed up in pieces of this. */
#define PIECE 4096

struct assay_trace_reader {
    struct assay_reader stream; /* first: next() is given this */
    struct assay_trace_info info;
    char *name;
    int file; /* -1: the trace is in memory */
    const uint8_t *memory;
    uint64_t size;
    uint64_t first_frame, index, frames; /* the last two where info.is_whole */
    bool index_is_good;

    uint64_t offset; /* of the part that follows */
    uint64_t op;     /* index of the operation that next() gives first */
    uint64_t frame;  /* offset of the frame that is being decoded */
    struct assay_trace_decoder decoder;
    ZSTD_DCtx *zstd;
    uint8_t *packed, *content;
    size_t packed_room, content_room;
    struct assay_op batch[ASSAY_TRACE_BATCH];
    uint32_t held; /* operations at the end of the batch that a seek decoded and next() gives */
    uint32_t in_batch;
};

struct frame_head {
    uint32_t ops, packed;
    uint64_t first;
    uint32_t column[ASSAY_TRACE_COLUMNS];
    uint64_t checksum;
    size_t content;
};

static assay_status damaged(struct assay_trace_reader *trace, uint64_t offset, const char *what)
{
    assay_error_set(&trace->stream.error,
                    "%.120s is damaged after operation %" PRIu64 ": %s at byte %" PRIu64,
                    trace->name, trace->op, what, offset);
    return ASSAY_CORRUPT;
}

static assay_status cut_short(struct assay_trace_reader *trace, const char *what)
{
    assay_error_set(&trace->stream.error,
                    "%.120s is cut short after operation %" PRIu64 ": %s at byte %" PRIu64
                    ", the operations before it are whole",
                    trace->name, trace->op, what, trace->offset);
    return ASSAY_CORRUPT;
}

static assay_status no_memory(struct assay_trace_reader *trace)
{
    assay_error_set(&trace->stream.error, "cannot read %.120s: not enough memory", trace->name);
    return ASSAY_NO_MEMORY;
}

/* Reads bytes that the size of the file says are there. */
static assay_status read_at(struct assay_trace_reader *trace, uint64_t offset, void *to,
                            size_t bytes)
{
    uint8_t *at = to;

    if (trace->file < 0) {
        memcpy(to, trace->memory + offset, bytes);
        return ASSAY_OK;
    }
    while (bytes != 0) {
        ssize_t got = pread(trace->file, at, bytes, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            assay_error_set(&trace->stream.error, "cannot read %.120s: %s", trace->name,
                            got < 0 ? strerror(errno) : "it became shorter meanwhile");
            return ASSAY_INVALID;
        }
        at += got;
        offset += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return ASSAY_OK;
}

static bool is_there(const struct assay_trace_reader *trace, uint64_t offset, uint64_t bytes)
{
    return offset <= trace->size && bytes <= trace->size - offset;
}

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
                                   const struct frame_head *head)
{
    return head->ops >= 1 && head->ops <= ASSAY_TRACE_FRAME_OPS && head->packed >= 1 &&
           head->packed <= ASSAY_TRACE_PACKED_MAX && head->content <= ASSAY_TRACE_CONTENT_MAX &&
           head->column[ASSAY_TRACE_CODES] == head->ops &&
           (!trace->info.is_whole ||
            (head->ops <= trace->info.ops && head->first <= trace->info.ops - head->ops &&
             (trace->info.has_time || head->column[ASSAY_TRACE_TIMES] == 0)));
}

/* Reads the head of the frame at trace->offset, which must begin with operation trace->op. */
static assay_status read_frame_head(struct assay_trace_reader *trace, struct frame_head *head,
                                    uint8_t raw[ASSAY_TRACE_FRAME_HEAD_BYTES])
{
    if (!is_there(trace, trace->offset, ASSAY_TRACE_FRAME_HEAD_BYTES))
        return cut_short(trace, "the frame");
    assay_status status = read_at(trace, trace->offset, raw, ASSAY_TRACE_FRAME_HEAD_BYTES);
    if (status != ASSAY_OK)
        return status;
    if (assay_trace_get32(raw) != ASSAY_TRACE_FRAME_MARK)
        return damaged(trace, trace->offset, "no frame begins");
    *head = (struct frame_head){.ops = assay_trace_get32(raw + 4),
                                .first = assay_trace_get64(raw + 8),
                                .packed = assay_trace_get32(raw + 16),
                                .checksum = assay_trace_get64(raw + 48)};
    for (int i = 0; i < ASSAY_TRACE_COLUMNS; i++) {
        head->column[i] = assay_trace_get32(raw + 20 + 4 * i);
        head->content += head->column[i];
    }
    if (head->first != trace->op)
        return damaged(trace, trace->offset, "a frame begins with another operation");
    if (!frame_head_is_possible(trace, head))
        return damaged(trace, trace->offset, "a frame has impossible lengths");
    if (!is_there(trace, trace->offset + ASSAY_TRACE_FRAME_HEAD_BYTES, head->packed))
        return cut_short(trace, "the frame");
    return ASSAY_OK;
}

/* Compressed bytes of the frame at trace->offset, their checksum found right; NULL if not. */
static const uint8_t *read_packed(struct assay_trace_reader *trace, const struct frame_head *head,
                                  uint8_t raw[ASSAY_TRACE_FRAME_HEAD_BYTES])
{
    uint64_t offset = trace->offset + ASSAY_TRACE_FRAME_HEAD_BYTES;
    const uint8_t *packed;

    if (trace->file < 0) {
        packed = trace->memory + offset;
    } else {
        if (!grow(&trace->packed, &trace->packed_room, head->packed)) {
            (void)no_memory(trace);
            return NULL;
        }
        if (read_at(trace, offset, trace->packed, head->packed) != ASSAY_OK)
            return NULL;
        packed = trace->packed;
    }
    if (assay_trace_frame_sum(raw, packed, head->packed) == head->checksum)
        return packed;
    (void)damaged(trace, trace->offset, "the checksum is wrong of the frame");
    return NULL;
}

/* Makes the frame at trace->offset the one that is decoded. */
static assay_status load_frame(struct assay_trace_reader *trace)
{
    uint8_t raw[ASSAY_TRACE_FRAME_HEAD_BYTES];
    struct frame_head head;
    assay_status status = read_frame_head(trace, &head, raw);

    if (status != ASSAY_OK)
        return status;
    const uint8_t *packed = read_packed(trace, &head, raw);
    if (!packed)
        return ASSAY_CORRUPT;
    if (!grow(&trace->content, &trace->content_room, head.content + ASSAY_TRACE_SLACK))
        return no_memory(trace);
    if (!trace->zstd && !(trace->zstd = ZSTD_createDCtx()))
        return no_memory(trace);
    /* In one call zstd keeps its window in the content itself: there is none to allocate. */
    size_t bytes =
        ZSTD_decompressDCtx(trace->zstd, trace->content, head.content, packed, head.packed);
    if (ZSTD_isError(bytes) || bytes != head.content)
        return damaged(trace, trace->offset, "zstd cannot unpack the frame");
    memset(trace->content + head.content, 0, ASSAY_TRACE_SLACK);
    status = assay_trace_decoder_start(&trace->decoder, trace->content, head.column, head.ops);
    if (status == ASSAY_NO_MEMORY)
        return no_memory(trace);
    if (status != ASSAY_OK)
        return damaged(trace, trace->offset, "lengths contradict each other in the frame");
    trace->frame = trace->offset;
    trace->offset += ASSAY_TRACE_FRAME_HEAD_BYTES + head.packed;
    return ASSAY_OK;
}

/* --- the end --- */

/* Adds up the index, head to last entry, in pieces. */
static assay_status sum_index(struct assay_trace_reader *trace, XXH64_state_t *sum, uint64_t bytes)
{
    uint8_t piece[PIECE];

    XXH64_reset(sum, 0);
    for (uint64_t done = 0; done < bytes;) {
        size_t now = bytes - done < PIECE ? (size_t)(bytes - done) : PIECE;
        assay_status status = read_at(trace, trace->index + done, piece, now);
        if (status != ASSAY_OK)
            return status;
        if (done == 0 && (assay_trace_get32(piece) != ASSAY_TRACE_INDEX_MARK ||
                          assay_trace_get32(piece + 4) != trace->frames))
            return damaged(trace, trace->index, "no index begins");
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
        return no_memory(trace);
    assay_status status = sum_index(trace, sum, bytes);
    uint64_t expected = XXH64_digest(sum);
    XXH64_freeState(sum);
    if (status == ASSAY_OK)
        status = read_at(trace, trace->index + bytes, checksum, sizeof checksum);
    if (status != ASSAY_OK)
        return status;
    if (assay_trace_get64(checksum) != expected)
        return damaged(trace, trace->index, "the checksum is wrong of the index");
    trace->index_is_good = true;
    return ASSAY_OK;
}

/* The frames are over; ASSAY_OK if they had to be. */
static assay_status check_end(struct assay_trace_reader *trace)
{
    if (trace->info.is_whole) {
        if (trace->op != trace->info.ops)
            return damaged(trace, trace->offset, "frames are missing");
        return check_index(trace);
    }
    uint8_t head[ASSAY_TRACE_INDEX_HEAD_BYTES];
    if (!is_there(trace, trace->offset, sizeof head))
        return cut_short(trace, "the end");
    assay_status status = read_at(trace, trace->offset, head, sizeof head);
    if (status != ASSAY_OK)
        return status;
    uint64_t bytes = ASSAY_TRACE_INDEX_HEAD_BYTES +
                     (uint64_t)assay_trace_get32(head + 4) * ASSAY_TRACE_INDEX_ENTRY_BYTES +
                     ASSAY_TRACE_CHECKSUM_BYTES + ASSAY_TRACE_END_BYTES;
    if (!is_there(trace, trace->offset, bytes))
        return cut_short(trace, "the end");
    return damaged(trace, trace->offset + bytes - ASSAY_TRACE_END_BYTES, "no end stands");
}

/* Whether another frame comes; else ASSAY_OK in *status means the right end. */
static bool frame_follows(struct assay_trace_reader *trace, assay_status *status)
{
    uint8_t mark[4];

    *status = ASSAY_OK;
    if (trace->info.is_whole && trace->offset < trace->index)
        return true;
    if (!trace->info.is_whole) {
        if (!is_there(trace, trace->offset, sizeof mark)) {
            *status = cut_short(trace, "a frame or the end is missing");
            return false;
        }
        *status = read_at(trace, trace->offset, mark, sizeof mark);
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
        (void)damaged(trace, trace->frame, "no operations are encoded in the frame");
    return trace->in_batch;
}

static size_t read_batch(struct assay_reader *reader, const struct assay_op **ops)
{
    struct assay_trace_reader *trace = (struct assay_trace_reader *)reader;
    uint32_t count = trace->held;
    assay_status status;

    if (trace->stream.error.what[0])
        return 0;
    if (count == 0) {
        if (trace->decoder.left == 0 &&
            (!frame_follows(trace, &status) || load_frame(trace) != ASSAY_OK))
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
        status = read_at(trace, trace->index + ASSAY_TRACE_INDEX_HEAD_BYTES + middle * sizeof entry,
                         entry, sizeof entry);
        if (status != ASSAY_OK)
            return status;
        uint64_t first = assay_trace_get64(entry + 8);
        if (first <= op) {
            trace->offset = assay_trace_get64(entry);
            trace->op = first;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (trace->offset < trace->first_frame || trace->offset > trace->index)
        return damaged(trace, trace->index, "a frame is out of place in the index");
    return ASSAY_OK;
}

/* The same from head to head. */
static assay_status find_by_scan(struct assay_trace_reader *trace, uint64_t op)
{
    uint8_t raw[ASSAY_TRACE_FRAME_HEAD_BYTES];
    struct frame_head head;
    assay_status status;

    while (frame_follows(trace, &status)) {
        status = read_frame_head(trace, &head, raw);
        if (status != ASSAY_OK)
            break;
        if (op - trace->op < head.ops)
            return ASSAY_OK;
        trace->offset += ASSAY_TRACE_FRAME_HEAD_BYTES + head.packed;
        trace->op += head.ops;
    }
    return trace->op == op ? ASSAY_OK : ASSAY_INVALID;
}

/* From the first operation of the frame at trace->offset to that with index `op`. */
static assay_status skip_to(struct assay_trace_reader *trace, uint64_t op)
{
    assay_status status = load_frame(trace);

    if (status != ASSAY_OK)
        return status;
    if (op - trace->op >= trace->decoder.left)
        return damaged(trace, trace->frame, "the index does not agree with the frame");
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
    trace->op = 0;
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

/* --- opening --- */

static assay_status foreign(const struct assay_trace_reader *trace, struct assay_error *error,
                            const char *what)
{
    assay_error_set(error, "%.200s %s", trace->name, what);
    return ASSAY_INVALID;
}

static assay_status read_head(struct assay_trace_reader *trace, struct assay_error *error)
{
    uint8_t head[ASSAY_TRACE_HEAD_BYTES + sizeof trace->info.origin + ASSAY_TRACE_CHECKSUM_BYTES];

    if (!is_there(trace, 0, ASSAY_TRACE_HEAD_BYTES + ASSAY_TRACE_CHECKSUM_BYTES)) {
        return foreign(trace, error, "is no trace: it is too short");
    }
    if (read_at(trace, 0, head, ASSAY_TRACE_HEAD_BYTES) != ASSAY_OK)
        goto unreadable;
    if (!assay_trace_recognises(head, ASSAY_TRACE_HEAD_BYTES))
        return foreign(trace, error, "is no trace: it begins differently");
    if (assay_trace_get32(head + 8) != ASSAY_TRACE_VERSION) {
        assay_error_set(error, "%.200s is a trace of version %" PRIu32 ", and only %u can be read",
                        trace->name, assay_trace_get32(head + 8), ASSAY_TRACE_VERSION);
        return ASSAY_UNSUPPORTED;
    }
    uint32_t origin = assay_trace_get32(head + 12);
    size_t bytes = ASSAY_TRACE_HEAD_BYTES + (size_t)origin;
    if (origin >= sizeof trace->info.origin ||
        !is_there(trace, 0, bytes + ASSAY_TRACE_CHECKSUM_BYTES))
        return foreign(trace, error, "is a trace with a damaged head");
    if (read_at(trace, 0, head, bytes + ASSAY_TRACE_CHECKSUM_BYTES) != ASSAY_OK)
        goto unreadable;
    if (assay_trace_get64(head + bytes) != XXH64(head, bytes, 0))
        return foreign(trace, error, "is a trace with a damaged head");
    trace->stream.setup = (struct assay_setup){.limit = assay_trace_get64(head + 16),
                                               .seed = assay_trace_get64(head + 24)};
    memcpy(trace->info.origin, head + ASSAY_TRACE_HEAD_BYTES, origin);
    trace->first_frame = bytes + ASSAY_TRACE_CHECKSUM_BYTES;
    return ASSAY_OK;

unreadable:
    *error = trace->stream.error;
    return ASSAY_INVALID;
}

/* Whether the totals of an end can be true of a file of this size. */
static bool end_is_possible(const struct assay_trace_reader *trace, const uint8_t *end)
{
    uint64_t ops = assay_trace_get64(end + 8);
    uint32_t slots = assay_trace_get32(end + 16), threads = assay_trace_get32(end + 20);
    uint64_t frames = assay_trace_get64(end + 24), index = assay_trace_get64(end + 32);
    uint64_t room = trace->size - ASSAY_TRACE_END_BYTES - ASSAY_TRACE_CHECKSUM_BYTES -
                    ASSAY_TRACE_INDEX_HEAD_BYTES;

    return assay_trace_get64(end + 40) == trace->size && index >= trace->first_frame &&
           index <= room && frames <= UINT32_MAX &&
           frames * ASSAY_TRACE_INDEX_ENTRY_BYTES == room - index && ops >= frames &&
           ops <= frames * ASSAY_TRACE_FRAME_OPS && slots <= ASSAY_SLOTS &&
           threads <= ASSAY_THREADS && (ops == 0) == (threads == 0);
}

/* A trace without its end is open all the same. */
static assay_status read_end(struct assay_trace_reader *trace, struct assay_error *error)
{
    uint8_t end[ASSAY_TRACE_END_BYTES];

    if (!is_there(trace, trace->first_frame,
                  ASSAY_TRACE_INDEX_HEAD_BYTES + ASSAY_TRACE_CHECKSUM_BYTES + sizeof end))
        return ASSAY_OK;
    if (read_at(trace, trace->size - sizeof end, end, sizeof end) != ASSAY_OK) {
        *error = trace->stream.error;
        return ASSAY_INVALID;
    }
    if (assay_trace_get32(end) != ASSAY_TRACE_END_MARK ||
        assay_trace_get64(end + 48) != XXH64(end, 48, 0) || !end_is_possible(trace, end))
        return ASSAY_OK;
    trace->info.is_whole = true;
    trace->info.has_time = assay_trace_get32(end + 4) & ASSAY_TRACE_END_HAS_TIME;
    trace->info.ops = assay_trace_get64(end + 8);
    trace->info.slots = trace->decoder.slots = assay_trace_get32(end + 16);
    trace->info.threads = trace->decoder.threads = assay_trace_get32(end + 20);
    trace->frames = assay_trace_get64(end + 24);
    trace->index = assay_trace_get64(end + 32);
    return ASSAY_OK;
}

static struct assay_trace_reader *make(const char *name, struct assay_error *error)
{
    struct assay_trace_reader *trace = calloc(1, sizeof *trace);

    if (trace)
        trace->name = strdup(name);
    if (!trace || !trace->name) {
        free(trace);
        assay_error_set(error, "cannot read %.200s: not enough memory", name);
        return NULL;
    }
    trace->file = -1;
    trace->stream.next = read_batch;
    assay_trace_decoder_init(&trace->decoder);
    return trace;
}

static assay_status read_ends(struct assay_trace_reader **out, struct assay_trace_reader *trace,
                              struct assay_error *error)
{
    assay_status status = read_head(trace, error);

    if (status == ASSAY_OK)
        status = read_end(trace, error);
    if (status != ASSAY_OK) {
        assay_trace_close(trace);
        return status;
    }
    trace->offset = trace->first_frame;
    *out = trace;
    return ASSAY_OK;
}

assay_status assay_trace_open(struct assay_trace_reader **out, const char *path,
                              struct assay_error *error)
{
    struct assay_trace_reader *trace = make(path, error);
    struct stat found;

    *out = NULL;
    if (!trace)
        return ASSAY_NO_MEMORY;
    trace->file = open(path, O_RDONLY | O_CLOEXEC);
    if (trace->file < 0 || fstat(trace->file, &found) != 0) {
        assay_error_set(error, "cannot read %.200s: %s", path, strerror(errno));
        assay_trace_close(trace);
        return ASSAY_INVALID;
    }
    if (!S_ISREG(found.st_mode)) {
        assay_error_set(error, "cannot read %.200s: it is not a regular file", path);
        assay_trace_close(trace);
        return ASSAY_INVALID;
    }
    trace->size = (uint64_t)found.st_size;
    return read_ends(out, trace, error);
}

assay_status assay_trace_open_memory(struct assay_trace_reader **out, const char *name,
                                     const void *data, size_t size, struct assay_error *error)
{
    struct assay_trace_reader *trace = make(name, error);

    *out = NULL;
    if (!trace)
        return ASSAY_NO_MEMORY;
    trace->memory = data;
    trace->size = size;
    return read_ends(out, trace, error);
}

const struct assay_trace_info *assay_trace_info(const struct assay_trace_reader *trace)
{
    return &trace->info;
}

struct assay_reader *assay_trace_stream(struct assay_trace_reader *trace)
{
    return &trace->stream;
}

void assay_trace_close(struct assay_trace_reader *trace)
{
    if (!trace)
        return;
    if (trace->file >= 0)
        close(trace->file);
    ZSTD_freeDCtx(trace->zstd);
    assay_trace_decoder_clear(&trace->decoder);
    free(trace->packed);
    free(trace->content);
    free(trace->name);
    free(trace);
}

bool assay_trace_recognises(const void *data, size_t size)
{
    return size >= ASSAY_TRACE_MAGIC_BYTES &&
           memcmp(data, ASSAY_TRACE_MAGIC, ASSAY_TRACE_MAGIC_BYTES) == 0;
}
