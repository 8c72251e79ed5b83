/* trace_write.c - writes a trace frame by frame, under a temporary name until it is whole. */
#include "trace_format.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

/* Higher levels cost the recorder more than they save; harness/doc/trace.md has figures. */
#define LEVEL 3
#define INDEX_GROWS_BY 1024

struct entry {
    uint64_t offset, first;
};

struct assay_trace_writer {
    struct assay_trace_encoder encoder;
    ZSTD_CCtx *zstd;
    uint8_t *packed; /* head and compressed columns of one frame */
    struct entry *index;
    size_t frames, room;
    uint64_t offset; /* bytes written */
    struct assay_trace_info info;
    int file;
    assay_status status; /* of the first failure */
    int reason;          /* its errno; 0: no memory */
    char *path;
    char *temporary; /* "" until the file exists */
};

static void fail(struct assay_trace_writer *writer, assay_status status, int reason)
{
    if (writer->status != ASSAY_OK)
        return;
    writer->status = status;
    writer->reason = reason;
}

static void write_all(struct assay_trace_writer *writer, const uint8_t *data, size_t bytes)
{
    while (bytes != 0 && writer->status == ASSAY_OK) {
        ssize_t written = write(writer->file, data, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            fail(writer, ASSAY_INVALID, written < 0 ? errno : EIO);
            return;
        }
        data += written;
        bytes -= (size_t)written;
        writer->offset += (uint64_t)written;
    }
}

static bool note_frame(struct assay_trace_writer *writer)
{
    if (writer->frames == writer->room) {
        size_t room = writer->room + INDEX_GROWS_BY;
        struct entry *index = realloc(writer->index, room * sizeof *index);
        if (!index)
            return false;
        writer->index = index;
        writer->room = room;
    }
    writer->index[writer->frames++] =
        (struct entry){.offset = writer->offset, .first = writer->info.ops - writer->encoder.ops};
    return true;
}

/* Each column ends a zstd block, so that none shares its statistics with another. 0 on failure. */
static size_t compress(struct assay_trace_writer *writer, uint8_t *to, size_t room)
{
    ZSTD_outBuffer out = {.dst = to, .size = room};

    ZSTD_CCtx_reset(writer->zstd, ZSTD_reset_session_only);
    for (int i = 0; i < ASSAY_TRACE_COLUMNS; i++) {
        ZSTD_inBuffer in = {.src = writer->encoder.column[i], .size = writer->encoder.bytes[i]};
        ZSTD_EndDirective end = i + 1 == ASSAY_TRACE_COLUMNS ? ZSTD_e_end : ZSTD_e_flush;
        size_t left;
        do
            left = ZSTD_compressStream2(writer->zstd, &out, &in, end);
        while (left != 0 && !ZSTD_isError(left) && out.pos < out.size);
        if (left != 0)
            return 0;
    }
    return out.pos;
}

static void write_frame(struct assay_trace_writer *writer)
{
    struct assay_trace_encoder *encoder = &writer->encoder;
    uint8_t *head = writer->packed;
    size_t bytes;

    if (writer->status != ASSAY_OK)
        return;
    if (!encoder->has_time)
        encoder->bytes[ASSAY_TRACE_TIMES] = 0;
    bytes = compress(writer, head + ASSAY_TRACE_FRAME_HEAD_BYTES, ASSAY_TRACE_PACKED_MAX);
    if (bytes == 0 || !note_frame(writer)) {
        fail(writer, ASSAY_NO_MEMORY, 0);
        return;
    }
    assay_trace_put32(head, ASSAY_TRACE_FRAME_MARK);
    assay_trace_put32(head + 4, encoder->ops);
    assay_trace_put64(head + 8, writer->info.ops - encoder->ops);
    assay_trace_put32(head + 16, (uint32_t)bytes);
    for (size_t i = 0; i < ASSAY_TRACE_COLUMNS; i++)
        assay_trace_put32(head + 20 + 4 * i, encoder->bytes[i]);
    assay_trace_put64(head + 48,
                      assay_trace_frame_sum(head, head + ASSAY_TRACE_FRAME_HEAD_BYTES, bytes));
    write_all(writer, head, ASSAY_TRACE_FRAME_HEAD_BYTES + bytes);
}

