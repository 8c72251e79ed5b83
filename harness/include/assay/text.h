/*
 * text.h - the stream as a person reads and writes it: .ops files. harness/doc/text.md
 * describes the format.
 *
 *     # comment
 *     assay-ops 1
 *     limit 65536
 *     seed 42
 *     alloc s0 64
 *     @1 +250 realloc s0 128    # thread 1, 250 ns after the operation before
 *     free s0
 */
#ifndef ASSAY_TEXT_H
#define ASSAY_TEXT_H

#include "assay/op.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* No line of a text may be longer than this, newline included; what encode writes is far shorter. */
#define ASSAY_TEXT_LINE 1024

/*
 * Appends to *stream what text[0 .. size) says; it need not end with a newline or a zero byte.
 * On ASSAY_INVALID *error names `name` and the line, "crash.ops:12: ...", and *stream is cleared. O(size).
 */
ASSAY_MUST_CHECK assay_status assay_text_decode(struct assay_stream *stream, const char *name,
                                                const char *text, size_t size,
                                                struct assay_error *error);

/* Whether data begins as a text does: comments and blank lines, then "assay-ops". */
bool assay_text_recognises(const void *data, size_t size);

/* Writes the line of one operation, without a newline, as snprintf would. */
int assay_text_print_op(char *line, size_t room, const struct assay_op *op);

/* Writes the first lines of a text: version and set-up. Returns false on a write error. */
ASSAY_MUST_CHECK bool assay_text_write_setup(FILE *out, const struct assay_setup *setup);
/* Writes one operation as a line. Returns false on a write error. */
ASSAY_MUST_CHECK bool assay_text_write_op(FILE *out, const struct assay_op *op);

/*
 * A size as people write it: digits, then optionally k, m, g or t (powers of 1024) in either case,
 * an "i" or "iB" after it, or "B" alone. "64k", "16MiB", "4096". False for all else and for overflow.
 */
ASSAY_MUST_CHECK bool assay_text_parse_size(const char *text, uint64_t *size);

#ifdef __cplusplus
}
#endif

#endif
