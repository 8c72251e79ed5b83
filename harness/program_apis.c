/*
 * program_apis.c - what a program may call: malloc and its like, or the functions of a seed's own header.
 *
 * What a header has no call for is left out of the program, with all that follows on such a block; a finding that
 * needs it cannot be told with that header.
 */
#include "program_state.h"

#include "assay/sizes.h"
#include "assay/text.h"

#include <string.h>

#define CHECK(name) (UINT64_C(1) << ASSAY_CHECK_##name)
/* What can be seen of any block. */
#define CHECKS_OF_BLOCKS                                                                           \
    (CHECK(OVERLAP) | CHECK(ALIGNMENT) | CHECK(CONTENT) | CHECK(PREFIX) | CHECK(ZEROING) |         \
     CHECK(USABLE) | CHECK(REFUSAL) | CHECK(HUGE) | CHECK(EDGE) | CHECK(ROLLBACK) | CHECK(CRASH) | \
     CHECK(HANG))
/* What is seen if free says whether it did. */
#define CHECKS_OF_FREE (CHECK(FREE) | CHECK(MISUSE))

static const struct program_api malloc_api = {.name = "malloc",
                                              .allocate = "malloc",
                                              .zeroed = "calloc",
                                              .aligned = "aligned",
                                              .resize = "realloc",
                                              .release = "free",
                                              .most = UINT64_MAX,
                                              .checks = UINT64_MAX};

static const struct program_api seeds[] = {
    {.name = "emalloc",
     .header = "emalloc.h",
     .allocate = "emalloc",
     .zeroed = "ecalloc",
     .aligned = "ealigned_alloc",
     .resize = "erealloc",
     .release = "efree",
     .most = UINT64_MAX,
     .align = 16,
     .checks = CHECKS_OF_BLOCKS},
    {.name = "alloc",
     .header = "alloc.h",
     .opening = "init_mutex();",
     .closing = "finish_mutex();",
     .allocate = "allocate_memory",
     .zeroed = "allocate_clear_memory",
     .resize = "reallocate_memory",
     .release = "deallocate_memory",
     .most = UINT64_MAX,
     .align = 16,
     .checks = CHECKS_OF_BLOCKS | CHECKS_OF_FREE | CHECK(ERRNO) | CHECK(SELF)},
    {.name = "mems",
     .header = "mems.h",
     .opening = "mems_init();",
     .closing = "mems_finish();",
     .allocate = "mems_malloc",
     .release = "mems_free",
     .most = UINT64_MAX,
     .align = 1,
     .checks = CHECKS_OF_BLOCKS | CHECKS_OF_FREE},
    {.name = "region",
     .header = "mem.h",
     .opening = "Mem_Init(LIMIT);",
     .allocate = "Mem_Alloc",
     .release = "Mem_Free",
     .most = INT32_MAX,
     .align = 8,
     .checks = CHECKS_OF_BLOCKS | CHECKS_OF_FREE | CHECK(CONSERVATION)},
    {.name = "vma",
     .header = "vma.h",
     .opening = "arena = vma_open(UINT64_C(1) << 42);",
     .closing = "vma_close(arena);",
     .allocate = "take",
     .zeroed = "take_zeroed",
     .release = "give",
     .most = UINT64_MAX,
     .align = 16,
     .checks = CHECKS_OF_BLOCKS | CHECKS_OF_FREE | CHECK(SELF)},
};

const struct program_api *program_api(const struct assay_program_target *target)
{
    for (size_t i = 0; target->calls == ASSAY_PROGRAM_SEED && i < sizeof seeds / sizeof *seeds; i++)
        if (strcmp(target->seed, seeds[i].name) == 0)
            return &seeds[i];
    return target->calls == ASSAY_PROGRAM_MALLOC ? &malloc_api : NULL;
}

bool assay_program_has_seed(const char *name)
{
    const struct assay_program_target target = {.calls = ASSAY_PROGRAM_SEED, .seed = name};

    return program_api(&target) != NULL;
}

/* Whether the header has a call for it, whatever block it is for. */
static bool has_call(const struct program_api *api, const struct assay_op *op)
{
    bool tells_wrong_frees = api->checks & CHECK(MISUSE);

    switch ((enum assay_op_kind)op->kind) {
    case ASSAY_OP_ALLOC:
        return op->size <= api->most;
    case ASSAY_OP_ALLOC_ZEROED:
        return api->zeroed != NULL;
    case ASSAY_OP_ALLOC_ALIGNED:
        return api->aligned != NULL;
    case ASSAY_OP_REALLOC:
        return api->resize != NULL;
    case ASSAY_OP_DOUBLE_FREE:
    case ASSAY_OP_FREE_INTERIOR:
    case ASSAY_OP_FREE_FOREIGN:
    case ASSAY_OP_FREE_MISALIGNED:
        return tells_wrong_frees;
    case ASSAY_OP_OVERRUN:
    case ASSAY_OP_UNDERRUN:
    case ASSAY_OP_REFUSE_NEXT:
    case ASSAY_OP_REFUSE_BEYOND:
        return false;
    default:
        return true;
    }
}

bool program_leaves_out(const struct program *program, size_t number)
{
    const struct assay_op *ops = program->stream->ops, *op = &ops[number];

    if (program->target->calls != ASSAY_PROGRAM_SEED)
        return false;
    if (!has_call(program->api, op))
        return true;
    if (!assay_op_shapes[op->kind].has_slot || op->kind < ASSAY_OP_REALLOC)
        return false;
    /* As the last request for the block, which is the one that it would be of. */
    for (size_t i = number; i-- > 0;)
        if (ops[i].slot == op->slot && ops[i].kind <= ASSAY_OP_REALLOC &&
            program->course->steps[i].answer.outcome == ASSAY_OUTCOME_SERVED)
            return program_leaves_out(program, i);
    return false;
}

bool assay_program_can_tell(const struct assay_program_target *target,
                            const struct assay_stream *stream, const struct assay_course *course,
                            struct assay_error *error)
{
    const struct assay_finding *finding = &course->finding;
    const struct program program = {
        .target = target, .stream = stream, .course = course, .api = program_api(target)};
    char line[ASSAY_TEXT_LINE];

    if (target->calls != ASSAY_PROGRAM_SEED || !course->found)
        return true;
    if (!(program.api->checks >> finding->check & 1)) {
        assay_error_set(error, "%s has nothing that shows a finding of %s: leave --api out",
                        program.api->header, assay_check_name(finding->check));
        return false;
    }
    if (!finding->at_end && program_leaves_out(&program, finding->op)) {
        assay_text_print_op(line, sizeof line, &finding->operation);
        assay_error_set(error, "%s has no call for operation %llu, %s: leave --api out",
                        program.api->header, (unsigned long long)finding->op, line);
        return false;
    }
    if (program_has_fault(&program)) {
        assay_error_set(error, "%s cannot refuse pages, as this finding needs: leave --api out",
                        program.api->header);
        return false;
    }
    return true;
}
