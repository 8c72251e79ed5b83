/*
 * recycler.c - one reservation, reused for input after input.
 *
 *   pages   [ given | given | dirty | given | clean | clean ... ]
 *                                           ^ given: nothing above was touched since the last reset
 *
 * What comes back is cleared when it is given out again or at the reset, whichever is first; so pages
 * that nobody takes a second time are cleared once.
 */
#include "assay/pages.h"

#include "assay/books.h"
#include "assay/os_pages.h"
#include "assay/sizes.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { CLEAN, GIVEN, DIRTY };

static size_t page_of(const struct assay_recycler *recycler, const void *address)
{
    return (size_t)((const unsigned char *)address - recycler->base) / recycler->source.page_size;
}

/* The first page at or after `from` from which on `count` pages are free; SIZE_MAX if there is none. */
static size_t find_run(const struct assay_recycler *recycler, size_t from, size_t count,
                       size_t align)
{
    size_t page_size = recycler->source.page_size;
    size_t pages = recycler->bytes / page_size;
    size_t first = from;

    for (;;) {
        uintptr_t address = (uintptr_t)recycler->base + first * page_size;
        first += (assay_align_up(address, align) - address) / page_size;
        if (first > pages || count > pages - first)
            return SIZE_MAX;
        size_t run = 0;
        while (run < count && recycler->map_of_pages[first + run] != GIVEN)
            run++;
        if (run == count)
            return first;
        first += run + 1;
    }
}

static void *map(void *ctx, size_t bytes, size_t align)
{
    struct assay_recycler *recycler = ctx;
    size_t page_size = recycler->source.page_size;

    bytes = assay_align_up(bytes, page_size);
    if (bytes == 0 || bytes > recycler->bytes)
        return NULL;
    size_t count = bytes / page_size;
    size_t first = find_run(recycler, recycler->lowest_free, count, align);
    if (first == SIZE_MAX)
        return NULL;
    unsigned char *start = recycler->base + first * page_size;
    for (size_t page = first; page < first + count; page++)
        if (recycler->map_of_pages[page] == DIRTY)
            memset(recycler->base + page * page_size, 0, page_size);
    memset(recycler->map_of_pages + first, GIVEN, count);
    if (first == recycler->lowest_free)
        recycler->lowest_free = first + count;
    if ((first + count) * page_size > recycler->given)
        recycler->given = (first + count) * page_size;
    return start;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    struct assay_recycler *recycler = ctx;
    size_t first = page_of(recycler, start);
    size_t count = assay_align_up(bytes, recycler->source.page_size) / recycler->source.page_size;

    assert((unsigned char *)start >= recycler->base &&
           (first + count) * recycler->source.page_size <= recycler->given &&
           "only what was given out comes back");
    memset(recycler->map_of_pages + first, DIRTY, count);
    if (first < recycler->lowest_free)
        recycler->lowest_free = first;
}

assay_status assay_recycler_open(struct assay_recycler *recycler, size_t bytes, void *at)
{
    size_t page_size = assay_os_pages()->page_size;
    int where = at ? MAP_FIXED_NOREPLACE : 0;

    bytes = assay_align_up(bytes, page_size);
    *recycler = (struct assay_recycler){
        .source = {.page_size = page_size, .map = map, .unmap = unmap, .ctx = recycler},
        .bytes = bytes,
    };
    if (bytes == 0 || bytes > PTRDIFF_MAX)
        return ASSAY_NO_MEMORY;
    void *base = mmap(at, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | where, -1, 0);
    if (base == MAP_FAILED)
        return at && errno != ENOMEM ? ASSAY_INVALID : ASSAY_NO_MEMORY;
    recycler->base = base;
    recycler->map_of_pages = assay_books_open(bytes / page_size);
    if ((at && base != at) || !recycler->map_of_pages) { /* an old kernel takes `at` for a hint */
        assay_status status = recycler->map_of_pages ? ASSAY_INVALID : ASSAY_NO_MEMORY;
        assay_recycler_close(recycler);
        return status;
    }
    return ASSAY_OK;
}

void assay_recycler_close(struct assay_recycler *recycler)
{
    munmap(recycler->base, recycler->bytes);
    assay_books_close(recycler->map_of_pages, recycler->bytes / recycler->source.page_size);
}

void assay_recycler_reset(struct assay_recycler *recycler)
{
    size_t page_size = recycler->source.page_size;
    size_t pages = recycler->given / page_size;
    const unsigned char *state = recycler->map_of_pages;

    for (size_t first = 0, last; first < pages; first = last) {
        for (last = first; last < pages && state[last] != CLEAN;)
            last++;
        memset(recycler->base + first * page_size, 0, (last - first) * page_size);
        while (last < pages && state[last] == CLEAN)
            last++;
    }
    memset(recycler->map_of_pages, CLEAN, pages);
    recycler->given = 0;
    recycler->lowest_free = 0;
}
