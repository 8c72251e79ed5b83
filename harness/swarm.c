/*
 * swarm.c - draws a mood, then operations in that mood, until the stream is long enough.
 *
 * Beside single operations a stream has habits: short programs that lead a heap where single operations
 * seldom do, such as filled to the last byte, littered, or through the same thing a hundred times.
 */
#include "swarm_state.h"

#include "assay/sizes.h"

#include <string.h>

enum habit {
    HABIT_BATCH,  /* many blocks of a size, freed in some order */
    HABIT_GROW,   /* one block, resized again and again */
    HABIT_FILL,   /* fill the heap, free most, then as many again, or more than the holes have */
    HABIT_REUSE,  /* zeroed or aligned where a block of that size has just been */
    HABIT_REPEAT, /* the same balanced program many times */
    HABIT_FAULTS, /* pages are refused for a while */
    HABIT_EMPTY,  /* free everything, then look */
    HABITS
};

#define LONGEST 3000
#define MANY_SLOTS 400
/* One stream in so many has every slot there is, and takes as long as a hundred others. */
#define CROWD_RARITY 400
#define ROUND_BLOCKS 6 /* in a round that is repeated */

/* --- single operations --- */

static void put(struct swarm *swarm, struct assay_op op)
{
    if (assay_stream_append(swarm->stream, &op) != ASSAY_OK)
        swarm->has_memory = false;
}

static bool is_long_enough(const struct swarm *swarm)
{
    return !swarm->has_memory || swarm->stream->count >= swarm->most;
}

/* Takes out the slot at `place`; the order of the others stays. */
static uint32_t take_out(uint32_t *slots, size_t *count, size_t place)
{
    uint32_t slot = slots[place];

    --*count;
    memmove(&slots[place], &slots[place + 1], (*count - place) * sizeof *slots);
    return slot;
}

/* A slot that is empty, as far as is known; with every slot full one that is not. */
static uint32_t fill_slot(struct swarm *swarm)
{
    if (swarm->empty_count == 0)
        return swarm->live[dice_roll(&swarm->dice, swarm->live_count)];
    uint32_t slot = swarm->empty[--swarm->empty_count];
    swarm->live[swarm->live_count++] = slot;
    return slot;
}

static uint32_t any_live(struct swarm *swarm)
{
    if (swarm->live_count == 0)
        return (uint32_t)dice_roll(&swarm->dice, swarm->slots);
    return swarm->live[dice_roll(&swarm->dice, swarm->live_count)];
}

static void put_alloc(struct swarm *swarm, uint64_t size)
{
    put(swarm, (struct assay_op){.kind = ASSAY_OP_ALLOC, .slot = fill_slot(swarm), .size = size});
}

static void put_free_at(struct swarm *swarm, size_t place)
{
    uint32_t slot = take_out(swarm->live, &swarm->live_count, place);

    swarm->empty[swarm->empty_count++] = slot;
    put(swarm, (struct assay_op){.kind = ASSAY_OP_FREE, .slot = slot});
}

static void put_free(struct swarm *swarm)
{
    if (swarm->live_count > 0)
        put_free_at(swarm, dice_roll(&swarm->dice, swarm->live_count));
}

static void put_realloc(struct swarm *swarm, uint32_t slot, uint64_t size)
{
    put(swarm, (struct assay_op){.kind = ASSAY_OP_REALLOC, .slot = slot, .size = size ? size : 1});
}

static void put_zeroed(struct swarm *swarm)
{
    struct assay_op op = {.kind = ASSAY_OP_ALLOC_ZEROED, .slot = fill_slot(swarm)};

    swarm_product(swarm, &op);
    put(swarm, op);
}

static void put_aligned(struct swarm *swarm, uint64_t size)
{
    put(swarm, (struct assay_op){.kind = ASSAY_OP_ALLOC_ALIGNED,
                                 .slot = fill_slot(swarm),
                                 .size = size,
                                 .arg = swarm_alignment(swarm)});
}

