/* test_bytes - every byte string is a stream, every stream is a byte string, and bytes stay apart. */
#include "assay/bytes.h"

#include "streams.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SEED 20
#define INPUT 256
#define HEAD 4

static void fill(uint8_t *data, size_t size, uint64_t *state)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)random_next(state);
}

/* Encodes *stream into memory of its own. */
static uint8_t *encode(const struct assay_stream *stream, size_t *size)
{
    *size = assay_bytes_encode(stream, NULL, 0);
    uint8_t *data = malloc(*size);
    assert_non_null(data);
    assert_int_equal(assay_bytes_encode(stream, data, *size), *size);
    return data;
}

static void assert_comes_back(const struct assay_stream *stream)
{
    struct assay_stream back = {0};
    size_t size;
    uint8_t *data = encode(stream, &size);

    assert_int_equal(assay_bytes_decode(&back, data, size), ASSAY_OK);
    assert_true(assay_stream_equal(stream, &back));
    assay_stream_clear(&back);
    free(data);
}

static void test_random_bytes_decode_to_valid_operations_that_encode_again(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    uint8_t data[INPUT];
    struct assay_stream stream = {0};
    for (int run = 0; run < 3000; run++) {
        size_t size = random_next(&state) % (INPUT + 1);
        fill(data, size, &state);
        assert_int_equal(assay_bytes_decode(&stream, data, size), ASSAY_OK);
        assert_true(stream.count <= size / 4);
        for (size_t i = 0; i < stream.count; i++)
            assert_true(assay_op_is_valid(&stream.ops[i]));
        assert_comes_back(&stream);
    }
    assay_stream_clear(&stream);
}

static void test_random_streams_of_extreme_values_come_back(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    struct assay_stream stream = {0};
    for (int run = 0; run < 300; run++) {
        assert_true(random_stream(&stream, &state, random_next(&state) % 100, false));
        assert_comes_back(&stream);
    }
    assay_stream_clear(&stream);
}

static void test_the_bounds_of_every_kind_come_back(void **unused)
{
    (void)unused;
    struct assay_stream stream = {.setup = {.limit = UINT64_MAX, .seed = UINT64_MAX}};
    for (unsigned kind = 0; kind < ASSAY_OP_KINDS; kind++) {
        const struct assay_op_shape *shape = &assay_op_shapes[kind];
        struct assay_op low = {
            .kind = (uint8_t)kind, .size = shape->size_min, .arg = shape->arg_min};
        struct assay_op high = {.kind = (uint8_t)kind,
                                .size = shape->size_max,
                                .arg = shape->arg_max,
                                .slot = shape->has_slot ? ASSAY_SLOTS - 1 : 0,
                                .thread = ASSAY_THREADS - 1};
        assert_int_equal(assay_stream_append(&stream, &low), ASSAY_OK);
        assert_int_equal(assay_stream_append(&stream, &high), ASSAY_OK);
    }
    assert_comes_back(&stream);
    assay_stream_clear(&stream);
}

static void test_the_time_between_operations_is_all_that_is_lost(void **unused)
{
    (void)unused;
    struct assay_op op = {.kind = ASSAY_OP_ALLOC, .size = 3, .delta_ns = 17};
    struct assay_stream stream = {0}, back = {0};
    size_t size;
    assert_int_equal(assay_stream_append(&stream, &op), ASSAY_OK);
    uint8_t *data = encode(&stream, &size);
    assert_int_equal(assay_bytes_decode(&back, data, size), ASSAY_OK);
    assert_int_equal(back.ops[0].delta_ns, 0);
    stream.ops[0].delta_ns = 0;
    assert_true(assay_stream_equal(&stream, &back));
    assay_stream_clear(&stream);
    assay_stream_clear(&back);
    free(data);
}

/*
 * Whether b is a but for one place: at most `most` operations there are others in each of them.
 */
