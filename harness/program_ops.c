/*
 * program_ops.c - the calls of operations, and the check around the one that breaks a promise.
 *
 * Only what ran is called: what was skipped is its comment. A check stands where the replay makes it: content before
 * the call, place and answer after it, what the heap says about itself in place of it.
 */
#include "program_state.h"

#include "assay/misuse.h"

#include <string.h>

/* errno before a call that must not change it. */
#define WATCHED "EDOM"
/* As in the replay: how often a refused request may keep pages, and how often rounds may need more. */
#define KEPT_UNDER_FAULT 2
#define RISES_ALLOWED 12

static bool is_request(const struct assay_op *op)
{
    return op->kind <= ASSAY_OP_REALLOC;
}

/* The function's name, and what stands before the arguments. */
static void print_head(const struct program *program, const char *name)
{
    if (program->api)
        fprintf(program->out, "%s%s(", program->target->prefix, name);
    else
        fprintf(program->out, "heap->%s(self, ", name);
}

static void print_request(const struct program *program, const struct assay_op *op)
{
    FILE *out = program->out;
    const struct program_api *api = program->api;

    switch ((enum assay_op_kind)op->kind) {
    case ASSAY_OP_ALLOC_ZEROED:
        print_head(program, api ? api->zeroed : "alloc_zeroed");
        fprintf(out, "%" PRIu64 "u, %" PRIu64 "u)", op->arg, op->size);
        break;
    case ASSAY_OP_ALLOC_ALIGNED:
        if (api) /* malloc's is a function of the program */
            fprintf(out, "%s(", api->aligned);
        else
            print_head(program, "alloc_aligned");
        fprintf(out, "%" PRIu64 "u, %" PRIu64 "u)", op->arg, op->size);
        break;
    case ASSAY_OP_REALLOC:
        print_head(program, api ? api->resize : "realloc");
        fprintf(out, "s%" PRIu32 ".live ? s%" PRIu32 ".block : NULL, %" PRIu64 "u)", op->slot,
                op->slot, op->size);
        break;
    default:
        print_head(program, api ? api->allocate : "alloc");
        fprintf(out, "%" PRIu64 "u)", op->size);
    }
}

/* The address that a misuse frees, by what the block was in this course. */
static void print_wrong_address(const struct program *program, size_t number)
{
    const struct assay_op *op = &program->stream->ops[number];
    const struct assay_block *block = &program->course->steps[number].answer.block;
    uint64_t offset = 0, align = program->backend->min_align;
    FILE *out = program->out;

    if (op->kind == ASSAY_OP_FREE_FOREIGN) {
        static const unsigned inside[] = {4096, 4096 + 16, 4096 + 17, 64};
        uint64_t which = op->arg % ASSAY_FOREIGN_ADDRESSES;
        if (which < 4)
            fprintf(out, "foreign + %u", inside[which]);
        else
            fprintf(out, "(void *)%" PRIuPTR "u", (uintptr_t)assay_foreign_address(which));
        return;
    }
    if (op->kind == ASSAY_OP_FREE_INTERIOR && block->usable > 1)
        offset = 1 + (op->arg - 1) % (block->usable - 1);
    if (op->kind == ASSAY_OP_FREE_MISALIGNED)
        offset = op->arg % align ? op->arg % align : 1;
    fprintf(out, "(char *)s%" PRIu32 ".block + %" PRIu64, op->slot, offset);
}

static bool is_wrong_free(const struct assay_op *op)
{
    return op->kind >= ASSAY_OP_DOUBLE_FREE && op->kind <= ASSAY_OP_FREE_MISALIGNED;
}

/* The call of free; `opening` if it is another one. */
static void print_free(const struct program *program, size_t number, const char *opening)
{
    const struct assay_op *op = &program->stream->ops[number];

    if (opening)
        fputs(opening, program->out);
    else
        program_free_opening(program);
    if (op->kind == ASSAY_OP_FREE_NULL)
        fputs("NULL", program->out);
    else if (op->kind == ASSAY_OP_FREE)
        fprintf(program->out, "s%" PRIu32 ".block", op->slot);
    else
        print_wrong_address(program, number);
    fputc(')', program->out);
}

