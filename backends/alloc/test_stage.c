/* test_stage.c - a small heap in which every neighbourhood occurs. */
#include "test_stage.h"

#include "test_points.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#define REGION 65536

static void *map(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    (void)align;
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    (void)ctx;
    munmap(start, bytes);
}

static const struct assay_page_source pages = {.page_size = 4096, .map = map, .unmap = unmap};

/* --- a heap in which every neighbourhood occurs --- */

void set_stage(struct stage *stage, const char *options)
{
    static const int holes[] = {1, 3, 6};
    struct assay_heap_config config = {
        .limit = REGION, .pages = &pages, .seed = 1, .options = options};
    void *heap;

    assert_int_equal(alloc->create(alloc, &config, &heap), ASSAY_OK);
    stage->heap = heap;
    for (int i = 0; i < BLOCKS; i++) {
        stage->block[i] = alloc->alloc(heap, SIZE);
        memset(stage->block[i], 'a' + i, SIZE);
    }
    for (size_t i = 0; i < sizeof holes / sizeof *holes; i++) {
        assert_int_equal(alloc->free(heap, stage->block[holes[i]]), ASSAY_OK);
        stage->block[holes[i]] = NULL;
    }
}

void strike_stage(struct stage *stage)
{
    alloc->destroy(stage->heap);
}

/* --- what is done to it --- */

const struct scene scenes[SCENES] = {
    {TAKE, -1, SIZE},                   /* a whole hole */
    {TAKE, -1, 64},                     /* part of a hole */
    {TAKE, -1, 1000},                   /* from the rest */
    {TAKE, -1, (size_t)2 * REGION},     /* refused */
    {ALIGNED, -1, 100},                 /* a gap in front of it, a rest behind it */
    {ZEROED, -1, 120},                  /* on dirty memory */
    {ZEROED, -1, 3000},                 /* on fresh memory */
    {GIVE, 0, 0},                       /* a hole on its right */
    {GIVE, 2, 0},                       /* holes on both sides */
    {GIVE, 4, 0},                       /* a hole on its left */
    {GIVE, 8, 0},                       /* used blocks on both sides */
    {GIVE, 9, 0},                       /* the rest on its right */
    {RESIZE, 0, SIZE + 64},             /* into part of a hole */
    {RESIZE, 2, (size_t)2 * SIZE + 32}, /* into a whole hole */
    {RESIZE, 5, SIZE - 16},             /* a rest that becomes part of a hole */
    {RESIZE, 5, SIZE + 16},             /* the hole's new header overlaps its old one */
    {RESIZE, 8, 32},                    /* a rest that becomes a hole */
    {RESIZE, 9, 20000},                 /* into fresh memory */
    {RESIZE, 4, 3000},                  /* elsewhere */
    {RESIZE, 7, (size_t)2 * REGION},    /* refused */
};

char *play(struct stage *stage, const struct scene *scene)
{
    void *heap = stage->heap;
    char *victim = scene->victim < 0 ? NULL : stage->block[scene->victim];

    switch (scene->act) {
    case TAKE:
        return alloc->alloc(heap, scene->size);
    case ALIGNED:
        return alloc->alloc_aligned(heap, 1024, scene->size);
    case ZEROED:
        return alloc->alloc_zeroed(heap, 1, scene->size);
    case GIVE:
        return alloc->free(heap, victim) == ASSAY_OK ? NULL : victim;
    case RESIZE:
        return alloc->realloc(heap, victim, scene->size);
    }
    return NULL;
}

/* --- what it looks like --- */

static bool see(void *arg, const struct assay_extent *extent)
{
    struct layout *layout = arg;

    if (layout->count < 32)
        layout->extents[layout->count] = *extent;
    layout->count++;
    return true;
}

void look(const struct stage *stage, struct layout *layout)
{
    memset(layout, 0, sizeof *layout);
    assert_int_equal(alloc->walk(stage->heap, see, layout), ASSAY_OK);
    assert_in_range(layout->count, 1, 32);
    for (unsigned i = 0; i < layout->count; i++)
        layout->extents[i].start =
            (const void *)((uintptr_t)layout->extents[i].start - (uintptr_t)stage->heap);
}

bool same(const struct layout *a, const struct layout *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++) {
        if (a->extents[i].start != b->extents[i].start ||
            a->extents[i].bytes != b->extents[i].bytes || a->extents[i].kind != b->extents[i].kind)
            return false;
    }
    return true;
}

void rehearse(struct plot *plot, const struct scene *scene, const char *options)
{
    struct stage stage;
    struct assay_heap_stats stats;

    set_stage(&stage, options);
    look(&stage, &plot->before);
    unsigned long start = points_passed();
    char *result = play(&stage, scene);
    plot->points = points_passed() - start;
    plot->result = result ? (size_t)(result - (char *)stage.heap) : 0;
    plot->gives_a_new_block = result && (scene->victim < 0 || result != stage.block[scene->victim]);
    look(&stage, &plot->after);
    assert_int_equal(alloc->free(stage.heap, result), ASSAY_OK);
    look(&stage, &plot->taken_back);
    for (int i = 0; i < BLOCKS; i++) {
        if (i != scene->victim || (!result && scene->act == RESIZE))
            assert_int_equal(alloc->free(stage.heap, stage.block[i]), ASSAY_OK);
    }
    alloc->stats(stage.heap, &stats);
    plot->largest = stats.largest_free;
    strike_stage(&stage);
}