static bool differ_in_one_place(const struct assay_stream *a, const struct assay_stream *b,
                                size_t most)
{
    size_t shorter = a->count < b->count ? a->count : b->count, head = 0, tail = 0;

    while (head < shorter && memcmp(&a->ops[head], &b->ops[head], sizeof *a->ops) == 0)
        head++;
    while (tail < shorter - head &&
           memcmp(&a->ops[a->count - 1 - tail], &b->ops[b->count - 1 - tail], sizeof *a->ops) == 0)
        tail++;
    return a->count - head - tail <= most && b->count - head - tail <= most;
}

static bool is_operation(uint8_t code)
{
    const uint8_t data[2 * HEAD] = {1, 0, 0, 0, code};
    struct assay_stream stream = {0};

    assert_int_equal(assay_bytes_decode(&stream, data, sizeof data), ASSAY_OK);
    bool is = stream.count == 1;
    assay_stream_clear(&stream);
    return is;
}

static void test_a_changed_byte_changes_one_operation_or_the_set_up(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    uint8_t data[INPUT];
    struct assay_stream before = {0}, after = {0};
    for (int run = 0; run < 20000; run++) {
        fill(data, INPUT, &state);
        size_t where = random_next(&state) % INPUT, code = where / 4 * 4;
        bool plain = is_operation(data[code]);
        assert_int_equal(assay_bytes_decode(&before, data, INPUT), ASSAY_OK);
        data[where] ^= (uint8_t)(1 + random_next(&state) % 255);
        assert_int_equal(assay_bytes_decode(&after, data, INPUT), ASSAY_OK);
        if (where < HEAD) {
            assert_true(differ_in_one_place(&before, &after, 0));
            continue;
        }
        /* A literal belongs to the operation that follows, so making or unmaking one may touch two. */
        bool literal = !plain || !is_operation(data[code]);
        assert_true(differ_in_one_place(&before, &after, literal ? 2 : 1));
        if (!literal)
            assert_int_equal(before.count, after.count);
    }
    assay_stream_clear(&before);
    assay_stream_clear(&after);
}

static void test_short_input_is_a_short_stream(void **unused)
{
    (void)unused;
    struct assay_stream stream = {0};
    uint8_t data[12] = {1, 1};
    assert_int_equal(assay_bytes_decode(&stream, NULL, 0), ASSAY_OK);
    assert_int_equal(stream.count, 0);
    assert_int_equal(stream.setup.limit, 0);
    for (size_t size = 0; size <= sizeof data; size++) {
        assert_int_equal(assay_bytes_decode(&stream, data, size), ASSAY_OK);
        assert_int_equal(stream.count, size < 8 ? 0 : (size - 4) / 4);
    }
    assay_stream_clear(&stream);
}

static void test_an_unknown_version_is_read_as_the_first(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    uint8_t data[INPUT];
    struct assay_stream first = {0}, other = {0};
    fill(data, INPUT, &state);
    data[0] = 1;
    assert_int_equal(assay_bytes_decode(&first, data, INPUT), ASSAY_OK);
    for (int version = 0; version < 256; version++) {
        data[0] = (uint8_t)version;
        assert_int_equal(assay_bytes_decode(&other, data, INPUT), ASSAY_OK);
        assert_true(assay_stream_equal(&first, &other));
    }
    assay_stream_clear(&first);
    assay_stream_clear(&other);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return random_next(&hash) ^ value;
}

/* If this fails, the files that found bugs mean something else now: make a new version instead. */
static void test_the_meaning_of_bytes_never_changes(void **unused)
{
    (void)unused;
    uint64_t state = SEED, hash = 0;
    uint8_t data[INPUT];
    struct assay_stream stream = {0};
    for (int run = 0; run < 5000; run++) {
        fill(data, INPUT, &state);
        assert_int_equal(assay_bytes_decode(&stream, data, INPUT), ASSAY_OK);
        hash = mix(mix(hash, stream.setup.limit), stream.setup.seed);
        for (size_t i = 0; i < stream.count; i++) {
            const struct assay_op *op = &stream.ops[i];
            hash = mix(mix(mix(mix(mix(hash, op->kind), op->slot), op->thread), op->size), op->arg);
        }
    }
    assert_int_equal(hash, UINT64_C(0xd7edc3d8c022b4a7));
    assay_stream_clear(&stream);
}

