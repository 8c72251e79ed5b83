/*
 * course.h - how a stream went on one backend: what each operation came to, what was found, and how the heap
 * looked before and after. What a program or a report about a finding is written from.
 *
 * The stream runs in a child process, so that a crash and a hang have a course too.
 */
#ifndef ASSAY_COURSE_H
#define ASSAY_COURSE_H

#include "assay/diff.h"
#include "assay/replay.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longer streams are for assay_reduce() first: nobody reads a program of that length. */
#define ASSAY_COURSE_OPS 20000

struct assay_course_step {
    struct assay_answer answer; /* of the operation that broke a promise: as far as it came */
    bool live;                  /* whether the slot holds a block afterwards */
};

struct assay_course {
    bool found;
    struct assay_finding finding;
    size_t heap_limit; /* what the heap really got */
    size_t count;      /* steps that were taken, the one that broke a promise included */
    struct assay_course_step *steps;    /* as many as the stream has operations */
    bool has_before, has_after;         /* a heap that ended the process is not drawn afterwards */
    struct assay_picture before, after; /* of the operation with the finding, or of the end */
    size_t live;                        /* blocks that are live after the last operation */
    uint32_t *live_slots;               /* by rising address */
    void *shared;                       /* memory of the arrays */
    size_t shared_bytes;
};

struct assay_course_options {
    struct assay_replay_options replay; /* progress, transcript and check_interval are not used */
    /* Called in the child to make replay.pages; false: no room. NULL: they are there. */
    bool (*open_pages)(struct assay_replay_options *replay, void *ctx);
    void *open_ctx;
    unsigned hang_seconds; /* processor time of the stream that counts as a hang; 0: 10 */
};

/*
 * Runs *stream of at most ASSAY_COURSE_OPS operations twice, the second time to draw. ASSAY_OK: *course tells, to
 * be freed with assay_course_clear(). Otherwise *error does: no heap, no child, no memory, too many operations. Not
 * from a process with more threads.
 */
ASSAY_MUST_CHECK assay_status assay_course_run(struct assay_course *course,
                                               const struct assay_backend *backend,
                                               const struct assay_stream *stream,
                                               const struct assay_course_options *options,
                                               struct assay_error *error);
void assay_course_clear(struct assay_course *course);

/*
 * A report in sentences about a course with a finding: what happened, at which operation, which promise that broke,
 * the operations around it, the heap before and after it, and how it is repeated. `repeat` is the command without a
 * newline, or NULL. Errors stay with `out`. O(operations).
 */
void assay_course_report(FILE *out, const struct assay_stream *stream,
                         const struct assay_course *course, const char *repeat);

#ifdef __cplusplus
}
#endif

#endif
