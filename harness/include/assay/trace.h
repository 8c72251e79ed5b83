/*
 * trace.h - the stream in a file: compact, checked, and of any length. harness/doc/trace.md describes
 * the format.
 *
 * Operations travel in frames, each compressed by zstd on its own and carrying its own checksum, so
 * that a file cut short is readable up to its last whole frame, and seeking reads one frame. Reader
 * and writer hold one frame: memory does not grow with the file (ASSAY_TRACE_MEMORY).
 */
#ifndef ASSAY_TRACE_H
#define ASSAY_TRACE_H

#include "assay/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Most bytes a reader or a writer holds at once, whatever a file claims; the index comes on top,
 * at 32 bytes a frame of the file really read. */
#define ASSAY_TRACE_MEMORY ((size_t)16 << 20)

/* What the writer keeps count of and the reader gives back. */
struct assay_trace_info {
    uint64_t ops;
    uint32_t slots;   /* highest slot + 1 */
    uint32_t threads; /* highest thread + 1 */
    bool has_time;    /* some delta_ns is not 0 */
    bool is_whole; /* the end of the file is there; ops, slots, threads are only known if it is */
    char origin[256]; /* the command line that was recorded, or where the stream comes from; "" */
};

struct assay_trace_writer;

/*
 * Starts a trace at path, written beside it under a temporary name until assay_trace_finish(), so
 * that no part is ever taken for the whole. origin is cut to 255 bytes; setup is copied.
 */
ASSAY_MUST_CHECK assay_status assay_trace_create(struct assay_trace_writer **writer,
                                                 const char *path, const struct assay_setup *setup,
                                                 const char *origin, struct assay_error *error);
/* Appends valid operations. A write error is kept and told by assay_trace_finish(). */
void assay_trace_append(struct assay_trace_writer *writer, const struct assay_op *ops,
                        size_t count);
/*
 * Writes what is left and the index, and gives the file its name; frees the writer. On failure no file
 * remains. *info, unless NULL, is what was written.
 */
ASSAY_MUST_CHECK assay_status assay_trace_finish(struct assay_trace_writer *writer,
                                                 struct assay_trace_info *info,
                                                 struct assay_error *error);
/* Drops the trace and its temporary file; frees the writer. NULL is allowed. */
void assay_trace_abandon(struct assay_trace_writer *writer);

struct assay_trace_reader;

/*
 * Opens the trace at path. A missing, foreign or damaged head is a failure; a missing end is not: the
 * frames there are can be read, info->is_whole is false, and reading ends with reader->error set
 * to a sentence that says how far the file went.
 */
ASSAY_MUST_CHECK assay_status assay_trace_open(struct assay_trace_reader **trace, const char *path,
                                               struct assay_error *error);
/* The same from memory, which must stay; name is used in errors. */
ASSAY_MUST_CHECK assay_status assay_trace_open_memory(struct assay_trace_reader **trace,
                                                      const char *name, const void *data,
                                                      size_t size, struct assay_error *error);
const struct assay_trace_info *assay_trace_info(const struct assay_trace_reader *trace);
/* The operations from here on; belongs to the trace. */
struct assay_reader *assay_trace_stream(struct assay_trace_reader *trace);
/*
 * Goes to the operation with this index: 0 is the first, the number of all is the end. ASSAY_INVALID
 * beyond the end; ASSAY_CORRUPT, with the stream's error set, where damage is in the way.
 * O(log frames) and one frame where the index is there, else O(frames).
 */
ASSAY_MUST_CHECK assay_status assay_trace_seek(struct assay_trace_reader *trace, uint64_t op);
void assay_trace_close(struct assay_trace_reader *trace); /* NULL is allowed */

/* Whether data begins as a trace does. */
bool assay_trace_recognises(const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif
