/* diff_report.c - a parting as text: the answers, and two heaps side by side in 80 columns. */
#include "assay/diff.h"

#include "assay/text.h"

#include <inttypes.h>
#include <string.h>

/* "left  | right" fits 80 columns. */
#define COLUMN 38

void assay_answer_print(char *text, size_t room, const struct assay_answer *answer)
{
    static const char *const words[] = {
        [ASSAY_OUTCOME_DONE] = "done",
        [ASSAY_OUTCOME_SERVED] = "served",
        [ASSAY_OUTCOME_REFUSED] = "refused",
        [ASSAY_OUTCOME_SKIPPED] = "n/a: skipped",
        [ASSAY_OUTCOME_NOT_OFFERED] = "n/a: not offered",
    };

    if (answer->outcome == ASSAY_OUTCOME_SERVED)
        snprintf(text, room, "served, %zu usable", answer->block.usable);
    else
        snprintf(text, room, "%s%s", words[answer->outcome],
                 answer->page_refused ? ", and so was a page" : "");
}

/* What a heap said to the operation at which they part. */
static void print_answer(char *text, size_t room, const struct assay_parting *parting,
                         unsigned number)
{
    if (parting->rule == ASSAY_DIFF_RULES && number == parting->odd)
        snprintf(text, room, "finding: %s", assay_check_name(parting->finding.check));
    else if (parting->at_end)
        snprintf(text, room, "all freed");
    else
        assay_answer_print(text, room, &parting->answers[number]);
}

static void print_line(FILE *out, const char *left, const char *right)
{
    fprintf(out, right[0] ? "%-*.*s | %.*s\n" : "%-*.*s |\n", COLUMN, COLUMN, left, COLUMN, right);
}

static void print_size(char *text, size_t room, const struct assay_picture *picture)
{
    const char *blocks = picture->blocks == 1 ? "block" : "blocks";

    if (picture->mapped_bytes)
        snprintf(text, room, "%zu %s, %zu bytes mapped", picture->blocks, blocks,
                 picture->mapped_bytes);
    else
        snprintf(text, room, "%zu %s", picture->blocks, blocks);
}

/* ">  #1+65536  s4            1024": mapping and offset, what it is, how many bytes. */
static void print_row(char *text, size_t room, const struct assay_picture *picture, unsigned number)
{
    static const char *const names[] = {
        [ASSAY_PIECE_USED] = "used",
        [ASSAY_PIECE_FREE] = "free",
        [ASSAY_PIECE_META] = "meta",
        [ASSAY_PIECE_UNKNOWN] = "?",
    };
    const struct assay_picture_row *row = &picture->row[number];
    char place[32], slot[16];

    text[0] = '\0';
    if (number >= picture->rows)
        return;
    if (row->mapping)
        snprintf(place, sizeof place, "#%" PRIu32 "+%" PRIu64, row->mapping, row->offset);
    else
        snprintf(place, sizeof place, "+%" PRIu64, row->offset);
    snprintf(slot, sizeof slot, "s%" PRIu32, row->slot);
    snprintf(text, room, "%c%15s  %-9s%10" PRIu64, row->is_focus ? '>' : ' ', place,
             row->has_block ? slot : names[row->piece], row->bytes);
}

static void print_bar(char *text, size_t room, const struct assay_picture *picture)
{
    text[0] = '\0';
    if (picture->bar[0])
        snprintf(text, room, "[%s]", picture->bar);
}

/* The head of a column: of a path its last part. */
static const char *short_name(const char *backend)
{
    const char *slash = strrchr(backend, '/');

    return slash ? slash + 1 : backend;
}

void assay_picture_print_pair(FILE *out, const struct assay_picture *left,
                              const struct assay_picture *right)
{
    char one[80], other[80];

    print_size(one, sizeof one, left);
    print_size(other, sizeof other, right);
    print_line(out, one, other);
    print_bar(one, sizeof one, left);
    print_bar(other, sizeof other, right);
    print_line(out, one, other);
    for (unsigned i = 0; i < left->rows || i < right->rows; i++) {
        print_row(one, sizeof one, left, i);
        print_row(other, sizeof other, right, i);
        print_line(out, one, other);
    }
}

static void print_pictures(FILE *out, const struct assay_parting *parting)
{
    const struct assay_picture *left = &parting->pictures[0], *right = &parting->pictures[1];
    char one[80], other[80];

    print_line(out, short_name(parting->backends[parting->other]),
               short_name(parting->backends[parting->odd]));
    print_answer(one, sizeof one, parting, parting->other);
    print_answer(other, sizeof other, parting, parting->odd);
    print_line(out, one, other);
    assay_picture_print_pair(out, left, right);
}

void assay_report_parting(FILE *out, const struct assay_parting *parting, const char *repeat)
{
    char line[ASSAY_TEXT_LINE];

    fprintf(out, "parted: op=%" PRIu64 " seed=%" PRIu64 " rule=%s: %s\n", parting->op,
            parting->seed, assay_diff_rule_name(parting->rule), parting->what);
    if (parting->at_end) {
        fputs("  at the end of the stream\n", out);
    } else {
        assay_text_print_op(line, sizeof line, &parting->operation);
        fprintf(out, "  %s\n", line);
    }
    for (unsigned i = 0; i < parting->heaps; i++) {
        if (i == parting->odd || i == parting->other)
            continue;
        print_answer(line, sizeof line, parting, i);
        fprintf(out, "  %s: %s\n", parting->backends[i], line);
    }
    print_pictures(out, parting);
    if (repeat)
        fprintf(out, "repeat:  %s\n", repeat);
}
