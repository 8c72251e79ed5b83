/* trace_source.c - the file of a trace: its bytes, its head, its totals so far as they can be. */
#include "trace_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

assay_status assay_trace_damaged(struct assay_trace_reader *trace, uint64_t offset,
                                 const char *what)
{
    assay_error_set(&trace->stream.error,
                    "%.120s is damaged after operation %" PRIu64 ": %s at byte %" PRIu64,
                    trace->name, trace->op, what, offset);
    return ASSAY_CORRUPT;
}

assay_status assay_trace_damaged_frame(struct assay_trace_reader *trace, const char *what)
{
    assay_error_set(&trace->stream.error,
                    "%.120s is damaged after operation %" PRIu64 ": frame %" PRIu64
                    " at byte %" PRIu64 " %s",
                    trace->name, trace->op, trace->number, trace->frame, what);
    return ASSAY_CORRUPT;
}

assay_status assay_trace_cut_short(struct assay_trace_reader *trace, const char *what)
{
    assay_error_set(&trace->stream.error,
                    "%.120s is cut short after operation %" PRIu64 ": its %s at byte %" PRIu64
                    " is not all there; what stands before it can be read",
                    trace->name, trace->op, what, trace->offset);
    return ASSAY_CORRUPT;
}

assay_status assay_trace_no_memory(struct assay_trace_reader *trace)
{
    assay_error_set(&trace->stream.error, "cannot read %.120s: not enough memory", trace->name);
    return ASSAY_NO_MEMORY;
}

/* Reads bytes that the size of the file says are there. */
assay_status assay_trace_read_at(struct assay_trace_reader *trace, uint64_t offset, void *to,
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

bool assay_trace_is_there(const struct assay_trace_reader *trace, uint64_t offset, uint64_t bytes)
{
    return offset <= trace->size && bytes <= trace->size - offset;
}

static assay_status foreign(const struct assay_trace_reader *trace, struct assay_error *error,
                            const char *what)
{
    assay_error_set(error, "%.200s %s", trace->name, what);
    return ASSAY_INVALID;
}

static assay_status read_head(struct assay_trace_reader *trace, struct assay_error *error)
{
    uint8_t head[ASSAY_TRACE_HEAD_BYTES + sizeof trace->info.origin + ASSAY_TRACE_CHECKSUM_BYTES];

    if (!assay_trace_is_there(trace, 0, ASSAY_TRACE_HEAD_BYTES + ASSAY_TRACE_CHECKSUM_BYTES)) {
        return foreign(trace, error, "is no trace: it is too short");
    }
    if (assay_trace_read_at(trace, 0, head, ASSAY_TRACE_HEAD_BYTES) != ASSAY_OK)
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
        !assay_trace_is_there(trace, 0, bytes + ASSAY_TRACE_CHECKSUM_BYTES))
        return foreign(trace, error, "is a trace with a damaged head");
    if (assay_trace_read_at(trace, 0, head, bytes + ASSAY_TRACE_CHECKSUM_BYTES) != ASSAY_OK)
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

    if (!assay_trace_is_there(trace, trace->first_frame,
                              ASSAY_TRACE_INDEX_HEAD_BYTES + ASSAY_TRACE_CHECKSUM_BYTES +
                                  sizeof end))
        return ASSAY_OK;
    if (assay_trace_read_at(trace, trace->size - sizeof end, end, sizeof end) != ASSAY_OK) {
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
    trace->stream.next = assay_trace_batch;
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
