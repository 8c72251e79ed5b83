/* unpack.c - bytes of a file, through zlib or zstd where it is packed. */
#include "unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define ROOM ((size_t)64 << 10)
#define GZIP_WINDOW (15 + 16) /* the largest, and a gzip header */

enum packing { PLAIN, GZIP, ZSTD };

struct assay_unpacker {
    struct assay_bytes_source source;
    enum packing packing;
    z_stream gzip;
    ZSTD_DCtx *zstd;
    bool inside;         /* a member or frame has begun and not ended */
    unsigned char *data; /* packed bytes [at, size) are to be unpacked */
    size_t at, size;
    struct assay_error error;
};

static enum packing packing_of(const unsigned char *data, size_t size)
{
    static const unsigned char gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};

    if (size >= sizeof gzip && memcmp(data, gzip, sizeof gzip) == 0)
        return GZIP;
    return size >= sizeof zstd && memcmp(data, zstd, sizeof zstd) == 0 ? ZSTD : PLAIN;
}

bool assay_unpack_recognises(const void *data, size_t size)
{
    return packing_of(data, size) != PLAIN;
}

/* Bytes as they lie in the source; 0 at its end or on an error. */
static size_t read_source(struct assay_unpacker *unpacker, void *data, size_t size)
{
    struct assay_bytes_source *source = &unpacker->source;
    ssize_t count;

    if (source->first_size) {
        size_t part = size < source->first_size ? size : source->first_size;
        memcpy(data, source->first, part);
        source->first = (const char *)source->first + part;
        source->first_size -= part;
        return part;
    }
    if (source->file < 0)
        return 0;
    do
        count = read(source->file, data, size);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        assay_error_set(&unpacker->error, "cannot be read: %s", strerror(errno));
    return count < 0 ? 0 : (size_t)count;
}

/* Lets there be packed bytes, if there are any left. */
static bool fill(struct assay_unpacker *unpacker)
{
    if (unpacker->at == unpacker->size) {
        unpacker->at = 0;
        unpacker->size = read_source(unpacker, unpacker->data, ROOM);
    }
    return unpacker->size != 0;
}

static size_t read_gzip(struct assay_unpacker *unpacker, void *data, size_t size)
{
    z_stream *gzip = &unpacker->gzip;

    gzip->next_in = unpacker->data + unpacker->at;
    gzip->avail_in = (uInt)(unpacker->size - unpacker->at);
    gzip->next_out = data;
    gzip->avail_out = (uInt)size;
    unpacker->inside = true;
    int answer = inflate(gzip, Z_NO_FLUSH);
    unpacker->at = unpacker->size - gzip->avail_in;
    if (answer == Z_STREAM_END) {
        unpacker->inside = false;
        answer = inflateReset(gzip);
    }
    if (answer == Z_MEM_ERROR)
        assay_error_set(&unpacker->error, "no memory to unpack it");
    else if (answer != Z_OK && answer != Z_BUF_ERROR)
        assay_error_set(&unpacker->error, "what gzip packed is damaged here");
    return size - gzip->avail_out;
}

static size_t read_zstd(struct assay_unpacker *unpacker, void *data, size_t size)
{
    ZSTD_inBuffer in = {unpacker->data, unpacker->size, unpacker->at};
    ZSTD_outBuffer out = {data, size, 0};

    size_t left = ZSTD_decompressStream(unpacker->zstd, &out, &in);
    unpacker->at = in.pos;
    unpacker->inside = left != 0;
    if (ZSTD_isError(left))
        assay_error_set(&unpacker->error, "what zstd packed is damaged here: %s",
                        ZSTD_getErrorName(left));
    return out.pos;
}

/* Also where no packed bytes are left: zstd and zlib may keep unpacked ones back for want of room. */
static size_t read_packed(struct assay_unpacker *unpacker, void *data, size_t size)
{
    size_t count = 0;
    bool has_more = true;

    while (count == 0 && has_more && !unpacker->error.what[0]) {
        has_more = fill(unpacker);
        if (unpacker->error.what[0] || (!has_more && !unpacker->inside))
            return 0;
        count = unpacker->packing == GZIP ? read_gzip(unpacker, data, size)
                                          : read_zstd(unpacker, data, size);
    }
    if (count == 0 && unpacker->inside && !unpacker->error.what[0])
        assay_error_set(&unpacker->error, "what %s packed is cut short here",
                        unpacker->packing == GZIP ? "gzip" : "zstd");
    return count;
}

size_t assay_unpack_read(struct assay_unpacker *unpacker, void *data, size_t size)
{
    size_t count = 0;

    if (unpacker->error.what[0])
        return 0;
    if (unpacker->packing != PLAIN)
        return read_packed(unpacker, data, size);
    if (!fill(unpacker))
        return 0;
    count = unpacker->size - unpacker->at;
    count = size < count ? size : count;
    memcpy(data, unpacker->data + unpacker->at, count);
    unpacker->at += count;
    return count;
}

const struct assay_error *assay_unpack_error(const struct assay_unpacker *unpacker)
{
    return &unpacker->error;
}

/* Short reads of a pipe must not hide the first bytes. */
static void read_beginning(struct assay_unpacker *unpacker)
{
    size_t count;

    while (unpacker->size < 4 && (count = read_source(unpacker, unpacker->data + unpacker->size,
                                                      ROOM - unpacker->size)) != 0)
        unpacker->size += count;
}

static bool begin(struct assay_unpacker *unpacker)
{
    if (!unpacker->data)
        return false;
    read_beginning(unpacker);
    unpacker->packing = packing_of(unpacker->data, unpacker->size);
    if (unpacker->packing == ZSTD)
        unpacker->zstd = ZSTD_createDCtx();
    return unpacker->packing == PLAIN || unpacker->zstd ||
           (unpacker->packing == GZIP && inflateInit2(&unpacker->gzip, GZIP_WINDOW) == Z_OK);
}

assay_status assay_unpack_open(struct assay_unpacker **unpacker,
                               const struct assay_bytes_source *source, struct assay_error *error)
{
    struct assay_unpacker *made = calloc(1, sizeof *made);

    *unpacker = NULL;
    if (made) {
        made->source = *source;
        made->data = malloc(ROOM);
    }
    if (!made || !begin(made)) {
        assay_error_set(error, "no memory to read it");
        if (made)
            free(made->data);
        free(made);
        return ASSAY_NO_MEMORY;
    }
    *unpacker = made;
    return ASSAY_OK;
}

void assay_unpack_close(struct assay_unpacker *unpacker)
{
    if (!unpacker)
        return;
    if (unpacker->packing == GZIP)
        inflateEnd(&unpacker->gzip);
    ZSTD_freeDCtx(unpacker->zstd);
    free(unpacker->data);
    free(unpacker);
}
