/*
 * swarm_sizes.c - sizes and alignments that a random stream asks for.
 *
 * Bugs sit at borders: of pages, of powers of two, of a heap's limit, of the width of a number. A mood
 * knows some kinds of sizes and no others, so that a heap gets many of one kind.
 */
#include "swarm_state.h"

#define PAGE 4096

/* Around a border by what headers, guards and roundings add. */
static uint64_t near(struct dice *dice, uint64_t border)
{
    static const int16_t steps[] = {-64, -48, -33, -32, -31, -24, -17, -16, -15, -9,
                                    -8,  -7,  -1,  0,   0,   0,   1,   7,   8,   9,
                                    15,  16,  17,  24,  31,  32,  33,  64};
    int16_t step = steps[dice_roll(dice, sizeof steps / sizeof *steps)];

    return step < 0 && (uint64_t)-step > border ? 0 : border + (uint64_t)(int64_t)step;
}

/* No heap serves these; arithmetic on them wraps, or is cut to fewer bits. */
static uint64_t huge_size(struct dice *dice)
{
    static const uint64_t bases[] = {UINT64_MAX,        UINT64_C(1) << 63, INT64_MAX,
                                     UINT64_C(1) << 32, UINT64_C(1) << 31, UINT64_C(1) << 33,
                                     UINT64_MAX - PAGE, UINT64_C(1) << 47, UINT64_C(3) << 31};
    uint64_t base = bases[dice_roll(dice, sizeof bases / sizeof *bases)];

    return base > UINT64_C(1) << 62 ? base - dice_roll(dice, 80) : base + dice_roll(dice, 200);
}

static uint64_t log_uniform(struct dice *dice, uint64_t most)
{
    unsigned bits = 1;

    while (bits < 63 && UINT64_C(1) << bits < most)
        bits++;
    return dice_roll(dice, UINT64_C(1) << dice_between(dice, 1, bits));
}

static uint64_t size_of_kind(struct swarm *swarm, enum swarm_size kind)
{
    struct dice *dice = &swarm->dice;
    uint64_t limit = swarm->limit;

    switch (kind) {
    case SWARM_TINY:
        return dice_roll(dice, 65);
    case SWARM_SMALL:
        return dice_roll(dice, 600);
    case SWARM_MEDIUM:
        return dice_roll(dice, 5000);
    case SWARM_POWERS:
        return near(dice, UINT64_C(1) << dice_between(dice, 3, 17));
    case SWARM_PAGES:
        return near(dice, PAGE * dice_between(dice, 1, 40));
    case SWARM_FEW:
        return swarm->few[dice_roll(dice, SWARM_FEW_SIZES)];
    case SWARM_SHARES:
        return near(dice, limit / dice_between(dice, 1, 12));
    case SWARM_LOG:
        return log_uniform(dice, limit);
    default:
        return 0;
    }
}

uint64_t swarm_size(struct swarm *swarm)
{
    struct dice *dice = &swarm->dice;

    if (swarm->rare_sizes && dice_once_in(dice, 30))
        return dice_once_in(dice, 2) ? 0 : huge_size(dice);
    return size_of_kind(swarm, swarm->sizes[dice_roll(dice, swarm->size_kinds)]);
}

uint64_t swarm_alignment(struct swarm *swarm)
{
    struct dice *dice = &swarm->dice;

    if (dice_once_in(dice, 40))
        return UINT64_C(1) << dice_roll(dice, 64);
    return UINT64_C(1) << dice_between(dice, 0, swarm->align_bits);
}

void swarm_product(struct swarm *swarm, struct assay_op *op)
{
    struct dice *dice = &swarm->dice;
    uint64_t size = swarm_size(swarm);

    if (swarm->rare_sizes && dice_once_in(dice, 20)) {
        /* count * size is a little more than 2^64, so that it wraps to a small number. */
        uint64_t bits = dice_between(dice, 1, 62);
        op->size = UINT64_C(1) << bits;
        op->arg = (UINT64_C(1) << (64 - bits)) + dice_roll(dice, 3);
        return;
    }
    op->arg = dice_between(dice, 0, 12);
    if (dice_once_in(dice, 2)) {
        op->size = op->arg ? size / op->arg : size;
    } else {
        op->size = op->arg;
        op->arg = op->size ? size / op->size : size;
    }
}

void swarm_draw_sizes(struct swarm *swarm)
{
    struct dice *dice = &swarm->dice;

    swarm->size_kinds = (unsigned)dice_between(dice, 1, SWARM_SIZES_DRAWN);
    for (unsigned i = 0; i < swarm->size_kinds; i++)
        swarm->sizes[i] = (enum swarm_size)dice_roll(dice, SWARM_SIZE_KINDS);
    swarm->rare_sizes = dice_once_in(dice, 2);
    swarm->align_bits = (unsigned)dice_between(dice, 4, dice_once_in(dice, 2) ? 8 : 14);
    for (unsigned i = 0; i < SWARM_FEW_SIZES; i++) {
        enum swarm_size kind = (enum swarm_size)dice_roll(dice, SWARM_SIZE_KINDS);
        swarm->few[i] = size_of_kind(swarm, kind == SWARM_FEW ? SWARM_SMALL : kind);
    }
}
