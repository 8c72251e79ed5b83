/* test_heap - a heap is created on a meter, reopened without remapping, and leaks are told. */
#include "assay/heap.h"

#include "assay/os_pages.h"
#include "assay/registry.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const struct assay_backend *null_backend(void)
{
    const struct assay_backend *backend = NULL;
    struct assay_error error;

    assert_int_equal(assay_registry_find("null", &backend, &error), ASSAY_OK);
    return backend;
}

/* A backend with as little as can be, which forgets one page when told to. */
struct scant {
    const struct assay_page_source *pages;
    size_t limit;
    char option;
    bool denies; /* its own blocks */
    size_t used;
    unsigned char bytes[2000];
};

static assay_status scant_create(const struct assay_backend *backend,
                                 const struct assay_heap_config *config, void **self)
{
    (void)backend;
    *self = (void *)1; /* a failing create may leave rubbish there */
    if (config->options[0] == 'f')
        return ASSAY_UNSUPPORTED;
    struct scant *scant = config->pages->map(config->pages->ctx, sizeof *scant, 4096);
    if (!scant)
        return ASSAY_NO_MEMORY;
    *scant = (struct scant){
        .pages = config->pages, .limit = config->limit, .option = config->options[0]};
    memset(scant->bytes, 0xee, sizeof scant->bytes);
    *self = scant;
    return ASSAY_OK;
}

static void scant_destroy(void *self)
{
    struct scant *scant = self;

    if (scant->option != 'l')
        scant->pages->unmap(scant->pages->ctx, scant, sizeof *scant);
}

static void *scant_alloc(void *self, size_t size)
{
    struct scant *scant = self;

    if (size > sizeof scant->bytes - scant->used)
        return NULL;
    scant->used += size;
    return scant->bytes + scant->used - size;
}

static assay_status scant_free(void *self, void *block)
{
    struct scant *scant = self;

    (void)block;
    return scant->denies ? ASSAY_INVALID : ASSAY_OK;
}

static const struct assay_backend scant_backend = {
    .abi = ASSAY_BACKEND_ABI,
    .caps = ASSAY_CAP_PAGE_SOURCE,
    .min_align = 1,
    .max_size = SIZE_MAX,
    .min_limit = 10000,
    .name = "scant",
    .summary = "",
    .origin = "",
    .options_help = "",
    .create = scant_create,
    .destroy = scant_destroy,
    .alloc = scant_alloc,
    .free = scant_free,
};

static void open_scant(struct assay_heap *heap, const char *options)
{
    assert_int_equal(assay_heap_open(heap, &scant_backend, assay_os_pages(), 1 << 20, 7, options),
                     ASSAY_OK);
}

static void test_the_limit_is_the_default_the_least_or_what_was_asked(void **state)
{
    (void)state;
    struct assay_heap heap;

    assert_int_equal(assay_heap_open(&heap, null_backend(), assay_os_pages(), 0, 0, NULL),
                     ASSAY_OK);
    assert_int_equal(heap.limit, ASSAY_HEAP_LIMIT);
    assert_int_equal(heap.meter.mapped_bytes, ASSAY_HEAP_LIMIT);
    assay_heap_close(&heap, NULL);
    open_scant(&heap, NULL);
    assert_int_equal(((struct scant *)heap.self)->limit, 1 << 20);
    assay_heap_destroy(&heap, NULL);
    assert_int_equal(assay_heap_reopen(&heap, 1, 0, ""), ASSAY_OK);
    assert_int_equal(heap.limit, 10000);
    assert_int_equal(heap.meter.limit, 10000);
    assay_heap_close(&heap, NULL);
}

static void test_what_destroy_forgets_is_told_and_taken_back(void **state)
{
    (void)state;
    struct assay_heap heap;
    size_t leaked;

    open_scant(&heap, "leak");
    assay_heap_destroy(&heap, &leaked);
    assert_int_equal(leaked, 4096);
    assert_int_equal(assay_heap_reopen(&heap, 1 << 20, 7, ""), ASSAY_OK);
    assert_int_equal(heap.meter.mapped_bytes, 4096);
    assay_heap_close(&heap, &leaked);
    assert_int_equal(leaked, 0);
}

static void test_a_heap_that_cannot_be_created_leaves_nothing_open(void **state)
{
    (void)state;
    struct assay_heap heap;

    assert_int_equal(assay_heap_open(&heap, &scant_backend, assay_os_pages(), 1 << 20, 0, "fail"),
                     ASSAY_UNSUPPORTED);
    assert_null(heap.self);
    open_scant(&heap, "");
    assay_heap_destroy(&heap, NULL);
    assert_int_equal(assay_heap_reopen(&heap, 1 << 20, 0, "fail"), ASSAY_UNSUPPORTED);
    assert_null(heap.self);
    assert_int_equal(assay_heap_reopen(&heap, 1 << 20, 0, ""), ASSAY_OK);
    assay_heap_close(&heap, NULL);
}