/* Kinds without a habit of their own: a slot and an argument will do. */
static void put_other(struct swarm *swarm, enum assay_op_kind kind)
{
    const struct assay_op_shape *shape = &assay_op_shapes[kind];
    struct dice *dice = &swarm->dice;
    bool wants_empty = kind == ASSAY_OP_DOUBLE_FREE || kind == ASSAY_OP_WRITE_AFTER_FREE;
    struct assay_op op = {.kind = (uint8_t)kind};

    if (shape->has_slot && wants_empty && swarm->empty_count > 0)
        op.slot = swarm->empty[swarm->empty_count - 1 - dice_roll(dice, swarm->empty_count)];
    else if (shape->has_slot)
        op.slot = any_live(swarm);
    if (kind == ASSAY_OP_OVERRUN || kind == ASSAY_OP_UNDERRUN)
        op.arg = dice_between(dice, 1, dice_once_in(dice, 3) ? 64 : 8);
    else if (kind == ASSAY_OP_FREE_INTERIOR)
        op.arg = dice_between(dice, 1, dice_once_in(dice, 2) ? 16 : 4000);
    else if (shape->has_arg)
        op.arg = dice_between(dice, 1, 15);
    put(swarm, op);
    if (kind == ASSAY_OP_FREE_INTERIOR && swarm->live_count > 0)
        for (size_t i = 0; i < swarm->live_count; i++)
            if (swarm->live[i] == op.slot && dice_once_in(dice, 2)) {
                swarm->empty[swarm->empty_count++] = take_out(swarm->live, &swarm->live_count, i);
                break;
            }
}

static enum assay_op_kind some_kind(struct swarm *swarm)
{
    uint64_t choice = dice_roll(&swarm->dice, swarm->weights_sum);
    size_t kind = 0;

    while (choice >= swarm->weights[kind])
        choice -= swarm->weights[kind++];
    return (enum assay_op_kind)kind;
}

static void put_something(struct swarm *swarm)
{
    enum assay_op_kind kind = some_kind(swarm);

    switch (kind) {
    case ASSAY_OP_ALLOC:
        put_alloc(swarm, swarm_size(swarm));
        break;
    case ASSAY_OP_ALLOC_ZEROED:
        put_zeroed(swarm);
        break;
    case ASSAY_OP_ALLOC_ALIGNED:
        put_aligned(swarm, swarm_size(swarm));
        break;
    case ASSAY_OP_REALLOC:
        put_realloc(swarm, any_live(swarm), swarm_size(swarm));
        break;
    case ASSAY_OP_FREE:
        put_free(swarm);
        break;
    default:
        put_other(swarm, kind);
    }
}

/* --- habits --- */

/* Frees `count` of the youngest blocks: youngest first, oldest first, every other, or at random. */
static void free_batch(struct swarm *swarm, size_t count)
{
    uint64_t order = dice_roll(&swarm->dice, 4);
    size_t first = swarm->live_count - count;

    for (size_t left = count; left > 0 && !is_long_enough(swarm); left--) {
        if (order == 0)
            put_free_at(swarm, swarm->live_count - 1);
        else if (order == 1)
            put_free_at(swarm, first);
        else if (order == 2)
            put_free_at(swarm, first + (left > count / 2 ? count - left : 0));
        else
            put_free_at(swarm, first + dice_roll(&swarm->dice, left));
    }
}

static void do_batch(struct swarm *swarm)
{
    size_t count = dice_between(&swarm->dice, 2, dice_once_in(&swarm->dice, 4) ? 150 : 20);
    uint64_t size = swarm_size(swarm);
    bool same = dice_once_in(&swarm->dice, 2);

    if (count > swarm->empty_count)
        count = swarm->empty_count;
    for (size_t i = 0; i < count; i++)
        put_alloc(swarm, same ? size : swarm_size(swarm));
    if (!dice_once_in(&swarm->dice, 4))
        free_batch(swarm, count);
}

static void do_grow(struct swarm *swarm)
{
    struct dice *dice = &swarm->dice;
    uint64_t steps = dice_between(dice, 2, 24), step = dice_between(dice, 1, 100);
    bool by_factor = dice_once_in(dice, 2), back = dice_once_in(dice, 2);
    uint64_t size = by_factor ? dice_between(dice, 1, 64) : swarm_size(swarm);
    uint32_t slot = any_live(swarm);

    for (uint64_t i = 0; i < steps && size <= 2 * swarm->limit; i++) {
        put_realloc(swarm, slot, size);
        size = by_factor ? 2 * size + dice_roll(dice, 2) : size + step;
        if (dice_once_in(dice, 6))
            put_something(swarm);
    }
    for (uint64_t i = 0; back && i < steps; i++) {
        size = by_factor ? size / 2 : size - (size > step ? step : 0);
        put_realloc(swarm, slot, size);
    }
}

static void do_fill(struct swarm *swarm)
{
    struct dice *dice = &swarm->dice;
    uint64_t size = swarm->limit / dice_between(dice, 2, 100) + dice_roll(dice, 64);
    size_t count = swarm->limit / (size + 1) + 2;
    bool again = dice_once_in(dice, 2); /* room.c knows that as many of that size fit */

    if (count > swarm->empty_count)
        count = swarm->empty_count;
    for (size_t i = 0; i < count && !is_long_enough(swarm); i++)
        put_alloc(swarm, !again && dice_once_in(dice, 8) ? swarm_size(swarm) : size);
    uint64_t freed = swarm->live_count;
    for (size_t place = 0; place < swarm->live_count && !is_long_enough(swarm); place++)
        if (!dice_once_in(dice, 8))
            put_free_at(swarm, place);
    for (freed -= swarm->live_count; again && freed > 0; freed--)
        put_alloc(swarm, size);
    for (size_t i = 0; i < 4; i++)
        put_alloc(swarm, dice_once_in(dice, 2) ? size + dice_between(dice, 1, size) : size / 2);
}

