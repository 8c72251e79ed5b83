/* program_state.h - what the files of a program that is written share: parts, operations, checks. */
#ifndef ASSAY_PROGRAM_STATE_H
#define ASSAY_PROGRAM_STATE_H

#include "assay/program.h"

#include <inttypes.h>

/* The functions of a header, by what they do; NULL: it has none. */
struct program_api {
    const char *name;
    const char *header;            /* of a seed; NULL: the C library's */
    const char *opening, *closing; /* statements before and after all others; NULL: none */
    const char *allocate, *zeroed, *aligned, *resize, *release;
    uint64_t most;   /* bytes that can be asked for */
    uint64_t align;  /* of all blocks; 0: as the backend's */
    uint64_t checks; /* bit (1 << check): what can be shown with them */
};

struct program {
    FILE *out;
    const struct assay_backend *backend;
    const struct assay_stream *stream;
    const struct assay_course *course;
    const struct assay_program_target *target;
    const struct program_api *api; /* NULL: the table's functions */
    bool is_malloc;                /* an api is called */
    enum assay_check check;        /* CONTENT where nothing was found: always worth a look */
    size_t rounds_from; /* of a drift: the operation from which on all rounds are the same */
};

static inline bool program_checks(const struct program *program, enum assay_check check)
{
    return program->check == check;
}

/* Whether the operation with the finding does not come back: it may be the first use of the block that ends it. */
static inline bool program_ends_process(const struct program *program)
{
    return program_checks(program, ASSAY_CHECK_CRASH) || program_checks(program, ASSAY_CHECK_HANG);
}

/* Whether what was served contradicts the heap's statistics of just before. */
static inline bool program_checks_served(const struct program *program)
{
    const struct assay_finding *finding = &program->course->finding;

    return program_checks(program, ASSAY_CHECK_STATS) && !program->is_malloc && !finding->at_end &&
           finding->has_block && finding->operation.kind == ASSAY_OP_ALLOC;
}

/* Whether the replay asks for statistics before requests, which may change a heap that tidies up late. */
static inline bool program_asks(const struct program *program)
{
    return !program->is_malloc && program->backend->stats &&
           program->backend->caps & ASSAY_CAP_PAGE_SOURCE;
}

/* Whether all that the heap says about itself is looked at. */
static inline bool program_audits(const struct program *program)
{
    switch (program->check) {
    case ASSAY_CHECK_SELF:
    case ASSAY_CHECK_WALK:
    case ASSAY_CHECK_STATS:
    case ASSAY_CHECK_OWNS:
    case ASSAY_CHECK_LIMIT:
    case ASSAY_CHECK_STEADY:
    case ASSAY_CHECK_MISUSE:
        return !program->is_malloc;
    default:
        return false;
    }
}

/* program_apis.c: what the target calls; NULL: the functions of a table. */
const struct program_api *program_api(const struct assay_program_target *target);
/* Whether the operation has no place in a program with these calls. */
bool program_leaves_out(const struct program *program, size_t number);
/* program_end.c: whether pages are refused on the way. */
bool program_has_fault(const struct program *program);
/* program_ops.c: the call of an operation, and of one that breaks the promise with the check around it. */
void program_op(const struct program *program, size_t number);
void program_finding(const struct program *program, size_t number);
/* program_end.c: everything is freed, and what must be true then. False if there is no memory. */
bool program_end(const struct program *program);
/* "    if (CONDITION)" and the sentence of the finding. */
__attribute__((format(printf, 2, 3))) void program_bug_if(const struct program *program,
                                                          const char *condition, ...);
/* The call that frees, up to the address. */
void program_free_opening(const struct program *program);

#endif