static void test_made_up_zeroing_zeroes_and_refuses_overflow(void **state)
{
    (void)state;
    static const unsigned char zeros[70];
    struct assay_heap heap;

    open_scant(&heap, "");
    assert_int_equal(heap.made_up, 0);
    assert_null(assay_heap_made_up_zeroed(&heap, SIZE_MAX / 2, 3));
    unsigned char *block = assay_heap_made_up_zeroed(&heap, 10, 7);
    assert_memory_equal(block, zeros, 70);
    assert_int_equal(block[70], 0xee);
    assert_int_equal(heap.made_up, 1u << ASSAY_OP_ALLOC_ZEROED);
    assay_heap_close(&heap, NULL);
}

static void test_made_up_realloc_copies_the_smaller_and_keeps_what_it_cannot_move(void **state)
{
    (void)state;
    struct assay_heap heap;

    open_scant(&heap, "");
    unsigned char *block = assay_heap_made_up_realloc(&heap, NULL, 0, 10);
    for (unsigned char i = 0; i < 10; i++)
        block[i] = (unsigned char)('0' + i);
    unsigned char *larger = assay_heap_made_up_realloc(&heap, block, 10, 20);
    assert_memory_equal(larger, "0123456789\xee\xee", 12);
    unsigned char *smaller = assay_heap_made_up_realloc(&heap, larger, 20, 4);
    assert_memory_equal(smaller, "0123\xee", 5);
    assert_null(assay_heap_made_up_realloc(&heap, smaller, 4, 5000));
    ((struct scant *)heap.self)->denies = true;
    assert_null(assay_heap_made_up_realloc(&heap, smaller, 4, 8));
    assert_memory_equal(smaller, "0123", 4);
    assay_heap_close(&heap, NULL);
}

static void test_a_backend_offers_what_its_table_holds(void **state)
{
    (void)state;
    assert_true(assay_backend_offers(&scant_backend, ASSAY_OP_ALLOC));
    assert_true(assay_backend_offers(&scant_backend, ASSAY_OP_FREE));
    assert_false(assay_backend_offers(&scant_backend, ASSAY_OP_ALLOC_ZEROED));
    assert_false(assay_backend_offers(&scant_backend, ASSAY_OP_ALLOC_ALIGNED));
    assert_false(assay_backend_offers(&scant_backend, ASSAY_OP_REALLOC));
    assert_false(assay_backend_offers(&scant_backend, ASSAY_OP_CHECK));
    assert_true(assay_backend_offers(null_backend(), ASSAY_OP_ALLOC_ZEROED));
    assert_true(assay_backend_claims(&scant_backend, ASSAY_CAP_PAGE_SOURCE));
    assert_false(
        assay_backend_claims(&scant_backend, ASSAY_CAP_PAGE_SOURCE | ASSAY_CAP_MANY_HEAPS));
}

static void test_every_capability_and_status_has_a_word(void **state)
{
    (void)state;
    assert_string_equal(assay_cap_name(0), "thread_safe");
    assert_string_equal(assay_cap_name(9), "detects_overrun");
    assert_string_equal(assay_cap_name(10), "sets_errno");
    assert_string_equal(assay_cap_name(11), "detects_underrun");
    assert_string_equal(assay_cap_name(12), "detects_write_after_free");
    assert_string_equal(assay_cap_name(13), "realloc_zero_frees");
    assert_string_equal(assay_cap_name(14), "realloc_zero_block");
    assert_null(assay_cap_name(15));
    for (int status = ASSAY_OK; status <= ASSAY_UNSUPPORTED; status++)
        assert_string_not_equal(assay_status_text((assay_status)status), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_limit_is_the_default_the_least_or_what_was_asked),
        cmocka_unit_test(test_what_destroy_forgets_is_told_and_taken_back),
        cmocka_unit_test(test_a_heap_that_cannot_be_created_leaves_nothing_open),
        cmocka_unit_test(test_made_up_zeroing_zeroes_and_refuses_overflow),
        cmocka_unit_test(test_made_up_realloc_copies_the_smaller_and_keeps_what_it_cannot_move),
        cmocka_unit_test(test_a_backend_offers_what_its_table_holds),
        cmocka_unit_test(test_every_capability_and_status_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
