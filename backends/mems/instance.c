/* instance.c - mappings, segments, and the records of both. */
#include "mems/instance.h"

#include "assay/sizes.h"

#include <string.h>

/* A chunk of records has at least this many bytes. */
#define CHUNK ((size_t)16 << 10)
#define LINE 64

static size_t round_up(size_t bytes, size_t multiple)
{
    size_t rest = bytes % multiple;

    return rest ? assay_add(bytes, multiple - rest) : bytes;
}

size_t mems_whole_pages(const struct mems *mems, size_t bytes)
{
    return assay_align_up(bytes, mems->setup.pages->page_size);
}

static void *map(struct mems *mems, size_t bytes)
{
    const struct assay_page_source *pages = mems->setup.pages;
    size_t whole = mems_whole_pages(mems, bytes);
    void *start = NULL;

    if (whole <= mems->setup.limit - mems->mapped_bytes)
        start = pages->map(pages->ctx, whole, pages->page_size);
    if (start)
        mems->mapped_bytes += whole;
    return start;
}

static void unmap(struct mems *mems, void *start, size_t bytes)
{
    const struct assay_page_source *pages = mems->setup.pages;
    size_t whole = mems_whole_pages(mems, bytes);

    mems->mapped_bytes -= whole;
    pages->unmap(pages->ctx, start, whole);
}

/* --- records --- */

/* Gives the nodes of a chunk, which begin after `used` bytes, to the stock. */
static void stock_up(struct mems *mems, void *chunk, size_t used, size_t bytes)
{
    char *end = (char *)chunk + bytes;

    for (char *node = (char *)chunk + round_up(used, LINE);
         (size_t)(end - node) >= sizeof(struct mems_node); node += sizeof(struct mems_node))
        mems_stock_add(&mems->stock, (struct mems_node *)(void *)node);
    mems_tree_put(&mems->mappings,
                  &(struct mems_entry){.key = (uintptr_t)chunk, .room = (int64_t)bytes});
}

/* Makes sure of so many nodes, of one more where the mappings' tree has grown by its new entry, and of those that
 * the entry takes itself. False with nothing changed. */
static bool reserve(struct mems *mems, size_t nodes)
{
    if (mems->stock.count >= nodes)
        return true;
    size_t wanted = (nodes + mems_tree_appetite(&mems->mappings) + 2) * sizeof(struct mems_node);
    size_t bytes = round_up(wanted > CHUNK ? wanted : CHUNK, mems->setup.page_size);
    struct mems_chunk *chunk = bytes == SIZE_MAX ? NULL : map(mems, bytes);
    if (!chunk)
        return false;
    *chunk = (struct mems_chunk){mems->chunk.next, bytes};
    mems->chunk.next = chunk;
    stock_up(mems, chunk, sizeof *chunk, bytes);
    return true;
}

/* What a mapping takes with its two segments, one node more where the first of them makes their tree higher, and what
 * is kept. */
static bool reserve_for_mapping(struct mems *mems)
{
    return reserve(mems, 3 * mems_tree_appetite(&mems->segments) + 1 +
                             mems_tree_appetite(&mems->mappings));
}

struct mems *mems_open(const struct mems_setup *setup)
{
    struct mems fresh = {.setup = *setup, .end = setup->first};

    if (setup->page_size == 0)
        return NULL;
    fresh.chunk.bytes = round_up(CHUNK, setup->page_size);
    fresh.lines.first = setup->first;
    struct mems *mems = fresh.chunk.bytes > PTRDIFF_MAX ? NULL : map(&fresh, fresh.chunk.bytes);
    if (!mems)
        return NULL;
    *mems = fresh;
    mems->segments.stock = mems->mappings.stock = &mems->stock;
    size_t used = round_up(sizeof *mems, LINE);
    if (setup->page_size % MEMS_LINE_SPAN == 0) {
        mems->lines.table[0] = (struct mems_line *)(void *)((char *)mems + used);
        mems->lines.tables = 1;
        used += MEMS_FIRST_LINES * sizeof(struct mems_line);
    }
    stock_up(mems, mems, used, fresh.chunk.bytes);
    return mems;
}

