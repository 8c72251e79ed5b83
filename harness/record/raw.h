/*
 * raw.h - the file that a process writes while it is recorded; private to the recorder.
 *
 *   [ header, one page ][ record 0 ][ record 1 ] ... [ zeros up to what the file was grown to ]
 *
 * Record number t is the t-th operation of the process: the position is the order, so that
 * threads need no merging. A thread takes its number by one atomic addition and then owns that
 * place in the file, which every process maps shared: whatever way the process ends, what it
 * wrote is there. A record is published by its first word; zero there means that the process died
 * between taking the number and writing the record, before the operation was answered.
 *
 *   what:  address << 16 | thread << 4 | kind    address: 48 bits, 0 if the request was refused
 *   value: by kind, see below
 *   time:  CLOCK_MONOTONIC in ns, only if header.has_time
 *
 * An allocation takes its number after the block is there, a release before the block is gone, so
 * no block is released before it is allocated, nor allocated anew before it is released. realloc
 * is both, hence two records.
 */
#ifndef ASSAY_RECORD_RAW_H
#define ASSAY_RECORD_RAW_H

#include <stdatomic.h>
#include <stdint.h>

#define ASSAY_RAW_MAGIC "assayraw"
#define ASSAY_RAW_VERSION 1u
#define ASSAY_RAW_HEADER_BYTES 4096u
#define ASSAY_RAW_COMMAND 256

/* How a process learns that it is recorded, and where its file goes: DIRECTORY/PID.N. */
#define ASSAY_RAW_ENV_DIRECTORY "ASSAY_RECORD_DIRECTORY"
#define ASSAY_RAW_ENV_TIME "ASSAY_RECORD_TIME"
/* In that directory: where a process leaves word that it could not start its file. */
#define ASSAY_RAW_CONTROL "control"

#define ASSAY_RAW_KIND_BITS 4
#define ASSAY_RAW_THREAD_BITS 12
#define ASSAY_RAW_ADDRESS_SHIFT (ASSAY_RAW_KIND_BITS + ASSAY_RAW_THREAD_BITS)
/* Threads are 1 .. ASSAY_RAW_THREADS - 1. */
#define ASSAY_RAW_THREADS (1u << ASSAY_RAW_THREAD_BITS)

enum assay_raw_kind {
    ASSAY_RAW_NONE,    /* never written */
    ASSAY_RAW_ALLOC,   /* value: size */
    ASSAY_RAW_ZEROED,  /* value: count << 32 | size; after ARG: size, and ARG is the count */
    ASSAY_RAW_ALIGNED, /* value: log2(alignment) << 58 | size; after ARG: size, the alignment */
    ASSAY_RAW_REALLOC_NULL,  /* realloc of NULL; value: size */
    ASSAY_RAW_REALLOC_BEGIN, /* address: the old block; value: size */
    ASSAY_RAW_REALLOC_END,   /* address: the new block; value: number of its BEGIN */
    ASSAY_RAW_FREE,          /* value: 0 */
    ASSAY_RAW_FREE_NULL,     /* value: 0 */
    ASSAY_RAW_ARG,           /* value: what did not fit into the next record, taken with it */
};

#define ASSAY_RAW_ALIGN_SHIFT 58

struct assay_raw_record {
    _Atomic uint64_t what;
    uint64_t value;
};

struct assay_raw_timed_record {
    struct assay_raw_record record;
    uint64_t time_ns;
};

struct assay_raw_header {
    char magic[8];
    uint32_t version;
    uint32_t has_time;
    int32_t pid;
    uint32_t image;             /* N of the file's name: how many programs had this pid before */
    uint64_t room;              /* records that the process's mapping has room for */
    _Atomic int32_t stop_errno; /* not 0: why recording stopped before the process did */
    _Atomic uint64_t lost;      /* records not written after that */
    uint64_t start_ns;          /* CLOCK_MONOTONIC */
    char command[ASSAY_RAW_COMMAND];
};
_Static_assert(sizeof(struct assay_raw_header) <= ASSAY_RAW_HEADER_BYTES, "the header is a page");

struct assay_raw_control {
    _Atomic uint32_t failed; /* processes that could not start their file */
    _Atomic int32_t failed_errno;
};

#endif
