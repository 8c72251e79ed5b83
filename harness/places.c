/*
 * places.c - a map of who holds each 16 bytes of memory, and a tree for the rest.
 *
 *   addresses   [ window of 4 GiB: [ chunk of 64 KiB: [ granule of 16 B | granule | ...
 *   granules    0 0 7 7 7 0 9 ...          slot + 1 of the block that holds it, 0: none in the map
 *   starts      a bit for each granule: whether a block of the map starts there
 *   counts      how many blocks of the map start in each chunk
 *
 * The last two are for visiting blocks in order.
 *
 * A window's map is a book of 1 GiB of which only what is touched costs anything: a quarter of the
 * memory in which blocks ever lay. Programs have their blocks in a few windows.
 */
#include "assay/places.h"

#include "assay/books.h"

#include <stdlib.h>
#include <string.h>

#define GRANULE_SHIFT 4
#define CHUNK_SHIFT 16
#define WINDOW_SHIFT 32
#define WINDOWS 32u
#define CHUNKS (1u << (WINDOW_SHIFT - CHUNK_SHIFT))
#define GRANULES_PER_CHUNK (1u << (CHUNK_SHIFT - GRANULE_SHIFT))
#define WINDOW_MASK (((uintptr_t)1 << WINDOW_SHIFT) - 1)
#define GRANULES_BYTES (sizeof(uint32_t) << (WINDOW_SHIFT - GRANULE_SHIFT))
#define WORDS_PER_CHUNK (GRANULES_PER_CHUNK / 64)
#define STARTS_BYTES (sizeof(uint64_t) * WORDS_PER_CHUNK * CHUNKS)
#define COUNTS_BYTES (sizeof(uint32_t) * CHUNKS)
/* Larger blocks are few, and their entries many. Must not exceed a chunk. */
#define MAP_AT_MOST ((size_t)16 << 10)

typedef uint32_t vector __attribute__((vector_size(16)));
#define LANES 4

struct window {
    uintptr_t number; /* address >> WINDOW_SHIFT */
    uint32_t *granules;
    uint64_t *starts;
    uint32_t *counts;
    uint32_t lowest, highest; /* chunks that ever had a start since the last clear */
};

struct assay_places {
    const struct assay_shadow_slot *slots;
    struct assay_ranges *tree;
    size_t mapped; /* blocks in the map */
    unsigned window_count;
    unsigned last_window;
    struct window windows[WINDOWS];
};

/* --- windows --- */

static struct window *window_of(const struct assay_places *places, uintptr_t address)
{
    uintptr_t number = address >> WINDOW_SHIFT;

    for (unsigned i = 0; i < places->window_count; i++)
        if (places->windows[i].number == number)
            return (struct window *)(uintptr_t)&places->windows[i];
    return NULL;
}

static void forget_starts(struct window *window)
{
    window->lowest = CHUNKS;
    window->highest = 0;
}

static void close_window(struct window *window)
{
    assay_books_close(window->granules, GRANULES_BYTES);
    assay_books_close(window->starts, STARTS_BYTES);
    assay_books_close(window->counts, COUNTS_BYTES);
}

/* Windows are kept in the order of their addresses. NULL: the tree must do. */
static struct window *open_window(struct assay_places *places, uintptr_t address)
{
    struct window window = {.number = address >> WINDOW_SHIFT};
    unsigned at = places->window_count;

    if (at == WINDOWS)
        return NULL;
    window.granules = assay_books_open(GRANULES_BYTES);
    window.starts = assay_books_open(STARTS_BYTES);
    window.counts = assay_books_open(COUNTS_BYTES);
    if (!window.granules || !window.starts || !window.counts) {
        close_window(&window);
        return NULL;
    }
    forget_starts(&window);
    for (; at > 0 && places->windows[at - 1].number > window.number; at--)
        places->windows[at] = places->windows[at - 1];
    places->windows[at] = window;
    places->window_count++;
    return &places->windows[at];
}

static inline uint32_t granule_of(uintptr_t address)
{
    return (uint32_t)((address & WINDOW_MASK) >> GRANULE_SHIFT);
}

static inline uint32_t chunk_of(uintptr_t address)
{
    return (uint32_t)((address & WINDOW_MASK) >> CHUNK_SHIFT);
}

static inline uint64_t *word_of(const struct window *window, uintptr_t start)
{
    return &window->starts[granule_of(start) / 64];
}

static inline uint64_t bit_of(uintptr_t start)
{
    return (uint64_t)1 << granule_of(start) % 64;
}

static struct assay_range range_of(const struct assay_places *places, uint32_t entry)
{
    const struct assay_shadow_slot *slot = &places->slots[entry - 1];
    uintptr_t start = (uintptr_t)slot->start;

    return (struct assay_range){start, start + slot->usable, entry - 1};
}

/* --- entries --- */