/* Content is written to every block, so what was just freed is dirty. */
static void do_reuse(struct swarm *swarm)
{
    uint64_t size = swarm_size(swarm);

    for (uint64_t i = dice_between(&swarm->dice, 1, 4); i > 0; i--) {
        put_alloc(swarm, size);
        put_free_at(swarm, swarm->live_count - 1);
        if (dice_once_in(&swarm->dice, 2))
            put(swarm, (struct assay_op){.kind = ASSAY_OP_ALLOC_ZEROED,
                                         .slot = fill_slot(swarm),
                                         .size = size,
                                         .arg = 1});
        else
            put_aligned(swarm, size);
        if (dice_once_in(&swarm->dice, 2))
            put_realloc(swarm, swarm->live[swarm->live_count - 1], swarm_size(swarm));
        if (!dice_once_in(&swarm->dice, 4))
            put_free_at(swarm, swarm->live_count - 1);
    }
}

/* Puts a few blocks and frees them again, on the slots that were emptied last. */
static void put_round(struct swarm *swarm, uint64_t blocks)
{
    struct dice *dice = &swarm->dice;

    for (uint64_t k = 0; k < blocks; k++) {
        if (dice_once_in(dice, 3))
            put_aligned(swarm, swarm_size(swarm));
        else
            put_alloc(swarm, swarm_size(swarm));
        if (dice_once_in(dice, 3))
            put_realloc(swarm, swarm->live[swarm->live_count - 1], swarm_size(swarm));
    }
    for (uint64_t k = 0; k < blocks; k++)
        put_free_at(swarm, swarm->live_count - 1 - dice_roll(dice, blocks - k));
}

/* What leaks a little each time has leaked a lot in the end; drift.c compares the rounds. */
static void do_repeat(struct swarm *swarm)
{
    struct dice *dice = &swarm->dice;
    uint64_t times = dice_between(dice, 20, dice_once_in(dice, 3) ? 400 : 120);
    uint64_t blocks = dice_between(dice, 1, ROUND_BLOCKS);
    struct dice program = {dice_next(dice)}, outside;
    uint32_t slots[ROUND_BLOCKS];

    if (swarm->empty_count < blocks)
        return;
    memcpy(slots, &swarm->empty[swarm->empty_count - blocks], blocks * sizeof *slots);
    for (uint64_t i = 0; i < times && !is_long_enough(swarm); i++) {
        put(swarm, (struct assay_op){.kind = ASSAY_OP_CHECK});
        outside = swarm->dice;
        swarm->dice = program;
        put_round(swarm, blocks);
        swarm->dice = outside;
        /* Freed in another order than filled: put right for the next. */
        memcpy(&swarm->empty[swarm->empty_count - blocks], slots, blocks * sizeof *slots);
    }
}

static void do_faults(struct swarm *swarm)
{
    struct dice *dice = &swarm->dice;

    if (dice_once_in(dice, 2)) {
        put(swarm, (struct assay_op){.kind = ASSAY_OP_REFUSE_NEXT,
                                     .arg = dice_once_in(dice, 2) ? 1 : dice_between(dice, 2, 6)});
        for (uint64_t i = dice_between(dice, 1, 12); i > 0; i--)
            put_something(swarm);
        put(swarm, (struct assay_op){.kind = ASSAY_OP_REFUSE_NEXT, .arg = 0});
    } else {
        put(swarm, (struct assay_op){
                       .kind = ASSAY_OP_REFUSE_BEYOND,
                       .arg = dice_once_in(dice, 2) ? 0 : dice_roll(dice, swarm->limit / 4 + 1)});
        for (uint64_t i = dice_between(dice, 1, 60); i > 0; i--)
            put_something(swarm);
        put(swarm, (struct assay_op){.kind = ASSAY_OP_REFUSE_BEYOND, .arg = UINT64_MAX});
    }
    for (uint64_t i = dice_between(dice, 1, 6); i > 0; i--)
        put_alloc(swarm, swarm_size(swarm));
}

static void do_empty(struct swarm *swarm)
{
    free_batch(swarm, swarm->live_count);
    put(swarm, (struct assay_op){.kind = ASSAY_OP_CHECK});
    put_alloc(swarm, swarm_size(swarm));
}

