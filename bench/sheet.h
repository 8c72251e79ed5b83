/*
 * sheet.h - rows of words, printed as an aligned table, as CSV or as Markdown.
 */
#ifndef ASSAY_BENCH_SHEET_H
#define ASSAY_BENCH_SHEET_H

#include <stddef.h>
#include <stdio.h>

#define SHEET_COLUMNS 32

enum sheet_form { SHEET_TABLE, SHEET_CSV, SHEET_MARKDOWN };

struct sheet; /* rows are kept until the end, when widths are known */

/* Headings that end in '>' have their column to the right, as numbers want it. NULL: no memory. */
struct sheet *sheet_open(const char *const *headings, size_t columns);
/* The next word of the row, which begins anew after the last column; printed as by printf. */
__attribute__((format(printf, 2, 3))) void sheet_add(struct sheet *sheet, const char *format, ...);
/* A number with so many decimals, or "-" where there is none. */
void sheet_add_number(struct sheet *sheet, double number, int decimals);
/* How many columns of a terminal the aligned table takes. O(words). */
size_t sheet_width(const struct sheet *sheet);
/*
 * Where the aligned table takes more columns of a terminal than that, each row is folded at the same places, what follows
 * goes four to the right. 0: never.
 */
void sheet_fit(struct sheet *sheet, unsigned width);
/* Frees a sheet that is not to be printed. */
void sheet_free(struct sheet *sheet);
/* Prints all and frees the sheet. CSV is as RFC 4180 has it. Returns 0, or -1 if memory was missing. */
int sheet_close(struct sheet *sheet, enum sheet_form form, FILE *out);

#endif
