/*
 * input.h - opens a stream from a file: of any of the three encodings, or of another tool's format.
 */
#ifndef ASSAY_INPUT_H
#define ASSAY_INPUT_H

#include "assay/import.h"
#include "assay/op.h"
#include "assay/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

enum assay_encoding {
    ASSAY_ENCODING_GUESS, /* by the first bytes or lines; refused if they say nothing */
    ASSAY_ENCODING_TRACE,
    ASSAY_ENCODING_TEXT,
    ASSAY_ENCODING_BYTES,    /* never guessed, for every file is one */
    ASSAY_ENCODING_IMPORTED, /* from here on the formats of assay/import.h, in their order */
    ASSAY_ENCODING_REP = ASSAY_ENCODING_IMPORTED + ASSAY_IMPORT_REP,
    ASSAY_ENCODINGS = ASSAY_ENCODING_IMPORTED + ASSAY_IMPORT_FORMATS
};

/* Texts and byte strings are read whole; longer files are refused with a sentence. Others may have any
 * length. */
#define ASSAY_INPUT_MAX ((size_t)1 << 30)

struct assay_input;

/* Opens path. On failure *error names path and what would be accepted. "-" is standard input. */
ASSAY_MUST_CHECK assay_status assay_input_open(struct assay_input **input, const char *path,
                                               enum assay_encoding encoding,
                                               struct assay_error *error);
/* The operations from the first one on; belongs to the input. */
struct assay_reader *assay_input_reader(struct assay_input *input);
/* Back to the first operation. A format of another tool that came through a pipe has no way back. */
ASSAY_MUST_CHECK assay_status assay_input_rewind(struct assay_input *input,
                                                 struct assay_error *error);
/* NULL unless the file is a trace. */
const struct assay_trace_info *assay_input_trace_info(const struct assay_input *input);
/* False unless the file is of another tool; *counts is what was left out or added so far. */
bool assay_input_import_counts(const struct assay_input *input, struct assay_import_counts *counts);
enum assay_encoding assay_input_encoding(const struct assay_input *input);
void assay_input_close(struct assay_input *input); /* NULL is allowed */

/* "trace", "text", "bytes", "rep" and so on to the encoding; false for other words. */
ASSAY_MUST_CHECK bool assay_encoding_parse(const char *word, enum assay_encoding *encoding);
/* The other way round; NULL for GUESS. */
const char *assay_encoding_name(enum assay_encoding encoding);

#ifdef __cplusplus
}
#endif

#endif
