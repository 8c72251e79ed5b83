/* conformance_life.c - the table itself, create() and destroy(). */
#include "conformance_tests.h"

#include "assay/sizes.h"

#include "assay/os_pages.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_name(const char *name)
{
    return name && name[0] >= 'a' && name[0] <= 'z' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static void test_table_is_complete(struct trial *trial)
{
    const struct assay_backend *backend = trial->backend;

    EXPECT(trial, backend->abi == ASSAY_BACKEND_ABI, "abi is %u, this harness has %u", backend->abi,
           ASSAY_BACKEND_ABI);
    EXPECT(trial, backend->create && backend->destroy && backend->alloc && backend->free,
           "create, destroy, alloc and free are required");
    EXPECT(trial, backend->caps < ASSAY_CAP_END, "caps has unknown bits");
    EXPECT(trial, assay_is_power_of_two(backend->min_align), "min_align is no power of two");
    EXPECT(trial, backend->max_size > 0, "max_size is 0");
    EXPECT(trial,
           strncmp(backend->name ? backend->name : "", "dl:", 3) == 0 || is_name(backend->name),
           "name is not a small letter followed by small letters, digits and underscores");
    EXPECT(trial, backend->summary && backend->summary[0], "summary is empty");
    EXPECT(trial, backend->origin && backend->origin[0], "origin is empty");
    EXPECT(trial, backend->options_help, "options_help is NULL");
}

/* A heap without the help of heap.h, which would raise a limit that is too low. */
static assay_status create(struct trial *trial, struct assay_meter *meter, size_t limit,
                           void **self)
{
    const struct assay_heap_config config = {
        .limit = limit, .pages = &meter->source, .seed = 1, .options = ""};

    *self = NULL;
    return trial->backend->create(trial->backend, &config, self);
}

static void open_meter(struct trial *trial, struct assay_meter *meter)
{
    assay_status status = assay_meter_open(meter, assay_os_pages(), SIZE_MAX);

    EXPECT(trial, status == ASSAY_OK, "the test has no memory for its own records");
}

static size_t ordinary_limit(const struct trial *trial)
{
    size_t least = trial->backend->min_limit;

    return least > TRIAL_LIMIT / 4 ? least : TRIAL_LIMIT / 4;
}

static void expect_all_given_back(struct trial *trial, size_t live_blocks)
{
    size_t leaked;

    assay_heap_destroy(&trial->heap, &leaked);
    EXPECT(trial, leaked == 0, "%zu bytes are still mapped after destroy() with %zu blocks live",
           leaked, live_blocks);
    EXPECT(trial, trial->heap.meter.bad_unmaps == 0, "unmapped what was not mapped");
}

static void test_destroy_leaves_nothing_mapped(struct trial *trial)
{
    trial_open(trial);
    expect_all_given_back(trial, 0);
    for (int round = 0; round < 4; round++) {
        trial_reopen(trial);
        trial_churn(trial, 400);
        if (round >= 2)
            trial_fill_up(trial, trial->heap.limit / 40);
        if (round % 2 == 1)
            trial_free_all(trial);
        expect_all_given_back(trial, trial->count);
    }
}

/* Creates a heap where it may be refused, and expects a refused one to leave nothing. */
static void expect_whole_or_nothing(struct trial *trial, struct assay_meter *meter, size_t room)
{
    void *self;
    assay_status status = create(trial, meter, ordinary_limit(trial), &self);

    if (status == ASSAY_OK)
        trial->backend->destroy(self); /* it can do with less */
    else
        EXPECT(trial, meter->mapped_bytes == 0,
               "%zu bytes are still mapped after create() with %zu bytes to be had answers: %s",
               meter->mapped_bytes, room, assay_status_text(status));
    EXPECT(trial, status == ASSAY_OK || meter->bad_unmaps == 0,
           "a refused create() unmaps what is not mapped");
    assay_meter_reset(meter, SIZE_MAX);
}

static void test_refused_create_leaves_nothing_mapped(struct trial *trial)
{
    struct assay_meter meter;
    void *self;

    open_meter(trial, &meter);
    assay_status status = create(trial, &meter, ordinary_limit(trial), &self);
    EXPECT(trial, status == ASSAY_OK, "create() answers: %s", assay_status_text(status));
    size_t whole = meter.peak_bytes;
    trial->backend->destroy(self);
    assay_meter_reset(&meter, SIZE_MAX);

    size_t page = meter.source.page_size;
    size_t step = assay_align_up(whole / 64 + 1, page);
    for (size_t budget = 0; budget < whole; budget += budget < 8 * page ? page : step) {
        meter.budget = budget;
        expect_whole_or_nothing(trial, &meter, budget);
    }
    for (uint64_t refused = 1; refused <= 3; refused++) {
        meter.refuse_next = refused;
        expect_whole_or_nothing(trial, &meter, 0);
    }
}

static void test_min_limit_is_the_smallest_that_is_taken(struct trial *trial)
{
    size_t least = trial->backend->min_limit;
    struct assay_meter meter;
    void *self;
    assay_status status;

    open_meter(trial, &meter);
    if (least > 0) {
        status = create(trial, &meter, least - 1, &self);
        EXPECT(trial, status != ASSAY_OK, "create() takes a limit of %zu, below min_limit",
               least - 1);
        EXPECT(trial, meter.mapped_bytes == 0,
               "%zu bytes are still mapped after a refused create()", meter.mapped_bytes);
    }
    status = create(trial, &meter, least, &self);
    EXPECT(trial, status == ASSAY_OK, "create() with a limit of min_limit answers: %s",
           assay_status_text(status));
    trial->backend->destroy(self);
}

/* Serves requests of falling size until even small ones are refused, all within the meter. */
static void fill_to_the_brim(struct trial *trial, const struct assay_meter *meter, void *self,
                             size_t limit)
{
    static const size_t sizes[] = {70000, 3000, 200, 24};
    size_t served = 0;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (; served <= limit; served += sizes[i]) {
            void *handle = trial->backend->alloc(self, sizes[i]);
            if (!handle)
                break;
            const unsigned char *bytes =
                trial->backend->resolve ? trial->backend->resolve(self, handle) : handle;
            EXPECT(trial, assay_meter_holds(meter, bytes, sizes[i]),
                   "with a limit of %zu a block lies outside what is mapped", limit);
        }
    }
    EXPECT(trial, meter->peak_bytes <= limit, "maps %zu bytes with a limit of %zu",
           meter->peak_bytes, limit);
}

