/*
 * shadow.c - what is live, where it lies, and what it must contain.
 *
 * Slots are an array in a book, indexed by number; places.c knows which of them holds an address. A
 * list of the slots that were ever used makes clearing cost what was used and no more.
 */
#include "assay/shadow.h"

#include "assay/books.h"
#include "assay/pattern.h"
#include "assay/places.h"
#include "assay/sizes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_BYTES ((size_t)64 << 20)
#define SLOT_BYTES ((size_t)ASSAY_SLOTS * sizeof(struct assay_shadow_slot))
#define USED_BYTES ((size_t)ASSAY_SLOTS * sizeof(uint32_t))
/* From here on the pages of the slots are given back rather than written. */
#define CLEAR_ONE_BY_ONE ((size_t)1 << 18)

struct assay_shadow {
    struct assay_shadow_slot *slots;
    uint32_t *used; /* slots with generation > 0, by first use */
    size_t used_count;
    struct assay_places *places; /* of live blocks */
    size_t edge_bytes;           /* of a block above twice this, only both ends are written */
    size_t bytes;
    size_t usable_bytes;
    size_t peak_bytes;
};

struct assay_shadow *assay_shadow_open(size_t content_bytes)
{
    struct assay_shadow *shadow = calloc(1, sizeof *shadow);

    if (!shadow)
        return NULL;
    shadow->edge_bytes = (content_bytes ? content_bytes : CONTENT_BYTES) / 2;
    shadow->slots = assay_books_open(SLOT_BYTES);
    shadow->used = assay_books_open(USED_BYTES);
    shadow->places = shadow->slots ? assay_places_open(shadow->slots) : NULL;
    if (!shadow->places || !shadow->used) {
        assay_shadow_close(shadow);
        return NULL;
    }
    return shadow;
}

void assay_shadow_close(struct assay_shadow *shadow)
{
    if (!shadow)
        return;
    assay_places_close(shadow->places);
    assay_books_close(shadow->slots, SLOT_BYTES);
    assay_books_close(shadow->used, USED_BYTES);
    free(shadow);
}

void assay_shadow_clear(struct assay_shadow *shadow)
{
    size_t highest = 0;

    assay_places_clear(shadow->places);
    if (shadow->used_count <= CLEAR_ONE_BY_ONE) {
        for (size_t i = 0; i < shadow->used_count; i++)
            shadow->slots[shadow->used[i]] = (struct assay_shadow_slot){0};
    } else {
        for (size_t i = 0; i < shadow->used_count; i++)
            highest = shadow->used[i] > highest ? shadow->used[i] : highest;
        assay_books_reset(shadow->slots, (highest + 1) * sizeof *shadow->slots);
    }
    shadow->used_count = 0;
    shadow->bytes = 0;
    shadow->usable_bytes = 0;
    shadow->peak_bytes = 0;
}

const struct assay_shadow_slot *assay_shadow_slot(const struct assay_shadow *shadow, uint32_t slot)
{
    assert(slot < ASSAY_SLOTS && "slots are bounded before they come here");
    return &shadow->slots[slot];
}

static struct assay_block block_of(const struct assay_shadow *shadow, uint32_t number)
{
    const struct assay_shadow_slot *slot = &shadow->slots[number];

    return (struct assay_block){.op = slot->op,
                                .slot = number,
                                .size = slot->size,
                                .usable = slot->usable,
                                .start = slot->start};
}

/* --- findings --- */

__attribute__((cold)) static bool overlap(const struct assay_shadow *shadow,
                                          const struct assay_block *block,
                                          const struct assay_range *range,
                                          const struct assay_range *conflict,
                                          struct assay_finding *finding)
{
    struct assay_block other = block_of(shadow, conflict->value);
    uintptr_t start = range->start > conflict->start ? range->start : conflict->start;
    uintptr_t end = range->end < conflict->end ? range->end : conflict->end;

    if (end > start)
        assay_finding_set(finding, ASSAY_CHECK_OVERLAP, block,
                          "block of %zu bytes overlaps that of op %llu by %zu bytes", block->size,
                          (unsigned long long)other.op, (size_t)(end - start));
    else
        assay_finding_set(
            finding, ASSAY_CHECK_OVERLAP, block,
            "block of %zu bytes has an address in the block of op %llu, which has %zu bytes",
            block->size, (unsigned long long)other.op, other.size);
    finding->has_other = true;
    finding->other = other;
    return false;
}

