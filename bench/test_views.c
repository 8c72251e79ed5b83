/* test_views - latencies name what is slow, timelines follow what is live. */
#include "latency.h"
#include "timeline.h"

#include "assay/guard.h"
#include "assay/registry.h"
#include "assay/ticks.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SLOW_CALL 700
#define SLOW_NS 2e6

static const struct assay_backend *system_backend;
static unsigned calls;

static const struct assay_backend *find(const char *name)
{
    const struct assay_backend *backend;
    struct assay_error error;

    assert_int_equal(assay_registry_find(name, &backend, &error), ASSAY_OK);
    return backend;
}

static assay_status create(const struct assay_backend *backend,
                           const struct assay_heap_config *config, void **self)
{
    (void)backend;
    calls = 0;
    return system_backend->create(system_backend, config, self);
}

/* The system's, but for one call. */
static void *alloc(void *self, size_t size)
{
    if (++calls == SLOW_CALL) {
        uint64_t began = assay_ticks();
        double tick = assay_ticks_ns();
        while ((double)(assay_ticks() - began) * tick < SLOW_NS)
            continue;
    }
    return system_backend->alloc(self, size);
}

static void make(struct workload *workload, const char *spec)
{
    struct assay_error error;

    assert_int_equal(workload_make(workload, spec, &error), ASSAY_OK);
}

static void test_the_slowest_operation_is_named_with_its_time(void **state)
{
    (void)state;
    struct latency *latency = assay_guard_shared(sizeof *latency);
    struct workload workload;
    struct assay_backend slow;

    assert_non_null(latency);
    system_backend = find("system");
    slow = *system_backend;
    slow.create = create;
    slow.alloc = alloc;
    struct row row = {.backend = &slow};
    make(&workload, "pairs:count=1000");
    measure_latency(latency, &row, &workload, 3);
    assert_true(latency->is_measured);
    assert_int_equal(latency->kinds[ASSAY_OP_ALLOC].count, 1000);
    assert_int_equal(latency->kinds[ASSAY_OP_FREE].count, 1000);
    assert_int_equal(latency->worst_op[ASSAY_OP_ALLOC], 2 * (SLOW_CALL - 1));
    assert_true((double)latency->kinds[ASSAY_OP_ALLOC].max > 0.9 * SLOW_NS);
    assert_true(assay_histogram_quantile(&latency->kinds[ASSAY_OP_ALLOC], 0.5) < SLOW_NS / 10);
    workload_clear(&workload);
    assay_guard_unshare(latency, sizeof *latency);
}

static assay_status lose(void *self, void *block)
{
    (void)self;
    (void)block;
    abort();
}

static void test_a_crash_is_no_measurement(void **state)
{
    (void)state;
    struct latency *latency = assay_guard_shared(sizeof *latency);
    struct timeline *timeline = assay_guard_shared(sizeof *timeline);
    struct assay_backend crashing = *find("null");
    struct row row = {.backend = &crashing};
    struct workload workload;

    assert_true(latency && timeline);
    crashing.free = lose;
    make(&workload, "pairs:count=10");
    measure_latency(latency, &row, &workload, 1);
    assert_false(latency->is_measured);
    measure_timeline(timeline, &row, &workload, 100);
    assert_false(timeline->is_measured);
    workload_clear(&workload);
    assay_guard_unshare(latency, sizeof *latency);
    assay_guard_unshare(timeline, sizeof *timeline);
}

static void test_a_timeline_has_what_is_live_at_each_moment(void **state)
{
    (void)state;
    const size_t room = sizeof(struct timeline) + 4 * sizeof(struct moment);
    struct timeline *timeline = assay_guard_shared(room);
    struct row row = {.backend = find("list")};
    struct workload workload;

    assert_non_null(timeline);
    /* 100 blocks come, then go. */
    make(&workload, "batches:sizes=4k,batch=100,rounds=1");
    assert_int_equal(timeline_moments(200, 50), 4);
    assert_int_equal(timeline_moments(201, 50), 5);
    timeline->room = 4;
    measure_timeline(timeline, &row, &workload, 50);
    assert_true(timeline->is_measured);
    assert_int_equal(timeline->count, 4);
    static const size_t live[] = {204800, 409600, 204800, 0};
    for (size_t i = 0; i < 4; i++) {
        const struct moment *moment = &timeline->moments[i];
        assert_int_equal(moment->op, 50 * (i + 1));
        assert_int_equal(moment->live_bytes, live[i]);
        assert_true(moment->mapped_bytes >= moment->live_bytes);
        assert_true(moment->mapped_bytes - moment->largest_free >= moment->live_bytes);
    }
    assert_true(timeline->moments[1].largest_free < timeline->moments[0].largest_free);
    assert_true(timeline->moments[3].largest_free > timeline->moments[1].largest_free);
    workload_clear(&workload);
    assay_guard_unshare(timeline, room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_slowest_operation_is_named_with_its_time),
        cmocka_unit_test(test_a_crash_is_no_measurement),
        cmocka_unit_test(test_a_timeline_has_what_is_live_at_each_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
