/*
 * test_jemalloc - the private copy keeps to its page source, its limit and its heaps.
 *
 * The page source here is strict: it maps upwards in one reservation and never twice at one place,
 * so that mappings adjoin, runs repeat, and an unmap() that is not part of one mapping is seen.
 */
#include "assay/registry.h"
#include "assay/sizes.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#define PAGE ((size_t)4096)
#define RESERVED ((size_t)2 << 30)
#define MAPPINGS 65536
#define LIMIT ((size_t)1 << 30)

struct strict {
    struct assay_page_source source;
    char *base, *next;
    struct mapping {
        char *start, *end;
    } mappings[MAPPINGS]; /* by rising address, for they never reuse one */
    size_t count;
    unsigned char is_mapped[RESERVED / PAGE];
    size_t mapped_bytes, peak_bytes;
    bool refuses;
    int refusals;
    int bad_unmaps;
    pthread_mutex_t lock;
};

static struct strict strict = {.lock = PTHREAD_MUTEX_INITIALIZER};
static const struct assay_backend *jemalloc;
static const char *program;

static void *strict_map(void *ctx, size_t bytes, size_t align)
{
    char *start = NULL;

    (void)ctx;
    pthread_mutex_lock(&strict.lock);
    size_t padding = -(uintptr_t)strict.next & (align - 1);
    size_t room = (size_t)(strict.base + RESERVED - strict.next);
    if (!strict.refuses && padding < room && bytes <= room - padding && strict.count < MAPPINGS) {
        start = strict.next + padding;
        strict.next = start + bytes;
        strict.mappings[strict.count++] = (struct mapping){start, strict.next};
        memset(&strict.is_mapped[(size_t)(start - strict.base) / PAGE], 1, bytes / PAGE);
        strict.mapped_bytes += bytes;
        if (strict.mapped_bytes > strict.peak_bytes)
            strict.peak_bytes = strict.mapped_bytes;
    } else {
        strict.refusals++;
    }
    pthread_mutex_unlock(&strict.lock);
    return start;
}

static bool is_part_of_one_mapping(const char *start, size_t bytes)
{
    size_t low = 0, high = strict.count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (strict.mappings[middle].start <= start)
            low = middle;
        else
            high = middle;
    }
    if (strict.count == 0 || start < strict.mappings[low].start ||
        start + bytes > strict.mappings[low].end)
        return false;
    for (size_t i = 0; i < bytes; i += PAGE) {
        if (!strict.is_mapped[(size_t)(start - strict.base + (ptrdiff_t)i) / PAGE])
            return false;
    }
    return true;
}

static void strict_unmap(void *ctx, void *start, size_t bytes)
{
    (void)ctx;
    pthread_mutex_lock(&strict.lock);
    if (is_part_of_one_mapping(start, bytes)) {
        memset(&strict.is_mapped[(size_t)((char *)start - strict.base) / PAGE], 0, bytes / PAGE);
        strict.mapped_bytes -= bytes;
        assert_int_equal(madvise(start, bytes, MADV_DONTNEED), 0);
    } else {
        strict.bad_unmaps++;
    }
    pthread_mutex_unlock(&strict.lock);
}

static bool is_mapped(const void *address)
{
    ptrdiff_t offset = (const char *)address - strict.base;

    return offset >= 0 && (size_t)offset < RESERVED && strict.is_mapped[(size_t)offset / PAGE];
}

/* Forgets all mappings, of which none may be left. */
static int reset(void **state)
{
    (void)state;
    assert_int_equal(strict.mapped_bytes, 0);
    assert_int_equal(strict.bad_unmaps, 0);
    strict.next = strict.base;
    strict.count = 0;
    strict.peak_bytes = 0;
    strict.refuses = false;
    strict.refusals = 0;
    return 0;
}

static assay_status try_open(size_t limit, void **self)
{
    struct assay_heap_config config = {.limit = limit, .pages = &strict.source, .options = ""};

    return jemalloc->create(jemalloc, &config, self);
}

static void *open_heap(size_t limit)
{
    void *self;

    assert_int_equal(try_open(limit, &self), ASSAY_OK);
    return self;
}

static void release(void *self, void *block)
{
    assert_int_equal(jemalloc->free(self, block), ASSAY_OK);
}

