/*
 * program.c - the frame of a program: how it is compiled, the parts that it needs, its blocks, its main.
 *
 * What every program may need stands in program/parts.c.in; a program gets those parts that its calls and its one
 * check use.
 */
#include "assay/text.h"
#include "program_state.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_DEFAULT ((size_t)64 << 20)

/* program/parts.c.in, with a zero byte behind it. */
extern const char program_parts[];

/* --- parts --- */

/* Writes the lines between "@ name" and the next one. */
static void part(FILE *out, const char *name)
{
    char mark[64];

    snprintf(mark, sizeof mark, "@ %s\n", name);
    const char *at = strstr(program_parts, mark);
    if (!at)
        abort(); /* no part is called so */
    at += strlen(mark);
    const char *end = strstr(at, "\n@ ");
    fwrite(at, 1, end ? (size_t)(end + 1 - at) : strlen(at), out);
    fputc('\n', out);
}

static void text_literal(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out);
    }
    fputc('"', out);
}

void program_bug_if(const struct program *program, const char *condition, ...)
{
    va_list arguments;

    fputs("    if (", program->out);
    va_start(arguments, condition);
    vfprintf(program->out, condition, arguments);
    va_end(arguments);
    fputs(")\n        bug(", program->out);
    text_literal(program->out, program->course->found ? program->course->finding.what
                                                      : "a live block's bytes changed");
    fputs(");\n", program->out);
}

void program_free_opening(const struct program *program)
{
    if (program->is_malloc)
        fprintf(program->out, "%s%s(", program->target->prefix, program->api->release);
    else
        fputs("heap->free(self, ", program->out);
}

/* --- the head --- */

static bool has_kind(const struct program *program, enum assay_op_kind kind)
{
    for (size_t i = 0; i < program->course->count; i++)
        if (program->stream->ops[i].kind == kind)
            return true;
    return false;
}

/* No text from outside may end the comment that it stands in. */
static void comment_text(FILE *out, const char *text)
{
    for (; *text; text++)
        if ((*text == '*' && text[1] == '/') || (*text == '/' && text[1] == '*'))
            fprintf(out, "%c ", *text);
        else
            fputc(*text == '\n' ? ' ' : *text, out);
}

static void write_commands(const struct program *program)
{
    const struct assay_program_target *target = program->target;
    FILE *out = program->out;

    switch (target->calls) {
    case ASSAY_PROGRAM_MALLOC:
        fputs(" *     cc -fno-builtin -o repro repro.c", out);
        if (target->prefix[0]) {
            fputc(' ', out);
            comment_text(out, target->library);
        }
        fputs("\n *     ", out);
        if (target->library[0] && !target->prefix[0]) {
            fputs("LD_PRELOAD=", out);
            comment_text(out, target->library);
            fputc(' ', out);
        }
        fputs("./repro\n", out);
        break;
    case ASSAY_PROGRAM_PLUGIN:
        fputs(" *     cc -D_GNU_SOURCE -I FOLDER -o repro repro.c -ldl\n *     ./repro ", out);
        comment_text(out, target->library);
        fputs("\n * where FOLDER holds assay/backend.h.\n", out);
        break;
    case ASSAY_PROGRAM_SEED:
        fprintf(
            out,
            " *     cc -D_GNU_SOURCE -I FOLDER -o repro repro.c lib%s.a -lpthread\n *     ./repro\n"
            " * where FOLDER holds %s, and lib%s.a its functions.\n",
            program->api->name, program->api->header, program->api->name);
        break;
    case ASSAY_PROGRAM_BACKEND:
        fprintf(out,
                " *     cc -D_GNU_SOURCE -I FOLDER -o repro repro.c LIBRARIES\n *     ./repro\n"
                " * where FOLDER holds assay/backend.h and LIBRARIES have assay_backend_%s.\n",
                program->backend->name);
        break;
    }
}

