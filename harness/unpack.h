/*
 * unpack.h - the bytes of a file, whether they lie in it as they are, or packed by gzip or zstd.
 *
 * Recognised by the first bytes. Several members or frames one after the other are one text, as for
 * gzip -dc and zstd -dc. Memory does not depend on the length: 64 KiB, and what the packing needs,
 * which is 128 MiB at most (a window of zstd; most have 2 MiB).
 */
#ifndef ASSAY_UNPACK_H
#define ASSAY_UNPACK_H

#include "assay/backend.h"
#include "assay/error.h"

#include <stddef.h>

struct assay_unpacker;

/* Where bytes come from: those that were read already, then a file, unless it is -1. */
struct assay_bytes_source {
    const void *first; /* stays the caller's */
    size_t first_size;
    int file; /* not closed */
};

ASSAY_MUST_CHECK assay_status assay_unpack_open(struct assay_unpacker **unpacker,
                                                const struct assay_bytes_source *source,
                                                struct assay_error *error);
/*
 * Reads up to `size` bytes, at least one. 0 is the end, or a failure where assay_unpack_error() is not
 * empty: the file cannot be read, or is packed and damaged or cut short.
 */
size_t assay_unpack_read(struct assay_unpacker *unpacker, void *data, size_t size);
const struct assay_error *assay_unpack_error(const struct assay_unpacker *unpacker);
void assay_unpack_close(struct assay_unpacker *unpacker); /* NULL is allowed */

/* Whether data begins as a file packed by gzip or zstd does. */
bool assay_unpack_recognises(const void *data, size_t size);

#endif