static void do_habit(struct swarm *swarm)
{
    static void (*const habits[HABITS])(struct swarm *) = {
        [HABIT_BATCH] = do_batch, [HABIT_GROW] = do_grow,     [HABIT_FILL] = do_fill,
        [HABIT_REUSE] = do_reuse, [HABIT_REPEAT] = do_repeat, [HABIT_FAULTS] = do_faults,
        [HABIT_EMPTY] = do_empty,
    };
    unsigned habit = (unsigned)dice_roll(&swarm->dice, HABITS);

    if (swarm->habits >> habit & 1)
        habits[habit](swarm);
}

/* --- the mood --- */

static uint64_t draw_limit(struct dice *dice)
{
    static const uint64_t kib[] = {8, 12, 16, 20, 32, 64, 64, 64, 128, 192, 256, 1024, 1024, 4096};
    static const uint64_t odd[] = {0, 0, 0, 1, 8, 16, 24, 48, 2048, 4088, 4095};

    return (kib[dice_roll(dice, sizeof kib / sizeof *kib)] << 10) +
           odd[dice_roll(dice, sizeof odd / sizeof *odd)];
}

/* Blocks always come and go; of the rest about half is left out. */
static void draw_weights(struct swarm *swarm)
{
    static const uint16_t usual[ASSAY_OP_KINDS] = {
        [ASSAY_OP_ALLOC] = 240,        [ASSAY_OP_ALLOC_ZEROED] = 80,
        [ASSAY_OP_ALLOC_ALIGNED] = 80, [ASSAY_OP_REALLOC] = 140,
        [ASSAY_OP_FREE] = 240,         [ASSAY_OP_FREE_NULL] = 10,
        [ASSAY_OP_TOUCH] = 60,         [ASSAY_OP_CHECK] = 30,
        [ASSAY_OP_DOUBLE_FREE] = 20,   [ASSAY_OP_FREE_INTERIOR] = 20,
        [ASSAY_OP_FREE_FOREIGN] = 10,  [ASSAY_OP_FREE_MISALIGNED] = 20,
        [ASSAY_OP_OVERRUN] = 15,       [ASSAY_OP_UNDERRUN] = 10,
    };

    swarm->weights_sum = 0;
    for (unsigned kind = 0; kind < ASSAY_OP_KINDS; kind++) {
        bool always = kind == ASSAY_OP_ALLOC || kind == ASSAY_OP_FREE;
        swarm->weights[kind] = always || dice_once_in(&swarm->dice, 2) ? usual[kind] : 0;
        swarm->weights_sum += swarm->weights[kind];
    }
}

static void draw_mood(struct swarm *swarm)
{
    struct dice *dice = &swarm->dice;
    uint64_t length = dice_roll(dice, 4);
    bool is_crowd = dice_once_in(dice, CROWD_RARITY);

    swarm->limit = draw_limit(dice);
    swarm->most = dice_between(dice, 8, length == 0 ? 40 : length < 3 ? 400 : LONGEST);
    swarm->slots = (uint32_t)(dice_once_in(dice, 3) ? MANY_SLOTS : dice_between(dice, 4, 60));
    if (is_crowd) {
        swarm->most = (size_t)3 * SWARM_SLOTS;
        swarm->slots = SWARM_SLOTS;
        swarm->limit = (uint64_t)1 << dice_between(dice, 20, 23);
    }
    swarm->habits = (uint32_t)dice_next(dice);
    swarm->habits &= (uint32_t)dice_next(dice); /* one in four */
    draw_weights(swarm);
    swarm_draw_sizes(swarm);
    swarm->live_count = 0;
    swarm->empty_count = 0;
    for (uint32_t slot = swarm->slots; slot > 0; slot--)
        swarm->empty[swarm->empty_count++] = slot - 1;
}

assay_status assay_swarm_stream(struct assay_stream *stream, uint64_t seed)
{
    return assay_swarm_start(stream, seed, SIZE_MAX);
}

assay_status assay_swarm_start(struct assay_stream *stream, uint64_t seed, size_t most)
{
    struct swarm swarm;

    swarm.stream = stream;
    swarm.dice.state = seed * 0xD1342543DE82EF95u;
    swarm.has_memory = true;
    draw_mood(&swarm);
    if (swarm.most > most)
        swarm.most = most;
    stream->setup.limit = swarm.limit;
    stream->setup.seed = seed;
    stream->count = 0;
    while (!is_long_enough(&swarm)) {
        if (dice_once_in(&swarm.dice, 12))
            do_habit(&swarm);
        else
            put_something(&swarm);
    }
    return swarm.has_memory ? ASSAY_OK : ASSAY_NO_MEMORY;
}
