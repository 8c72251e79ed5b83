/* test_workload - workloads are valid, balanced, the same each time, and refuse what they cannot be. */
#include "assay/workload.h"

#include "assay/distribution.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/assay-workload-XXXXXX";
static char distribution_path[sizeof folder + 16];

static void write_distribution(const char *text)
{
    FILE *file = fopen(distribution_path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int open_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(distribution_path, sizeof distribution_path, "%s/sizes", folder);
    write_distribution("assay-distribution 1\nsizes 24 24 30\nsizes 100 103 10\n"
                       "life 16 31 1 1 20\nlife 16 31 50 60 9\nstay 16 31 1\nlife 64 127 7 7 10\n");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(distribution_path);
    return rmdir(folder);
}

/* The spec with all defaults, and what must be given. */
static void default_spec(const struct assay_workload *workload, char *spec, size_t room)
{
    int length = snprintf(spec, room, "%s", workload->name);
    char before = ':';

    for (size_t i = 0; workload->parameters[i].name; i++)
        if (!workload->parameters[i].value) {
            length += snprintf(spec + length, room - (size_t)length, "%c%s=%s", before,
                               workload->parameters[i].name, distribution_path);
            before = ',';
        }
}

static void make(struct assay_stream *stream, const char *spec)
{
    struct assay_error error = {""};

    if (assay_workload_make(stream, spec, &error) != ASSAY_OK)
        fail_msg("%s: %s", spec, error.what);
}

/* Whether each operation finds its slot as it needs it, in the hands of its thread, and all ends empty. */
static void assert_sound(const struct assay_stream *stream)
{
    int32_t *owners = malloc(ASSAY_SLOTS * sizeof *owners); /* -1: empty */
    size_t live = 0;

    assert_non_null(owners);
    memset(owners, -1, ASSAY_SLOTS * sizeof *owners);
    for (size_t i = 0; i < stream->count; i++) {
        const struct assay_op *op = &stream->ops[i];
        bool allocates = op->kind == ASSAY_OP_ALLOC;
        assert_true(assay_op_is_valid(op));
        if (owners[op->slot] != (allocates ? -1 : (int32_t)op->thread))
            fail_msg("operation %zu of kind %d on slot %u", i, op->kind, op->slot);
        if (allocates)
            owners[op->slot] = op->thread;
        if (op->kind == ASSAY_OP_HAND_OVER)
            owners[op->slot] = (int32_t)op->arg;
        if (op->kind == ASSAY_OP_FREE)
            owners[op->slot] = -1;
        live += allocates;
        live -= op->kind == ASSAY_OP_FREE;
    }
    free(owners);
    assert_int_equal(live, 0);
}

static void test_each_operation_meets_a_slot_of_its_own_thread_and_all_is_freed(void **state)
{
    (void)state;
    struct assay_stream stream = {0};
    size_t count;
    const struct assay_workload *const *all = assay_workload_all(&count);

    assert_true(count >= 15);
    for (size_t i = 0; i < count; i++) {
        char spec[200];
        default_spec(all[i], spec, sizeof spec);
        make(&stream, spec);
        assert_true(stream.count > 100);
        /* bursts: what outlives its thread is freed by another, without a hand-over. */
        if (strcmp(all[i]->name, "bursts") != 0)
            assert_sound(&stream);
    }
    assay_stream_clear(&stream);
}

static void test_the_same_spec_makes_the_same_stream_and_another_seed_another(void **state)
{
    (void)state;
    struct assay_stream one = {0}, same = {0}, other = {0};

    make(&one, "churn:live=100,rounds=1000");
    make(&same, "churn:rounds=1000,seed=1,live=100");
    make(&other, "churn:live=100,rounds=1000,seed=2");
    assert_true(assay_stream_equal(&one, &same));
    assert_false(assay_stream_equal(&one, &other));
    assert_int_equal(one.count, 100 + 2000 + 100);
    assay_stream_clear(&one);
    assay_stream_clear(&same);
    assay_stream_clear(&other);
}

static void test_threads_are_as_many_as_asked_for(void **state)
{
    (void)state;
    static const char *const specs[] = {"server:threads=7", "pipeline:producers=3,consumers=4",
                                        "scratch:threads=7", "thrash:threads=7", "swap:threads=7"};
    struct assay_stream stream = {0};

    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        unsigned highest = 0;
        make(&stream, specs[i]);
        for (size_t k = 0; k < stream.count; k++)
            if (stream.ops[k].thread > highest)
                highest = stream.ops[k].thread;
        assert_int_equal(highest, 6);
    }
    assay_stream_clear(&stream);
}

