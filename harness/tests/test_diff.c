/*
 * test_diff - what correct heaps may do differently is allowed by its rule, and by no other; and for each rule
 * a liar, which replay alone believes, is caught where the rule ends.
 */
#include "mutants/planted.h"

#include "assay/diff.h"
#include "assay/registry.h"
#include "assay/text.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* --- running --- */

static struct assay_diff_result result;

static struct assay_stream decode(const char *text)
{
    struct assay_stream stream = {.count = 0};
    struct assay_error error = {""};

    if (assay_text_decode(&stream, "test", text, strlen(text), &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    return stream;
}

static void run(const struct assay_backend *one, const struct assay_backend *other, uint32_t strict,
                const char *text)
{
    const struct assay_backend *backends[] = {one, other};
    struct assay_diff_options options = {.strict = strict};
    struct assay_stream stream = decode(text);
    struct assay_stream_reader memory;
    struct assay_error error = {""};
    struct assay_diff *diff = assay_diff_open(backends, 2, &options);

    assert_non_null(diff);
    assay_stream_reader_init(&memory, &stream);
    if (assay_diff_run(diff, &memory.reader, &result, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    assay_diff_close(diff);
    assay_stream_clear(&stream);
}

static bool replay_believes(const struct assay_backend *backend, const char *text)
{
    struct assay_replay_options options = {.check_interval = 0};
    struct assay_replay *replay = assay_replay_open(backend, &options);
    struct assay_stream stream = decode(text);
    struct assay_stream_reader memory;
    struct assay_replay_result alone;
    struct assay_error error = {""};

    assert_non_null(replay);
    assay_stream_reader_init(&memory, &stream);
    if (assay_replay_run(replay, &memory.reader, &alone, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    if (alone.found)
        print_message("%s: %s\n", assay_check_name(alone.finding.check), alone.finding.what);
    assay_replay_close(replay);
    assay_stream_clear(&stream);
    return !alone.found;
}

static const struct assay_backend *known(const char *name)
{
    const struct assay_backend *backend;
    struct assay_error error;

    if (assay_registry_find(name, &backend, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    return backend;
}

static void expect_parting(enum assay_diff_rule rule, unsigned odd)
{
    if (!result.parted)
        fail_msg("they do not part by rule %s", assay_diff_rule_name(rule));
    if (result.parting.rule != rule)
        fail_msg("rule %s: %s", assay_diff_rule_name(result.parting.rule), result.parting.what);
    assert_int_equal(result.parting.odd, odd);
    assert_int_equal(result.parting.other, 1 - odd);
}

/* Backend `odd` differs from `list` as the rule allows: counted, and a parting where the rule is struck. */
static void expect_allowed(enum assay_diff_rule rule, const struct assay_backend *odd,
                           const char *text)
{
    run(known("list"), odd, 0, text);
    if (result.parted)
        fail_msg("rule %s: %s", assay_diff_rule_name(result.parting.rule), result.parting.what);
    /* Places are not looked at where they may be any. */
    if (rule != ASSAY_DIFF_ADDRESSES)
        assert_true(result.allowed[rule] > 0);
    run(known("list"), odd, UINT32_C(1) << rule, text);
    expect_parting(rule, 1);
}

/* --- streams --- */

#define SMALL "assay-ops 1\nlimit 65536\nseed 5\n"
#define LARGE "assay-ops 1\nlimit 1048576\nseed 5\n"
#define PAIR "alloc s1 1000\nfree s1\n"
#define PAIRS PAIR PAIR PAIR PAIR PAIR PAIR PAIR PAIR
/* After so much that was given and taken back nobody can say from outside that there must be room. */
#define WORN SMALL "alloc s0 64\n" PAIRS PAIRS PAIRS
/* More than a quarter of the limit is mapped by who grows, and a page is refused. */
#define GROWN LARGE "alloc s0 300000\nalloc s1 100\nrefuse-next 1\n"

/* --- liars: a correct heap with another function or two --- */

static struct assay_backend honest;
static struct planted liar;

static const struct assay_backend *make_liar(enum planted_kind kind)
{
    liar = planted_make(kind, PLANT_NOTHING);
    honest = liar.backend;
    liar.backend.name = "liar";
    liar.backend.stats = NULL; /* it does not tell on itself */
    liar.backend.caps &= ~(uint32_t)ASSAY_CAP_SETS_ERRNO;
    return &liar.backend;
}

static void *refuse_3000(void *self, size_t size)
{
    return size == 3000 ? NULL : honest.alloc(self, size);
}

static void test_limits_do_not_excuse_a_heap_that_shows_room(void **state)
{
    static const char text[] = WORN "alloc s2 3000\n";

    (void)state;
    make_liar(PLANTED_REGION);
    liar.backend.alloc = refuse_3000;
    assert_true(replay_believes(&liar.backend, text));
    run(known("list"), &liar.backend, 0, text);
    expect_parting(ASSAY_DIFF_LIMITS, 1);
    assert_non_null(strstr(result.parting.what, "liar refuses 3000 bytes that list serves"));
    assert_true(result.parting.pictures[1].is_walked);
}

static void *refuse_nothing(void *self, size_t size)
{
    return size == 0 ? NULL : honest.alloc(self, size);
}

static void test_empty_does_not_excuse_who_declares_such_blocks(void **state)
{
    static const char text[] = WORN "alloc s2 0\n";

    (void)state;
    make_liar(PLANTED_REGION);
    liar.backend.alloc = refuse_nothing;
    assert_true(replay_believes(&liar.backend, text));
    run(known("list"), &liar.backend, 0, text);
    expect_parting(ASSAY_DIFF_EMPTY, 1);
}

static void *refuse_alignments(void *self, size_t align, size_t size)
{
    return align > 256 ? NULL : honest.alloc_aligned(self, align, size);
}

static void test_alignment_up_to_a_page_is_not_excused(void **state)
{
    static const char text[] = WORN "aligned s2 1024 100\n";

    (void)state;
    make_liar(PLANTED_REGION);
    liar.backend.alloc_aligned = refuse_alignments;
    assert_true(replay_believes(&liar.backend, text));
    run(known("list"), &liar.backend, 0, text);
    expect_parting(ASSAY_DIFF_ALIGNMENT, 1);
}

static bool sulks; /* since it was refused a page, until something is freed */

static void *alloc_sulking(void *self, size_t size)
{
    void *block = sulks ? NULL : honest.alloc(self, size);

    sulks = !block;
    return block;
}

static assay_status free_sulking(void *self, void *block)
{
    sulks = false;
    return honest.free(self, block);
}

static void test_faults_excuse_nothing_once_they_have_ended(void **state)
{
    static const char text[] = GROWN "alloc s2 200000\nrefuse-next 0\nalloc s3 100\n";

    (void)state;
    make_liar(PLANTED_GROWS);
    liar.backend.alloc = alloc_sulking;
    liar.backend.free = free_sulking;
    sulks = false;
    assert_true(replay_believes(&liar.backend, text));
    sulks = false;
    run(known("list"), &liar.backend, 0, text);
    expect_parting(ASSAY_DIFF_FAULTS, 1);
    assert_int_equal(result.allowed[ASSAY_DIFF_FAULTS], 1);
}

static void *sulks_at; /* the block whose realloc was refused */

static void *realloc_sulking(void *self, void *block, size_t size)
{
    void *moved = sulks_at && block == sulks_at ? NULL : honest.realloc(self, block, size);

    sulks_at = moved ? NULL : block;
    return moved;
}

static void test_blocks_that_differ_in_size_are_no_excuse(void **state)
{
    static const char text[] = GROWN "realloc s1 250000\nrefuse-next 0\nrealloc s1 200\n";

    (void)state;
    make_liar(PLANTED_GROWS);
    liar.backend.realloc = realloc_sulking;
    sulks_at = NULL;
    assert_true(replay_believes(&liar.backend, text));
    sulks_at = NULL;
    run(known("list"), &liar.backend, 0, text);
    expect_parting(ASSAY_DIFF_STATE, 1);
}

static void *alloc_wastefully(void *self, size_t size)
{
    return honest.alloc(self, size + 300000);
}

static void test_a_class_is_no_wider_than_the_rule_says(void **state)
{
    static const char text[] = LARGE "alloc s0 1000\nfree s0\n";

    (void)state;
    make_liar(PLANTED_REGION);
    liar.backend.alloc = alloc_wastefully;
    assert_true(replay_believes(&liar.backend, text));
    run(known("list"), &liar.backend, 0, text);
    expect_parting(ASSAY_DIFF_CLASSES, 1);
}

static unsigned answers_left;

static assay_status check_at_first(void *self, struct assay_damage *damage)
{
    if (answers_left == 0)
        return ASSAY_UNSUPPORTED;
    answers_left--;
    return honest.check(self, damage);
}

static void test_what_was_answered_once_is_answered_to_the_end(void **state)
{
    static const char text[] = SMALL "check\nalloc s0 10\ncheck\ncheck\ncheck\n";

    (void)state;
    make_liar(PLANTED_REGION);
    liar.backend.check = check_at_first;
    answers_left = 3;
    assert_true(replay_believes(&liar.backend, text));
    answers_left = 3;
    run(known("list"), &liar.backend, 0, text);
    expect_parting(ASSAY_DIFF_OFFERED, 1);
    answers_left = 0; /* with this configuration it never offers it */
    run(known("list"), &liar.backend, 0, text);
    assert_false(result.parted);
}

static unsigned heaps_made;

static assay_status create_counting(const struct assay_backend *backend,
                                    const struct assay_heap_config *config, void **self)
{
    heaps_made++;
    return honest.create(backend, config, self);
}

static void *alloc_moody(void *self, size_t size)
{
    return heaps_made > 1 ? honest.alloc_aligned(self, heaps_made++ % 2 ? 16 : 1024, size)
                          : honest.alloc(self, size);
}

static void test_two_heaps_of_a_backend_place_blocks_alike_where_places_count(void **state)
{
    static const char text[] = SMALL "alloc s0 100\nalloc s1 100\nfree s0\nalloc s2 50\n";
    uint32_t strict = UINT32_C(1) << ASSAY_DIFF_ADDRESSES;

    (void)state;
    run(known("list"), known("list"), strict, text);
    assert_false(result.parted);
    make_liar(PLANTED_REGION);
    liar.backend.create = create_counting;
    liar.backend.alloc = alloc_moody;
    heaps_made = 0;
    assert_true(replay_believes(&liar.backend, text));
    heaps_made = 0;
    run(&liar.backend, &liar.backend, strict, text);
    expect_parting(ASSAY_DIFF_ADDRESSES, 1);
}

/* --- what is allowed --- */

static void test_what_is_not_offered_is_not_applicable(void **state)
{
    (void)state;
    expect_allowed(ASSAY_DIFF_OFFERED, known("null"), SMALL "alloc s0 10\nrealloc s0 20\n");
    run(known("list"), known("null"), 0, SMALL "alloc s0 10\nrealloc s0 20\n");
    assert_int_equal(result.not_applicable, 2);
    assert_int_equal(result.compared, 2);
}

static void test_a_slot_that_is_empty_in_one_heap_is_not_applicable(void **state)
{
    (void)state;
    expect_allowed(ASSAY_DIFF_STATE, known("null"),
                   SMALL "alloc s0 40000\nfree s0\nalloc s1 40000\nfree s1\n");
}

static void test_a_heap_that_declares_no_empty_blocks_refuses_them(void **state)
{
    (void)state;
    make_liar(PLANTED_REGION);
    liar.backend.alloc = refuse_nothing;
    liar.backend.caps &= ~(uint32_t)ASSAY_CAP_ZERO_SIZE_BLOCK;
    expect_allowed(ASSAY_DIFF_EMPTY, &liar.backend, SMALL "alloc s0 0\n");
}

static void test_a_heap_without_pages_refuses(void **state)
{
    (void)state;
    expect_allowed(ASSAY_DIFF_FAULTS, make_liar(PLANTED_GROWS), GROWN "alloc s2 200000\n");
}

static void *refuse_above_a_page(void *self, size_t align, size_t size)
{
    return align > 4096 ? NULL : honest.alloc_aligned(self, align, size);
}

static void test_an_alignment_above_a_page_is_refused(void **state)
{
    (void)state;
    make_liar(PLANTED_REGION);
    liar.backend.alloc_aligned = refuse_above_a_page;
    expect_allowed(ASSAY_DIFF_ALIGNMENT, &liar.backend, LARGE "aligned s0 8192 10\n");
}

static void test_a_heap_that_never_reuses_is_full_at_last(void **state)
{
    (void)state;
    expect_allowed(ASSAY_DIFF_LIMITS, known("null"),
                   SMALL "alloc s0 40000\nfree s0\nalloc s1 40000\n");
}

static void test_usable_sizes_differ_by_a_class(void **state)
{
    (void)state;
    expect_allowed(ASSAY_DIFF_CLASSES, known("jemalloc"), LARGE "alloc s0 5000\n");
}

static void test_blocks_lie_anywhere(void **state)
{
    (void)state;
    expect_allowed(ASSAY_DIFF_ADDRESSES, make_liar(PLANTED_REGION), SMALL "alloc s0 64\n");
}

/* --- findings, drawings --- */

static void test_a_finding_of_one_heap_is_where_they_part(void **state)
{
    struct planted broken = planted_make(PLANTED_REGION, PLANT_USABLE_SIZE_COUNTS_GUARD);

    (void)state;
    run(&broken.backend, known("list"), 0, SMALL "alloc s0 10\nalloc s1 10\nfree s0\ncheck\n");
    expect_parting(ASSAY_DIFF_RULES, 0);
    assert_string_equal(result.parting.finding.backend, broken.backend.name);
    assert_int_equal(result.parting.op, result.parting.finding.op);
}

static void test_both_heaps_are_drawn_side_by_side_in_80_columns(void **state)
{
    static const char text[] = SMALL "alloc s0 100\nalloc s1 200\nalloc s2 300\nfree s1\n"
                                     "alloc s3 50\n";
    char *report = NULL;
    size_t length;

    (void)state;
    run(known("list"), known("jemalloc"), 1u << ASSAY_DIFF_CLASSES, text);
    expect_parting(ASSAY_DIFF_CLASSES, 1);
    FILE *out = open_memstream(&report, &length);
    assert_non_null(out);
    assay_report_parting(out, &result.parting, "again");
    assert_int_equal(fclose(out), 0);
    for (char *line = strtok(report, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, "parted:", 7) != 0)
            assert_true(strlen(line) <= 80);
    free(report);
}

static void test_a_picture_shows_the_block_among_its_neighbours(void **state)
{
    static const char text[] = SMALL "alloc s0 100\nalloc s1 200\nalloc s2 300\nfree s1\n"
                                     "realloc s2 200\n";
    const struct assay_picture *picture = &result.parting.pictures[0];
    unsigned focus = 0, blocks = 0;

    (void)state;
    run(known("list"), known("null"), 1u << ASSAY_DIFF_OFFERED, text);
    expect_parting(ASSAY_DIFF_OFFERED, 1);
    assert_true(picture->is_walked && picture->has_mapping);
    assert_int_equal(picture->mapped_bytes, 65536);
    assert_int_equal(picture->blocks, 2);
    for (unsigned i = 0; i < picture->rows; i++) {
        const struct assay_picture_row *row = &picture->row[i];
        blocks += row->has_block;
        focus += row->is_focus && row->has_block && row->slot == 2;
        assert_true(i == 0 || row->offset == row[-1].offset + row[-1].bytes);
    }
    assert_int_equal(focus, 1);
    assert_int_equal(blocks, 2);
    assert_non_null(strchr(picture->bar, 'X'));
    assert_false(result.parting.pictures[1].is_walked);
}

static void test_rules_are_found_by_their_names(void **state)
{
    enum assay_diff_rule rule;

    (void)state;
    for (unsigned i = 0; i < ASSAY_DIFF_RULES; i++) {
        const char *name = assay_diff_rule_name((enum assay_diff_rule)i);
        assert_true(assay_diff_rule_parse(name, &rule));
        assert_int_equal(rule, i);
        assert_true(strlen(assay_diff_rule_text(rule)) > 20);
    }
    assert_false(assay_diff_rule_parse("none", &rule));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_do_not_excuse_a_heap_that_shows_room),
        cmocka_unit_test(test_empty_does_not_excuse_who_declares_such_blocks),
        cmocka_unit_test(test_alignment_up_to_a_page_is_not_excused),
        cmocka_unit_test(test_faults_excuse_nothing_once_they_have_ended),
        cmocka_unit_test(test_blocks_that_differ_in_size_are_no_excuse),
        cmocka_unit_test(test_a_class_is_no_wider_than_the_rule_says),
        cmocka_unit_test(test_what_was_answered_once_is_answered_to_the_end),
        cmocka_unit_test(test_two_heaps_of_a_backend_place_blocks_alike_where_places_count),
        cmocka_unit_test(test_what_is_not_offered_is_not_applicable),
        cmocka_unit_test(test_a_slot_that_is_empty_in_one_heap_is_not_applicable),
        cmocka_unit_test(test_a_heap_that_declares_no_empty_blocks_refuses_them),
        cmocka_unit_test(test_a_heap_without_pages_refuses),
        cmocka_unit_test(test_an_alignment_above_a_page_is_refused),
        cmocka_unit_test(test_a_heap_that_never_reuses_is_full_at_last),
        cmocka_unit_test(test_usable_sizes_differ_by_a_class),
        cmocka_unit_test(test_blocks_lie_anywhere),
        cmocka_unit_test(test_a_finding_of_one_heap_is_where_they_part),
        cmocka_unit_test(test_both_heaps_are_drawn_side_by_side_in_80_columns),
        cmocka_unit_test(test_a_picture_shows_the_block_among_its_neighbours),
        cmocka_unit_test(test_rules_are_found_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