static void fill_one(struct trial *trial, size_t limit)
{
    struct assay_meter meter; /* which does not keep the limit itself */
    void *self;

    open_meter(trial, &meter);
    assay_status status = create(trial, &meter, limit, &self);
    EXPECT(trial, status == ASSAY_OK, "create() with a limit of %zu answers: %s", limit,
           assay_status_text(status));
    fill_to_the_brim(trial, &meter, self, limit);
    trial->backend->destroy(self);
    assay_meter_close(&meter);
}

static void test_limit_need_not_be_whole_pages(struct trial *trial)
{
    static const size_t odd[] = {1, 7, 16, 100, 4095, 65537};

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        fill_one(trial, ordinary_limit(trial) + odd[i]);
}

static void test_never_maps_more_than_the_limit(struct trial *trial)
{
    fill_one(trial, ordinary_limit(trial));
    fill_one(trial, ordinary_limit(trial) + ((size_t)1 << 20));
}

/* Where the blocks of one run lie, as mapping and offset. */
static uint64_t addresses_hash(struct trial *trial)
{
    uint64_t hash = 0;
    uint32_t mapping;
    size_t offset;

    trial_open(trial);
    trial->marks = 0;
    trial_churn(trial, 600);
    for (size_t i = 0; i < trial->count; i++) {
        EXPECT(trial,
               assay_meter_locate(&trial->heap.meter, trial->blocks[i].bytes, &mapping, &offset),
               "a block lies outside what is mapped");
        hash = (hash ^ mapping ^ offset << 16) * 0x9E3779B97F4A7C15u;
    }
    trial_close(trial);
    return hash;
}

static void test_same_seed_gives_the_same_addresses(struct trial *trial)
{
    uint64_t first = addresses_hash(trial);
    uint64_t second = addresses_hash(trial);

    EXPECT(trial, first == second, "the same calls with the same seed give other addresses");
}

static void test_prints_nothing(struct trial *trial)
{
    struct stat written;
    int file = memfd_create("output", 0);

    EXPECT(trial, file >= 0 && dup2(file, STDOUT_FILENO) >= 0 && dup2(file, STDERR_FILENO) >= 0,
           "the test has no file to redirect output to");
    trial_open(trial);
    trial_churn(trial, 500);
    trial_close(trial);
    EXPECT(trial, fstat(file, &written) == 0 && written.st_size == 0, "%zu bytes were printed",
           (size_t)written.st_size);
}

static const struct conformance_test tests[] = {
    {.name = "the_table_is_complete", .needs = "", .run = test_table_is_complete},
    {.name = "destroy_leaves_nothing_mapped",
     .needs = "page_source",
     .capability = ASSAY_CAP_PAGE_SOURCE,
     .run = test_destroy_leaves_nothing_mapped},
    {.name = "a_refused_create_leaves_nothing_mapped",
     .needs = "page_source",
     .capability = ASSAY_CAP_PAGE_SOURCE,
     .run = test_refused_create_leaves_nothing_mapped},
    {.name = "min_limit_is_the_smallest_that_is_taken",
     .needs = "",
     .run = test_min_limit_is_the_smallest_that_is_taken},
    {.name = "the_limit_need_not_be_whole_pages",
     .needs = "page_source",
     .capability = ASSAY_CAP_PAGE_SOURCE,
     .run = test_limit_need_not_be_whole_pages},
    {.name = "never_maps_more_than_the_limit",
     .needs = "page_source",
     .capability = ASSAY_CAP_PAGE_SOURCE,
     .run = test_never_maps_more_than_the_limit},
    {.name = "the_same_seed_gives_the_same_addresses",
     .needs = "page_source",
     .capability = ASSAY_CAP_PAGE_SOURCE,
     .run = test_same_seed_gives_the_same_addresses},
    {.name = "prints_nothing", .needs = "", .run = test_prints_nothing},
};

const struct conformance_room assay_conformance_life = CONFORMANCE_ROOM(tests);
