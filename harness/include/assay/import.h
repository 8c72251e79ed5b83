/*
 * import.h - what other tools write about a program's heap, as a stream. harness/doc/import.md
 * describes the formats, and what each keeps.
 *
 * A file is read line by line, plain or packed by gzip or zstd, and is never held in memory: that
 * grows with the blocks that are live at once (60 bytes each), not with the file. What calls become is
 * said in assay/calls.h. Set-up is the consumer's default: no format holds one.
 */
#ifndef ASSAY_IMPORT_H
#define ASSAY_IMPORT_H

#include "assay/calls.h"
#include "assay/op.h"

#ifdef __cplusplus
extern "C" {
#endif

enum assay_import_format {
    ASSAY_IMPORT_REP,       /* malloclab's traces */
    ASSAY_IMPORT_MTRACE,    /* glibc's mtrace() */
    ASSAY_IMPORT_HEAPTRACK, /* heaptrack's data, raw or interpreted */
    ASSAY_IMPORT_VALGRIND,  /* valgrind --trace-malloc=yes */
    ASSAY_IMPORT_MOZILLA,   /* Mozilla's logalloc */
    ASSAY_IMPORT_ANDROID,   /* Android's malloc_debug and memory_replay */
    ASSAY_IMPORT_FORMATS
};

/* What is typed to name a format: "rep", "mtrace", ... */
const char *assay_import_name(enum assay_import_format format);

/*
 * Whether data, the first bytes of a file, packed or not, begins as one of the formats does: then
 * *format is which. Looks at the first lines only.
 */
ASSAY_MUST_CHECK bool assay_import_recognise(const void *data, size_t size,
                                             enum assay_import_format *format);

struct assay_import;

/* Where an import reads: what was read already, which must stay, then a file, unless it is -1. */
struct assay_import_source {
    const char *name; /* for errors; must stay */
    const void *first;
    size_t first_size;
    int file; /* stays the caller's, and open */
};

/* ASSAY_NO_MEMORY, with *error. What is wrong with the file is said when it is read. */
ASSAY_MUST_CHECK assay_status assay_import_open(struct assay_import **import,
                                                enum assay_import_format format,
                                                const struct assay_import_source *source,
                                                struct assay_error *error);
/*
 * The operations; belongs to the import. The first line that is wrong ends them with a sentence that
 * names it: "run.rep:12: ...".
 */
struct assay_reader *assay_import_reader(struct assay_import *import);

/* What was left out or added, in what was read so far. */
struct assay_import_counts {
    struct assay_calls_counts calls;
    uint64_t other_processes; /* lines left out: of processes other than the first */
    uint64_t unknown_lines;   /* lines left out: not of the format, which allows for such lines */
};
struct assay_import_counts assay_import_counts(const struct assay_import *import);
void assay_import_close(struct assay_import *import); /* NULL is allowed */

#ifdef __cplusplus
}
#endif

#endif