size_t mems_table_bytes(const struct mems *mems, unsigned table)
{
    size_t bytes = mems_table_lines(table) * sizeof(struct mems_line);
    size_t whole = round_up(bytes, mems->setup.page_size);

    return whole <= 2 * bytes ? whole : SIZE_MAX;
}

/* Decides about the tables of all addresses up to `last`; leaves what was reserved for a mapping's segments. */
static void draw_lines(struct mems *mems, uint64_t last)
{
    struct mems_lines *lines = &mems->lines;

    if (lines->tables == 0)
        return;
    for (unsigned needed = mems_lines_table(lines, last); lines->tables <= needed;
         lines->tables++) {
        size_t bytes = mems_table_bytes(mems, lines->tables);
        if (bytes == SIZE_MAX || !reserve_for_mapping(mems))
            continue;
        void *table = map(mems, bytes);
        if (!table)
            continue;
        lines->table[lines->tables] = table;
        mems_tree_put(&mems->mappings,
                      &(struct mems_entry){.key = (uintptr_t)table, .room = (int64_t)bytes});
    }
}

void mems_close(struct mems *mems)
{
    struct mems_entry mapping = {.key = 0};
    struct mems last;

    while (mems_tree_after(&mems->mappings, mapping.key, &mapping))
        if (mapping.value)
            unmap(mems, (void *)(uintptr_t)mapping.key, (size_t)mapping.room);
    for (unsigned table = 1; table < mems->lines.tables; table++)
        if (mems->lines.table[table])
            unmap(mems, mems->lines.table[table], mems_table_bytes(mems, table));
    for (struct mems_chunk *chunk = mems->chunk.next; chunk;) {
        struct mems_chunk ended = *chunk;
        unmap(mems, chunk, ended.bytes);
        chunk = ended.next;
    }
    last = *mems; /* for it lies in what goes */
    unmap(&last, mems, last.chunk.bytes);
}

/* --- segments --- */

static void put_segment(struct mems *mems, const struct mems_entry *segment)
{
    mems_tree_put(&mems->segments, segment);
    mems_lines_put(&mems->lines, segment);
}

static void set_segment(struct mems *mems, uint64_t address, int64_t room)
{
    mems_tree_set(&mems->segments, address, room);
    mems_lines_set(&mems->lines, address, room < 0);
}

static void drop_segment(struct mems *mems, uint64_t address)
{
    mems_tree_drop(&mems->segments, address);
    mems_lines_drop(&mems->lines, address, &mems->segments);
}

/* A new mapping with a PROCESS of `size` bytes and a HOLE of the rest. */
static uint64_t take_new(struct mems *mems, size_t size)
{
    size_t bytes = round_up(size, mems->setup.page_size);
    uint64_t start = mems->end;

    if (bytes > PTRDIFF_MAX || bytes > mems->setup.span - (start - mems->setup.first))
        return 0;
    void *place = map(mems, bytes);
    if (!place)
        return 0;
    if (!reserve_for_mapping(mems)) {
        unmap(mems, place, bytes);
        return 0;
    }
    struct mems_entry mapping = {(uintptr_t)place, start, (int64_t)bytes};
    struct mems_entry process = {start, (uintptr_t)place, -(int64_t)size};
    struct mems_entry hole = {start + size, (uintptr_t)place + size, (int64_t)(bytes - size)};
    mems_tree_put(&mems->mappings, &mapping);
    draw_lines(mems, start + bytes - 1);
    put_segment(mems, &process);
    if (hole.room > 0)
        put_segment(mems, &hole);
    mems->end += bytes;
    return start;
}

/*
 * Whether there is a record for a new segment at `address`. What one put() may need stays in stock where that can
 * be: of that lives a system without pages whose segments have been more, for what is freed must fit again.
 */