__attribute__((cold)) static bool changed(const struct assay_shadow *shadow, uint32_t number,
                                          enum assay_check check, size_t offset,
                                          struct assay_finding *finding)
{
    struct assay_block block = block_of(shadow, number);
    const char *story = check == ASSAY_CHECK_ROLLBACK ? "a refused realloc changed " : "";

    return assay_finding_set(finding, check, &block,
                             "%sbyte %zu of %zu usable ones of the block of op %llu%s", story,
                             offset, block.usable, (unsigned long long)block.op,
                             check == ASSAY_CHECK_ROLLBACK ? "" : " is not what was written there");
}

/* --- content: whole, or both ends of a very large block --- */

static inline bool is_whole(const struct assay_shadow *shadow, size_t usable)
{
    return usable / 2 <= shadow->edge_bytes;
}

static inline uint64_t seed_of(const struct assay_shadow_slot *slot, uint32_t number)
{
    return assay_pattern_seed(number, slot->generation);
}

/*
 * How much of a block is written. A block that was asked for with 0 bytes keeps its usable ones
 * to itself: sanitizers call them usable and yet report who writes there.
 */
static inline size_t filled_bytes(const struct assay_shadow_slot *slot)
{
    return slot->size ? slot->usable : 0;
}

static inline void write_content(const struct assay_shadow *shadow, uint32_t number)
{
    const struct assay_shadow_slot *slot = &shadow->slots[number];
    uint64_t seed = seed_of(slot, number);
    size_t edge = shadow->edge_bytes;

    if (is_whole(shadow, filled_bytes(slot))) {
        assay_pattern_write(slot->start, filled_bytes(slot), seed);
        return;
    }
    assay_pattern_write(slot->start, edge, seed);
    assay_pattern_write(slot->start + filled_bytes(slot) - edge, edge, ~seed);
}

static inline bool verify_content(const struct assay_shadow *shadow, uint32_t number,
                                  enum assay_check check, struct assay_finding *finding)
{
    const struct assay_shadow_slot *slot = &shadow->slots[number];
    uint64_t seed = seed_of(slot, number);
    size_t edge = shadow->edge_bytes;
    size_t wrong;

    if (is_whole(shadow, filled_bytes(slot))) {
        wrong = assay_pattern_verify(slot->start, filled_bytes(slot), seed);
        return wrong == filled_bytes(slot) || changed(shadow, number, check, wrong, finding);
    }
    wrong = assay_pattern_verify(slot->start, edge, seed);
    if (wrong < edge)
        return changed(shadow, number, check, wrong, finding);
    size_t gap = filled_bytes(slot) - edge;
    wrong = assay_pattern_verify(slot->start + gap, edge, ~seed);
    return wrong == edge || changed(shadow, number, check, gap + wrong, finding);
}

/* Of the content that `old` had, is start[0 .. kept) still there? kept <= filled_bytes(old). */
static bool verify_prefix(const struct assay_shadow *shadow, const struct assay_shadow_slot *old,
                          const struct assay_block *block, size_t kept,
                          struct assay_finding *finding)
{
    uint64_t seed = seed_of(old, block->slot);
    const unsigned char *start = block->start;
    size_t edge = shadow->edge_bytes;
    size_t offset = 0, length = kept, wrong;

    if (is_whole(shadow, filled_bytes(old))) {
        wrong = assay_pattern_verify_prefix(start, kept, filled_bytes(old), seed);
    } else {
        length = kept < edge ? kept : edge;
        wrong = assay_pattern_verify_prefix(start, length, edge, seed);
        if (wrong == length && kept > filled_bytes(old) - edge) {
            offset = filled_bytes(old) - edge;
            length = kept - offset;
            wrong = assay_pattern_verify_prefix(start + offset, length, edge, ~seed);
        }
    }
    if (wrong == length)
        return true;
    return assay_finding_set(finding, ASSAY_CHECK_PREFIX, block,
                             "realloc from %zu to %zu bytes lost byte %zu of the block of op %llu",
                             old->size, block->size, offset + wrong, (unsigned long long)old->op);
}

