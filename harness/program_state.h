/* program_state.h - what the files of a program that is written share: parts, operations, checks. */
#ifndef ASSAY_PROGRAM_STATE_H
#define ASSAY_PROGRAM_STATE_H

#include "assay/program.h"

#include <inttypes.h>

struct program {
    FILE *out;
    const struct assay_backend *backend;
    const struct assay_stream *stream;
    const struct assay_course *course;
    const struct assay_program_target *target;
    bool is_malloc;
    enum assay_check check; /* CONTENT where nothing was found: always worth a look */
    size_t rounds_from;     /* of a drift: the operation from which on all rounds are the same */
};

static inline bool program_checks(const struct program *program, enum assay_check check)
{
    return program->check == check;
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
