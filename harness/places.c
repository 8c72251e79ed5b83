/*
 * places.c - a map of who holds each 16 bytes of memory, and a tree for the rest.
 *
 *   addresses   [ window of 4 GiB: [ chunk of 64 KiB: [ granule of 16 B | granule | ...
 *   taken       0 0 1 1 1 0 1 ...          whether a block of the map lies there
 *   starts      0 0 1 0 0 0 1 ...          whether one starts there
 *   owners      . . 7 . . . 9 ...          slot + 1 of the one that starts there
 *   summaries   a bit for each word of starts: whether it has any; for visiting blocks in order
 *
 * So most blocks come and go by one or two words, however long they are.
 *
 * Each part of a window is a book of which only what is touched costs anything: at most a quarter
 * of the memory in which blocks ever lay. Programs have their blocks in a few windows.
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
#define GRANULES (1u << (WINDOW_SHIFT - GRANULE_SHIFT))
#define WINDOW_MASK (((uintptr_t)1 << WINDOW_SHIFT) - 1)
#define OWNERS_BYTES (sizeof(uint32_t) << (WINDOW_SHIFT - GRANULE_SHIFT))
#define WORDS_PER_CHUNK (GRANULES_PER_CHUNK / 64) /* 64 as well: a summary is one word */
#define WORDS_BYTES (sizeof(struct word) * WORDS_PER_CHUNK * CHUNKS)
#define SUMMARIES_BYTES (sizeof(uint64_t) * CHUNKS)
/* Larger blocks are few, and their words many. Must not exceed a chunk. */
#define MAP_AT_MOST ((size_t)16 << 10)

/* 64 granules. */
struct word {
    uint64_t taken;
    uint64_t starts;
};

struct window {
    uintptr_t number; /* address >> WINDOW_SHIFT */
    uint32_t *owners;
    struct word *words;
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
    assay_books_close(window->owners, OWNERS_BYTES);
    assay_books_close(window->words, WORDS_BYTES);
    assay_books_close(window->summaries, SUMMARIES_BYTES);
}

/* Windows are kept in the order of their addresses. NULL: the tree must do. */
static struct window *open_window(struct assay_places *places, uintptr_t address)
{
    struct window window = {.number = address >> WINDOW_SHIFT};
    unsigned at = places->window_count;

