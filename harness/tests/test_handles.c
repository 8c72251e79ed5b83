/*
 * test_handles - a heap of handles is judged like a heap of pointers.
 *
 * The same heap stands here twice: as the backend mems, whose blocks are handles, and with the places of their bytes in
 * their stead. What runs streams must make no difference between the two, whatever it checks, compares or measures.
 */
#include "assay/bare.h"
#include "assay/diff.h"
#include "assay/os_pages.h"
#include "assay/replay.h"
#include "assay/sizes.h"
#include "assay/swarm.h"
#include "mems/instance.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define STREAMS 200

extern const struct assay_backend assay_backend_mems;

/* --- the same heap with pointers --- */

/* The virtual address behind a place in memory; 0 where no mapping is. */
static uint64_t virtual_address(const struct mems *mems, const void *place)
{
    struct mems_entry mapping;
    uint64_t at = (uintptr_t)place;

    if (!mems_tree_find(&mems->mappings, at, &mapping) || !mapping.value ||
        at - mapping.key >= (uint64_t)mapping.room)
        return 0;
    return mapping.value + (at - mapping.key);
}

static void *pointer_alloc(void *self, size_t size)
{
    uint64_t address = mems_take(self, size);

    return address ? mems_place(self, address) : NULL;
}

static void *pointer_alloc_zeroed(void *self, size_t count, size_t size)
{
    size_t bytes = assay_multiply(count, size);
    void *block = pointer_alloc(self, bytes);

    return block ? memset(block, 0, bytes) : NULL;
}

static assay_status pointer_free(void *self, void *block)
{
    return block ? mems_release(self, virtual_address(self, block)) : ASSAY_OK;
}

static size_t pointer_usable_size(void *self, const void *block)
{
    uint64_t address = virtual_address(self, block);
    struct mems_entry process;

    return mems_around(self, address, &process) && process.key == address ? (size_t)-process.room
                                                                          : 0;
}

static struct assay_backend pointers;

/* --- both under one stream --- */

static int open_both(void **state)
{
    (void)state;
    pointers = assay_backend_mems;
    pointers.name = "pointers";
    pointers.alloc = pointer_alloc;
    pointers.alloc_zeroed = pointer_alloc_zeroed;
    pointers.free = pointer_free;
    pointers.usable_size = pointer_usable_size;
    pointers.resolve = NULL;
    return 0;
}

static struct assay_replay_result replayed(const struct assay_backend *backend,
                                           const struct assay_stream *stream)
{
    const struct assay_replay_options options = {.check_interval = 64, .transcript = true};
    struct assay_replay *replay = assay_replay_open(backend, &options);
    struct assay_replay_result result;
    struct assay_stream_reader memory;
    struct assay_error error;

    assert_non_null(replay);
    assay_stream_reader_init(&memory, stream);
    assert_int_equal(assay_replay_run(replay, &memory.reader, &result, &error), ASSAY_OK);
    assay_replay_close(replay);
    return result;
}

static void test_a_replay_answers_and_checks_the_same(void **state)
{
    struct assay_stream stream = {0};
    uint64_t served = 0, misuses = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        assert_int_equal(assay_swarm_stream(&stream, seed), ASSAY_OK);
        struct assay_replay_result one = replayed(&assay_backend_mems, &stream);
        struct assay_replay_result other = replayed(&pointers, &stream);
        if (one.found || other.found)
            fail_msg("stream %llu: %s", (unsigned long long)seed,
                     one.found ? one.finding.what : other.finding.what);
        assert_int_equal(one.transcript, other.transcript);
        assert_int_equal(one.ops, other.ops);
        assert_int_equal(one.served, other.served);
        assert_int_equal(one.refused, other.refused);
        assert_int_equal(one.checks, other.checks);
        assert_int_equal(one.peak_live_bytes, other.peak_live_bytes);
        assert_int_equal(one.peak_mapped_bytes, other.peak_mapped_bytes);
        assert_memory_equal(one.skipped, other.skipped, sizeof one.skipped);
        served += one.served;
        for (size_t i = 0; i < stream.count; i++)
            misuses += stream.ops[i].kind == ASSAY_OP_DOUBLE_FREE ||
                       stream.ops[i].kind == ASSAY_OP_FREE_INTERIOR;
        misuses -= one.skipped[ASSAY_OP_DOUBLE_FREE] + one.skipped[ASSAY_OP_FREE_INTERIOR];
    }
    assert_true(served > 10000 && misuses > 100);
    assay_stream_clear(&stream);
}