static void test_all_blocks_lie_in_the_page_source_and_go_back_at_the_end(void **state)
{
    (void)state;
    void *self = open_heap(LIMIT);
    for (size_t size = 1; size < 8000000; size = size * 3 / 2 + 1) {
        char *blocks[] = {jemalloc->alloc(self, size), jemalloc->alloc_zeroed(self, 1, size),
                          jemalloc->alloc_aligned(self, 16384, size),
                          jemalloc->realloc(self, NULL, size)};
        for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
            assert_non_null(blocks[i]);
            size_t usable = jemalloc->usable_size(self, blocks[i]);
            assert_true(usable >= size);
            assert_true(is_mapped(blocks[i]) && is_mapped(blocks[i] + usable - 1));
            memset(blocks[i], 1, usable);
        }
        assert_true(assay_is_aligned(blocks[2], 16384));
    }
    struct assay_heap_stats stats;
    jemalloc->stats(self, &stats);
    assert_int_equal(stats.mapped_bytes, strict.mapped_bytes);
    jemalloc->destroy(self);
    assert_int_equal(strict.mapped_bytes, 0);
}

static void test_a_refusing_page_source_is_answered_with_null_and_service_returns(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    static char *blocks[COUNT];
    void *self = open_heap(LIMIT);
    char *kept = jemalloc->alloc(self, 5000);
    memset(kept, 7, 5000);
    strict.refuses = true;
    size_t count = 0;
    while (count < COUNT && (blocks[count] = jemalloc->alloc(self, 3000)))
        count++;
    assert_true(count < COUNT);
    assert_null(jemalloc->alloc(self, 100000));
    assert_null(jemalloc->realloc(self, kept, 100000));
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(kept[i], 7);
    assert_true(strict.refusals > 0);
    strict.refuses = false;
    assert_non_null(jemalloc->alloc(self, 3000));
    assert_non_null(jemalloc->alloc(self, 100000));
    jemalloc->destroy(self);
}

static void test_a_refusal_while_a_heap_is_made_leaves_nothing_mapped(void **state)
{
    (void)state;
    void *self;
    strict.refuses = true;
    assert_int_equal(try_open(LIMIT, &self), ASSAY_NO_MEMORY);
    strict.refuses = false;
    assert_int_equal(strict.mapped_bytes, 0);
    /* Room for the record, none for the arena. */
    strict.next = strict.base + RESERVED - 2 * PAGE;
    assert_int_equal(try_open(LIMIT, &self), ASSAY_NO_MEMORY);
    assert_int_equal(strict.mapped_bytes, 0);
}

static void test_the_limit_holds_and_free_memory_is_not_kept_from_a_request(void **state)
{
    (void)state;
    enum { COUNT = 4096 };
    static char *blocks[COUNT];
    const size_t limit = (size_t)16 << 20;
    void *self = open_heap(limit);
    size_t count = 0;
    while (count < COUNT && (blocks[count] = jemalloc->alloc(self, 20000)))
        count++;
    assert_true(count > 500 && count < COUNT);
    assert_true(strict.peak_bytes <= limit);
    assert_null(jemalloc->alloc(self, 8 << 20));
    for (size_t i = 0; i < count; i++)
        release(self, blocks[i]);
    assert_non_null(jemalloc->alloc(self, 8 << 20));
    assert_true(strict.peak_bytes <= limit);
    jemalloc->destroy(self);
}

static void test_the_least_limit_is_enough_for_any_small_block_and_no_less_is_taken(void **state)
{
    (void)state;
    void *self;
    assert_int_equal(try_open(jemalloc->min_limit - 1, &self), ASSAY_NO_MEMORY);
    assert_int_equal(strict.mapped_bytes, 0);
    for (size_t size = 0; size <= 14336; size += size < 1024 ? 1 : 64) {
        self = open_heap(jemalloc->min_limit);
        assert_non_null(jemalloc->alloc(self, size));
        assert_true(strict.peak_bytes <= jemalloc->min_limit);
        jemalloc->destroy(self);
        reset(NULL);
    }
}

