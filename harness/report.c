/* report.c - findings as text. */
#include "assay/report.h"

#include "assay/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void print_block(FILE *out, const char *which, const struct assay_block *block)
{
    fprintf(out, "  %s: slot %" PRIu32 ", %zu bytes", which, block->slot, block->size);
    if (block->usable != block->size)
        fprintf(out, " (%zu usable)", block->usable);
    fprintf(out, ", made by op %" PRIu64 "\n", block->op);
}

void assay_report_finding(FILE *out, const struct assay_finding *finding, const char *repeat)
{
    char line[ASSAY_TEXT_LINE];

    fprintf(out, "finding: backend=%s check=%s op=%" PRIu64 " seed=%" PRIu64 ": %s\n",
            finding->backend, assay_check_name(finding->check), finding->op, finding->seed,
            finding->what);
    if (finding->at_end) {
        fputs("  at the end of the stream\n", out);
    } else {
        assay_text_print_op(line, sizeof line, &finding->operation);
        fprintf(out, "  %s\n", line);
    }
    if (finding->has_block)
        print_block(out, "block", &finding->block);
    if (finding->has_other)
        print_block(out, "other", &finding->other);
    if (repeat)
        fprintf(out, "repeat:  %s\n", repeat);
}

void assay_report_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=:,./@%^";

    if (word[0] && word[strspn(word, plain)] == '\0') {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    }
    fputc('\'', out);
}

void assay_report_abort(const struct assay_finding *finding)
{
    assay_report_finding(stderr, finding, NULL);
    fflush(stderr);
    abort();
}