static bool has_record(struct mems *mems, uint64_t address)
{
    size_t kept = mems_tree_appetite(&mems->segments);

    if (mems->stock.count >= 2 * kept)
        return true;
    size_t needs = mems_tree_needs(&mems->segments, address);
    return needs == 0 || reserve(mems, kept + needs) ||
           (mems->segments.count < mems->most_segments && mems->stock.count >= needs);
}

/* A PROCESS in the first HOLE that can be had. 0 if there is none. */
static uint64_t take_hole(struct mems *mems, size_t size)
{
    struct mems_entry hole = {.key = 0};
    bool found = mems_tree_fit(&mems->segments, 0, (int64_t)size, &hole);

    while (found && hole.room > (int64_t)size && !has_record(mems, hole.key + size))
        found = mems_tree_fit(&mems->segments, hole.key + 1, (int64_t)size, &hole);
    if (!found)
        return 0;
    mems_lines_fetch(&mems->lines, hole.key);
    set_segment(mems, hole.key, -(int64_t)size);
    struct mems_entry rest = {hole.key + size, hole.value + size, hole.room - (int64_t)size};
    if (rest.room > 0)
        put_segment(mems, &rest);
    return hole.key;
}

uint64_t mems_take(struct mems *mems, size_t size)
{
    if (size == 0 || size > PTRDIFF_MAX)
        return 0;
    uint64_t start = take_hole(mems, size);
    if (!start)
        start = take_new(mems, size);
    if (!start)
        return 0;
    if (mems->segments.count > mems->most_segments)
        mems->most_segments = mems->segments.count;
    mems->processes++;
    mems->process_bytes += size;
    return start;
}

bool mems_around(const struct mems *mems, uint64_t address, struct mems_entry *process)
{
    return mems_tree_find(&mems->segments, address, process) && process->room < 0 &&
           address - process->key < (uint64_t)-process->room;
}

void *mems_place(const struct mems *mems, uint64_t address)
{
    struct mems_entry process;
    uint64_t place;

    switch (mems_lines_ask(&mems->lines, address, &place)) {
    case MEMS_LINE_PROCESS:
        return (void *)(uintptr_t)place;
    case MEMS_LINE_HOLE:
        return NULL;
    case MEMS_LINE_UNKNOWN:
        break;
    }
    if (!mems_around(mems, address, &process))
        return NULL;
    return (void *)(uintptr_t)(process.value + (address - process.key));
}

bool mems_opens_mapping(const struct mems *mems, const struct mems_entry *segment, uint64_t *bytes)
{
    struct mems_entry mapping;

    /* Mappings are whole pages of addresses: most segments need no search. */
    if ((segment->key - mems->setup.first) % mems->setup.page_size != 0 ||
        !mems_tree_find(&mems->mappings, segment->value, &mapping) || mapping.key != segment->value)
        return false;
    *bytes = (uint64_t)mapping.room;
    return true;
}

/* Whether a HOLE that begins where `left` ends, in addresses, is to be one with it. */
static bool is_beside(const struct mems *mems, const struct mems_entry *left,
                      const struct mems_entry *right)
{
    uint64_t bytes;

    /* Mappings rarely lie one behind the other in memory too: few need a search. */
    return left->value + (right->key - left->key) == right->value &&
           !mems_opens_mapping(mems, right, &bytes);
}

assay_status mems_release(struct mems *mems, uint64_t address)
{
    struct mems_entry hole, before, after;

    mems_lines_fetch(&mems->lines, address);
    if (!mems_around(mems, address, &hole) || hole.key != address)
        return ASSAY_INVALID;
    mems_tree_beside(&mems->segments, address, &before, &after);
    mems->processes--;
    mems->process_bytes -= (size_t)-hole.room;
    hole.room = -hole.room;
    if (after.room > 0 && is_beside(mems, &hole, &after)) {
        drop_segment(mems, after.key);
        hole.room += after.room;
    }
    if (before.room > 0 && is_beside(mems, &before, &hole)) {
        drop_segment(mems, hole.key);
        hole = (struct mems_entry){before.key, before.value, hole.room + before.room};
    }
    set_segment(mems, hole.key, hole.room);
    return ASSAY_OK;
}