static void write_comment(const struct program *program)
{
    const struct assay_finding *finding = &program->course->finding;
    FILE *out = program->out;

    if (program->course->found) {
        fprintf(out, "/*\n * %s, %s: ", program->backend->name, assay_check_name(finding->check));
        comment_text(out, finding->what);
        fprintf(out, "\n * Promised is: %s.\n *\n", assay_check_promise(finding->check));
    } else {
        fprintf(out, "/*\n * A stream on %s, in which nothing was found.\n *\n",
                program->backend->name);
    }
    write_commands(program);
    fputs(" *\n * Leaves with 1, or by a signal, where the promise is broken, with 0 where it is "
          "kept.\n"
          " */\n",
          out);
}

/* --- blocks --- */

/* Whether the operation is more than its comment, and about a block. */
static bool names_block(const struct program *program, size_t number)
{
    enum assay_outcome outcome = program->course->steps[number].answer.outcome;
    bool is_it = program->course->found && !program->course->finding.at_end &&
                 number == program->course->finding.op;

    return assay_op_shapes[program->stream->ops[number].kind].has_slot &&
           !program_leaves_out(program, number) &&
           (is_it || (outcome != ASSAY_OUTCOME_SKIPPED && outcome != ASSAY_OUTCOME_NOT_OFFERED));
}

static bool is_first_use(const struct program *program, size_t number)
{
    if (!names_block(program, number))
        return false;
    for (size_t i = 0; i < number; i++)
        if (program->stream->ops[i].slot == program->stream->ops[number].slot &&
            names_block(program, i))
            return false;
    return true;
}

static bool has_blocks(const struct program *program)
{
    for (size_t i = 0; i < program->course->count; i++)
        if (is_first_use(program, i))
            return true;
    return false;
}

static void write_blocks(const struct program *program, const char *before, const char *between,
                         bool define, const char *after)
{
    bool is_first = true;

    fputs(before, program->out);
    for (size_t i = 0; i < program->course->count; i++) {
        if (!is_first_use(program, i))
            continue;
        const uint32_t slot = program->stream->ops[i].slot;
        fprintf(program->out, "%s%ss%" PRIu32, is_first ? "" : ", ", between, slot);
        if (define)
            fprintf(program->out, " = {.slot = %" PRIu32 "}", slot);
        is_first = false;
    }
    if (is_first) /* no operation names a slot */
        fprintf(program->out, "%ss0", between);
    fputs(after, program->out);
}

/* --- parts by need --- */

/* The header of a seed, and what a block of it is; for malloc both are known. */
static void write_api_parts(const struct program *program)
{
    const char *prefix = program->target->prefix;
    FILE *out = program->out;
    char name[32];

    part(out, "includes-malloc");
    if (program->api->header) {
        snprintf(name, sizeof name, "api-%s", program->api->name);
        if (strcmp(program->api->name, "region") == 0)
            fprintf(out, "#define LIMIT %zu\n",
                    program->course->heap_limit < INT32_MAX / 2 ? program->course->heap_limit
                                                                : (size_t)INT32_MAX / 2);
        part(out, name);
        return;
    }
    if (prefix[0])
        fprintf(out,
                "void *%smalloc(size_t);\nvoid *%scalloc(size_t, size_t);\n"
                "void *%srealloc(void *, size_t);\nvoid %sfree(void *);\n"
                "int %sposix_memalign(void **, size_t, size_t);\n",
                prefix, prefix, prefix, prefix, prefix);
    fprintf(out, "#define MEMALIGN %sposix_memalign\n#define AT(block) (block)\n", prefix);
    if (program->backend->usable_size)
        fprintf(out,
                "size_t %s%susable_size(void *);\n#define USABLE(block, size) "
                "%s%susable_size(block)\n\n",
                prefix, prefix[0] ? "" : "malloc_", prefix, prefix[0] ? "" : "malloc_");
    else
        fputs("#define USABLE(block, size) (size)\n\n", out);
}

