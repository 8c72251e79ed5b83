/* test_crew - streams on several threads: each slot's operations keep their order, threads live as the stream says. */
#include "assay/crew.h"

#include "assay/os_pages.h"
#include "assay/registry.h"
#include "assay/workload.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct assay_backend *find(const char *name)
{
    const struct assay_backend *backend;
    struct assay_error error;

    assert_int_equal(assay_registry_find(name, &backend, &error), ASSAY_OK);
    return backend;
}

static void make(struct assay_stream *stream, const char *spec)
{
    struct assay_error error;

    *stream = (struct assay_stream){0};
    assert_int_equal(assay_workload_make(stream, spec, &error), ASSAY_OK);
}

static void open_heap(struct assay_heap *heap, const struct assay_backend *backend)
{
    assert_int_equal(assay_heap_open(heap, backend, assay_os_pages(), 0, 0, NULL), ASSAY_OK);
}

static void run(const struct assay_stream *stream, const struct assay_backend *backend,
                unsigned lanes, struct assay_crew_result *result)
{
    struct assay_crew *crew = assay_crew_open(stream, lanes);
    struct assay_heap heap;

    assert_non_null(crew);
    open_heap(&heap, backend);
    assert_int_equal(assay_crew_run(crew, &heap, true, result), ASSAY_OK);
    assay_heap_close(&heap, NULL);
    assay_crew_close(crew);
}

/* What one thread in the stream's order comes to. */
static void run_alone(const struct assay_stream *stream, const struct assay_backend *backend,
                      struct assay_bare_result *result)
{
    struct assay_bare *bare = assay_bare_open();
    struct assay_stream_reader memory;
    struct assay_heap heap;

    assert_non_null(bare);
    open_heap(&heap, backend);
    *result = (struct assay_bare_result){0};
    assay_stream_reader_init(&memory, stream);
    assay_bare_run(bare, &heap, &memory.reader, ASSAY_TOUCH_NONE, result);
    assay_bare_drain(bare, &heap);
    assay_heap_close(&heap, NULL);
    assay_bare_close(bare);
}

static void test_any_number_of_lanes_makes_the_calls_of_one_thread(void **state)
{
    (void)state;
    static const char *const specs[] = {
        "server:live=50,rounds=300",
        "pipeline:depth=20,items=3000",
        "scratch:rounds=50,touches=5",
        "thrash:rounds=50,touches=5",
        "swap:batch=30,rounds=10",
        "bursts:generations=5,burst=50",
        "pairs:count=500",
    };

    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        for (unsigned lanes = 1; lanes <= 8; lanes = lanes * 2 + (lanes == 2)) {
            struct assay_bare_result alone;
            struct assay_crew_result result;
            struct assay_stream stream;
            make(&stream, specs[i]);
            run_alone(&stream, find("system"), &alone);
            run(&stream, find("alloc"), lanes, &result);
            assert_int_equal(result.counts.ops, stream.count);
            assert_int_equal(result.counts.calls, alone.calls);
            assert_int_equal(result.counts.skipped, 0);
            assert_int_equal(result.counts.refused, 0);
            assert_int_equal(result.damaged, 0);
            assay_stream_clear(&stream);
        }
}

static void append(struct assay_stream *stream, enum assay_op_kind kind, uint16_t thread,
                   uint32_t slot, uint64_t size)
{
    struct assay_op op = {.kind = (uint8_t)kind, .thread = thread, .slot = slot, .size = size};

    assert_int_equal(assay_stream_append(stream, &op), ASSAY_OK);
}

static void test_a_thread_waits_for_the_block_that_another_one_makes(void **state)
{
    (void)state;
    struct assay_stream stream = {0};
    struct assay_crew_result result;

    /* Thread 1 has nothing else to do and would come first; then both change roles. */
    for (int i = 0; i < 2000; i++)
        append(&stream, ASSAY_OP_ALLOC, 0, (uint32_t)(1 + i), 100);
    append(&stream, ASSAY_OP_ALLOC, 0, 0, 64);
    append(&stream, ASSAY_OP_FREE, 1, 0, 0);
    for (int i = 0; i < 2000; i++)
        append(&stream, ASSAY_OP_FREE, 1, (uint32_t)(1 + i), 0);
    append(&stream, ASSAY_OP_ALLOC, 1, 0, 64);
    append(&stream, ASSAY_OP_FREE, 0, 0, 0);
    for (int i = 0; i < 10; i++) {
        run(&stream, find("system"), 2, &result);
        assert_int_equal(result.counts.skipped, 0);
        assert_int_equal(result.damaged, 0);
    }
    assay_stream_clear(&stream);
}

