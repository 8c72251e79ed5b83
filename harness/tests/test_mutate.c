/* test_mutate - a mutation is a stream again, the same each time, and no longer than asked for. */
#include "assay/mutate.h"

#include "assay/bytes.h"
#include "assay/swarm.h"

#include "streams.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SEED 6
#define ROOM 512
#define RUNS 300

static uint8_t before[ROOM], after[ROOM + 1], again[ROOM];

static void fill(uint8_t *data, size_t size, uint64_t *state)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)random_next(state);
}

static void test_any_bytes_and_room_give_the_same_mutation_each_time_within_the_room(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    unsigned changed = 0;
    for (uint64_t run = 0; run < 3000; run++) {
        size_t room = random_next(&state) % (ROOM + 1), size = random_next(&state) % (room + 1);
        fill(before, size, &state);
        memcpy(after, before, size);
        memcpy(again, before, size);
        after[room] = 0xA5;
        size_t length = assay_mutate(after, size, room, run);
        assert_true(length <= room);
        assert_int_equal(after[room], 0xA5);
        assert_int_equal(assay_mutate(again, size, room, run), length);
        assert_memory_equal(after, again, length);
        changed += length != size || memcmp(before, after, size) != 0;
    }
    assert_true(changed > 2000);
}

static void test_now_and_then_a_mutation_is_a_new_stream_of_hundreds_of_operations(void **unused)
{
    static uint8_t data[4096];
    struct assay_stream stream = {0};
    unsigned renewed = 0;

    (void)unused;
    for (uint64_t run = 0; run < RUNS; run++) {
        size_t length = assay_mutate(data, 0, sizeof data, run);
        assert_int_equal(assay_bytes_decode(&stream, data, length), ASSAY_OK);
        renewed += stream.count > 300; /* to which no four edits lead */
    }
    assert_true(renewed > 0 && renewed < RUNS / 2);
    assay_stream_clear(&stream);
}

static void test_renewals_are_streams_of_hundreds_of_operations_within_the_room(void **unused)
{
    static uint8_t data[4096], same[4096];
    struct assay_stream stream = {0};
    unsigned fenced = 0, longer = 0;

    (void)unused;
    for (uint64_t run = 0; run < RUNS; run++) {
        size_t room = run % 2 ? sizeof data : 64;
        size_t length = assay_mutate_renew(data, room, run);
        assert_in_range(length, 4, room);
        assert_int_equal(assay_mutate_renew(same, room, run), length);
        assert_memory_equal(data, same, length);
        assert_int_equal(assay_bytes_decode(&stream, data, length), ASSAY_OK);
        longer += stream.count > 300;
        fenced += stream.setup.seed % 2;
    }
    assert_true(longer > RUNS / 8);
    assert_in_range(fenced, 1, RUNS / 2);
    assay_stream_clear(&stream);
}

static void test_the_start_of_a_random_stream_is_that_of_the_whole(void **unused)
{
    struct assay_stream start = {0}, whole = {0};

    (void)unused;
    for (uint64_t seed = 0; seed < 40; seed++) {
        assert_int_equal(assay_swarm_stream(&whole, seed), ASSAY_OK);
        assert_int_equal(assay_swarm_start(&start, seed, 20), ASSAY_OK);
        assert_true(start.count >= 20 || start.count == whole.count);
        start.count = start.count < 20 ? start.count : 20;
        whole.count = start.count;
        assert_true(assay_stream_equal(&start, &whole));
    }
    assay_stream_clear(&start);
    assay_stream_clear(&whole);
}

static void test_a_crossing_is_a_beginning_and_an_end_within_the_room(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    struct assay_stream a = {0}, b = {0}, child = {0};
    for (uint64_t run = 0; run < RUNS; run++) {
        fill(before, ROOM / 2, &state);
        fill(again, ROOM / 2, &state);
        size_t length = assay_mutate_cross(before, ROOM / 4, again, ROOM / 4, after, ROOM, run);
        assert_true(length > 0 && length <= ROOM);
        assert_int_equal(assay_bytes_decode(&a, before, ROOM / 4), ASSAY_OK);
        assert_int_equal(assay_bytes_decode(&b, again, ROOM / 4), ASSAY_OK);
        assert_int_equal(assay_bytes_decode(&child, after, length), ASSAY_OK);
        size_t head = 0, tail = 0;
        while (head < child.count && head < a.count &&
               memcmp(&a.ops[head], &child.ops[head], sizeof *a.ops) == 0)
            head++;
        while (tail < child.count && tail < b.count &&
               memcmp(&b.ops[b.count - 1 - tail], &child.ops[child.count - 1 - tail],
                      sizeof *b.ops) == 0)
            tail++;
        assert_true(head + tail >= child.count);
    }
    assay_stream_clear(&a);
    assay_stream_clear(&b);
    assay_stream_clear(&child);
}