static void test_mappings_that_adjoin_go_back_one_by_one(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static char *blocks[COUNT];
    void *self = open_heap(LIMIT);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            blocks[i] = jemalloc->alloc(self, 20000 + 4096 * (i % 7));
            assert_non_null(blocks[i]);
        }
        for (size_t i = 0; i < COUNT; i++)
            blocks[i] = jemalloc->realloc(self, blocks[i], 18000 + 10000 * (i % 5));
        for (size_t i = 0; i < COUNT; i++)
            release(self, blocks[i * 7 % COUNT]);
        strict.refuses = true; /* one refusal gives back what is free */
        assert_null(jemalloc->alloc(self, LIMIT / 2));
        strict.refuses = false;
        assert_int_equal(strict.bad_unmaps, 0);
    }
    jemalloc->destroy(self);
}

static void test_heaps_live_side_by_side(void **state)
{
    (void)state;
    enum { HEAPS = 50 };
    void *heaps[HEAPS];
    unsigned char *blocks[HEAPS];
    for (int i = 0; i < HEAPS; i++) {
        heaps[i] = open_heap(LIMIT);
        blocks[i] = jemalloc->alloc(heaps[i], 1000);
        memset(blocks[i], i, 1000);
    }
    for (int i = 0; i < HEAPS; i += 2)
        jemalloc->destroy(heaps[i]);
    for (int i = 1; i < HEAPS; i += 2) {
        for (int j = 0; j < 1000; j++)
            assert_int_equal(blocks[i][j], i);
        assert_non_null(jemalloc->alloc(heaps[i], 1000));
        jemalloc->destroy(heaps[i]);
    }
}

static size_t resident_bytes(void)
{
    char text[200] = "", *rest = text;
    FILE *file = fopen("/proc/self/statm", "r");

    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    strtoul(text, &rest, 10); /* the first number is what is mapped, the second what is resident */
    return strtoul(rest, NULL, 10) * PAGE;
}

static void test_ten_thousand_heaps_one_after_another_do_not_add_up(void **state)
{
    (void)state;
    size_t before = 0;
    for (int i = 0; i < 10000; i++) {
        void *self = open_heap(LIMIT);
        assert_non_null(jemalloc->alloc(self, 100));
        jemalloc->destroy(self);
        reset(NULL);
        if (i == 100)
            before = resident_bytes();
    }
    assert_true(resident_bytes() < before + ((size_t)8 << 20));
}

/* The offsets that a mixed stream gives, on an empty page source. */
static void record_offsets(size_t *offsets, size_t count)
{
    enum { LIVE = 500 };
    char *live[LIVE] = {NULL};
    uint32_t random = 1;
    void *self = open_heap(LIMIT);

    for (size_t i = 0; i < count; i++) {
        random = random * 1664525 + 1013904223;
        size_t slot = (random >> 8) % LIVE, size = random >> (15 + (random >> 4) % 12);
        release(self, live[slot]);
        live[slot] = jemalloc->alloc(self, size);
        offsets[i] = (size_t)(live[slot] - strict.base);
    }
    jemalloc->destroy(self);
    reset(NULL);
}

static void test_the_same_stream_gives_the_same_addresses(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static size_t first[COUNT], second[COUNT];
    record_offsets(first, COUNT);
    record_offsets(second, COUNT);
    assert_memory_equal(first, second, sizeof first);
}

static void test_zeroed_blocks_are_zero_on_recycled_memory(void **state)
{
    (void)state;
    void *self = open_heap(LIMIT);
    for (size_t size = 1; size < 300000; size = size * 2 + 3) {
        void *dirty = jemalloc->alloc(self, size);
        memset(dirty, 0xff, size);
        release(self, dirty);
        unsigned char *block = jemalloc->alloc_zeroed(self, size, 1);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(block[i], 0);
        memset(block, 0xff, size);
        release(self, block);
    }
    jemalloc->destroy(self);
}

static void test_edge_sizes_are_answered_as_the_table_says(void **state)
{
    (void)state;
    void *self = open_heap(LIMIT);
    void *one = jemalloc->alloc(self, 0), *other = jemalloc->alloc(self, 0);
    assert_true(one && other && one != other);
    release(self, NULL);
    assert_int_equal(jemalloc->usable_size(self, NULL), 0);
    for (size_t less = 0; less < 5000; less += 7) {
        assert_null(jemalloc->alloc(self, SIZE_MAX - less));
        assert_null(jemalloc->alloc(self, (size_t)PTRDIFF_MAX + 1 - less));
        assert_null(jemalloc->alloc_aligned(self, 4096, SIZE_MAX - less));
        assert_null(jemalloc->realloc(self, one, SIZE_MAX - less));
    }
    assert_null(jemalloc->alloc_zeroed(self, SIZE_MAX / 2 + 1, 2));
    assert_null(jemalloc->alloc_zeroed(self, (size_t)1 << 33, ((size_t)1 << 31) + 1));
    for (unsigned bit = 0; bit < 64; bit++) {
        void *block = jemalloc->alloc_aligned(self, (size_t)1 << bit, 24);
        assert_true(bit < 28 ? block != NULL : !block || bit < 31);
        assert_true(assay_is_aligned(block, (size_t)1 << bit));
    }
    jemalloc->destroy(self);
}

