/*
 * audit.c - check, walk, stats and owns of a heap against the shadow.
 *
 *   mappings   [------------------------------]      [-----------]
 *   extents    [meta][used ][ free  ][used   ]|      [used ][free]     end to end
 *   shadow            b1              b2              b3               one in each used extent
 */
#include "assay/audit.h"

/* Slots whose blocks owns() is asked about in one audit. */
#define OWNS_BLOCKS 2

bool assay_audit_self(const struct assay_heap *heap, struct assay_finding *finding)
{
    struct assay_damage damage;

    if (!heap->backend->check)
        return true;
    damage.where = NULL;
    damage.what[0] = '\0';
    assay_status status = heap->backend->check(heap->self, &damage);
    if (status == ASSAY_OK || status == ASSAY_UNSUPPORTED)
        return true;
    damage.what[sizeof damage.what - 1] = '\0';
    return assay_finding_set(finding, ASSAY_CHECK_SELF, NULL, "the heap's own check says: %s",
                             damage.what[0] ? damage.what : assay_status_text(status));
}

/* --- walk --- */

struct walk {
    const struct assay_heap *heap;
    const struct assay_shadow *shadow;
    struct assay_finding *finding;
    bool tiles;           /* mappings are known: extents must cover them byte by byte */
    bool failed;          /* finding is filled in */
    uintptr_t place;      /* where the extent before this one ended */
    uintptr_t mapped_end; /* end of the mapping that place lies in */
    bool has_live;
    struct assay_block live; /* the lowest live block not yet met */
    uint64_t extents;
    struct assay_audit_shape shape;
};

static void next_live(struct walk *walk, uintptr_t from)
{
    /* An address is never read here, only compared. */
    walk->has_live = assay_shadow_next(walk->shadow, (const void *)from, &walk->live);
}

static const char *kind_name(enum assay_extent_kind kind)
{
    switch (kind) {
    case ASSAY_EXTENT_USED:
        return "used";
    case ASSAY_EXTENT_FREE:
        return "free";
    case ASSAY_EXTENT_META:
        return "meta";
    }
    return "unknown";
}

/* Each extent must start where the last one ended, or where the next mapping starts. */
static bool continues(struct walk *walk, const struct assay_extent *extent)
{
    uintptr_t start = (uintptr_t)extent->start;
    struct assay_range mapping;

    if (extent->bytes == 0 || start > UINTPTR_MAX - extent->bytes)
        return assay_finding_set(walk->finding, ASSAY_CHECK_WALK, NULL, "extent %llu has %zu bytes",
                                 (unsigned long long)walk->extents, extent->bytes);
    if (start < walk->place)
        return assay_finding_set(walk->finding, ASSAY_CHECK_WALK, NULL,
                                 "extent %llu starts %zu bytes before the one before it ends",
                                 (unsigned long long)walk->extents, (size_t)(walk->place - start));
    if (!walk->tiles)
        return true;
    if (walk->place == walk->mapped_end) {
        if (!assay_ranges_next(walk->heap->meter.mappings, walk->place, &mapping))
            return assay_finding_set(walk->finding, ASSAY_CHECK_WALK, NULL,
                                     "extent %llu lies above all that is mapped",
                                     (unsigned long long)walk->extents);
        walk->place = mapping.start;
        walk->mapped_end = mapping.end;
    }
    if (start != walk->place)
        return assay_finding_set(
            walk->finding, ASSAY_CHECK_WALK, NULL,
            "extent %llu does not start where the last one or the mapping does: %s",
            (unsigned long long)walk->extents,
            start > walk->place ? "bytes are lost before it" : "it is not mapped");
    return true;
}

/* An extent may run on through mappings that adjoin. */
static bool ends_in_mapping(struct walk *walk, const struct assay_extent *extent, uintptr_t end)
{
    struct assay_range mapping;

    while (walk->tiles && end > walk->mapped_end) {
        if (!assay_ranges_next(walk->heap->meter.mappings, walk->mapped_end, &mapping) ||
            mapping.start != walk->mapped_end)
            return assay_finding_set(walk->finding, ASSAY_CHECK_WALK, NULL,
                                     "extent %llu of %zu bytes reaches past its mapping",
                                     (unsigned long long)walk->extents, extent->bytes);
        walk->mapped_end = mapping.end;
    }
    return true;
}

