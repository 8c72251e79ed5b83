/* report.c - findings as text and as JSON Lines. */
#include "assay/report.h"

#include "assay/text.h"

#include <inttypes.h>
#include <stdlib.h>

/* Raised when a key changes its meaning or goes; new keys may come at any time. */
#define SCHEMA 1

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

/* Bytes above 127 go as they are: names of files need not be UTF-8, all else of ours is ASCII. */
static void print_string(FILE *out, const char *key, const char *text)
{
    fprintf(out, ",\"%s\":\"", key);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", (unsigned)c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void print_block_json(FILE *out, const char *key, const struct assay_block *block)
{
    fprintf(out, ",\"%s\":{\"slot\":%" PRIu32 ",\"size\":%zu,\"usable\":%zu,\"op\":%" PRIu64 "}",
            key, block->slot, block->size, block->usable, block->op);
}

void assay_report_finding_json(FILE *out, const struct assay_finding *finding, const char *repeat)
{
    char line[ASSAY_TEXT_LINE];

    fprintf(out, "{\"schema\":%d,\"type\":\"finding\"", SCHEMA);
    print_string(out, "backend", finding->backend);
    print_string(out, "check", assay_check_name(finding->check));
    fprintf(out, ",\"op\":%" PRIu64 ",\"seed\":%" PRIu64, finding->op, finding->seed);
    print_string(out, "what", finding->what);
    if (!finding->at_end) {
        assay_text_print_op(line, sizeof line, &finding->operation);
        print_string(out, "operation", line);
    }
    if (finding->has_block)
        print_block_json(out, "block", &finding->block);
    if (finding->has_other)
        print_block_json(out, "other", &finding->other);
    if (repeat)
        print_string(out, "repeat", repeat);
    fputs("}\n", out);
}

void assay_report_abort(const struct assay_finding *finding)
{
    assay_report_finding(stderr, finding, NULL);
    fflush(stderr);
    abort();
}
