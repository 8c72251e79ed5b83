/* slots.c - a hash table from addresses to slots, and a stack of empty slots. */
#include "slots.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_CAPACITY 1024u

static size_t home(const struct assay_slots *slots, uint64_t address)
{
    /* Knuth, TAOCP vol. 3, 6.4: Fibonacci hashing; the upper half depends on every bit. */
    return (size_t)((address * 0x9e3779b97f4a7c15u) >> 32) & (slots->capacity - 1);
}

static struct assay_slot_entry *place_of(const struct assay_slots *slots, uint64_t address)
{
    size_t i = home(slots, address);

    while (slots->entries[i].address != 0 && slots->entries[i].address != address)
        i = (i + 1) & (slots->capacity - 1);
    return &slots->entries[i];
}

static assay_status grow_table(struct assay_slots *slots)
{
    struct assay_slots larger = *slots;

    larger.capacity = slots->capacity ? slots->capacity * 2 : FIRST_CAPACITY;
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (!larger.entries)
        return ASSAY_NO_MEMORY;
    for (size_t i = 0; i < slots->capacity; i++)
        if (slots->entries[i].address != 0)
            *place_of(&larger, slots->entries[i].address) = slots->entries[i];
    free(slots->entries);
    *slots = larger;
    return ASSAY_OK;
}

assay_status assay_slots_bind(struct assay_slots *slots, uint64_t address, uint32_t slot)
{
    if (slots->count >= slots->capacity / 2 && grow_table(slots) != ASSAY_OK)
        return ASSAY_NO_MEMORY;
    struct assay_slot_entry *entry = place_of(slots, address);
    assert(entry->address == 0 && "an address has one slot");
    *entry = (struct assay_slot_entry){.address = address, .slot = slot};
    slots->count++;
    return ASSAY_OK;
}

/* Moves later entries of the same run into the gap. Knuth, TAOCP vol. 3, 6.4, algorithm R. */
static void close_gap(struct assay_slots *slots, size_t gap)
{
    size_t mask = slots->capacity - 1;

    for (size_t i = (gap + 1) & mask; slots->entries[i].address != 0; i = (i + 1) & mask)
        if (((i - home(slots, slots->entries[i].address)) & mask) >= ((i - gap) & mask)) {
            slots->entries[gap] = slots->entries[i];
            gap = i;
        }
    slots->entries[gap].address = 0;
}

uint32_t assay_slots_find(const struct assay_slots *slots, uint64_t address)
{
    if (slots->capacity == 0)
        return ASSAY_NO_SLOT;
    const struct assay_slot_entry *entry = place_of(slots, address);
    return entry->address == 0 ? ASSAY_NO_SLOT : entry->slot;
}

uint32_t assay_slots_unbind(struct assay_slots *slots, uint64_t address)
{
    if (slots->capacity == 0)
        return ASSAY_NO_SLOT;
    struct assay_slot_entry *entry = place_of(slots, address);
    if (entry->address == 0)
        return ASSAY_NO_SLOT;
    uint32_t slot = entry->slot;
    close_gap(slots, (size_t)(entry - slots->entries));
    slots->count--;
    return slot;
}

static assay_status grow_slots(struct assay_slots *slots)
{
    uint32_t room = slots->room ? slots->room * 2 : FIRST_CAPACITY;
    uint64_t *sizes = realloc(slots->sizes, room * sizeof *sizes);

    if (!sizes)
        return ASSAY_NO_MEMORY;
    slots->sizes = sizes;
    uint32_t *empty = realloc(slots->empty, room * sizeof *empty);
    if (!empty)
        return ASSAY_NO_MEMORY;
    slots->empty = empty;
    slots->room = room;
    return ASSAY_OK;
}

uint32_t assay_slots_take(struct assay_slots *slots)
{
    if (slots->empties != 0)
        return slots->empty[--slots->empties];
    if (slots->used == ASSAY_SLOTS)
        return ASSAY_NO_SLOT;
    if (slots->used == slots->room && grow_slots(slots) != ASSAY_OK)
        return ASSAY_NO_SLOT;
    return slots->used++;
}

void assay_slots_give(struct assay_slots *slots, uint32_t slot)
{
    assert(slots->empties < slots->used && "a slot is given once");
    slots->sizes[slot] = 0;
    slots->empty[slots->empties++] = slot;
}

void assay_slots_clear(struct assay_slots *slots)
{
    free(slots->entries);
    free(slots->sizes);
    free(slots->empty);
    *slots = (struct assay_slots){0};
}