static bool holds_what_it_says(struct walk *walk, const struct assay_extent *extent, uintptr_t end)
{
    uintptr_t live = (uintptr_t)walk->live.start;
    bool holds = walk->has_live && live < end;

    if (extent->kind != ASSAY_EXTENT_USED) {
        if (holds)
            return assay_finding_set(walk->finding, ASSAY_CHECK_WALK, &walk->live,
                                     "walk shows the block of op %llu in a %s extent",
                                     (unsigned long long)walk->live.op, kind_name(extent->kind));
        return true;
    }
    if (!holds)
        return assay_finding_set(walk->finding, ASSAY_CHECK_WALK, NULL,
                                 "walk shows a used extent of %zu bytes without a live block",
                                 extent->bytes);
    if (live < (uintptr_t)extent->start)
        return assay_finding_set(walk->finding, ASSAY_CHECK_WALK, &walk->live,
                                 "walk does not show the block of op %llu",
                                 (unsigned long long)walk->live.op);
    if (walk->live.usable > end - live)
        return assay_finding_set(
            walk->finding, ASSAY_CHECK_WALK, &walk->live,
            "the block of op %llu has %zu usable bytes, %zu more than its extent",
            (unsigned long long)walk->live.op, walk->live.usable,
            walk->live.usable - (size_t)(end - live));
    struct assay_block first = walk->live;
    next_live(walk, live + 1);
    if (walk->has_live && (uintptr_t)walk->live.start < end) {
        assay_finding_set(walk->finding, ASSAY_CHECK_WALK, &walk->live,
                          "one used extent holds the blocks of op %llu and of op %llu",
                          (unsigned long long)first.op, (unsigned long long)walk->live.op);
        walk->finding->has_other = true;
        walk->finding->other = first;
        return false;
    }
    return true;
}

static bool visit(void *arg, const struct assay_extent *extent)
{
    struct walk *walk = arg;

    if (walk->failed)
        return false;
    uintptr_t end = (uintptr_t)extent->start + extent->bytes;
    walk->failed = !continues(walk, extent) || !ends_in_mapping(walk, extent, end) ||
                   !holds_what_it_says(walk, extent, end);
    walk->place = end;
    walk->extents++;
    if (extent->kind == ASSAY_EXTENT_FREE) {
        walk->shape.free_extents++;
        if (extent->bytes > walk->shape.largest_free)
            walk->shape.largest_free = extent->bytes;
    }
    return !walk->failed;
}

static bool covers_everything(struct walk *walk)
{
    struct assay_range mapping;

    if (walk->has_live)
        return assay_finding_set(walk->finding, ASSAY_CHECK_WALK, &walk->live,
                                 "walk does not show the block of op %llu",
                                 (unsigned long long)walk->live.op);
    if (!walk->tiles)
        return true;
    if (walk->place != walk->mapped_end)
        return assay_finding_set(walk->finding, ASSAY_CHECK_WALK, NULL,
                                 "walk leaves out the last %zu bytes of a mapping",
                                 (size_t)(walk->mapped_end - walk->place));
    if (assay_ranges_next(walk->heap->meter.mappings, walk->place, &mapping))
        return assay_finding_set(walk->finding, ASSAY_CHECK_WALK, NULL,
                                 "walk leaves out a mapping of %zu bytes",
                                 (size_t)(mapping.end - mapping.start));
    return true;
}

bool assay_audit_walk(const struct assay_heap *heap, const struct assay_shadow *shadow,
                      struct assay_audit_shape *shape, struct assay_finding *finding)
{
    struct walk walk;

    *shape = (struct assay_audit_shape){0, ASSAY_UNKNOWN};
    if (!heap->backend->walk)
        return true;
    walk.heap = heap;
    walk.shadow = shadow;
    walk.finding = finding;
    walk.tiles = assay_backend_claims(heap->backend, ASSAY_CAP_PAGE_SOURCE);
    walk.failed = false;
    walk.place = 0;
    walk.mapped_end = 0;
    walk.extents = 0;
    walk.shape = (struct assay_audit_shape){0, 0};
    next_live(&walk, 0);
    assay_status status = heap->backend->walk(heap->self, visit, &walk);
    if (walk.failed)
        return false;
    if (status == ASSAY_UNSUPPORTED && walk.extents == 0)
        return true;
    if (status != ASSAY_OK)
        return assay_finding_set(finding, ASSAY_CHECK_WALK, NULL, "walk says: %s",
                                 assay_status_text(status));
    *shape = walk.shape;
    return covers_everything(&walk);
}

/* --- stats and owns --- */

static bool differ(struct assay_finding *finding, const char *what, size_t said, size_t is)
{
    return assay_finding_set(finding, ASSAY_CHECK_STATS, NULL, "stats say %zu %s, there are %zu",
                             said, what, is);
}