static void count_op(struct assay_trace_info *info, const struct assay_op *op)
{
    uint32_t thread = op->thread;

    if (op->kind == ASSAY_OP_HAND_OVER && op->arg > thread)
        thread = (uint32_t)op->arg;
    if (op->slot >= info->slots && assay_op_shapes[op->kind].has_slot)
        info->slots = op->slot + 1;
    if (thread >= info->threads)
        info->threads = thread + 1;
    info->has_time |= op->delta_ns != 0;
    info->ops++;
}

void assay_trace_append(struct assay_trace_writer *writer, const struct assay_op *ops, size_t count)
{
    if (writer->status != ASSAY_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        if (writer->encoder.ops == ASSAY_TRACE_FRAME_OPS) {
            write_frame(writer);
            assay_trace_encoder_reset(&writer->encoder);
        }
        assay_trace_encoder_add(&writer->encoder, &ops[i]);
        count_op(&writer->info, &ops[i]);
    }
}

static void write_head(struct assay_trace_writer *writer, const struct assay_setup *setup)
{
    uint8_t head[ASSAY_TRACE_HEAD_BYTES + sizeof writer->info.origin + ASSAY_TRACE_CHECKSUM_BYTES];
    size_t origin = strlen(writer->info.origin);
    size_t bytes = ASSAY_TRACE_HEAD_BYTES + origin;

    memcpy(head, ASSAY_TRACE_MAGIC, ASSAY_TRACE_MAGIC_BYTES);
    assay_trace_put32(head + 8, ASSAY_TRACE_VERSION);
    assay_trace_put32(head + 12, (uint32_t)origin);
    assay_trace_put64(head + 16, setup->limit);
    assay_trace_put64(head + 24, setup->seed);
    memcpy(head + ASSAY_TRACE_HEAD_BYTES, writer->info.origin, origin);
    assay_trace_put64(head + bytes, XXH64(head, bytes, 0));
    write_all(writer, head, bytes + ASSAY_TRACE_CHECKSUM_BYTES);
}

static void write_index(struct assay_trace_writer *writer)
{
    size_t bytes = ASSAY_TRACE_INDEX_HEAD_BYTES + writer->frames * ASSAY_TRACE_INDEX_ENTRY_BYTES;
    uint8_t *index = malloc(bytes + ASSAY_TRACE_CHECKSUM_BYTES);

    if (!index) {
        fail(writer, ASSAY_NO_MEMORY, 0);
        return;
    }
    assay_trace_put32(index, ASSAY_TRACE_INDEX_MARK);
    assay_trace_put32(index + 4, (uint32_t)writer->frames);
    for (size_t i = 0; i < writer->frames; i++) {
        uint8_t *at = index + ASSAY_TRACE_INDEX_HEAD_BYTES + i * ASSAY_TRACE_INDEX_ENTRY_BYTES;
        assay_trace_put64(at, writer->index[i].offset);
        assay_trace_put64(at + 8, writer->index[i].first);
    }
    assay_trace_put64(index + bytes, XXH64(index, bytes, 0));
    write_all(writer, index, bytes + ASSAY_TRACE_CHECKSUM_BYTES);
    free(index);
}

static void write_end(struct assay_trace_writer *writer)
{
    const struct assay_trace_info *info = &writer->info;
    uint64_t index_offset = writer->offset;
    uint8_t end[ASSAY_TRACE_END_BYTES];

    write_index(writer);
    assay_trace_put32(end, ASSAY_TRACE_END_MARK);
    assay_trace_put32(end + 4, info->has_time ? ASSAY_TRACE_END_HAS_TIME : 0);
    assay_trace_put64(end + 8, info->ops);
    assay_trace_put32(end + 16, info->slots);
    assay_trace_put32(end + 20, info->threads);
    assay_trace_put64(end + 24, writer->frames);
    assay_trace_put64(end + 32, index_offset);
    assay_trace_put64(end + 40, writer->offset + ASSAY_TRACE_END_BYTES);
    assay_trace_put64(end + 48, XXH64(end, 48, 0));
    write_all(writer, end, sizeof end);
}

