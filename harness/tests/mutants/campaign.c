/* campaign.c - random streams from fixed seeds, and fenced pages. */
#include "campaign.h"

#include "assay/sizes.h"

#include <sys/mman.h>

#define OPERATIONS 2000
#define SLOTS 40
#define RESERVED ((size_t)4 << 30)
#define PAGE ((size_t)4096)

/* --- streams --- */

static uint64_t roll(uint64_t *dice, uint64_t sides)
{
    /* Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014. */
    uint64_t z = *dice += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (z ^ z >> 31) % sides;
}

static uint64_t huge_size(uint64_t *dice)
{
    static const uint64_t bases[] = {UINT64_MAX,        UINT64_C(1) << 63, INT64_MAX,
                                     UINT64_C(1) << 32, UINT64_C(1) << 31, UINT64_C(1) << 33,
                                     UINT64_MAX - 4096, UINT64_C(1) << 47, UINT64_C(3) << 31};
    uint64_t base = bases[roll(dice, sizeof bases / sizeof *bases)];

    return base > UINT64_C(1) << 62 ? base - roll(dice, 80) : base + roll(dice, 200);
}

static uint64_t some_size(uint64_t *dice)
{
    uint64_t kind = roll(dice, 40);

    if (kind == 0)
        return huge_size(dice);
    if (kind < 3)
        return 0;
    if (kind < 10)
        return roll(dice, 65);
    if (kind < 28)
        return roll(dice, 600);
    if (kind < 35)
        return roll(dice, 5000);
    if (kind < 38) /* around powers of two, pages among them */
        return (UINT64_C(16) << roll(dice, 12)) + roll(dice, 3) - 1;
    return roll(dice, 60000);
}

static const struct {
    enum assay_op_kind kind;
    uint64_t weight;
} weights[] = {
    {ASSAY_OP_ALLOC, 240},        {ASSAY_OP_ALLOC_ZEROED, 80}, {ASSAY_OP_ALLOC_ALIGNED, 80},
    {ASSAY_OP_REALLOC, 140},      {ASSAY_OP_FREE, 240},        {ASSAY_OP_FREE_NULL, 10},
    {ASSAY_OP_TOUCH, 60},         {ASSAY_OP_CHECK, 50},        {ASSAY_OP_DOUBLE_FREE, 20},
    {ASSAY_OP_FREE_INTERIOR, 20}, {ASSAY_OP_FREE_FOREIGN, 10}, {ASSAY_OP_FREE_MISALIGNED, 20},
    {ASSAY_OP_OVERRUN, 15},       {ASSAY_OP_REFUSE_NEXT, 10},  {ASSAY_OP_REFUSE_BEYOND, 5},
};

static enum assay_op_kind some_kind(uint64_t *dice)
{
    uint64_t choice = roll(dice, 1000);
    size_t i = 0;

    while (choice >= weights[i].weight)
        choice -= weights[i++].weight;
    return weights[i].kind;
}

static uint64_t some_argument(uint64_t *dice, enum assay_op_kind kind)
{
    switch (kind) {
    case ASSAY_OP_ALLOC_ZEROED:
        return roll(dice, 20) ? roll(dice, 12) : huge_size(dice);
    case ASSAY_OP_ALLOC_ALIGNED:
        return UINT64_C(1) << roll(dice, roll(dice, 20) ? 15 : 64);
    case ASSAY_OP_REFUSE_NEXT:
        return roll(dice, 4);
    case ASSAY_OP_REFUSE_BEYOND:
        return roll(dice, 3) ? UINT64_MAX : roll(dice, 100000);
    case ASSAY_OP_FREE_INTERIOR:
        return 1 + roll(dice, 300);
    case ASSAY_OP_OVERRUN:
        return 1 + roll(dice, 6);
    default:
        return 1 + roll(dice, 15);
    }
}

/* Makes count * size a little more than 2^64, so that it wraps to a small number. */
static void wrap_product(uint64_t *dice, struct assay_op *op)
{
    uint64_t bits = 1 + roll(dice, 62);

    op->size = UINT64_C(1) << bits;
    op->arg = (UINT64_C(1) << (64 - bits)) + roll(dice, 3);
}

assay_status assay_campaign_stream(struct assay_stream *stream, uint64_t seed)
{
    static const uint64_t limits[] = {65536 + 48, 1 << 20, 196608 + 32, 20480 + 16};
    uint64_t dice = seed * 1000003;

    stream->setup.limit = limits[seed % 4];
    stream->setup.seed = seed;
    stream->count = 0;
    for (size_t i = 0; i < OPERATIONS; i++) {
        enum assay_op_kind kind = some_kind(&dice);
        const struct assay_op_shape *shape = &assay_op_shapes[kind];
        struct assay_op op = {.kind = (uint8_t)kind};
        if (shape->has_slot)
            op.slot = (uint32_t)roll(&dice, SLOTS);
        if (shape->has_size)
            op.size = some_size(&dice);
        if (op.size < shape->size_min)
            op.size = shape->size_min;
        if (shape->has_arg)
            op.arg = some_argument(&dice, kind);
        if (kind == ASSAY_OP_ALLOC_ZEROED && roll(&dice, 20) == 0)
            wrap_product(&dice, &op);
        if (assay_stream_append(stream, &op) != ASSAY_OK)
            return ASSAY_NO_MEMORY;
    }
    return ASSAY_OK;
}

/* --- pages between fences --- */

static void *map(void *ctx, size_t bytes, size_t align)
{
    struct assay_fence *fence = ctx;
    uintptr_t start = assay_align_up((uintptr_t)fence->next + PAGE, align);
    uintptr_t end = (uintptr_t)fence->base + RESERVED - PAGE;

    if (start > end || bytes > end - start)
        return NULL;
    if (mprotect((void *)start, bytes, PROT_READ | PROT_WRITE) != 0)
        return NULL;
    fence->next = (unsigned char *)assay_align_up(start + bytes, PAGE);
    return (void *)start;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    (void)ctx;
    /* Stays inaccessible and is never given again: use after unmap crashes as well. */
    (void)mprotect(start, bytes, PROT_NONE);
    (void)madvise(start, bytes, MADV_DONTNEED);
}

assay_status assay_fence_open(struct assay_fence *fence)
{
    void *base =
        mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (base == MAP_FAILED)
        return ASSAY_NO_MEMORY;
    *fence = (struct assay_fence){
        .source = {.page_size = PAGE, .map = map, .unmap = unmap, .ctx = fence},
        .base = base,
        .next = base,
    };
    return ASSAY_OK;
}

void assay_fence_close(struct assay_fence *fence)
{
    munmap(fence->base, RESERVED);
}

void assay_fence_reset(void *ctx)
{
    struct assay_fence *fence = ctx;

    if (fence->next > fence->base)
        unmap(fence, fence->base, (size_t)(fence->next - fence->base));
    fence->next = fence->base;
}