/* --- the system's, but that a block is given out twice --- */

#define TWICE 700

static atomic_uint served;
static void *_Atomic last;
static void *given[2 * TWICE]; /* which free_never() leaves */

static void *alloc_twice(void *self, size_t size)
{
    const struct assay_backend *backend = find("system");

    unsigned number = atomic_fetch_add(&served, 1);
    if (number == TWICE)
        return last;
    void *block = backend->alloc(self, size);
    given[number % (2 * TWICE)] = block;
    last = block;
    return block;
}

static assay_status free_never(void *self, void *block)
{
    (void)self;
    (void)block;
    return ASSAY_OK;
}

static void test_a_block_that_is_given_out_twice_is_found_when_it_is_verified(void **state)
{
    (void)state;
    struct assay_backend twice = *find("system");
    struct assay_stream stream;
    struct assay_crew_result result;

    twice.alloc = alloc_twice;
    twice.free = free_never;
    make(&stream, "swap:threads=2,batch=400,rounds=1,sizes=64");
    served = 0;
    run(&stream, &twice, 1, &result); /* by two it would be a race besides */
    assert_int_not_equal(result.damaged, 0);
    assay_stream_clear(&stream);
}

/* --- threads that end --- */

static pthread_key_t key;
static atomic_uint ended;

static void count_end(void *value)
{
    (void)value;
    atomic_fetch_add(&ended, 1);
}

static void *alloc_known(void *self, size_t size)
{
    pthread_setspecific(key, &ended);
    return find("system")->alloc(self, size);
}

static unsigned count_threads(const char *spec, unsigned lanes)
{
    struct assay_backend known = *find("system");
    struct assay_stream stream;
    struct assay_crew_result result;

    known.alloc = alloc_known;
    make(&stream, spec);
    ended = 0;
    run(&stream, &known, lanes, &result);
    assay_stream_clear(&stream);
    return ended;
}

static void test_threads_begin_and_end_where_those_of_the_stream_do(void **state)
{
    (void)state;
    assert_int_equal(pthread_key_create(&key, count_end), 0);
    /* The last generation only frees. */
    assert_int_equal(count_threads("bursts:together=4,generations=6,burst=20", 4), 24);
    assert_int_equal(count_threads("bursts:together=4,generations=6,burst=20", 2), 12);
    assert_int_equal(count_threads("server:threads=4,live=20,rounds=50", 4), 4);
    assert_int_equal(count_threads("server:threads=4,live=20,rounds=50", 2), 2);
    assert_int_equal(count_threads("pairs:count=50", 4), 1);
    pthread_key_delete(key);
}

static void test_a_crew_without_a_heap_calls_nothing_and_takes_time(void **state)
{
    (void)state;
    struct assay_stream stream;
    struct assay_crew_result result;

    make(&stream, "server:live=50,rounds=300");
    struct assay_crew *crew = assay_crew_open(&stream, 2);
    assert_non_null(crew);
    assert_int_equal(assay_crew_run(crew, NULL, true, &result), ASSAY_OK);
    assert_int_equal(result.counts.calls, 0);
    assert_int_equal(result.counts.ops, stream.count);
    assert_true(result.wall_ns > 0 && result.cpu_ns > 0);
    assay_crew_close(crew);
    assert_int_equal(assay_crew_threads(&stream), 4);
    assay_stream_clear(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_lanes_makes_the_calls_of_one_thread),
        cmocka_unit_test(test_a_thread_waits_for_the_block_that_another_one_makes),
        cmocka_unit_test(test_a_block_that_is_given_out_twice_is_found_when_it_is_verified),
        cmocka_unit_test(test_threads_begin_and_end_where_those_of_the_stream_do),
        cmocka_unit_test(test_a_crew_without_a_heap_calls_nothing_and_takes_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
