/* paper.c - colours and words that are cut to fit. */
#include "paper.h"

#include <string.h>

static const char *const inks[] = {[PAPER_BEST] = "\033[1;32m", [PAPER_BAD] = "\033[1;31m"};

void paper_begin(const struct paper *paper, enum paper_ink ink)
{
    if (paper->has_colour)
        fputs(inks[ink], paper->out);
}

void paper_end(const struct paper *paper)
{
    if (paper->has_colour)
        fputs("\033[0m", paper->out);
}

void paper_word(const struct paper *paper, const char *word, unsigned columns)
{
    size_t length = strlen(word), begin = columns / 2;

    if (paper->width == 0 || length <= columns || columns == 0)
        fprintf(paper->out, "%-*s", (int)columns, word);
    else
        fprintf(paper->out, "%.*s~%s", (int)begin, word, word + length - (columns - begin - 1));
}