static bool is_free(const struct assay_op *op)
{
    return op->kind == ASSAY_OP_FREE || op->kind == ASSAY_OP_FREE_NULL || is_wrong_free(op);
}

/* --- operations that keep their promise --- */

static void print_ask(const struct program *program, const struct assay_op *op)
{
    if (program_asks(program) && op->kind == ASSAY_OP_ALLOC)
        fputs("    ask();\n", program->out);
}

static void print_request_line(const struct program *program, size_t number)
{
    const struct assay_op *op = &program->stream->ops[number];
    bool watches = program_checks(program, ASSAY_CHECK_STEADY) &&
                   program->course->steps[number].answer.page_refused;

    print_ask(program, op);
    if (watches)
        fputs("    mapped = pages.mapped;\n", program->out);
    fprintf(program->out, "    came(&s%" PRIu32 ", ", op->slot);
    print_request(program, op);
    fprintf(program->out, ", %" PRIu64 "u);\n", assay_op_bytes(op));
    if (watches)
        fputs("    kept += pages.mapped > mapped;\n", program->out);
}

static void print_free_line(const struct program *program, size_t number)
{
    const struct assay_op *op = &program->stream->ops[number];
    FILE *out = program->out;
    bool ends = op->kind == ASSAY_OP_FREE ||
                (op->kind == ASSAY_OP_FREE_INTERIOR && !program->course->steps[number].live);

    if (program_checks(program, ASSAY_CHECK_CONTENT) && !program->course->found && ends)
        program_bug_if(program, "!is_whole(s%" PRIu32 ".at, &s%" PRIu32 ", s%" PRIu32 ".usable)",
                       op->slot, op->slot, op->slot);
    fputs("    ", out);
    if (!program->is_malloc)
        fputs("status = ", out);
    print_free(program, number, NULL);
    fputs(";\n", out);
    if (ends)
        fprintf(out, "    s%" PRIu32 ".live = false;\n", op->slot);
}

static bool is_overrun(const struct assay_op *op)
{
    return op->kind == ASSAY_OP_OVERRUN || op->kind == ASSAY_OP_UNDERRUN;
}

static void print_overrun(const struct program *program, const struct assay_op *op,
                          const char *before, const char *after)
{
    const uint64_t bytes = 1 + (op->arg - 1) % 16;

    fprintf(program->out, "%soverrun(&s%" PRIu32 ", s%" PRIu32 ".at ", before, op->slot, op->slot);
    if (op->kind == ASSAY_OP_OVERRUN)
        fprintf(program->out, "+ s%" PRIu32 ".usable, %" PRIu64 "u)%s", op->slot, bytes, after);
    else
        fprintf(program->out, "- %" PRIu64 "u, %" PRIu64 "u)%s", bytes, bytes, after);
}

void program_op(const struct program *program, size_t number)
{
    const struct assay_op *op = &program->stream->ops[number];
    enum assay_outcome outcome = program->course->steps[number].answer.outcome;
    FILE *out = program->out;

    if (outcome == ASSAY_OUTCOME_SKIPPED || outcome == ASSAY_OUTCOME_NOT_OFFERED)
        return;
    if (is_request(op))
        print_request_line(program, number);
    else if (is_free(op))
        print_free_line(program, number);
    else if (op->kind == ASSAY_OP_TOUCH)
        fprintf(out, "    fill(&s%" PRIu32 ");\n", op->slot);
    else if (is_overrun(op))
        print_overrun(program, op, "    ", ";\n");
    else if (op->kind == ASSAY_OP_REFUSE_NEXT)
        fprintf(out, "    pages.refuse_next = %" PRIu64 "u;\n", op->arg);
    else if (op->kind == ASSAY_OP_REFUSE_BEYOND)
        fprintf(out, "    pages.budget = %" PRIu64 "u;\n", op->arg);
    else if (op->kind == ASSAY_OP_CHECK && number >= program->rounds_from)
        fputs("    end_round();\n", out);
}

