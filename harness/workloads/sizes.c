/* sizes.c - how large the blocks of a workload are. */
#include "sizes.h"

#include "assay/sizes.h"
#include "assay/text.h"

#include <string.h>

/* "16-4096" at '-': both ends, each a size of at least 1. */
static bool parse_ends(struct sizes *sizes, const char *text, const char *middle, size_t length)
{
    char low[32];
    size_t before = (size_t)(middle - text);

    if (before >= sizeof low)
        return false;
    memcpy(low, text, before);
    low[before] = '\0';
    return assay_text_parse_size(low, &sizes->low) &&
           assay_text_parse_size(middle + length, &sizes->high);
}

bool sizes_parse(struct sizes *sizes, const char *text, struct assay_error *error)
{
    const char *dots = strstr(text, ".."), *dash = strchr(text, '-');
    bool parsed;

    *sizes = (struct sizes){.kind = SIZES_EVEN};
    if (text[0] == '@') {
        sizes->kind = SIZES_FITTED;
        return assay_distribution_read(&sizes->fitted, text + 1, error) == ASSAY_OK;
    }
    if (strcmp(text, "mixed") == 0) {
        sizes->kind = SIZES_MIXED;
        return true;
    }
    if (dots) {
        parsed = parse_ends(sizes, text, dots, 2);
    } else if (dash) {
        sizes->kind = SIZES_LOGARITHMIC;
        parsed = parse_ends(sizes, text, dash, 1);
    } else {
        parsed = assay_text_parse_size(text, &sizes->low);
        sizes->high = sizes->low;
    }
    if (parsed && sizes->low >= 1 && sizes->low <= sizes->high && sizes->high <= SIZES_MOST)
        return true;
    assay_error_set(error, "'%.60s' are no sizes: 64, 16-4096, 16..4096, mixed or @FILE", text);
    return false;
}

void sizes_close(struct sizes *sizes)
{
    assay_distribution_close(sizes->fitted);
}

/* Even over the powers of two, then even inside one: the same on every machine, without logarithms. */
static uint64_t draw_logarithmic(uint64_t low, uint64_t high, struct dice *dice)
{
    unsigned first = assay_floor_log2(low), last = assay_floor_log2(high);
    unsigned power = (unsigned)dice_between(dice, first, last);
    uint64_t from = UINT64_C(1) << power, to = 2 * from - 1;

    return dice_between(dice, from < low ? low : from, to > high ? high : to);
}

/* As programs ask: nine in ten below 256 bytes, the others up to 16 KiB. */
static uint64_t draw_mixed(struct dice *dice)
{
    return dice_once_in(dice, 10) ? draw_logarithmic(256, 16383, dice)
                                  : draw_logarithmic(8, 255, dice);
}

uint64_t sizes_draw(const struct sizes *sizes, struct dice *dice)
{
    switch (sizes->kind) {
    case SIZES_EVEN:
        return dice_between(dice, sizes->low, sizes->high);
    case SIZES_LOGARITHMIC:
        return draw_logarithmic(sizes->low, sizes->high, dice);
    case SIZES_MIXED:
        return draw_mixed(dice);
    case SIZES_FITTED:
        break;
    }
    return assay_distribution_size(sizes->fitted, dice_next(dice));
}
