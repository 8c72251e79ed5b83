/* audit.c - the records of a MeMS system held against each other, and its memory from the lowest place up. */
#include "mems/instance.h"

#include <stdio.h>

static uint64_t bytes_of(const struct mems_entry *segment)
{
    return (uint64_t)(segment->room < 0 ? -segment->room : segment->room);
}

bool mems_owns(const struct mems *mems, const void *place)
{
    struct mems_entry mapping, process;

    return mems_tree_find(&mems->mappings, (uintptr_t)place, &mapping) && mapping.value &&
           (uintptr_t)place - mapping.key < (uint64_t)mapping.room &&
           mems_around(mems, mapping.value + ((uintptr_t)place - mapping.key), &process);
}

static assay_status damaged(struct assay_damage *damage, const void *where, const char *what)
{
    damage->where = where;
    snprintf(damage->what, sizeof damage->what, "%s", what);
    return ASSAY_CORRUPT;
}

/* What the segments add up to. */
struct totals {
    size_t segments, processes, process_bytes, mapped;
};

/* From address to address. What belongs to a mapping must lie in it, segment behind segment. */
static assay_status check_segments(const struct mems *mems, struct totals *totals,
                                   struct assay_damage *damage)
{
    struct mems_entry segment = {.key = 0};
    uint64_t next = mems->setup.first, place = 0, left = 0;
    bool after_hole = false;

    while (mems_tree_after(&mems->segments, segment.key, &segment)) {
        const void *where = (const void *)(uintptr_t)segment.value;
        uint64_t bytes;
        if (segment.key != next || segment.room == 0 || segment.room == INT64_MIN)
            return damaged(damage, where, "a segment does not begin where the one before ends");
        if (mems_opens_mapping(mems, &segment, &bytes)) {
            if (left > 0)
                return damaged(damage, where, "a mapping is not covered by segments");
            left = bytes;
            totals->mapped += mems_whole_pages(mems, (size_t)bytes);
            after_hole = false;
        } else if (segment.value != place) {
            return damaged(damage, where, "a segment lies apart from the one before");
        }
        if (bytes_of(&segment) > left)
            return damaged(damage, where, "a segment leaves its mapping");
        if (after_hole && segment.room > 0)
            return damaged(damage, where, "two holes of a mapping touch");
        after_hole = segment.room > 0;
        totals->segments++;
        totals->processes += segment.room < 0;
        totals->process_bytes += segment.room < 0 ? (size_t)bytes_of(&segment) : 0;
        left -= bytes_of(&segment);
        next += bytes_of(&segment);
        place = segment.value + bytes_of(&segment);
    }
    if (left > 0 || next != mems->end)
        return damaged(damage, NULL, "the segments do not reach the last address");
    return ASSAY_OK;
}

assay_status mems_check(const struct mems *mems, struct assay_damage *damage)
{
    struct mems_entry mapping = {.key = 0}, segment;
    struct totals totals = {0};
    const void *where;

    if (!mems_tree_is_sound(&mems->segments, &where) ||
        !mems_tree_is_sound(&mems->mappings, &where))
        return damaged(damage, where, "a node of a tree does not say what is below it");
    assay_status status = check_segments(mems, &totals, damage);
    if (status != ASSAY_OK)
        return status;
    if (!mems_lines_agree(&mems->lines, &mems->segments, &segment))
        return damaged(damage, (const void *)(uintptr_t)segment.value,
                       "a line does not say what is at its addresses");
    totals.mapped += mems_whole_pages(mems, mems->chunk.bytes);
    for (const struct mems_chunk *chunk = mems->chunk.next; chunk; chunk = chunk->next)
        totals.mapped += mems_whole_pages(mems, chunk->bytes);
    for (unsigned table = 1; table < mems->lines.tables; table++)
        if (mems->lines.table[table])
            totals.mapped += mems_whole_pages(mems, mems_table_bytes(mems, table));
    if (totals.mapped != mems->mapped_bytes || totals.segments != mems->segments.count ||
        totals.processes != mems->processes || totals.process_bytes != mems->process_bytes)
        return damaged(damage, NULL, "the totals are not the sums of what is there");
    for (; mems_tree_after(&mems->mappings, mapping.key, &mapping);)
        totals.mapped -= mems_whole_pages(mems, (size_t)mapping.room);
    if (totals.mapped != 0)
        return damaged(damage, NULL, "the mappings are not what is mapped");
    return ASSAY_OK;
}

/* The segments of one mapping. */
static bool walk_mapping(const struct mems *mems, const struct mems_entry *mapping,
                         assay_visit_fn *visit, void *arg)
{
    struct mems_entry segment;
    uint64_t end = mapping->value + (uint64_t)mapping->room;

    for (uint64_t at = mapping->value; at < end; at += bytes_of(&segment)) {
        if (!mems_tree_find(&mems->segments, at, &segment))
            return false;
        struct assay_extent extent = {(const void *)(uintptr_t)segment.value,
                                      (size_t)bytes_of(&segment),
                                      segment.room < 0 ? ASSAY_EXTENT_USED : ASSAY_EXTENT_FREE};
        if (!visit(arg, &extent))
            return false;
    }
    return true;
}

void mems_walk(const struct mems *mems, assay_visit_fn *visit, void *arg)
{
    struct mems_entry mapping = {.key = 0};

    while (mems_tree_after(&mems->mappings, mapping.key, &mapping)) {
        size_t bytes = (size_t)mapping.room, whole = mems_whole_pages(mems, bytes);
        size_t shown = mapping.value ? bytes : 0;
        if (mapping.value && !walk_mapping(mems, &mapping, visit, arg))
            return;
        /* Records, or what the page source's pages have more than ours. */
        struct assay_extent rest = {(const char *)(uintptr_t)mapping.key + shown, whole - shown,
                                    ASSAY_EXTENT_META};
        if (rest.bytes > 0 && !visit(arg, &rest))
            return;
    }
}
