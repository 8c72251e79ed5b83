/* test_heap.c - a list heap on a page source that counts. */
#include "test_heap.h"

extern const struct assay_backend assay_backend_list;
const struct assay_backend *const list = &assay_backend_list;

/* --- a heap and what it got from its page source --- */

static size_t mapped_bytes;

static void *map(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    assert_int_equal(align, PAGE);
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    mapped_bytes += bytes;
    return start;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    (void)ctx;
    mapped_bytes -= bytes;
    assert_int_equal(munmap(start, bytes), 0);
}

static const struct assay_page_source pages = {.page_size = PAGE, .map = map, .unmap = unmap};

assay_status try_open(void **heap, size_t limit, const char *options)
{
    struct assay_heap_config config = {
        .limit = limit, .pages = &pages, .seed = 1, .options = options};

    mapped_bytes = 0; /* one heap at a time; a failed test before must not fail this one */
    return list->create(list, &config, heap);
}

void *open_heap(size_t limit, const char *options)
{
    void *heap = NULL;

    assert_int_equal(try_open(&heap, limit, options), ASSAY_OK);
    return heap;
}

void close_heap(void *heap)
{
    list->destroy(heap);
    assert_int_equal(mapped_bytes, 0);
}

void assert_sound(void *heap)
{
    struct assay_damage damage = {0};
    assay_status status = list->check(heap, &damage);

    if (status != ASSAY_OK)
        fail_msg("check: %s", damage.what);
}

void assert_damaged(void *heap, const char *what)
{
    struct assay_damage damage = {0};

    assert_int_equal(list->check(heap, &damage), ASSAY_CORRUPT);
    if (what)
        assert_non_null(strstr(damage.what, what));
}

size_t largest_free(void *heap)
{
    struct assay_heap_stats stats;

    list->stats(heap, &stats);
    return stats.largest_free;
}

size_t used_blocks(void *heap)
{
    struct assay_heap_stats stats;

    list->stats(heap, &stats);
    return stats.used_blocks;
}

struct list_header *header_of(void *block)
{
    return (struct list_header *)block - 1;
}

/* What walk() shows. */
struct seen {
    const char *next;
    size_t used_bytes;
    size_t used, free, meta;
    const void *first;
};

static bool see(void *arg, const struct assay_extent *extent)
{
    struct seen *seen = arg;

    if (!seen->next)
        seen->next = extent->start;
    assert_ptr_equal(seen->next, extent->start);
    seen->next += extent->bytes;
    seen->used += extent->kind == ASSAY_EXTENT_USED;
    seen->free += extent->kind == ASSAY_EXTENT_FREE;
    seen->meta += extent->kind == ASSAY_EXTENT_META;
    if (extent->kind != ASSAY_EXTENT_META && !seen->first)
        seen->first = extent->start;
    return true;
}

uintptr_t assert_tiled(void *heap, size_t bytes, size_t used)
{
    struct seen seen = {0};

    assert_int_equal(list->walk(heap, see, &seen), ASSAY_OK);
    assert_int_equal((size_t)(seen.next - (char *)heap), bytes);
    assert_int_equal(seen.used, used);
    assert_int_equal(seen.meta, 2);
    return (uintptr_t)seen.first;
}