/* What fails here is left to assay_trace_abandon(). */
static assay_status make(struct assay_trace_writer *writer, const char *path)
{
    size_t room = strlen(path) + 32;

    writer->path = strdup(path);
    writer->temporary = calloc(1, room);
    writer->packed = malloc(ASSAY_TRACE_FRAME_HEAD_BYTES + ASSAY_TRACE_PACKED_MAX);
    writer->zstd = ZSTD_createCCtx();
    if (!writer->path || !writer->temporary || !writer->packed || !writer->zstd)
        return ASSAY_NO_MEMORY;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL)))
        return ASSAY_UNSUPPORTED;
    if (assay_trace_encoder_open(&writer->encoder) != ASSAY_OK)
        return ASSAY_NO_MEMORY;
    assay_trace_encoder_reset(&writer->encoder);
    return ASSAY_OK;
}

/* Only what a program may name anew is replaced: not a device, not a folder. */
static assay_status open_temporary(struct assay_trace_writer *writer, struct assay_error *error)
{
    size_t room = strlen(writer->path) + 32;
    struct stat existing;

    if (stat(writer->path, &existing) == 0 && !S_ISREG(existing.st_mode)) {
        assay_error_set(error, "cannot write %.200s: it exists and is not a regular file",
                        writer->path);
        return ASSAY_INVALID;
    }
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(writer->temporary, room, "%s.%ld-%u.part", writer->path, (long)getpid(), i);
        writer->file = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (writer->file >= 0)
            return ASSAY_OK;
        if (errno != EEXIST)
            break;
    }
    writer->temporary[0] = '\0';
    assay_error_set(error, "cannot write %.200s: %s", writer->path, strerror(errno));
    return ASSAY_INVALID;
}

assay_status assay_trace_create(struct assay_trace_writer **out, const char *path,
                                const struct assay_setup *setup, const char *origin,
                                struct assay_error *error)
{
    struct assay_trace_writer *writer = calloc(1, sizeof *writer);
    assay_status status;

    *out = NULL;
    if (writer)
        writer->file = -1;
    status = writer ? make(writer, path) : ASSAY_NO_MEMORY;
    if (status != ASSAY_OK)
        assay_error_set(error, "cannot write %.200s: not enough memory", path);
    else
        status = open_temporary(writer, error);
    if (status != ASSAY_OK) {
        assay_trace_abandon(writer);
        return status;
    }
    snprintf(writer->info.origin, sizeof writer->info.origin, "%s", origin);
    write_head(writer, setup);
    *out = writer;
    return ASSAY_OK;
}

assay_status assay_trace_finish(struct assay_trace_writer *writer, struct assay_trace_info *info,
                                struct assay_error *error)
{
    assay_status status;

    if (writer->encoder.ops != 0)
        write_frame(writer);
    write_end(writer);
    if (close(writer->file) != 0)
        fail(writer, ASSAY_INVALID, errno);
    writer->file = -1;
    if (writer->status == ASSAY_OK && rename(writer->temporary, writer->path) != 0)
        fail(writer, ASSAY_INVALID, errno);
    status = writer->status;
    if (status == ASSAY_OK) {
        writer->temporary[0] = '\0';
        writer->info.is_whole = true;
        if (info)
            *info = writer->info;
    } else {
        assay_error_set(error, "cannot write %.200s: %s", writer->path,
                        writer->reason ? strerror(writer->reason) : "not enough memory");
    }
    assay_trace_abandon(writer);
    return status;
}

void assay_trace_abandon(struct assay_trace_writer *writer)
{
    if (!writer)
        return;
    if (writer->file >= 0)
        close(writer->file);
    if (writer->temporary && writer->temporary[0])
        unlink(writer->temporary);
    assay_trace_encoder_close(&writer->encoder);
    ZSTD_freeCCtx(writer->zstd);
    free(writer->packed);
    free(writer->index);
    free(writer->path);
    free(writer->temporary);
    free(writer);
}
