/* sheet.c - rows of words in three forms. */
#include "sheet.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FOLD 4 /* to the right goes what is folded */

struct sheet {
    size_t columns, count, room;
    unsigned fit; /* columns of the terminal */
    bool is_right[SHEET_COLUMNS];
    bool lacks_memory;
    char **words; /* row by row; the headings are the first */
};

static void keep(struct sheet *sheet, char *word)
{
    if (sheet->count == sheet->room) {
        size_t room = sheet->room ? 2 * sheet->room : 64;
        char **grown = realloc(sheet->words, room * sizeof *grown);
        if (!grown) {
            free(word);
            sheet->lacks_memory = true;
            return;
        }
        sheet->words = grown;
        sheet->room = room;
    }
    if (!word)
        sheet->lacks_memory = true;
    sheet->words[sheet->count++] = word;
}

struct sheet *sheet_open(const char *const *headings, size_t columns)
{
    struct sheet *sheet = calloc(1, sizeof *sheet);

    assert(columns && columns <= SHEET_COLUMNS);
    if (!sheet)
        return NULL;
    sheet->columns = columns;
    for (size_t i = 0; i < columns; i++) {
        size_t length = strlen(headings[i]);
        sheet->is_right[i] = length && headings[i][length - 1] == '>';
        sheet_add(sheet, "%.*s", (int)(length - sheet->is_right[i]), headings[i]);
    }
    return sheet;
}

void sheet_add(struct sheet *sheet, const char *format, ...)
{
    va_list arguments;
    char *word;

    va_start(arguments, format);
    if (vasprintf(&word, format, arguments) < 0)
        word = NULL;
    va_end(arguments);
    keep(sheet, word);
}

void sheet_add_number(struct sheet *sheet, double number, int decimals)
{
    if (isfinite(number))
        sheet_add(sheet, "%.*f", decimals, number);
    else
        sheet_add(sheet, "-");
}

static int width_of(const struct sheet *sheet, size_t column)
{
    size_t width = 0;

    for (size_t i = column; i < sheet->count; i += sheet->columns)
        if (strlen(sheet->words[i]) > width)
            width = strlen(sheet->words[i]);
    return (int)width;
}

size_t sheet_width(const struct sheet *sheet)
{
    size_t width = 2 * (sheet->columns - 1);

    for (size_t i = 0; i < sheet->columns; i++)
        width += (size_t)width_of(sheet, i);
    return width;
}

void sheet_fit(struct sheet *sheet, unsigned width)
{
    sheet->fit = width;
}

/* Where rows are folded: a column that ends a line. */
static void find_folds(const struct sheet *sheet, const int *widths, bool *ends_line)
{
    size_t at = 0;

    for (size_t i = 0; i < sheet->columns; i++) {
        size_t width = (size_t)widths[i];
        bool is_folded = at && sheet->fit && at + 2 + width > sheet->fit;
        if (is_folded)
            ends_line[i - 1] = true;
        at = is_folded ? FOLD + width : at + (at ? 2 : 0) + width;
        ends_line[i] = i + 1 == sheet->columns;
    }
}

/* Without spaces at the ends of lines. */
static void print_table(const struct sheet *sheet, FILE *out)
{
    int widths[SHEET_COLUMNS];
    bool ends_line[SHEET_COLUMNS];

    assert(sheet->columns);
    for (size_t i = 0; i < sheet->columns; i++)
        widths[i] = width_of(sheet, i);
    find_folds(sheet, widths, ends_line);
    for (size_t i = 0; i < sheet->count; i++) {
        size_t column = i % sheet->columns;
        bool is_last = column + 1 == sheet->columns;
        int width = ends_line[column] && !sheet->is_right[column] ? 0 : widths[column];
        fprintf(out, "%*s%s", sheet->is_right[column] ? width : -width, sheet->words[i],
                ends_line[column] ? "\n" : "  ");
        if (ends_line[column] && !is_last)
            fprintf(out, "%*s", FOLD, "");
    }
}

static void print_csv_word(const char *word, FILE *out)
{
    if (!strpbrk(word, ",\"\r\n")) {
        fputs(word, out);
        return;
    }
    fputc('"', out);
    for (; *word; word++) {
        if (*word == '"')
            fputc('"', out);
        fputc(*word, out);
    }
    fputc('"', out);
}

static void print_csv(const struct sheet *sheet, FILE *out)
{
    for (size_t i = 0; i < sheet->count; i++) {
        print_csv_word(sheet->words[i], out);
        fputs((i + 1) % sheet->columns ? "," : "\r\n", out);
    }
}

static void print_markdown(const struct sheet *sheet, FILE *out)
{
    for (size_t i = 0; i < sheet->count; i++) {
        fputs(i % sheet->columns ? " " : "| ", out);
        for (const char *c = sheet->words[i]; *c; c++)
            fprintf(out, *c == '|' ? "\\%c" : "%c", *c);
        fputs((i + 1) % sheet->columns ? " |" : " |\n", out);
        if (i + 1 != sheet->columns)
            continue;
        fputc('|', out);
        for (size_t k = 0; k < sheet->columns; k++)
            fputs(sheet->is_right[k] ? " ---: |" : " --- |", out);
        fputc('\n', out);
    }
}

void sheet_free(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->count; i++)
        free(sheet->words[i]);
    free(sheet->words);
    free(sheet);
}

int sheet_close(struct sheet *sheet, enum sheet_form form, FILE *out)
{
    int result = sheet->lacks_memory ? -1 : 0;

    if (result == 0 && form == SHEET_TABLE)
        print_table(sheet, out);
    if (result == 0 && form == SHEET_CSV)
        print_csv(sheet, out);
    if (result == 0 && form == SHEET_MARKDOWN)
        print_markdown(sheet, out);
    sheet_free(sheet);
    return result;
}
