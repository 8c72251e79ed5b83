/* trace_files.h - what the tests of traces share: streams, a folder, files in memory. */
#ifndef TRACE_FILES_H
#define TRACE_FILES_H

#include "assay/trace.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* The next of a sequence of numbers that looks random. */
uint64_t trace_random(uint64_t *state);
/* A valid operation of any kind, with values at the ends of their ranges more often than not. */
struct assay_op trace_extreme_op(uint64_t *state, bool with_time);
/* Appends to *stream what a program might do, count operations on few slots. */
void trace_fill_plain(struct assay_stream *stream, size_t count);
void trace_fill_extreme(struct assay_stream *stream, size_t count, uint64_t seed, bool with_time);

/* The path of `name` in a new folder of this program; valid until the next call. */
const char *trace_path(const char *name);
/* How many files the folder has. */
size_t trace_count_files(void);
int trace_make_folder(void **state);
int trace_remove_folder(void **state);

/* Writes *stream to trace_path(name), which must succeed. */
void trace_write(const struct assay_stream *stream, const char *name);
/* The bytes of trace_path(name), to be freed. */
uint8_t *trace_load(const char *name, size_t *size);

/* What reading a trace to its end gave. */
struct trace_outcome {
    assay_status opened;
    bool is_whole;
    uint64_t ops;   /* that were given and are those of the stream, from its first */
    bool all_right; /* no operation that is not the stream's was given */
    struct assay_error error;
};
struct trace_outcome trace_read_memory(const struct assay_stream *stream, const void *data,
                                       size_t size);

#endif