static void assert_sizes_between(const char *spec, uint64_t low, uint64_t high)
{
    struct assay_stream stream = {0};
    uint64_t least = UINT64_MAX, most = 0;

    make(&stream, spec);
    for (size_t i = 0; i < stream.count; i += 2) {
        least = stream.ops[i].size < least ? stream.ops[i].size : least;
        most = stream.ops[i].size > most ? stream.ops[i].size : most;
    }
    assert_in_range(least, low, low + (high - low) / 10);
    assert_in_range(most, high - (high - low) / 10, high);
    assay_stream_clear(&stream);
}

static void test_sizes_reach_both_ends_and_no_further(void **state)
{
    (void)state;
    char spec[200];

    assert_sizes_between("pairs:sizes=100", 100, 100);
    assert_sizes_between("pairs:sizes=10..1000", 10, 1000);
    assert_sizes_between("pairs:sizes=10-1000", 10, 1000);
    assert_sizes_between("pairs:sizes=mixed", 8, 16383);
    snprintf(spec, sizeof spec, "pairs:sizes=@%s", distribution_path);
    assert_sizes_between(spec, 24, 103);
}

static void test_a_full_arena_is_asked_for_more_than_it_has(void **state)
{
    (void)state;
    struct assay_stream stream = {0};
    uint64_t asked = 0;

    make(&stream, "fill:arena=64k,rounds=1");
    assert_int_equal(stream.setup.limit, 65536);
    for (size_t i = 0; i < stream.count; i++)
        asked += stream.ops[i].size;
    assert_true(asked > 65536);
    assay_stream_clear(&stream);
}

static void test_growth_ends_at_the_size_that_was_asked_for(void **state)
{
    (void)state;
    struct assay_stream stream = {0};
    uint64_t most = 0;

    make(&stream, "growth:by=factor,percent=33,to=10000,rounds=1,buffers=2");
    for (size_t i = 0; i < stream.count; i++)
        most = stream.ops[i].size > most ? stream.ops[i].size : most;
    assert_int_equal(most, 10000);
    assay_stream_clear(&stream);
}

static void assert_refused(const char *spec, const char *sentence)
{
    struct assay_error error = {""};
    struct assay_stream stream = {0};

    assert_int_equal(assay_workload_make(&stream, spec, &error), ASSAY_INVALID);
    if (!strstr(error.what, sentence))
        fail_msg("%s: '%s' for '%s'", spec, error.what, sentence);
    assert_int_equal(stream.count, 0);
    assert_null(stream.ops);
}

static void test_what_cannot_be_made_is_told_in_a_sentence(void **state)
{
    (void)state;
    assert_refused("chrun", "no workload called 'chrun' (did you mean 'churn'?)");
    assert_refused("churn:lvie=3", "churn has no parameter 'lvie' (did you mean 'live'?)");
    assert_refused("churn:live=0", "live wants a number from 1 to 4000000, not '0'");
    assert_refused("churn:live", "'live' is not KEY=VALUE");
    assert_refused("churn:live=1,live=1", "live is given twice");
    assert_refused("churn:sizes=0", "'0' are no sizes");
    assert_refused("churn:sizes=9-8", "'9-8' are no sizes");
    assert_refused("churn:lifetimes=ever", "lifetimes wants one of: even young oldest");
    assert_refused("churn:lifetimes=", "lifetimes wants one of: even young oldest");
    assert_refused("fitted", "fitted wants from=FILE");
    assert_refused("fitted:from=/nowhere", "cannot open /nowhere");
    assert_refused("thrash:rounds=10000000,touches=10000000", "more than 33554432 operations");
}