static inline bool is_empty(const uint32_t *entries, size_t count)
{
    uint32_t seen = 0;

    if (count < LANES) {
        for (size_t i = 0; i < count; i++)
            seen |= entries[i];
        return seen == 0;
    }
    vector all = {0}, some;
    for (size_t i = 0; i < count - LANES; i += LANES) {
        memcpy(&some, entries + i, sizeof some);
        all |= some;
    }
    memcpy(&some, entries + count - LANES, sizeof some);
    all |= some;
    return (all[0] | all[1] | all[2] | all[3]) == 0;
}

static inline void write_entries(uint32_t *entries, size_t count, uint32_t entry)
{
    if (count < LANES) {
        for (size_t i = 0; i < count; i++)
            entries[i] = entry;
        return;
    }
    const vector all = {entry, entry, entry, entry};
    for (size_t i = 0; i < count - LANES; i += LANES)
        memcpy(entries + i, &all, sizeof all);
    memcpy(entries + count - LANES, &all, sizeof all);
}

static bool overlaps(struct assay_range a, struct assay_range b)
{
    if (a.start == a.end)
        return b.start <= a.start && (a.start < b.end || a.start == b.start);
    return b.start < a.end && a.start < b.end;
}

/* The first block of granules [from, to] that overlaps range. An owner may only share a granule. */
static bool meets(const struct assay_places *places, const struct window *window, uint32_t from,
                  uint32_t to, struct assay_range range, struct assay_range *conflict)
{
    uint32_t last = 0;

    for (uint64_t i = from; i <= to; i++) {
        uint32_t entry = window->granules[i];
        if (entry == 0 || entry == last)
            continue;
        last = entry;
        *conflict = range_of(places, entry);
        if (overlaps(range, *conflict))
            return true;
    }
    return false;
}

/* The same for a range of any size: chunks without blocks are passed over. */
static bool map_meets(const struct assay_places *places, struct assay_range range,
                      struct assay_range *conflict)
{
    uintptr_t last_byte = range.end > range.start ? range.end - 1 : range.start;

    for (unsigned i = 0; i < places->window_count; i++) {
        const struct window *window = &places->windows[i];
        uintptr_t base = window->number << WINDOW_SHIFT;
        if (last_byte < base || range.start > base + WINDOW_MASK || window->lowest == CHUNKS)
            continue;
        uint32_t from = range.start > base ? granule_of(range.start) : 0;
        uint32_t to = granule_of(last_byte < base + WINDOW_MASK ? last_byte : base + WINDOW_MASK);
        uint32_t chunk = from / GRANULES_PER_CHUNK;
        for (; chunk <= to / GRANULES_PER_CHUNK && chunk <= window->highest + 1; chunk++) {
            /* A block of the chunk before may reach into this one. */
            bool reached = chunk > 0 && window->counts[chunk - 1] > 0;
            if (chunk == CHUNKS || (!reached && window->counts[chunk] == 0))
                continue;
            uint32_t first = chunk * GRANULES_PER_CHUNK;
            uint32_t final = first + GRANULES_PER_CHUNK - 1;
            if (meets(places, window, from > first ? from : first, to < final ? to : final, range,
                      conflict))
                return true;
        }
    }
    return false;
}

static bool tree_meets(const struct assay_places *places, struct assay_range range,
                       struct assay_range *conflict)
{
    if (assay_ranges_count(places->tree) == 0)
        return false;
    if (assay_ranges_find(places->tree, range.start, conflict))
        return true;
    return assay_ranges_next(places->tree, range.start, conflict) && conflict->start < range.end;
}

/* --- the set --- */

struct assay_places *assay_places_open(const struct assay_shadow_slot *slots)
{
    struct assay_places *places = calloc(1, sizeof *places);

    if (!places)
        return NULL;
    places->slots = slots;
    places->tree = assay_ranges_open();
    if (places->tree)
        return places;
    free(places);
    return NULL;
}

void assay_places_close(struct assay_places *places)
{
    if (!places)
        return;
    for (unsigned i = 0; i < places->window_count; i++)
        close_window(&places->windows[i]);
    assay_ranges_close(places->tree);
    free(places);
}

void assay_places_clear(struct assay_places *places)
{
    struct assay_range range;
    uintptr_t from = 0;

    while (places->mapped > 0 && assay_places_next(places, from, &range)) {
        assay_places_remove(places, range);
        from = range.start + 1;
    }
    for (unsigned i = 0; i < places->window_count; i++)
        forget_starts(&places->windows[i]);
    assay_ranges_clear(places->tree);
}

size_t assay_places_count(const struct assay_places *places)
{
    return places->mapped + assay_ranges_count(places->tree);
}

/* Where range would be in the map, or NULL if it must go to the tree. */
static inline uint32_t *entries_of(struct assay_places *places, struct assay_range range,
                                   struct window **window)
{
    size_t bytes = range.end - range.start;

