/*
 * bytes.h - the stream as a fuzzer sees it. harness/doc/bytes.md describes the format.
 *
 * Total: every byte string decodes to some valid stream, a short one to a short stream. A change of
 * one byte changes one operation. Loss-free: decoding an encoded stream gives the same stream, but for
 * delta_ns, which the fuzzer's form does not carry.
 */
#ifndef ASSAY_BYTES_H
#define ASSAY_BYTES_H

#include "assay/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Replaces *stream with what data[0 .. size) says. Reuses its memory, so that a fuzz target decodes
 * without allocating; at most size / 4 operations. ASSAY_NO_MEMORY is the only failure. O(size).
 */
ASSAY_MUST_CHECK assay_status assay_bytes_decode(struct assay_stream *stream, const void *data,
                                                 size_t size);

/*
 * Writes at most `room` bytes of the encoding of *stream to data and returns its whole length, so
 * that a caller may ask with room 0 first. O(count).
 */
size_t assay_bytes_encode(const struct assay_stream *stream, void *data, size_t room);

#ifdef __cplusplus
}
#endif

#endif