static bool audit_stats(const struct assay_heap *heap, const struct assay_shadow *shadow,
                        size_t largest_extent, struct assay_finding *finding)
{
    struct assay_heap_stats stats = {ASSAY_UNKNOWN, ASSAY_UNKNOWN, ASSAY_UNKNOWN, ASSAY_UNKNOWN};
    size_t usable = assay_shadow_usable_bytes(shadow);

    if (!heap->backend->stats)
        return true;
    heap->backend->stats(heap->self, &stats);
    if (stats.used_blocks != ASSAY_UNKNOWN && stats.used_blocks != assay_shadow_count(shadow))
        return differ(finding, "used blocks", stats.used_blocks, assay_shadow_count(shadow));
    /* Without usable_size only a lower bound is known. */
    if (stats.used_bytes != ASSAY_UNKNOWN &&
        (stats.used_bytes < usable || (heap->backend->usable_size && stats.used_bytes != usable)))
        return differ(finding, "used bytes", stats.used_bytes, usable);
    if (stats.mapped_bytes != ASSAY_UNKNOWN &&
        assay_backend_claims(heap->backend, ASSAY_CAP_PAGE_SOURCE) &&
        stats.mapped_bytes != heap->meter.mapped_bytes)
        return differ(finding, "mapped bytes", stats.mapped_bytes, heap->meter.mapped_bytes);
    if (stats.largest_free != ASSAY_UNKNOWN && largest_extent != ASSAY_UNKNOWN &&
        stats.largest_free > largest_extent)
        return assay_finding_set(
            finding, ASSAY_CHECK_STATS, NULL,
            "stats say that %zu bytes would fit, the largest free extent has %zu",
            stats.largest_free, largest_extent);
    return true;
}

/* The byte behind a block is its heap's own, unless the next block begins there. */
static bool owns_no_more(const struct assay_heap *heap, const struct assay_shadow *shadow,
                         const struct assay_block *block, struct assay_finding *finding)
{
    const char *end = (const char *)block->start + block->usable;
    struct assay_block next;

    if (!heap->backend->usable_size ||
        (assay_shadow_next(shadow, end, &next) && next.start == end) ||
        !heap->backend->owns(heap->self, end))
        return true;
    return assay_finding_set(finding, ASSAY_CHECK_OWNS, block,
                             "owns claims the byte behind the block of op %llu",
                             (unsigned long long)block->op);
}

static bool owns_both_ends(const struct assay_heap *heap, const struct assay_shadow *shadow,
                           const struct assay_block *block, struct assay_finding *finding)
{
    const char *start = block->start;

    if (block->usable == 0)
        return true;
    if (heap->backend->owns(heap->self, start) &&
        heap->backend->owns(heap->self, start + block->usable - 1))
        return owns_no_more(heap, shadow, block, finding);
    return assay_finding_set(finding, ASSAY_CHECK_OWNS, block,
                             "owns denies a byte of the block of op %llu",
                             (unsigned long long)block->op);
}

/* Asks about other blocks each time: `from` differs from audit to audit. */
static bool audit_owns(const struct assay_heap *heap, const struct assay_shadow *shadow,
                       uint64_t from, struct assay_finding *finding)
{
    struct assay_block block;

    if (!heap->backend->owns)
        return true;
    for (uint64_t i = 0; i < OWNS_BLOCKS; i++)
        if (assay_shadow_pick(shadow, from + i, &block) &&
            !owns_both_ends(heap, shadow, &block, finding))
            return false;
    return true;
}

bool assay_audit(const struct assay_heap *heap, const struct assay_shadow *shadow, uint64_t *checks,
                 struct assay_audit_shape *shape, struct assay_finding *finding)
{
    const struct assay_backend *backend = heap->backend;

    /* First, for what was not taken back is still mapped, and walk would be blamed. */
    if (heap->meter.bad_unmaps > 0)
        return assay_finding_set(finding, ASSAY_CHECK_LIMIT, NULL,
                                 "the heap gave back pages %llu times that it did not have",
                                 (unsigned long long)heap->meter.bad_unmaps);
    if (!assay_audit_self(heap, finding) || !assay_audit_walk(heap, shadow, shape, finding) ||
        !audit_stats(heap, shadow, shape->largest_free, finding) ||
        !audit_owns(heap, shadow, *checks, finding))
        return false;
    *checks += (backend->check != NULL) + (backend->walk != NULL) + (backend->stats != NULL) +
               (backend->owns != NULL) + 1;
    return true;
}