static bool verify_zero(const struct assay_shadow *shadow, const struct assay_block *block,
                        struct assay_finding *finding)
{
    const unsigned char *start = block->start;
    size_t edge = shadow->edge_bytes;
    size_t offset = 0, length = block->size, wrong;

    if (!is_whole(shadow, block->size)) {
        length = edge;
        if (assay_pattern_verify_zero(start, edge) == edge)
            offset = block->size - edge;
    }
    wrong = assay_pattern_verify_zero(start + offset, length);
    if (wrong == length)
        return true;
    return assay_finding_set(finding, ASSAY_CHECK_ZEROING, block,
                             "byte %zu of a zeroed block of %zu bytes is 0x%02x", offset + wrong,
                             block->size, (unsigned)start[offset + wrong]);
}

/* --- blocks that come and go --- */

static struct assay_range range_of(const struct assay_block *block)
{
    uintptr_t start = (uintptr_t)block->start;

    return (struct assay_range){start, start + block->usable, block->slot};
}

/* Alignment and place of a block that just came; enters its range. */
static inline bool enter(struct assay_shadow *shadow, const struct assay_block *block, size_t align,
                         struct assay_finding *finding)
{
    struct assay_range range = range_of(block), conflict;

    if (!assay_is_aligned(block->start, align))
        return assay_finding_set(finding, ASSAY_CHECK_ALIGNMENT, block,
                                 "block of %zu bytes is aligned to %zu instead of %zu", block->size,
                                 (size_t)(range.start & -range.start), align);
    if (range.end < range.start)
        return assay_finding_set(finding, ASSAY_CHECK_REGION, block,
                                 "block of %zu bytes reaches past the end of memory",
                                 block->usable);
    if (!assay_places_insert(shadow->places, range, &conflict))
        return overlap(shadow, block, &range, &conflict, finding);
    return true;
}

static inline void fill(struct assay_shadow *shadow, const struct assay_block *block, void *handle)
{
    struct assay_shadow_slot *slot = &shadow->slots[block->slot];

    if (slot->generation == 0)
        shadow->used[shadow->used_count++] = block->slot;
    slot->handle = handle;
    slot->start = (unsigned char *)(uintptr_t)block->start;
    slot->size = block->size;
    slot->usable = block->usable;
    slot->op = block->op;
    slot->generation++;
    slot->live = true;
    shadow->bytes += block->size;
    shadow->usable_bytes += block->usable;
    if (shadow->bytes > shadow->peak_bytes)
        shadow->peak_bytes = shadow->bytes;
    write_content(shadow, block->slot);
}

static inline void leave(struct assay_shadow *shadow, struct assay_shadow_slot *slot)
{
    uintptr_t start = (uintptr_t)slot->start;
    uint32_t number = (uint32_t)(slot - shadow->slots);

    assay_places_remove(shadow->places, (struct assay_range){start, start + slot->usable, number});
    slot->live = false;
    shadow->bytes -= slot->size;
    shadow->usable_bytes -= slot->usable;
}

bool assay_shadow_add(struct assay_shadow *shadow, uint32_t slot, const struct assay_block *block,
                      void *handle, size_t align, bool zeroed, struct assay_finding *finding)
{
    assert(slot < ASSAY_SLOTS && slot == block->slot && !shadow->slots[slot].live);
    (void)slot; /* without assertions */
    if (!enter(shadow, block, align, finding))
        return false;
    if (zeroed && !verify_zero(shadow, block, finding)) {
        assay_places_remove(shadow->places, range_of(block));
        return false;
    }
    fill(shadow, block, handle);
    return true;
}

bool assay_shadow_remove(struct assay_shadow *shadow, uint32_t slot, struct assay_finding *finding)
{
    assert(slot < ASSAY_SLOTS && shadow->slots[slot].live);
    if (!verify_content(shadow, slot, ASSAY_CHECK_CONTENT, finding))
        return false;
    leave(shadow, &shadow->slots[slot]);
    return true;
}