/* Whether any block is written to: not by an operation whose answer breaks a promise. */
static bool fills(const struct program *program)
{
    const struct assay_finding *finding = &program->course->finding;

    for (size_t i = 0; i < program->course->count; i++) {
        bool is_it = program->course->found && !finding->at_end && i == finding->op &&
                     !program_ends_process(program);
        uint8_t kind = program->stream->ops[i].kind;
        if (!is_it && (kind <= ASSAY_OP_REALLOC || kind == ASSAY_OP_TOUCH))
            return true;
    }
    return false;
}

static void write_parts(const struct program *program)
{
    FILE *out = program->out;
    bool at_end = !program->course->found || program->course->finding.at_end;

    if (fills(program))
        fprintf(out, "#define CONTENT %zuu /* bytes of a block that are written at most */\n",
                program->target->content_bytes ? program->target->content_bytes : CONTENT_DEFAULT);
    if (program->is_malloc) {
        write_api_parts(program);
    } else {
        if (program->target->calls == ASSAY_PROGRAM_BACKEND)
            fprintf(out, "#define BACKEND assay_backend_%s\n", program->backend->name);
        fprintf(out, "#define GAP %du\n", program->target->fenced);
        part(out, "includes-table");
    }
    part(out, "block");
    bool lists = program_audits(program) || program_checks(program, ASSAY_CHECK_OVERLAP);
    if (lists || has_blocks(program))
        write_blocks(program, "static struct block ", "", true, ";\n");
    if (lists)
        write_blocks(program, "static struct block *const blocks[] = {", "&", false,
                     "};\n#define COUNT (sizeof blocks / sizeof *blocks)\n");
    fputc('\n', out);
    if (fills(program))
        part(out, "fill");
    if (!program->is_malloc) {
        part(out, "pages");
        part(out, "heap");
        if (program_asks(program))
            part(out, "ask");
    }
    part(out, program->is_malloc ? "look-malloc" : "look-table");
    if (program->target->calls == ASSAY_PROGRAM_MALLOC)
        part(out, "aligned");
    if (fills(program))
        part(out, "came");
    if (fills(program) && (program_checks(program, ASSAY_CHECK_CONTENT) ||
                           program_checks(program, ASSAY_CHECK_PREFIX) ||
                           program_checks(program, ASSAY_CHECK_ROLLBACK)))
        part(out, "content");
    if (program_checks(program, ASSAY_CHECK_ZEROING))
        part(out, "zero");
    if (program_checks(program, ASSAY_CHECK_OVERLAP))
        part(out, "overlap");
    if (has_kind(program, ASSAY_OP_FREE_FOREIGN))
        part(out, "foreign");
    if (has_kind(program, ASSAY_OP_OVERRUN) || has_kind(program, ASSAY_OP_UNDERRUN))
        part(out, "overrun");
    if (program_audits(program)) {
        static const char *const audits[] = {"self", "walk", "stats", "owns", "audit"};
        for (size_t i = 0; i < sizeof audits / sizeof *audits; i++)
            part(out, audits[i]);
    }
    if (program_checks(program, ASSAY_CHECK_REFUSAL) && program->backend->stats && !at_end &&
        !program->is_malloc)
        part(out, "fits");
    if (program_checks_served(program))
        part(out, "denies");
    if (program_checks(program, ASSAY_CHECK_DRIFT)) {
        fputs("#define SETTLING_ROUNDS 40\n", out);
        part(out, "rounds");
    }
}

/* --- rounds --- */

/* The operations between two checks, from the one after `from` to the one at `end`. */
static size_t round_start(const struct assay_stream *stream, size_t end)
{
    size_t start = end;

    while (start > 0 && stream->ops[start - 1].kind != ASSAY_OP_CHECK)
        start--;
    return start;
}