static void test_encoding_writes_no_more_than_the_room(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    struct assay_stream stream = {0};
    assert_true(random_stream(&stream, &state, 5, false));
    size_t size;
    uint8_t *whole = encode(&stream, &size);
    for (size_t room = 0; room < size; room++) {
        uint8_t *part = malloc(room + 1);
        assert_non_null(part);
        part[room] = 0xA5;
        assert_int_equal(assay_bytes_encode(&stream, part, room), size);
        assert_memory_equal(part, whole, room ? room : 0);
        assert_int_equal(part[room], 0xA5);
        free(part);
    }
    free(whole);
    assay_stream_clear(&stream);
}

/* --- what random bytes reach --- */

struct reach {
    const char *what;
    uint64_t size;
    unsigned seen;
};

static void count_sizes(struct reach *reach, size_t count, const struct assay_stream *stream)
{
    for (size_t i = 0; i < stream->count; i++)
        for (size_t j = 0; j < count; j++)
            if (assay_op_shapes[stream->ops[i].kind].has_size &&
                stream->ops[i].size == reach[j].size)
                reach[j].seen++;
}

static void test_short_records_reach_the_sizes_where_bugs_sat(void **unused)
{
    (void)unused;
    struct reach reach[] = {
        {"0", 0, 0},
        {"one byte", 1, 0},
        {"below a page", 4095, 0},
        {"a page", 4096, 0},
        {"above a page", 4097, 0},
        {"below three pages", 3 * 4096 - 1, 0},
        {"a class limit and one", 1281, 0},
        {"the whole arena", 65536, 0},
        {"the arena without a header", 65536 - 48, 0},
        {"2^31", UINT64_C(1) << 31, 0},
        {"2^32", UINT64_C(1) << 32, 0},
        {"2^32 + 8", (UINT64_C(1) << 32) + 8, 0},
        {"2^63 - 1", (UINT64_C(1) << 63) - 1, 0},
        {"SIZE_MAX", UINT64_MAX, 0},
        {"SIZE_MAX - 15", UINT64_MAX - 15, 0},
    };
    const size_t count = sizeof reach / sizeof *reach;
    uint64_t state = SEED;
    uint8_t data[INPUT];
    struct assay_stream stream = {0};
    for (int run = 0; run < 20000; run++) {
        fill(data, INPUT, &state);
        assert_int_equal(assay_bytes_decode(&stream, data, INPUT), ASSAY_OK);
        count_sizes(reach, count, &stream);
    }
    for (size_t i = 0; i < count; i++)
        if (!reach[i].seen)
            fail_msg("%s was never reached", reach[i].what);
    assay_stream_clear(&stream);
}

static void test_short_records_reach_products_that_overflow_and_every_usual_alignment(void **unused)
{
    (void)unused;
    uint64_t state = SEED, aligns = 0;
    uint8_t data[INPUT];
    unsigned just_over = 0, just_fits = 0, wraps_small = 0;
    struct assay_stream stream = {0};
    for (int run = 0; run < 2000; run++) {
        fill(data, INPUT, &state);
        assert_int_equal(assay_bytes_decode(&stream, data, INPUT), ASSAY_OK);
        for (size_t i = 0; i < stream.count; i++) {
            const struct assay_op *op = &stream.ops[i];
            if (op->kind == ASSAY_OP_ALLOC_ALIGNED)
                aligns |= op->arg;
            if (op->kind != ASSAY_OP_ALLOC_ZEROED || op->size < 2)
                continue;
            just_over += op->arg == UINT64_MAX / op->size + 1;
            just_fits += op->arg == UINT64_MAX / op->size;
            wraps_small += op->arg > UINT64_MAX / op->size && op->arg * op->size <= 4096;
        }
    }
    assert_true(just_over && just_fits && wraps_small);
    assert_int_equal(aligns & 0x1FFFFF, 0x1FFFFF);
    assert_true(aligns >> 21 != 0);
    assay_stream_clear(&stream);
}

