/*
 * paper.h - what a table is printed on: a file, or a terminal of some width that may show colours.
 */
#ifndef ASSAY_BENCH_PAPER_H
#define ASSAY_BENCH_PAPER_H

#include <stdbool.h>
#include <stdio.h>

struct paper {
    FILE *out;      /* NULL: nothing is printed */
    unsigned width; /* columns of the terminal; 0: as wide as it takes */
    bool has_colour;
};

enum paper_ink { PAPER_BEST, PAPER_BAD };

/* From where on words are in this colour, and where that ends; nothing where there are no colours. */
void paper_begin(const struct paper *paper, enum paper_ink ink);
void paper_end(const struct paper *paper);
/*
 * Prints a word to the left of `columns` columns. A longer one is whole where the paper has no width; else '~' stands
 * for its middle.
 */
void paper_word(const struct paper *paper, const char *word, unsigned columns);

#endif