static void test_heaps_in_step_never_part_not_even_in_their_addresses(void **state)
{
    const struct assay_backend *const backends[] = {&assay_backend_mems, &pointers};
    const struct assay_diff_options options = {.strict = 1u << ASSAY_DIFF_ADDRESSES,
                                               .replay = {.check_interval = 64}};
    struct assay_diff *diff = assay_diff_open(backends, 2, &options);
    struct assay_stream stream = {0};
    uint64_t compared = 0;

    (void)state;
    assert_non_null(diff);
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        struct assay_stream_reader memory;
        struct assay_diff_result result;
        struct assay_error error;
        assert_int_equal(assay_swarm_stream(&stream, seed), ASSAY_OK);
        assay_stream_reader_init(&memory, &stream);
        assert_int_equal(assay_diff_run(diff, &memory.reader, &result, &error), ASSAY_OK);
        if (result.parted)
            fail_msg("stream %llu: %s", (unsigned long long)seed, result.parting.what);
        compared += result.compared;
    }
    assert_true(compared > 10000);
    assay_stream_clear(&stream);
    assay_diff_close(diff);
}

static struct assay_bare_result measured(const struct assay_backend *backend,
                                         const struct assay_stream *stream, size_t *mapped)
{
    struct assay_bare *bare = assay_bare_open();
    struct assay_bare_result result = {0};
    struct assay_stream_reader memory;
    struct assay_heap heap;
    size_t leaked;

    assert_non_null(bare);
    assert_int_equal(assay_heap_open(&heap, backend, assay_os_pages(), (size_t)4 << 20, 1, NULL),
                     ASSAY_OK);
    assay_stream_reader_init(&memory, stream);
    assay_bare_run(bare, &heap, &memory.reader, ASSAY_TOUCH_ALL, &result);
    assay_bare_drain(bare, &heap);
    *mapped = heap.meter.mapped_bytes;
    assay_heap_close(&heap, &leaked);
    assert_int_equal(leaked, 0);
    assay_bare_close(bare);
    return result;
}

static void test_measuring_makes_the_same_calls_and_writes_the_same_bytes(void **state)
{
    struct assay_stream stream = {0};
    uint64_t calls = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        size_t mapped, other_mapped;
        assert_int_equal(assay_swarm_stream(&stream, seed), ASSAY_OK);
        struct assay_bare_result one = measured(&assay_backend_mems, &stream, &mapped);
        struct assay_bare_result other = measured(&pointers, &stream, &other_mapped);
        assert_memory_equal(&one, &other, sizeof one);
        assert_int_equal(mapped, other_mapped);
        calls += one.calls;
    }
    assert_true(calls > 10000);
    assay_stream_clear(&stream);
}

/* --- what asks about memory, not about handles --- */

static uintptr_t lowest, highest; /* of all bytes that the heap has shown */

/* Every byte that ever was in a block. */
static bool owns_for_ever(void *self, const void *address)
{
    (void)self;
    return (uintptr_t)address >= lowest && (uintptr_t)address < highest;
}

static void *resolve_and_remember(void *self, const void *block)
{
    char *bytes = assay_backend_mems.resolve(self, block);
    size_t size = assay_backend_mems.usable_size(self, block);

    lowest = bytes && (uintptr_t)bytes < lowest ? (uintptr_t)bytes : lowest;
    highest = bytes && (uintptr_t)bytes + size > highest ? (uintptr_t)bytes + size : highest;
    return bytes;
}

static void test_owning_freed_bytes_behind_handles_is_found(void **state)
{
    struct assay_backend backend = assay_backend_mems;
    struct assay_stream stream = {.setup = {.limit = 1 << 20}};
    const struct assay_op alloc = {.kind = ASSAY_OP_ALLOC, .slot = 1, .size = 100};

    (void)state;
    lowest = UINTPTR_MAX;
    highest = 0;
    backend.owns = owns_for_ever;
    backend.resolve = resolve_and_remember;
    assert_int_equal(assay_stream_append(&stream, &alloc), ASSAY_OK);
    struct assay_replay_result result = replayed(&backend, &stream);
    assert_true(result.found);
    assert_int_equal(result.finding.check, ASSAY_CHECK_OWNS);
    assay_stream_clear(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_replay_answers_and_checks_the_same),
        cmocka_unit_test(test_heaps_in_step_never_part_not_even_in_their_addresses),
        cmocka_unit_test(test_measuring_makes_the_same_calls_and_writes_the_same_bytes),
        cmocka_unit_test(test_owning_freed_bytes_behind_handles_is_found),
    };

    return cmocka_run_group_tests(tests, open_both, NULL);
}