static void test_a_fitted_stream_has_the_sizes_and_lives_that_were_counted(void **state)
{
    (void)state;
    struct assay_distribution *distribution;
    struct assay_stream original = {0};
    struct assay_stream_reader memory;
    struct assay_error error;
    uint64_t odd = 0;

    /* 24 bytes live for one request, 4000 for ten. */
    for (uint32_t i = 0; i < 1000; i++) {
        const struct assay_op ops[] = {
            {.kind = ASSAY_OP_FREE, .slot = 1 + i % 10},
            {.kind = ASSAY_OP_ALLOC, .slot = 1 + i % 10, .size = 4000},
            {.kind = ASSAY_OP_ALLOC, .slot = 0, .size = 24},
            {.kind = ASSAY_OP_FREE, .slot = 0},
        };
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(assay_stream_append(&original, &ops[k]), ASSAY_OK);
    }
    assay_stream_reader_init(&memory, &original);
    assert_int_equal(assay_distribution_fit(&distribution, &memory.reader, &error), ASSAY_OK);
    for (uint64_t random = 0; random < 1000; random++) {
        uint64_t size = assay_distribution_size(distribution, random * 7919);
        odd += size != 24 && size != 4000;
        uint64_t life = assay_distribution_life(distribution, size, random * 104729);
        if (size == 24)
            assert_int_equal(life, 1);
        else
            assert_true(life == 19 || life == 20 || life == ASSAY_LIVES_ON);
    }
    assert_int_equal(odd, 0);
    assay_distribution_close(distribution);
    assay_stream_clear(&original);
}

static void test_a_distribution_is_the_same_after_writing_and_reading(void **state)
{
    (void)state;
    struct assay_distribution *distribution;
    struct assay_error error;
    char *text = NULL;
    size_t length, got;
    char file_text[500];

    assert_int_equal(assay_distribution_read(&distribution, distribution_path, &error), ASSAY_OK);
    FILE *out = open_memstream(&text, &length), *in = fopen(distribution_path, "r");
    assert_true(out && in);
    assay_distribution_write(distribution, out);
    fclose(out);
    got = fread(file_text, 1, sizeof file_text - 1, in);
    fclose(in);
    file_text[got] = '\0';
    assert_string_equal(text, file_text);
    free(text);
    assay_distribution_close(distribution);
}

static void assert_no_distribution(const char *text, const char *sentence)
{
    struct assay_distribution *distribution;
    struct assay_error error = {""};

    write_distribution(text);
    assert_int_equal(assay_distribution_read(&distribution, distribution_path, &error),
                     ASSAY_INVALID);
    assert_null(distribution);
    if (!strstr(error.what, sentence))
        fail_msg("'%s' for '%s'", error.what, sentence);
}

static void test_a_damaged_distribution_is_refused_with_its_line(void **state)
{
    (void)state;
#define HEAD "assay-distribution 1\n"
    assert_no_distribution("", "is no distribution");
    assert_no_distribution(HEAD, "is no distribution");
    assert_no_distribution("assay-ops 1\n", "sizes:1: not 'assay-distribution 1'");
    assert_no_distribution(HEAD "sizes 0 1 1\n", "sizes:2: a size that cannot be");
    assert_no_distribution(HEAD "sizes 2 1 1\n", "sizes:2: values do not rise");
    assert_no_distribution(HEAD "sizes 1 1 0\n", "sizes:2: a count that cannot be");
    assert_no_distribution(HEAD "sizes 1 1 1\nsizes 1 2 1\n", "sizes:3: values do not rise");
    assert_no_distribution(HEAD "sizes 1 1 18446744073709551616\n", "sizes:2: neither");
    assert_no_distribution(HEAD "sizes 1 1 -1\n", "sizes:2: neither");
    assert_no_distribution(HEAD "life 3 4 1 1 1\n", "sizes:2: sizes that are not");
    assert_no_distribution(HEAD "life 4 7 0 1 1\n", "sizes:2: a life that cannot be");
    assert_no_distribution(HEAD "sizes 1 1 1", "sizes:2: too long, or cut short");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_operation_meets_a_slot_of_its_own_thread_and_all_is_freed),
        cmocka_unit_test(test_the_same_spec_makes_the_same_stream_and_another_seed_another),
        cmocka_unit_test(test_threads_are_as_many_as_asked_for),
        cmocka_unit_test(test_sizes_reach_both_ends_and_no_further),
        cmocka_unit_test(test_a_full_arena_is_asked_for_more_than_it_has),
        cmocka_unit_test(test_growth_ends_at_the_size_that_was_asked_for),
        cmocka_unit_test(test_what_cannot_be_made_is_told_in_a_sentence),
        cmocka_unit_test(test_a_fitted_stream_has_the_sizes_and_lives_that_were_counted),
        cmocka_unit_test(test_a_distribution_is_the_same_after_writing_and_reading),
        cmocka_unit_test(test_a_damaged_distribution_is_refused_with_its_line),
    };

    return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
