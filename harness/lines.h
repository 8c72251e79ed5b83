/* lines.h - a text of any length, packed or not, line by line. */
#ifndef ASSAY_LINES_H
#define ASSAY_LINES_H

#include "unpack.h"

#include <stdint.h>

/* No line may be longer; C++ names in logs are long. */
#define ASSAY_LINE_MAX ((size_t)256 << 10)

struct assay_lines;

ASSAY_MUST_CHECK assay_status assay_lines_open(struct assay_lines **lines,
                                               const struct assay_bytes_source *source,
                                               struct assay_error *error);
/*
 * The next line, as a string that may be written to, without its newline and a carriage return before
 * it. NULL is the end, or a failure where assay_lines_error() is not empty. The last line need not end.
 */
char *assay_lines_next(struct assay_lines *lines);
/* Of the line that next() gave last, or failed at; the first is 1. */
uint64_t assay_lines_number(const struct assay_lines *lines);
/* A line is too long, or has a zero byte; or what assay_unpack_read() says. */
const struct assay_error *assay_lines_error(const struct assay_lines *lines);
void assay_lines_close(struct assay_lines *lines); /* NULL is allowed */

#endif
