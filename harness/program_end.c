/*
 * program_end.c - the end of a program: faults are lifted, everything is freed in the order of the replay, and the
 * one thing that must be true then is looked at.
 */
#include "program_state.h"

#include <stdlib.h>

/* The orders of freeing, as the replay draws them from the seed: see replay_end.c. */
#define STRIDES 3

/* Whether the program has no such block, for want of a call that makes it. */
static bool is_left_out(const struct program *program, uint32_t slot)
{
    for (size_t i = program->course->count; i-- > 0;)
        if (program->stream->ops[i].slot == slot &&
            program->stream->ops[i].kind <= ASSAY_OP_REALLOC &&
            program->course->steps[i].answer.outcome == ASSAY_OUTCOME_SERVED)
            return program_leaves_out(program, i);
    return false;
}

/* Frees every stride-th of the blocks that are live, by address; `taken` marks those. */
static void free_some(const struct program *program, unsigned stride, bool *taken)
{
    FILE *out = program->out;
    size_t met = 0;

    for (size_t i = 0; i < program->course->live; i++) {
        const uint32_t slot = program->course->live_slots[i];
        if (taken[i] || met++ % stride != 0)
            continue;
        taken[i] = true;
        if (is_left_out(program, slot))
            continue;
        if (program_checks(program, ASSAY_CHECK_CONTENT))
            program_bug_if(program,
                           "!is_whole(s%" PRIu32 ".at, &s%" PRIu32 ", s%" PRIu32 ".usable)", slot,
                           slot, slot);
        if (program->is_malloc && program_checks(program, ASSAY_CHECK_FREE)) {
            program_bug_if(program, "!release(s%" PRIu32 ".block)", slot);
            fprintf(out, "    s%" PRIu32 ".live = false;\n", slot);
            continue;
        }
        fputs(program->is_malloc ? "    " : "    status = ", out);
        program_free_opening(program);
        fprintf(out, "s%" PRIu32 ".block);\n    s%" PRIu32 ".live = false;\n", slot, slot);
        if (program_checks(program, ASSAY_CHECK_FREE))
            program_bug_if(program, "status != ASSAY_OK");
    }
}

/* The largest, or the smallest above 0, of the requests that were served; 0: none was. */
static size_t size_served(const struct program *program, bool is_largest)
{
    size_t chosen = 0;

    for (size_t i = 0; i < program->course->count; i++) {
        const struct assay_answer *answer = &program->course->steps[i].answer;
        size_t size = answer->block.size;
        if (answer->outcome != ASSAY_OUTCOME_SERVED || size == 0)
            continue;
        if (chosen == 0 || (is_largest ? size > chosen : size < chosen))
            chosen = size;
    }
    return chosen;
}

static void check_owns(const struct program *program)
{
    if (!program_checks(program, ASSAY_CHECK_OWNS) || !program->backend->owns)
        return;
    for (size_t i = 0; i < program->course->live; i++)
        program_bug_if(program, "s%" PRIu32 ".usable && heap->owns(self, s%" PRIu32 ".block)",
                       program->course->live_slots[i], program->course->live_slots[i]);
}

/* Asks the emptied heap for a block, which it must serve if `check` is what broke, and frees it. */
static void try_size(const struct program *program, size_t size, enum assay_check check)
{
    fprintf(program->out, "    again = heap->alloc(self, %zuu);\n", size);
    if (program_checks(program, check))
        program_bug_if(program, "!again");
    fputs("    status = again ? heap->free(self, again) : ASSAY_OK;\n", program->out);
    if (program_checks(program, ASSAY_CHECK_FREE))
        program_bug_if(program, "status != ASSAY_OK");
}

bool program_has_fault(const struct program *program)
{
    for (size_t i = 0; i < program->course->count; i++)
        if (program->stream->ops[i].kind >= ASSAY_OP_REFUSE_NEXT &&
            program->course->steps[i].answer.outcome == ASSAY_OUTCOME_DONE)
            return true;
    return false;
}

/* Service after faults, then room for the largest block: whatever the check, as the replay does it. */
static void check_room(const struct program *program)
{
    bool coalesces = program->backend->caps & ASSAY_CAP_COALESCES;
    size_t smallest = size_served(program, false), largest = size_served(program, true);

    fputs("    void *again;\n    (void)again;\n", program->out);
    if (program_has_fault(program) && coalesces && smallest)
        try_size(program, smallest, ASSAY_CHECK_SERVICE);
    else if (program_checks(program, ASSAY_CHECK_SERVICE))
        try_size(program, 1, ASSAY_CHECK_SERVICE);
    if (coalesces && largest && !program_checks(program, ASSAY_CHECK_SERVICE))
        try_size(program, largest, ASSAY_CHECK_CONSERVATION);
}

static void check_emptied(const struct program *program)
{
    check_owns(program);
    if (program_checks(program, ASSAY_CHECK_TRIM))
        program_bug_if(program, "pages.mapped > created_bytes");
    check_room(program);
    if (program_checks(program, ASSAY_CHECK_LIMIT) && !(program->backend->caps & ASSAY_CAP_GROWS))
        program_bug_if(program, "pages.maps != created_maps");
}

static void destroy(const struct program *program)
{
    fputs("    heap->destroy(self);\n", program->out);
    if (program_checks(program, ASSAY_CHECK_LEAK))
        program_bug_if(program, "pages.mapped != 0");
    if (program_checks(program, ASSAY_CHECK_LIMIT))
        program_bug_if(program, "pages.bad_unmaps != 0");
}

bool program_end(const struct program *program)
{
    bool *taken = calloc(program->course->live + 1, sizeof *taken);
    uint64_t order = program->stream->setup.seed % (STRIDES + 1);
    FILE *out = program->out;

    if (!taken)
        return false;
    fputs("    /* the end: everything is freed */\n", out);
    if (!program->is_malloc)
        fputs("    pages.refuse_next = 0;\n    pages.budget = SIZE_MAX;\n", out);
    if (program_audits(program))
        fputs("    audit();\n", out);
    if (program_checks(program, ASSAY_CHECK_DEAD))
        program_bug_if(program,
                       "longest_streak >= 256 || (refused >= 64 && refused / 16 > served)");
    bool is_half = order == STRIDES && program->backend->caps & ASSAY_CAP_PAGE_SOURCE;
    if (is_half)
        free_some(program, 2, taken);
    else if (order % STRIDES > 0)
        free_some(program, (unsigned)(order % STRIDES) + 1, taken);
    if (!is_half)
        free_some(program, 1, taken);
    if (program_audits(program))
        fputs("    audit();\n", out);
    if (!is_half && !program->is_malloc)
        check_emptied(program);
    if (program->is_malloc && program_checks(program, ASSAY_CHECK_SELF))
        fputs("    if (!is_sound())\n        bug(\"the heap calls itself corrupt\");\n", out);
    if (program->is_malloc && program_checks(program, ASSAY_CHECK_CONSERVATION))
        program_bug_if(program, "!%s(%zuu)", program->api->allocate, size_served(program, true));
    if (!program->is_malloc)
        destroy(program);
    free(taken);
    return true;
}