    if (at == WINDOWS)
        return NULL;
    window.owners = assay_books_open(OWNERS_BYTES);
    window.words = assay_books_open(WORDS_BYTES);
    window.summaries = assay_books_open(SUMMARIES_BYTES);
    if (!window.owners || !window.words || !window.summaries) {
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

    window->words[granule / 64].starts |= (uint64_t)1 << granule % 64;
    window->summaries[chunk] |= (uint64_t)1 << granule / 64 % WORDS_PER_CHUNK;
    if (chunk < window->lowest)
        window->lowest = chunk;
    if (chunk > window->highest)
        window->highest = chunk;
}

static inline void forget_start(struct window *window, uintptr_t start)
{
    uint32_t granule = granule_of(start);
    uint64_t *word = &window->words[granule / 64].starts;

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

/* --- granules --- */

/* The words that a range lies in, and which bits of the first and of the last are its. */
struct stretch {
    size_t first, last;
    uint64_t head, tail; /* both are for the one word where there is only one */
};

static inline struct stretch stretch_of(struct assay_range range)
{
    uint32_t from = granule_of(range.start), to = granule_of(range.end - 1);
    struct stretch stretch = {from / 64, to / 64, UINT64_MAX << from % 64,
                              UINT64_MAX >> (63 - to % 64)};

    if (stretch.first == stretch.last)
        stretch.head = stretch.tail = stretch.head & stretch.tail;
    return stretch;
}

static inline bool is_vacant(const struct word *words, const struct stretch *stretch)
{
    uint64_t taken = words[stretch->first].taken & stretch->head;

    if (stretch->first == stretch->last)
        return taken == 0;
    for (size_t i = stretch->first + 1; i < stretch->last; i++)
        taken |= words[i].taken;
    return (taken | (words[stretch->last].taken & stretch->tail)) == 0;
}

static inline void occupy(struct word *words, const struct stretch *stretch)
{
    words[stretch->first].taken |= stretch->head;
    if (stretch->first == stretch->last)
        return;
    for (size_t i = stretch->first + 1; i < stretch->last; i++)
        words[i].taken = UINT64_MAX;
    words[stretch->last].taken |= stretch->tail;
}

static inline void vacate(struct word *words, const struct stretch *stretch)
{
    words[stretch->first].taken &= ~stretch->head;
    if (stretch->first == stretch->last)
        return;
    for (size_t i = stretch->first + 1; i < stretch->last; i++)
        words[i].taken = 0;
    words[stretch->last].taken &= ~stretch->tail;
}

/* --- the map alone --- */

/* A granule that is taken belongs to the block of the last start at or before it. */
static bool map_find(const struct assay_places *places, uintptr_t address,
                     struct assay_range *found)
{
    const struct window *window = window_of(places, address);
    uint32_t granule = granule_of(address);
    size_t word = granule / 64;

    if (!window || !(window->words[word].taken >> granule % 64 & 1))
        return false;
    uint64_t bits = window->words[word].starts & UINT64_MAX >> (63 - granule % 64);
    while (!bits)
        bits = window->words[--word].starts;
    *found = range_of(places, window->owners[word * 64 + 63 - (size_t)__builtin_clzll(bits)]);
    return found->start <= address && address < found->end;
}

/* The lowest block of a window's map with start >= from. */
static bool next_in_window(const struct assay_places *places, const struct window *window,
                           uintptr_t from, struct assay_range *found)
{
    uintptr_t base = window->number << WINDOW_SHIFT;
    uint32_t granule = from > base ? granule_of(from) : 0;
    size_t word = granule / 64;
    uint64_t bits = window->words[word].starts & UINT64_MAX << granule % 64;

    for (;;) {
        for (; bits; bits &= bits - 1) {
            size_t at = word * 64 + (size_t)__builtin_ctzll(bits);
            *found = range_of(places, window->owners[at]);
            if (found->start >= from) /* or below it in the same granule */
                return true;
        }
        word = next_word(window, word);
        if (word == SIZE_MAX)
            return false;
        bits = window->words[word].starts;
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

/* The window in whose map range would be, or NULL if it must go to the tree. */
static inline struct window *home_of(struct assay_places *places, struct assay_range range)
{
    struct window *window = &places->windows[places->last_window];
    uintptr_t number = range.start >> WINDOW_SHIFT;

    if (range.end - range.start - 1 >= MAP_AT_MOST || (range.end - 1) >> WINDOW_SHIFT != number)
        return NULL;
    if (places->window_count > 0 && window->number == number)
        return window;
    window = window_of(places, range.start);
    if (!window)
        window = open_window(places, range.start);
    if (window)
        places->last_window = (unsigned)(window - places->windows);
    return window;
}

bool assay_places_insert(struct assay_places *places, struct assay_range range,
                         struct assay_range *conflict)
{
    struct window *window = home_of(places, range);
    struct stretch stretch = stretch_of(range);

    if (!window || !is_vacant(window->words, &stretch))
        return !map_meets(places, range, conflict) &&
               assay_ranges_insert(places->tree, range, conflict);
    if (tree_meets(places, range, conflict))
        return false;
    occupy(window->words, &stretch);
    note_start(window, range.start);
    window->owners[granule_of(range.start)] = range.value + 1;
    places->mapped++;
    return true;
}

void assay_places_remove(struct assay_places *places, struct assay_range range)
{
    struct window *window = home_of(places, range);
    uint32_t *owner = window ? &window->owners[granule_of(range.start)] : NULL;

    if (!owner || *owner != range.value + 1) {
        assay_ranges_remove(places->tree, range.start, NULL);
        return;
    }
    struct stretch stretch = stretch_of(range);
    *owner = 0;
    vacate(window->words, &stretch);
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

/* Free granules from bit `bit` of words[word] down, or up. */
static inline unsigned free_below(const struct word *words, size_t word, unsigned bit)
{
    uint64_t taken = words[word].taken & UINT64_MAX >> (63 - bit);

    if (taken)
        return bit - (63 - (unsigned)__builtin_clzll(taken));
    uint64_t before = word > 0 ? words[word - 1].taken : 0;
    return bit + 1 + (before ? (unsigned)__builtin_clzll(before) : 64);
}

static inline unsigned free_above(const struct word *words, size_t word, unsigned bit)
{
    uint64_t taken = words[word].taken >> bit;

    if (taken)
        return (unsigned)__builtin_ctzll(taken);
    uint64_t after = word + 1 < (size_t)WORDS_PER_CHUNK * CHUNKS ? words[word + 1].taken : 0;
    return 64 - bit + (after ? (unsigned)__builtin_ctzll(after) : 64);
}

void assay_places_gaps(const struct assay_places *places, struct assay_range range, unsigned *below,
                       unsigned *above)
{
    const struct window *window = &places->windows[places->last_window];
    uint32_t first = granule_of(range.start) - 1;
    uint32_t last = granule_of(range.end > range.start ? range.end - 1 : range.start) + 1;

    *below = *above = ASSAY_PLACES_FAR;
    if (places->window_count == 0 || window->number != range.start >> WINDOW_SHIFT)
        return;
    if (range.start >> GRANULE_SHIFT << GRANULE_SHIFT & WINDOW_MASK)
        *below = free_below(window->words, first / 64, first % 64);
    if (last > first + 1 && last < GRANULES)
        *above = free_above(window->words, last / 64, last % 64);
    if (*below > ASSAY_PLACES_FAR)
        *below = ASSAY_PLACES_FAR;
    if (*above > ASSAY_PLACES_FAR)
        *above = ASSAY_PLACES_FAR;
}

void assay_places_fetch(const struct assay_places *places, uintptr_t address)
{
    const struct window *window = &places->windows[places->last_window];

    if (places->window_count == 0 || window->number != address >> WINDOW_SHIFT)
        return;
    __builtin_prefetch(&window->words[granule_of(address) / 64], 1);
    __builtin_prefetch(&window->owners[granule_of(address)], 1);
}
