/* story.c - a finding in sentences, with the operations and the heap around it. */
#include "assay/course.h"
#include "assay/text.h"

#include <inttypes.h>

/* Operations that are listed before the one with the finding. */
#define LISTED 12

static void print_op(FILE *out, const struct assay_op *op)
{
    char line[ASSAY_TEXT_LINE];

    assay_text_print_op(line, sizeof line, op);
    fputs(line, out);
}

/* "At operation 12 of 40, `alloc s4 64`, list broke ..." */
static void print_what_happened(FILE *out, const struct assay_stream *stream,
                                const struct assay_finding *finding)
{
    if (finding->at_end) {
        fprintf(out, "After all of its %zu operations", stream->count);
    } else {
        fprintf(out, "At operation %" PRIu64 " (of 0 to %zu), `", finding->op, stream->count - 1);
        print_op(out, &finding->operation);
        fputs("`", out);
    }
    fprintf(out, ", %s broke a promise:\n%s.\n\nWhat was seen: %s.\n", finding->backend,
            assay_check_promise(finding->check), finding->what);
}

static void print_block(FILE *out, const char *which, const struct assay_stream *stream,
                        const struct assay_block *block)
{
    fprintf(out, "%s block is s%" PRIu32 ": %zu bytes were asked for", which, block->slot,
            block->size);
    if (block->usable != block->size)
        fprintf(out, ", %zu are usable", block->usable);
    if (block->op < stream->count) {
        fprintf(out, ". It was made by operation %" PRIu64 ", `", block->op);
        print_op(out, &stream->ops[block->op]);
        fputs("`", out);
    }
    fputs(".\n", out);
}

static void print_counts(FILE *out, const struct assay_stream *stream,
                         const struct assay_course *course)
{
    size_t counts[ASSAY_OUTCOME_NOT_OFFERED + 1] = {0};

    for (size_t i = 0; i < course->count; i++)
        counts[course->steps[i].answer.outcome]++;
    fprintf(out,
            "The heap may map %zu bytes, its seed is %" PRIu64 ". Of the operations up to there "
            "%zu requests were served\nand %zu refused, and %zu were skipped.\n",
            course->heap_limit, stream->setup.seed, counts[ASSAY_OUTCOME_SERVED],
            counts[ASSAY_OUTCOME_REFUSED],
            counts[ASSAY_OUTCOME_SKIPPED] + counts[ASSAY_OUTCOME_NOT_OFFERED]);
}

static void print_operations(FILE *out, const struct assay_stream *stream,
                             const struct assay_course *course)
{
    size_t first = course->count > LISTED ? course->count - LISTED : 0;
    char line[ASSAY_TEXT_LINE], answer[80];

    fputs("\nThe operations:\n\n", out);
    for (size_t i = first; i < course->count; i++) {
        bool is_it = !course->finding.at_end && i == course->finding.op;
        assay_text_print_op(line, sizeof line, &stream->ops[i]);
        assay_answer_print(answer, sizeof answer, &course->steps[i].answer);
        fprintf(out, "%c %6zu  %-32s %s\n", is_it ? '>' : ' ', i, line, is_it ? "<- here" : answer);
    }
    if (course->finding.at_end)
        fputs(">         everything is freed, and the heap destroyed\n", out);
}

static void print_pictures(FILE *out, const struct assay_course *course)
{
    static const struct assay_picture nothing;

    if (!course->has_before && !course->has_after)
        return;
    fprintf(out, "\nThe heap, left before %s, right %s:\n\n",
            course->finding.at_end ? "the end" : "the operation",
            course->has_after ? "after it" : "nothing, for the process was at its end");
    assay_picture_print_pair(out, course->has_before ? &course->before : &nothing,
                             course->has_after ? &course->after : &nothing);
    fputs("\nIn it: # used, . free, m the heap's own, X and > what it is about", out);
    if (!(course->has_before ? &course->before : &course->after)->is_walked)
        fputs(";\nas the harness knows it, for the heap has no walk", out);
    fputs("\n", out);
}

void assay_course_report(FILE *out, const struct assay_stream *stream,
                         const struct assay_course *course, const char *repeat)
{
    const struct assay_finding *finding = &course->finding;

    fprintf(out, "%s: %s\n\n", finding->backend, assay_check_name(finding->check));
    print_what_happened(out, stream, finding);
    if (finding->has_block)
        print_block(out, "The", stream, &finding->block);
    if (finding->has_other)
        print_block(out, "The other", stream, &finding->other);
    print_counts(out, stream, course);
    print_operations(out, stream, course);
    print_pictures(out, course);
    if (repeat)
        fprintf(out,
                "\nTo repeat it:\n\n  %s\n\nThe same with --gdb, for a debugger that stops before "
                "%s.\n",
                repeat, finding->at_end ? "the end" : "that operation");
}