/* --- the operation that breaks it --- */

static uint64_t alignment_of(const struct program *program, const struct assay_op *op)
{
    uint64_t align =
        program->api && program->api->align ? program->api->align : program->backend->min_align;

    return op->kind == ASSAY_OP_ALLOC_ALIGNED && op->arg > align ? op->arg : align;
}

/* Of a request that must not be refused: "answer" is what it gave. */
static void check_refusal(const struct program *program, const struct assay_op *op)
{
    const char *stats = strstr(program->course->finding.what, "stats say");

    if (stats &&
        !program
             ->is_malloc) /* the heap's own words against it: another heap may rightly have no room */
        program_bug_if(program, "!answer && fits(%" PRIu64 "u)", assay_op_bytes(op));
    else
        program_bug_if(program, "!answer");
}

static void check_answer(const struct program *program, const struct assay_op *op)
{
    const uint32_t slot = op->slot;

    switch (program->check) {
    case ASSAY_CHECK_OVERLAP:
        program_bug_if(program, "overlaps_another(&s%" PRIu32 ")", slot);
        break;
    case ASSAY_CHECK_REGION:
        program_bug_if(program, "answer && !is_mapped(s%" PRIu32 ".at, s%" PRIu32 ".usable)", slot,
                       slot);
        break;
    case ASSAY_CHECK_ALIGNMENT:
        program_bug_if(program, "(uintptr_t)s%" PRIu32 ".at %% %" PRIu64 "u != 0", slot,
                       alignment_of(program, op));
        break;
    case ASSAY_CHECK_PREFIX:
        program_bug_if(program,
                       "answer && !is_whole(s%" PRIu32 ".at, &before, before.size < %" PRIu64
                       "u ? before.size : %" PRIu64 "u)",
                       slot, op->size, op->size);
        break;
    case ASSAY_CHECK_ZEROING:
        program_bug_if(program, "answer && !is_zero(&s%" PRIu32 ")", slot);
        break;
    case ASSAY_CHECK_USABLE:
        program_bug_if(program, "answer && s%" PRIu32 ".usable < %" PRIu64 "u", slot,
                       assay_op_bytes(op));
        break;
    case ASSAY_CHECK_REFUSAL:
        check_refusal(program, op);
        break;
    case ASSAY_CHECK_SERVICE:
        program_bug_if(program, "!answer");
        break;
    case ASSAY_CHECK_HUGE:
        program_bug_if(program, "answer");
        break;
    case ASSAY_CHECK_EDGE:
        program_bug_if(program, program->course->finding.has_block ? "answer" : "!answer");
        break;
    case ASSAY_CHECK_ERRNO:
        program_bug_if(program, "!answer && why != ENOMEM");
        break;
    case ASSAY_CHECK_ROLLBACK:
        program_bug_if(program, "!answer && !is_whole(before.at, &before, before.usable)");
        if (program->backend->usable_size && !program->is_malloc)
            program_bug_if(program,
                           "!answer && heap->usable_size(self, before.block) != before.usable");
        break;
    case ASSAY_CHECK_STATS:
        program_bug_if(program, "answer && is_denied && pages.maps == maps");
        break;
    case ASSAY_CHECK_STEADY:
        fputs("    kept += !answer && pages.mapped > mapped;\n", program->out);
        program_bug_if(program, "kept > %d", KEPT_UNDER_FAULT);
        fputs("    if (!answer)\n        audit();\n", program->out);
        break;
    default: /* crash and hang tell of themselves */
        break;
    }
}