static void test_random_programs_live(void **unused)
{
    (void)unused;
    uint64_t state = SEED;
    uint8_t data[INPUT];
    uint64_t frees_that_hit = 0, blocks = 0, runs = 2000;
    struct assay_stream stream = {0};
    for (uint64_t run = 0; run < runs; run++) {
        bool full[32] = {false};
        fill(data, INPUT, &state);
        assert_int_equal(assay_bytes_decode(&stream, data, INPUT), ASSAY_OK);
        for (size_t i = 0; i < stream.count; i++) {
            const struct assay_op *op = &stream.ops[i];
            if (op->slot >= 32)
                continue;
            if (op->kind <= ASSAY_OP_REALLOC) {
                blocks += !full[op->slot];
                full[op->slot] = true;
            } else if (op->kind == ASSAY_OP_FREE) {
                frees_that_hit += full[op->slot];
                full[op->slot] = false;
            }
        }
    }
    assert_true(blocks > 15 * runs);
    assert_true(frees_that_hit > 6 * runs);
    assay_stream_clear(&stream);
}

static void test_common_operations_take_one_record_each(void **unused)
{
    (void)unused;
    struct assay_stream stream = {.setup = {.limit = 65536, .seed = 42}};
    const struct assay_op ops[] = {
        {.kind = ASSAY_OP_ALLOC, .slot = 1, .size = 100},
        {.kind = ASSAY_OP_ALLOC_ZEROED, .slot = 2, .size = 24, .arg = 10},
        {.kind = ASSAY_OP_ALLOC_ALIGNED, .slot = 31, .size = 96, .arg = 4096},
        {.kind = ASSAY_OP_REALLOC, .slot = 1, .size = 5120, .thread = 2},
        {.kind = ASSAY_OP_OVERRUN, .slot = 1, .arg = 1},
        {.kind = ASSAY_OP_REFUSE_NEXT, .arg = 3},
        {.kind = ASSAY_OP_REFUSE_BEYOND, .arg = UINT64_MAX},
        {.kind = ASSAY_OP_HAND_OVER, .slot = 1, .arg = 3},
        {.kind = ASSAY_OP_FREE, .slot = 1, .thread = 3},
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        assert_int_equal(assay_stream_append(&stream, &ops[i]), ASSAY_OK);
    assert_int_equal(assay_bytes_encode(&stream, NULL, 0), HEAD + 4 * stream.count);
    assert_comes_back(&stream);
    assay_stream_clear(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_bytes_decode_to_valid_operations_that_encode_again),
        cmocka_unit_test(test_random_streams_of_extreme_values_come_back),
        cmocka_unit_test(test_the_bounds_of_every_kind_come_back),
        cmocka_unit_test(test_the_time_between_operations_is_all_that_is_lost),
        cmocka_unit_test(test_a_changed_byte_changes_one_operation_or_the_set_up),
        cmocka_unit_test(test_short_input_is_a_short_stream),
        cmocka_unit_test(test_an_unknown_version_is_read_as_the_first),
        cmocka_unit_test(test_the_meaning_of_bytes_never_changes),
        cmocka_unit_test(test_encoding_writes_no_more_than_the_room),
        cmocka_unit_test(test_short_records_reach_the_sizes_where_bugs_sat),
        cmocka_unit_test(test_short_records_reach_products_that_overflow_and_every_usual_alignment),
        cmocka_unit_test(test_random_programs_live),
        cmocka_unit_test(test_common_operations_take_one_record_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
