/*
 * places.c - a map of who holds each 16 bytes of memory, and a tree for the rest.
 *
 *   addresses   [ window of 4 GiB: [ chunk of 64 KiB: [ granule of 16 B | granule | ...
 *   granules    0 0 7 7 7 0 9 ...          slot + 1 of the block that holds it, 0: none in the map
 *   starts      a bit for each granule: whether a block of the map starts there
 *   summaries   a bit for each word of starts: whether it has any
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
#define WORDS_PER_CHUNK (GRANULES_PER_CHUNK / 64) /* 64 as well: a summary is one word */
#define STARTS_BYTES (sizeof(uint64_t) * WORDS_PER_CHUNK * CHUNKS)
#define SUMMARIES_BYTES (sizeof(uint64_t) * CHUNKS)
/* Larger blocks are few, and their entries many. Must not exceed a chunk. */
#define MAP_AT_MOST ((size_t)16 << 10)

typedef uint32_t vector __attribute__((vector_size(16)));
#define LANES 4
#define FEW 16

struct window {
    uintptr_t number; /* address >> WINDOW_SHIFT */
    uint32_t *granules;
    uint64_t *starts;
    uint64_t *summaries;      /* of each chunk */
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
    assay_books_close(window->summaries, SUMMARIES_BYTES);
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
    window.summaries = assay_books_open(SUMMARIES_BYTES);
    if (!window.granules || !window.starts || !window.summaries) {
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

static inline void note_start(struct window *window, uintptr_t start)
{
    uint32_t granule = granule_of(start), chunk = chunk_of(start);

    window->starts[granule / 64] |= (uint64_t)1 << granule % 64;
    window->summaries[chunk] |= (uint64_t)1 << granule / 64 % WORDS_PER_CHUNK;
    if (chunk < window->lowest)
        window->lowest = chunk;
    if (chunk > window->highest)
        window->highest = chunk;
}

static inline void forget_start(struct window *window, uintptr_t start)
{
    uint32_t granule = granule_of(start);
    uint64_t *word = &window->starts[granule / 64];

    *word &= ~((uint64_t)1 << granule % 64);
    if (*word == 0)
        window->summaries[chunk_of(start)] &= ~((uint64_t)1 << granule / 64 % WORDS_PER_CHUNK);
}

/* The first word of starts behind `word` that has any; SIZE_MAX if none has. */
static inline size_t next_word(const struct window *window, size_t word)
{
    size_t chunk = word / WORDS_PER_CHUNK;
    uint64_t above = (UINT64_MAX << word % WORDS_PER_CHUNK) << 1;
    uint64_t summary = window->summaries[chunk] & above;

    if (chunk < window->lowest)
        chunk = (size_t)window->lowest - 1;
    while (!summary) {
        if (++chunk > window->highest)
            return SIZE_MAX;
        summary = window->summaries[chunk];
    }
    return chunk * WORDS_PER_CHUNK + (size_t)__builtin_ctzll(summary);
}

static struct assay_range range_of(const struct assay_places *places, uint32_t entry)
{
    const struct assay_shadow_slot *slot = &places->slots[entry - 1];
    uintptr_t start = (uintptr_t)slot->start;

    return (struct assay_range){start, start + slot->usable, entry - 1};
}

/* --- entries --- */

/*
 * Most blocks have few granules, and of any number: up to LANES, and up to FEW, as much is read and
 * written as the longest needs, some of it twice, so that no loop ends where the processor did not
 * expect it.
 */
static inline vector load(const uint32_t *from)
{
    vector value;

    memcpy(&value, from, sizeof value);
    return value;
}

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline bool is_empty(const uint32_t *entries, size_t count)
{
    if (count < LANES)
        return (entries[0] | entries[count / 2] | entries[count - 1]) == 0;
    size_t last = count - LANES;
    vector all = load(entries + last);
    for (size_t i = 0; i < (count <= FEW ? FEW - LANES : last); i += LANES)
        all |= load(entries + least(i, last));
    return (all[0] | all[1] | all[2] | all[3]) == 0;
}

static inline void write_entries(uint32_t *entries, size_t count, uint32_t entry)
{
    if (count < LANES) {
        entries[0] = entry;
        entries[count / 2] = entry;
        entries[count - 1] = entry;
        return;
    }
    const vector all = {entry, entry, entry, entry};
    size_t last = count - LANES;
    for (size_t i = 0; i < (count <= FEW ? FEW : last + LANES); i += LANES)
        memcpy(entries + least(i, last), &all, sizeof all);
}

/* --- the map alone --- */

static bool map_find(const struct assay_places *places, uintptr_t address,
                     struct assay_range *found)
{
    const struct window *window = window_of(places, address);
    uint32_t entry = window ? window->granules[granule_of(address)] : 0;

    if (entry == 0)
        return false;
    *found = range_of(places, entry);
    return found->start <= address && address < found->end;
}

/* The lowest block of a window's map with start >= from. */
static bool next_in_window(const struct assay_places *places, const struct window *window,
                           uintptr_t from, struct assay_range *found)
{
    uintptr_t base = window->number << WINDOW_SHIFT;
    uint32_t granule = from > base ? granule_of(from) : 0;
    size_t word = granule / 64;
    uint64_t bits = window->starts[word] & UINT64_MAX << granule % 64;

    for (;;) {
        for (; bits; bits &= bits - 1) {
            size_t at = word * 64 + (size_t)__builtin_ctzll(bits);
            *found = range_of(places, window->granules[at]);
            if (found->start >= from) /* or below it in the same granule */
                return true;
        }
        word = next_word(window, word);
        if (word == SIZE_MAX)
            return false;
        bits = window->starts[word];
    }
}

static bool map_next(const struct assay_places *places, uintptr_t from, struct assay_range *found)
{
    for (unsigned i = 0; i < places->window_count && places->mapped > 0; i++) {
        const struct window *window = &places->windows[i];
        if (window->number >= from >> WINDOW_SHIFT && window->lowest < CHUNKS &&
            next_in_window(places, window, from, found))
            return true;
    }
    return false;
}

/* No block of the map is empty, so one that overlaps range holds its start, or starts in it. */
static bool map_meets(const struct assay_places *places, struct assay_range range,
                      struct assay_range *conflict)
{
    return map_find(places, range.start, conflict) ||
           (map_next(places, range.start, conflict) && conflict->start < range.end);
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
    note_start(window, range.start);
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
    forget_start(window, range.start);
    places->mapped--;
}

bool assay_places_find(const struct assay_places *places, uintptr_t address,
                       struct assay_range *found)
{
    return map_find(places, address, found) || assay_ranges_find(places->tree, address, found);
}

bool assay_places_next(const struct assay_places *places, uintptr_t from, struct assay_range *found)
{
    struct assay_range in_tree;

    if (assay_ranges_count(places->tree) == 0)
        return map_next(places, from, found);
    if (!assay_ranges_next(places->tree, from, &in_tree))
        return map_next(places, from, found);
    if (!map_next(places, from, found) || in_tree.start < found->start)
        *found = in_tree;
    return true;
}

void assay_places_fetch(const struct assay_places *places, uintptr_t address)
{
    const struct window *window = &places->windows[places->last_window];

    if (places->window_count > 0 && window->number == address >> WINDOW_SHIFT)
        __builtin_prefetch(&window->granules[granule_of(address)], 1);
}