    *window = &places->windows[places->last_window];
    if (bytes - 1 >= MAP_AT_MOST || (range.end - 1) >> WINDOW_SHIFT != range.start >> WINDOW_SHIFT)
        return NULL;
    if (places->window_count == 0 || (*window)->number != range.start >> WINDOW_SHIFT) {
        *window = window_of(places, range.start);
        if (!*window)
            *window = open_window(places, range.start);
        if (!*window)
            return NULL;
        places->last_window = (unsigned)(*window - places->windows);
    }
    return (*window)->granules + granule_of(range.start);
}

static inline size_t entry_count(struct assay_range range)
{
    return ((range.end - 1) >> GRANULE_SHIFT) - (range.start >> GRANULE_SHIFT) + 1;
}

bool assay_places_insert(struct assay_places *places, struct assay_range range,
                         struct assay_range *conflict)
{
    struct window *window;
    uint32_t *entries = entries_of(places, range, &window);

    if (!entries || !is_empty(entries, entry_count(range)))
        return !map_meets(places, range, conflict) &&
               assay_ranges_insert(places->tree, range, conflict);
    if (tree_meets(places, range, conflict))
        return false;
    write_entries(entries, entry_count(range), range.value + 1);
    uint32_t chunk = chunk_of(range.start);
    window->counts[chunk]++;
    *word_of(window, range.start) |= bit_of(range.start);
    if (chunk < window->lowest)
        window->lowest = chunk;
    if (chunk > window->highest)
        window->highest = chunk;
    places->mapped++;
    return true;
}

void assay_places_remove(struct assay_places *places, struct assay_range range)
{
    struct window *window;
    uint32_t *entries = entries_of(places, range, &window);

    if (!entries || *entries != range.value + 1) {
        assay_ranges_remove(places->tree, range.start, NULL);
        return;
    }
    write_entries(entries, entry_count(range), 0);
    window->counts[chunk_of(range.start)]--;
    *word_of(window, range.start) &= ~bit_of(range.start);
    places->mapped--;
}

bool assay_places_find(const struct assay_places *places, uintptr_t address,
                       struct assay_range *found)
{
    const struct window *window = window_of(places, address);

    if (window && window->granules[granule_of(address)] != 0) {
        *found = range_of(places, window->granules[granule_of(address)]);
        if (found->start <= address && address < found->end)
            return true;
    }
    return assay_ranges_find(places->tree, address, found);
}

/* The lowest block of a window's map with start >= from. */
static bool next_in_window(const struct assay_places *places, const struct window *window,
                           uintptr_t from, struct assay_range *found)
{
    uintptr_t base = window->number << WINDOW_SHIFT;
    size_t word = from > base ? granule_of(from) / 64 : 0;
    uint64_t mask = from > base ? UINT64_MAX << granule_of(from) % 64 : UINT64_MAX;
    size_t end = ((size_t)window->highest + 1) * WORDS_PER_CHUNK;

    if (word < (size_t)window->lowest * WORDS_PER_CHUNK) {
        word = (size_t)window->lowest * WORDS_PER_CHUNK;
        mask = UINT64_MAX;
    }
    while (word < end) {
        if (window->counts[word / WORDS_PER_CHUNK] == 0) {
            word = (word / WORDS_PER_CHUNK + 1) * WORDS_PER_CHUNK;
            mask = UINT64_MAX;
            continue;
        }
        uint64_t bits = window->starts[word] & mask;
        for (; bits; bits &= bits - 1) {
            size_t granule = word * 64 + (size_t)__builtin_ctzll(bits);
            *found = range_of(places, window->granules[granule]);
            if (found->start >= from) /* or below it in the same granule */
                return true;
        }
        word++;
        mask = UINT64_MAX;
    }
    return false;
}

bool assay_places_next(const struct assay_places *places, uintptr_t from, struct assay_range *found)
{
    struct assay_range in_tree;
    bool has_tree =
        assay_ranges_count(places->tree) > 0 && assay_ranges_next(places->tree, from, &in_tree);

    for (unsigned i = 0; i < places->window_count && places->mapped > 0; i++) {
        const struct window *window = &places->windows[i];
        if (window->number < from >> WINDOW_SHIFT || window->lowest == CHUNKS ||
            !next_in_window(places, window, from, found))
            continue;
        if (has_tree && in_tree.start < found->start)
            break;
        return true;
    }
    if (has_tree)
        *found = in_tree;
    return has_tree;
}

void assay_places_fetch(const struct assay_places *places, uintptr_t address)
{
    const struct window *window = &places->windows[places->last_window];

    if (places->window_count > 0 && window->number == address >> WINDOW_SHIFT)
        __builtin_prefetch(&window->granules[granule_of(address)], 1);
}