/* Four blocks, freed in no order of their age. */
static void make(struct assay_stream *stream)
{
    static const uint32_t frees[] = {1, 2, 0, 3};

    stream->count = 0;
    for (uint32_t slot = 0; slot < 4; slot++) {
        struct assay_op op = {.kind = ASSAY_OP_ALLOC, .slot = slot, .size = 100 + slot};
        assert_int_equal(assay_stream_append(stream, &op), ASSAY_OK);
    }
    for (int i = 0; i < 4; i++) {
        struct assay_op op = {.kind = ASSAY_OP_FREE, .slot = frees[i]};
        assert_int_equal(assay_stream_append(stream, &op), ASSAY_OK);
    }
}

/* How many operations of `a` have one in `b` that is equal, each used once. */
static size_t shared(const struct assay_stream *a, const struct assay_stream *b)
{
    bool used[256] = {false};
    size_t count = 0;

    assert_true(b->count <= 256);
    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; j < b->count; j++) {
            if (!used[j] && memcmp(&a->ops[i], &b->ops[j], sizeof *a->ops) == 0) {
                used[j] = true;
                count++;
                break;
            }
        }
    }
    return count;
}

/* What an edit may do to eight operations. */
struct promise {
    size_t fewest, most; /* operations after it */
    size_t kept;         /* of the eight, at least */
};

static void test_every_kind_of_edit_adds_keeps_and_removes_what_its_name_says(void **unused)
{
    (void)unused;
    static const struct promise promises[ASSAY_EDITS] = {
        [ASSAY_EDIT_INSERT] = {9, 9, 8},    [ASSAY_EDIT_DELETE] = {0, 7, 0},
        [ASSAY_EDIT_DUPLICATE] = {9, 9, 8}, [ASSAY_EDIT_SWAP] = {8, 8, 8},
        [ASSAY_EDIT_MOVE] = {8, 8, 8},      [ASSAY_EDIT_SPLICE] = {10, 10, 8},
        [ASSAY_EDIT_RETARGET] = {8, 8, 7},  [ASSAY_EDIT_RESIZE] = {8, 8, 7},
        [ASSAY_EDIT_REPEAT] = {9, 72, 8},   [ASSAY_EDIT_SCALE] = {8, 8, 4},
        [ASSAY_EDIT_REORDER] = {8, 8, 8},
    };
    struct assay_stream old = {0}, new = {0};
    make(&old);
    for (unsigned edit = 0; edit < ASSAY_EDITS; edit++) {
        unsigned changed = 0;
        for (uint64_t seed = 0; seed < RUNS; seed++) {
            make(&new);
            assert_int_equal(assay_mutate_edit(&new, (enum assay_edit)edit, seed), ASSAY_OK);
            assert_in_range(new.count, promises[edit].fewest, promises[edit].most);
            assert_true(shared(&old, &new) >= promises[edit].kept);
            for (size_t i = 0; i < new.count; i++)
                assert_true(assay_op_is_valid(&new.ops[i]));
            changed += !assay_stream_equal(&old, &new);
        }
        assert_true(changed > RUNS / 3);
    }
    assay_stream_clear(&old);
    assay_stream_clear(&new);
}

static void test_frees_come_to_be_last_in_first_out_and_first_in_first_out(void **unused)
{
    (void)unused;
    struct assay_stream stream = {0};
    unsigned lifo = 0, fifo = 0;
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        make(&stream);
        assert_int_equal(assay_mutate_edit(&stream, ASSAY_EDIT_REORDER, seed), ASSAY_OK);
        const struct assay_op *frees = &stream.ops[4];
        lifo += frees[0].slot == 3 && frees[1].slot == 2 && frees[2].slot == 1;
        fifo += frees[0].slot == 0 && frees[1].slot == 1 && frees[2].slot == 2;
    }
    assert_true(lifo > RUNS / 20);
    assert_true(fifo > RUNS / 20);
    assay_stream_clear(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_bytes_and_room_give_the_same_mutation_each_time_within_the_room),
        cmocka_unit_test(test_now_and_then_a_mutation_is_a_new_stream_of_hundreds_of_operations),
        cmocka_unit_test(test_renewals_are_streams_of_hundreds_of_operations_within_the_room),
        cmocka_unit_test(test_the_start_of_a_random_stream_is_that_of_the_whole),
        cmocka_unit_test(test_a_crossing_is_a_beginning_and_an_end_within_the_room),
        cmocka_unit_test(test_every_kind_of_edit_adds_keeps_and_removes_what_its_name_says),
        cmocka_unit_test(test_frees_come_to_be_last_in_first_out_and_first_in_first_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