bool assay_shadow_verify(struct assay_shadow *shadow, uint32_t slot, struct assay_finding *finding)
{
    assert(slot < ASSAY_SLOTS && shadow->slots[slot].live);
    return verify_content(shadow, slot, ASSAY_CHECK_CONTENT, finding);
}

bool assay_shadow_kept(struct assay_shadow *shadow, uint32_t slot, struct assay_finding *finding)
{
    assert(slot < ASSAY_SLOTS && shadow->slots[slot].live);
    return verify_content(shadow, slot, ASSAY_CHECK_ROLLBACK, finding);
}

bool assay_shadow_moved(struct assay_shadow *shadow, uint32_t slot, const struct assay_block *block,
                        void *handle, size_t align, struct assay_finding *finding)
{
    struct assay_shadow_slot *old = &shadow->slots[slot];

    assert(slot < ASSAY_SLOTS && slot == block->slot && old->live);
    leave(shadow, old);
    if (!enter(shadow, block, align, finding))
        return false;
    size_t kept = old->size < block->size ? old->size : block->size;
    if (!verify_prefix(shadow, old, block, kept, finding)) {
        assay_places_remove(shadow->places, range_of(block));
        return false;
    }
    fill(shadow, block, handle);
    return true;
}

bool assay_shadow_touch(struct assay_shadow *shadow, uint32_t slot, struct assay_finding *finding)
{
    assert(slot < ASSAY_SLOTS && shadow->slots[slot].live);
    if (!verify_content(shadow, slot, ASSAY_CHECK_CONTENT, finding))
        return false;
    shadow->slots[slot].generation++;
    write_content(shadow, slot);
    return true;
}

bool assay_shadow_verify_all(struct assay_shadow *shadow, struct assay_finding *finding)
{
    struct assay_range range;
    uintptr_t from = 0;

    while (assay_places_next(shadow->places, from, &range)) {
        if (!verify_content(shadow, range.value, ASSAY_CHECK_CONTENT, finding))
            return false;
        from = range.start + 1;
    }
    return true;
}

/* --- questions --- */

size_t assay_shadow_count(const struct assay_shadow *shadow)
{
    return assay_places_count(shadow->places);
}

size_t assay_shadow_bytes(const struct assay_shadow *shadow)
{
    return shadow->bytes;
}

size_t assay_shadow_usable_bytes(const struct assay_shadow *shadow)
{
    return shadow->usable_bytes;
}

size_t assay_shadow_peak_bytes(const struct assay_shadow *shadow)
{
    return shadow->peak_bytes;
}

bool assay_shadow_find(const struct assay_shadow *shadow, const void *address,
                       struct assay_block *block)
{
    struct assay_range range;

    if (!assay_places_find(shadow->places, (uintptr_t)address, &range))
        return false;
    *block = block_of(shadow, range.value);
    return true;
}

bool assay_shadow_next(const struct assay_shadow *shadow, const void *from,
                       struct assay_block *block)
{
    struct assay_range range;

    if (!assay_places_next(shadow->places, (uintptr_t)from, &range))
        return false;
    *block = block_of(shadow, range.value);
    return true;
}

bool assay_shadow_pick(const struct assay_shadow *shadow, uint64_t number,
                       struct assay_block *block)
{
    if (shadow->used_count == 0)
        return false;
    uint32_t slot = shadow->used[number % shadow->used_count];
    if (!shadow->slots[slot].live)
        return false;
    *block = block_of(shadow, slot);
    return true;
}

void assay_shadow_gaps(const struct assay_shadow *shadow, const struct assay_shadow_slot *slot,
                       unsigned *below, unsigned *above)
{
    uintptr_t start = (uintptr_t)slot->start;

    assay_places_gaps(shadow->places, (struct assay_range){start, start + slot->usable, 0}, below,
                      above);
}

void assay_shadow_fetch_place(const struct assay_shadow *shadow, const void *start)
{
    assay_places_fetch(shadow->places, (uintptr_t)start);
}

void assay_shadow_fetch(const struct assay_shadow *shadow, uint32_t slot)
{
    uintptr_t start = (uintptr_t)shadow->slots[slot].start; /* 0 in a slot never used: harmless */

    __builtin_prefetch((const void *)start);
    __builtin_prefetch((const void *)(start + 64));
    assay_places_fetch(shadow->places, start);
}
