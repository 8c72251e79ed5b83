/* nearest.c - the known word that a mistyped one is nearest to. */
#include "assay/nearest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define ROW (ASSAY_NEAREST_LENGTH + 1)
#define PREFIX_LENGTH 3

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int lower(char letter)
{
    return tolower((unsigned char)letter);
}

/*
 * Optimal string alignment distance by rows: `before` and `above` are the two rows before `row`.
 * Neither string is longer than ASSAY_NEAREST_LENGTH.
 */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned char rows[3][ROW] = {0};
    unsigned char *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_length; j++)
        above[j] = (unsigned char)j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = (unsigned char)i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t cost = lower(a[i - 1]) != lower(b[j - 1]);
            size_t best = least(above[j] + 1u, row[j - 1] + 1u);
            best = least(best, above[j - 1] + cost);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                best = least(best, before[j - 2] + 1u);
            row[j] = (unsigned char)best;
        }
        unsigned char *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}

const char *assay_nearest(const char *word, const char *const *words, size_t count)
{
    size_t length = strlen(word), best = ROW;
    const char *nearest = NULL;

    if (length == 0 || length > ASSAY_NEAREST_LENGTH)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(words[i]);
        if (other > ASSAY_NEAREST_LENGTH)
            continue;
        size_t slips = distance(word, length, words[i], other);
        size_t longer = length > other ? length : other;
        if (length >= PREFIX_LENGTH && strncasecmp(word, words[i], length) == 0)
            slips = least(slips, 1);
        else if (slips * 3 > longer)
            continue;
        if (slips < best) {
            best = slips;
            nearest = words[i];
        }
    }
    return nearest;
}