static void test_an_option_it_does_not_know_is_refused(void **state)
{
    (void)state;
    struct assay_heap_config config = {.limit = LIMIT, .pages = &strict.source, .options = "x=1"};
    void *self;
    assert_int_equal(jemalloc->create(jemalloc, &config, &self), ASSAY_INVALID);
}

static void *work(void *self)
{
    enum { LIVE = 100 };
    unsigned char *live[LIVE] = {NULL};
    uint32_t random = (uint32_t)(uintptr_t)&live;

    for (int i = 0; i < 20000; i++) {
        random = random * 1664525 + 1013904223;
        size_t slot = (random >> 8) % LIVE,
               size = 1 + (random >> (15 + (random >> 4) % 10)) % 50000;
        if (live[slot] && live[slot][0] != (unsigned char)slot)
            return live[slot];
        if (random >> 31) {
            unsigned char *moved = jemalloc->realloc(self, live[slot], size);
            live[slot] = moved ? moved : live[slot];
        } else {
            if (jemalloc->free(self, live[slot]) != ASSAY_OK)
                return live[slot];
            live[slot] = jemalloc->alloc(self, size);
        }
        if (live[slot])
            live[slot][0] = (unsigned char)slot;
    }
    return NULL;
}

static void test_threads_share_one_heap(void **state)
{
    (void)state;
    pthread_t threads[4];
    void *self = open_heap((size_t)4 << 20), *wrong;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, self), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_true(strict.peak_bytes <= (size_t)4 << 20);
    jemalloc->destroy(self);
}

static void test_the_copy_shows_no_name_and_hears_no_setting_of_jemalloc(void **state)
{
    (void)state;
    char command[4200];
    assert_null(dlsym(RTLD_DEFAULT, "mallocx"));
    assert_null(dlsym(RTLD_DEFAULT, "mallctl"));
    /* A copy that read this would say so and abort before main. */
    snprintf(command, sizeof command,
             "MALLOC_CONF=abort_conf:true,nonsense:1 '%s' only-start 2>&1 | grep -q jemalloc",
             program);
    assert_int_not_equal(system(command), 0);
    snprintf(command, sizeof command, "MALLOC_CONF=abort_conf:true,nonsense:1 '%s' only-start",
             program);
    assert_int_equal(system(command), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, reset, reset)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_all_blocks_lie_in_the_page_source_and_go_back_at_the_end),
        TEST(test_a_refusing_page_source_is_answered_with_null_and_service_returns),
        TEST(test_a_refusal_while_a_heap_is_made_leaves_nothing_mapped),
        TEST(test_the_limit_holds_and_free_memory_is_not_kept_from_a_request),
        TEST(test_the_least_limit_is_enough_for_any_small_block_and_no_less_is_taken),
        TEST(test_mappings_that_adjoin_go_back_one_by_one),
        TEST(test_heaps_live_side_by_side),
        TEST(test_ten_thousand_heaps_one_after_another_do_not_add_up),
        TEST(test_the_same_stream_gives_the_same_addresses),
        TEST(test_zeroed_blocks_are_zero_on_recycled_memory),
        TEST(test_edge_sizes_are_answered_as_the_table_says),
        TEST(test_an_option_it_does_not_know_is_refused),
        TEST(test_threads_share_one_heap),
        TEST(test_the_copy_shows_no_name_and_hears_no_setting_of_jemalloc),
    };
    struct assay_error error;

    program = argv[0];
    if (assay_registry_find("jemalloc", &jemalloc, &error) != ASSAY_OK)
        return 1;
    if (argc > 1)
        return 0;
    void *base = mmap(NULL, RESERVED, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return 4;
    strict.base = strict.next = base;
    strict.source = (struct assay_page_source){PAGE, strict_map, strict_unmap, NULL};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