static void request_with_check(const struct program *program, const struct assay_op *op)
{
    FILE *out = program->out;

    print_ask(program, op);
    if (program_checks(program, ASSAY_CHECK_STEADY))
        fputs("    mapped = pages.mapped;\n", out);
    if (op->kind == ASSAY_OP_REALLOC)
        fprintf(out, "    struct block before = s%" PRIu32 ";\n    (void)before;\n", op->slot);
    if (program_checks(program, ASSAY_CHECK_ERRNO))
        fputs("    errno = " WATCHED ";\n", out);
    if (program_checks_served(program))
        fprintf(out,
                "    const bool is_denied = denies(%" PRIu64 "u);\n"
                "    const size_t maps = pages.maps;\n",
                op->size);
    fputs("    void *answer = ", out);
    print_request(program, op);
    fputs(";\n", out);
    if (program_checks(program, ASSAY_CHECK_ERRNO))
        fputs("    const int why = errno;\n", out);
    fprintf(out, "    look(&s%" PRIu32 ", answer, %" PRIu64 "u);\n", op->slot, assay_op_bytes(op));
    check_answer(program, op);
}

/* Of a header whose free says, through release(), whether it did. */
static void release_with_check(const struct program *program, size_t number)
{
    fputs("    const bool is_done = ", program->out);
    print_free(program, number, "release(");
    fputs(";\n", program->out);
    program_bug_if(program, program_checks(program, ASSAY_CHECK_MISUSE) ? "is_done" : "!is_done");
}

static void free_with_check(const struct program *program, size_t number)
{
    FILE *out = program->out;

    if (program->target->calls == ASSAY_PROGRAM_SEED &&
        (program_checks(program, ASSAY_CHECK_FREE) ||
         program_checks(program, ASSAY_CHECK_MISUSE))) {
        release_with_check(program, number);
        return;
    }
    if (program_checks(program, ASSAY_CHECK_ERRNO))
        fputs("    errno = " WATCHED ";\n", out);
    fputs(program->is_malloc ? "    " : "    status = ", out);
    print_free(program, number, NULL);
    fputs(";\n", out);
    if (program_checks(program, ASSAY_CHECK_ERRNO))
        program_bug_if(program, "errno != " WATCHED);
    if (program_checks(program, ASSAY_CHECK_FREE) || program_checks(program, ASSAY_CHECK_EDGE))
        program_bug_if(program, "status != ASSAY_OK");
    if (program_checks(program, ASSAY_CHECK_MISUSE)) {
        program_bug_if(program, "status != ASSAY_INVALID");
        fputs("    audit();\n", out);
    }
}

void program_finding(const struct program *program, size_t number)
{
    const struct assay_op *op = &program->stream->ops[number];
    const struct assay_finding *finding = &program->course->finding;
    FILE *out = program->out;

    if (program_checks(program, ASSAY_CHECK_SELF) && program->is_malloc) {
        fputs("    if (!is_sound())\n        bug(\"the heap calls itself corrupt\");\n", out);
    } else if (program_checks(program, ASSAY_CHECK_CONTENT) && finding->has_block) {
        program_bug_if(program, "!is_whole(s%" PRIu32 ".at, &s%" PRIu32 ", s%" PRIu32 ".usable)",
                       finding->block.slot, finding->block.slot, finding->block.slot);
    } else if (program_checks(program, ASSAY_CHECK_DRIFT)) {
        fputs("    end_round();\n", out);
        program_bug_if(program, "rises > %d", RISES_ALLOWED);
    } else if (program_audits(program) && !program_checks(program, ASSAY_CHECK_STEADY) &&
               !program_checks(program, ASSAY_CHECK_MISUSE) && !program_checks_served(program)) {
        fputs("    audit();\n", out);
    } else if (is_request(op) && program_ends_process(program)) {
        print_request_line(program, number);
    } else if (is_request(op)) {
        request_with_check(program, op);
    } else if (is_free(op)) {
        free_with_check(program, number);
    } else if (is_overrun(op)) {
        print_overrun(program, op, "    const bool is_told = ", ";\n");
        program_bug_if(program, "!is_told");
    } else if (op->kind == ASSAY_OP_CHECK && !program->is_malloc) {
        fputs("    struct assay_damage damage;\n    status = heap->check ? heap->check(self, "
              "&damage) : ASSAY_OK;\n",
              out);
    }
}