static bool is_same_round(const struct assay_stream *stream, size_t one, size_t one_end,
                          size_t other, size_t other_end)
{
    if (one_end - one != other_end - other)
        return false;
    for (size_t i = 0; i < one_end - one; i++)
        if (memcmp(&stream->ops[one + i], &stream->ops[other + i], sizeof *stream->ops) != 0)
            return false;
    return true;
}

/* The first check of those with the same round before each of them as before the last. */
static size_t first_round(const struct assay_stream *stream, size_t last)
{
    size_t last_start = round_start(stream, last), end = last;

    for (;;) {
        size_t start = round_start(stream, end);
        if (!is_same_round(stream, start, end, last_start, last) || start == 0)
            return end;
        end = start - 1;
    }
}

/* --- main --- */

static void write_opening(const struct program *program)
{
    const struct assay_program_target *target = program->target;
    FILE *out = program->out;

    if (program->is_malloc) {
        fputs("int main(void)\n{\n", out);
        if (program->api->opening)
            fprintf(out, "    %s\n", program->api->opening);
        return;
    }
    fputs("int main(int argc, char **argv)\n{\n    find_heap(argc > 1 ? argv[1] : ", out);
    text_literal(out, target->library);
    fprintf(out, ");\n    open_heap(%zuu, %" PRIu64 "u, ", program->course->heap_limit,
            program->stream->setup.seed);
    text_literal(out, target->options ? target->options : "");
    fputs(
        ");\n    const size_t created_bytes = pages.mapped, created_maps = pages.maps;\n"
        "    size_t mapped, kept = 0;\n    assay_status status = ASSAY_OK;\n"
        "    (void)created_bytes, (void)created_maps, (void)mapped, (void)kept, (void)status;\n\n",
        out);
}

static bool write_main(struct program *program)
{
    const struct assay_finding *finding = &program->course->finding;
    char line[ASSAY_TEXT_LINE];
    FILE *out = program->out;
    bool whole = true;

    write_opening(program);
    if (program_checks(program, ASSAY_CHECK_HANG))
        fputs("    alarm(10); /* what takes longer hangs */\n", out);
    for (size_t i = 0; i < program->course->count; i++) {
        assay_text_print_op(line, sizeof line, &program->stream->ops[i]);
        bool is_left_out = program_leaves_out(program, i);
        fprintf(out, "    /* %zu: %s%s */\n", i, line,
                is_left_out ? ", which there is no call for" : "");
        if (is_left_out)
            continue;
        if (program->course->found && !finding->at_end && i == finding->op)
            program_finding(program, i);
        else
            program_op(program, i);
    }
    if (!program->course->found || finding->at_end)
        whole = program_end(program);
    else if (!program->is_malloc)
        fputs("    heap->destroy(self);\n", out);
    if (program->is_malloc && program->api->closing)
        fprintf(out, "    %s\n", program->api->closing);
    fputs("    fputs(\"no bug\\n\", stderr);\n    return 0;\n}\n", out);
    return whole;
}

bool assay_program_write(FILE *out, const struct assay_backend *backend,
                         const struct assay_stream *stream, const struct assay_course *course,
                         const struct assay_program_target *target)
{
    struct assay_program_target whole = *target;
    struct program program = {.out = out,
                              .backend = backend,
                              .stream = stream,
                              .course = course,
                              .target = &whole,
                              .api = program_api(target),
                              .is_malloc = program_api(target) != NULL,
                              .check = course->found ? course->finding.check : ASSAY_CHECK_CONTENT,
                              .rounds_from = SIZE_MAX};

    whole.library = target->library ? target->library : "";
    whole.prefix = target->prefix ? target->prefix : "";
    if (program_checks(&program, ASSAY_CHECK_DRIFT))
        program.rounds_from = first_round(stream, course->finding.op);
    write_comment(&program);
    write_parts(&program);
    return write_main(&program) && !ferror(out);
}
