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

struct mems *mems_open(const struct mems_setup *setup)
{
    struct mems fresh = {.setup = *setup, .end = setup->first};

    if (setup->page_size == 0)
        return NULL;
    fresh.chunk.bytes = round_up(CHUNK, setup->page_size);
    struct mems *mems = fresh.chunk.bytes > PTRDIFF_MAX ? NULL : map(&fresh, fresh.chunk.bytes);
    if (!mems)
        return NULL;
    *mems = fresh;
    mems->segments.stock = mems->mappings.stock = &mems->stock;
    stock_up(mems, mems, sizeof *mems, fresh.chunk.bytes);
    return mems;
}

void mems_close(struct mems *mems)
{
    struct mems_entry mapping = {.key = 0};
    struct mems last;

    while (mems_tree_after(&mems->mappings, mapping.key, &mapping))
        if (mapping.value)
            unmap(mems, (void *)(uintptr_t)mapping.key, (size_t)mapping.room);
    for (struct mems_chunk *chunk = mems->chunk.next; chunk;) {
        struct mems_chunk ended = *chunk;
        unmap(mems, chunk, ended.bytes);
        chunk = ended.next;
    }
    last = *mems; /* for it lies in what goes */
    unmap(&last, mems, last.chunk.bytes);
}

/* --- segments --- */

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
    if (!reserve(mems, 3 * mems_tree_appetite(&mems->segments) + 1 +
                           mems_tree_appetite(&mems->mappings))) {
        unmap(mems, place, bytes);
        return 0;
    }
    struct mems_entry mapping = {(uintptr_t)place, start, (int64_t)bytes};
    struct mems_entry process = {start, (uintptr_t)place, -(int64_t)size};
    struct mems_entry hole = {start + size, (uintptr_t)place + size, (int64_t)(bytes - size)};
    mems_tree_put(&mems->mappings, &mapping);
    mems_tree_put(&mems->segments, &process);
    if (hole.room > 0)
        mems_tree_put(&mems->segments, &hole);
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
    mems_tree_set(&mems->segments, hole.key, -(int64_t)size);
    struct mems_entry rest = {hole.key + size, hole.value + size, hole.room - (int64_t)size};
    if (rest.room > 0)
        mems_tree_put(&mems->segments, &rest);
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
    struct mems_entry hole, other;

    if (!mems_around(mems, address, &hole) || hole.key != address)
        return ASSAY_INVALID;
    mems->processes--;
    mems->process_bytes -= (size_t)-hole.room;
    hole.room = -hole.room;
    if (mems_tree_after(&mems->segments, hole.key, &other) && other.room > 0 &&
        is_beside(mems, &hole, &other)) {
        mems_tree_drop(&mems->segments, other.key);
        hole.room += other.room;
    }
    if (mems_tree_find(&mems->segments, hole.key - 1, &other) && other.room > 0 &&
        is_beside(mems, &other, &hole)) {
        mems_tree_drop(&mems->segments, hole.key);
        hole = (struct mems_entry){other.key, other.value, hole.room + other.room};
    }
    mems_tree_set(&mems->segments, hole.key, hole.room);
    return ASSAY_OK;
}
