/* test_faults - gates, libraries behind gates, and what is found when page requests are refused one by one. */
#include "assay/faults.h"
#include "assay/gate.h"
#include "assay/heap.h"
#include "assay/interpose.h"
#include "assay/os_pages.h"
#include "assay/registry.h"
#include "mutants/planted.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

/* LIBRARIES is the folder of the malloc libraries in libraries/. */
#define SOUND "dl:" LIBRARIES "/NO_BUG.so"
#define OTHER "dl:" LIBRARIES "/ERRNO_FORGOTTEN.so"
#define LARGE ((size_t)1 << 20)

/* --- gates --- */

static void expect_passes(enum assay_gate_plan plan, uint64_t from, const char *passes)
{
    struct assay_gate gate = {.plan = plan, .from = from};
    uint64_t refusals = 0;

    for (size_t i = 0; passes[i]; i++) {
        assert_int_equal(assay_gate_passes(&gate), passes[i] == '+');
        refusals += passes[i] != '+';
    }
    assert_int_equal(gate.requests, strlen(passes));
    assert_int_equal(gate.refusals, refusals);
}

static void test_a_gate_refuses_the_requests_of_its_plan(void **state)
{
    (void)state;
    expect_passes(ASSAY_GATE_OPEN, 0, "++++");
    expect_passes(ASSAY_GATE_ONE, 0, "-+++");
    expect_passes(ASSAY_GATE_ONE, 2, "++-+");
    expect_passes(ASSAY_GATE_BEYOND, 2, "++--");
    expect_passes(ASSAY_GATE_ALTERNATE, 1, "+-+-+-");
}

static void test_a_gate_passes_pages_on_and_takes_them_back(void **state)
{
    struct assay_gate gate = {.plan = ASSAY_GATE_ONE, .from = 1};
    struct assay_meter meter;

    (void)state;
    assert_int_equal(assay_meter_open(&meter, assay_os_pages(), SIZE_MAX), ASSAY_OK);
    assay_gate_guard(&gate, &meter.source);
    void *pages = gate.source.map(&gate, gate.source.page_size, gate.source.page_size);
    assert_non_null(pages);
    assert_null(gate.source.map(&gate, gate.source.page_size, gate.source.page_size));
    assert_int_equal(meter.mapped_bytes, gate.source.page_size);
    assert_int_equal(meter.refusals, 0);
    gate.source.unmap(&gate, pages, gate.source.page_size);
    assert_int_equal(meter.mapped_bytes, 0);
    assay_meter_close(&meter);
}

/* --- libraries --- */

struct dl_heap {
    const struct assay_backend *backend;
    void *self;
};

static struct dl_heap open_library(const char *spec)
{
    const struct assay_heap_config config = {.limit = SIZE_MAX, .options = ""};
    struct dl_heap heap = {NULL, NULL};
    struct assay_error error;

    if (assay_registry_find(spec, &heap.backend, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    assert_int_equal(heap.backend->create(heap.backend, &config, &heap.self), ASSAY_OK);
    return heap;
}

static bool serves(const struct dl_heap *heap)
{
    void *block = heap->backend->alloc(heap->self, LARGE);

    assert_int_equal(heap->backend->free(heap->self, block), ASSAY_OK);
    return block != NULL;
}

static void test_only_the_library_behind_the_gate_is_refused(void **state)
{
    struct dl_heap sound = open_library(SOUND), other = open_library(OTHER);
    struct assay_gate takes = {.plan = ASSAY_GATE_BEYOND}, gives = {0};

    (void)state;
    assert_true(assay_interpose_open(assay_registry_library(sound.backend), &takes, &gives) > 0);
    assert_false(serves(&sound));
    assert_true(serves(&other));
    void *ours = mmap(NULL, LARGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(ours, MAP_FAILED);
    munmap(ours, LARGE);
    assert_int_equal(takes.requests, 1);
    assert_int_equal(gives.requests, 0);
    takes.plan = ASSAY_GATE_OPEN;
    assert_true(serves(&sound));
    assert_int_equal(takes.requests, 2);
    assert_int_equal(gives.requests, 1);
    assay_interpose_close();
    assert_true(serves(&sound));
    assert_int_equal(takes.requests, 2);
}

static void test_an_address_of_no_library_changes_nothing(void **state)
{
    struct assay_gate takes = {0}, gives = {0};
    int local = 0;

    (void)state;
    assert_int_equal(assay_interpose_open(&local, &takes, &gives), 0);
    assay_interpose_close();
}

static void test_the_library_of_a_backend_is_where_its_functions_are(void **state)
{
    struct dl_heap sound = open_library(SOUND);
    size_t count;

    (void)state;
    assert_non_null(assay_registry_library(sound.backend));
    assert_null(assay_registry_library(assay_registry_all(&count)[0]));
}

/* --- faults --- */

static unsigned broken_tests(const struct assay_backend *backend, const void *library, bool every)
{
    const struct assay_faults_options options = {.library = library, .every_request = every};
    struct assay_conformance_result result;
    unsigned broken = 0;

    for (size_t i = 0; i < assay_faults_count(); i++) {
        assert_int_equal(assay_faults_run(backend, &options, i, &result), ASSAY_OK);
        if (result.verdict == ASSAY_BROKEN)
            print_message("%s: %s: %s\n", backend->name, result.name, result.why);
        broken += result.verdict == ASSAY_BROKEN;
    }
    return broken;
}

static void test_sound_backends_bear_every_refusal(void **state)
{
    size_t count;
    const struct assay_backend *const *all = assay_registry_all(&count);

    (void)state;
    for (size_t i = 0; i < count; i++)
        assert_int_equal(broken_tests(all[i], NULL, false), 0);
    for (int kind = PLANTED_REGION; kind <= PLANTED_PLAIN_GROWS; kind++) {
        struct planted planted = planted_make((enum planted_kind)kind, PLANT_NOTHING);
        assert_int_equal(broken_tests(&planted.backend, NULL, true), 0);
    }
}

static void test_what_a_refusal_damages_is_found(void **state)
{
    static const enum planted_bug bugs[] = {
        PLANT_NO_SERVICE_AFTER_REFUSAL, PLANT_FAILED_MAP_NOT_CHECKED, PLANT_REFUSED_REALLOC_FREES};

    (void)state;
    for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++) {
        struct planted planted = planted_make(PLANTED_GROWS, bugs[i]);
        assert_true(broken_tests(&planted.backend, NULL, true) > 0);
    }
}

static void test_where_nothing_can_be_refused_nothing_is_said(void **state)
{
    struct dl_heap sound = open_library(SOUND);
    const struct assay_faults_options options = {.library = NULL};
    struct assay_conformance_result result;

    (void)state;
    for (size_t i = 0; i < assay_faults_count(); i++) {
        assert_int_equal(assay_faults_run(sound.backend, &options, i, &result), ASSAY_OK);
        assert_int_equal(result.verdict, ASSAY_NOT_CLAIMED);
        assert_string_equal(result.why, "its requests for pages cannot be refused");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_gate_refuses_the_requests_of_its_plan),
        cmocka_unit_test(test_a_gate_passes_pages_on_and_takes_them_back),
        cmocka_unit_test(test_only_the_library_behind_the_gate_is_refused),
        cmocka_unit_test(test_an_address_of_no_library_changes_nothing),
        cmocka_unit_test(test_the_library_of_a_backend_is_where_its_functions_are),
        cmocka_unit_test(test_sound_backends_bear_every_refusal),
        cmocka_unit_test(test_what_a_refusal_damages_is_found),
        cmocka_unit_test(test_where_nothing_can_be_refused_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
