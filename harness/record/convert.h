/* convert.h - the file that a recorded process left, as a stream. */
#ifndef ASSAY_RECORD_CONVERT_H
#define ASSAY_RECORD_CONVERT_H

#include "record.h"

/* Takes operations in their order; they are valid, and the stream made of them is consistent. */
typedef void assay_convert_sink(void *context, const struct assay_op *ops, size_t count);

/*
 * Reads the raw file at path (raw.h), hands its operations to sink in batches, and fills in all of
 * *recording but path. Memory grows with the blocks that are live at once, not with the file.
 *
 * What becomes of calls is said in assay/calls.h.
 */
ASSAY_MUST_CHECK assay_status assay_convert(const char *path, assay_convert_sink *sink,
                                            void *context, struct assay_recording *recording,
                                            struct assay_error *error);
/* Reads only what the head of the file says: command, pid, start_ns, stop_errno, lost, has_time. */
ASSAY_MUST_CHECK assay_status assay_convert_head(const char *path,
                                                 struct assay_recording *recording,
                                                 struct assay_error *error);

#endif
