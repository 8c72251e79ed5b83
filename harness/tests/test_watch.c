/* test_watch - what a heap does lights the mark that says so, and no mark stays from the stream before. */
#include "mutants/planted.h"

#include "assay/pages.h"
#include "assay/os_pages.h"
#include "assay/replay.h"
#include "assay/text.h"
#include "assay/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint8_t marks[ASSAY_WATCH_MARKS];
static struct assay_watch watch = {.marks = marks};

static struct assay_replay *open_replay(const struct planted *planted,
                                        const struct assay_page_source *pages)
{
    const struct assay_replay_options options = {
        .content_bytes = 4096, .pages = pages, .watch = &watch};
    struct assay_replay *replay = assay_replay_open(&planted->backend, &options);

    assert_non_null(replay);
    return replay;
}

/* Replays operations, a line each, on a heap of 64 KiB. */
static void play(struct assay_replay *replay, const char *ops)
{
    struct assay_stream stream = {0};
    struct assay_stream_reader reader;
    struct assay_replay_result result;
    struct assay_error error = {""};
    char text[4096];

    snprintf(text, sizeof text, "assay-ops 1\nlimit 65536\n%s", ops);
    assert_int_equal(assay_text_decode(&stream, "test", text, strlen(text), &error), ASSAY_OK);
    assay_stream_reader_init(&reader, &stream);
    assert_int_equal(assay_replay_run(replay, &reader.reader, &result, &error), ASSAY_OK);
    assert_false(result.found);
    assay_stream_clear(&stream);
}

static void play_on(enum planted_kind kind, const char *ops)
{
    struct planted planted = planted_make(kind, PLANT_NOTHING);
    struct assay_replay *replay = open_replay(&planted, NULL);

    play(replay, ops);
    assay_replay_close(replay);
}

static unsigned lit(enum assay_topic topic)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < assay_topics[topic].count; i++)
        sum += marks[assay_topics[topic].first + i];
    return sum;
}

/* Whether some operation was this event, whatever the size. */
static bool was(enum assay_event event)
{
    const uint8_t *first = &marks[assay_topics[ASSAY_TOPIC_SIZES].first];

    for (unsigned class = 0; class < ASSAY_WATCH_CLASSES; class ++)
        if (first[event * ASSAY_WATCH_CLASSES + class])
            return true;
    return false;
}

static void test_a_block_that_grows_in_place_is_told_from_one_that_moves(void **state)
{
    (void)state;
    play_on(PLANTED_REGION, "alloc s0 64\nrealloc s0 512\n");
    assert_true(was(ASSAY_EVENT_GROWN));
    assert_false(was(ASSAY_EVENT_MOVED_UP));
    play_on(PLANTED_REGION, "alloc s0 64\nalloc s1 64\nrealloc s0 512\n");
    assert_false(was(ASSAY_EVENT_GROWN));
    assert_true(was(ASSAY_EVENT_MOVED_UP));
}

static void test_a_block_that_shrinks_is_told_from_one_that_stays(void **state)
{
    (void)state;
    play_on(PLANTED_REGION, "alloc s0 1024\nrealloc s0 64\n");
    assert_true(was(ASSAY_EVENT_SHRUNK));
    play_on(PLANTED_REGION, "alloc s0 1024\nrealloc s0 1024\n");
    assert_true(was(ASSAY_EVENT_KEPT));
    assert_false(was(ASSAY_EVENT_SHRUNK));
}

static void test_a_place_is_reused_whole_in_part_or_merged(void **state)
{
    (void)state;
    play_on(PLANTED_REGION, "alloc s0 256\nalloc s1 64\nfree s0\nalloc s2 256\n");
    assert_true(was(ASSAY_EVENT_REUSED));
    play_on(PLANTED_REGION, "alloc s0 256\nalloc s1 64\nfree s0\nalloc s2 32\n");
    assert_true(was(ASSAY_EVENT_REUSED_PART));
    play_on(PLANTED_REGION,
            "alloc s0 256\nalloc s1 64\nalloc s2 64\nfree s1\nfree s0\nalloc s3 300\n");
    assert_true(was(ASSAY_EVENT_REUSED_MORE));
}

static void test_a_free_between_blocks_is_told_from_one_that_merges(void **state)
{
    (void)state;
    play_on(PLANTED_REGION, "alloc s0 64\nalloc s1 64\nalloc s2 64\nfree s1\n");
    assert_true(was(ASSAY_EVENT_FREED));
    assert_false(was(ASSAY_EVENT_MERGED_BELOW) || was(ASSAY_EVENT_MERGED_ABOVE));
    play_on(PLANTED_REGION,
            "alloc s0 64\nalloc s1 64\nalloc s2 64\nalloc s3 64\nfree s1\nfree s2\n");
    assert_true(was(ASSAY_EVENT_MERGED_BELOW));
    play_on(PLANTED_REGION,
            "alloc s0 64\nalloc s1 64\nalloc s2 64\nalloc s3 64\nfree s2\nfree s1\n");
    assert_true(was(ASSAY_EVENT_MERGED_ABOVE));
    play_on(PLANTED_REGION, "alloc s0 64\nalloc s1 64\nalloc s2 64\nalloc s3 64\nalloc s4 64\n"
                            "free s1\nfree s3\nfree s2\n");
    assert_true(was(ASSAY_EVENT_MERGED_BOTH));
}

static void test_pages_that_a_block_needs_are_seen(void **state)
{
    (void)state;
    play_on(PLANTED_GROWS, "alloc s0 64\nalloc s1 20000\nfree s1\n");
    assert_true(was(ASSAY_EVENT_FRESH));
    assert_true(was(ASSAY_EVENT_RETURNED));
    assert_true(lit(ASSAY_TOPIC_PAGES) >= 2);
    play_on(PLANTED_REGION, "alloc s0 64\nalloc s1 20000\nfree s1\n");
    assert_false(was(ASSAY_EVENT_FRESH));
    assert_int_equal(lit(ASSAY_TOPIC_PAGES), 0);
}

static void test_a_refusal_tells_how_much_room_there_was(void **state)
{
    uint8_t much[ASSAY_WATCH_MARKS];
    const struct assay_topic_range *room = &assay_topics[ASSAY_TOPIC_ROOM];

    (void)state;
    play_on(PLANTED_GROWS, "refuse-next 1\nalloc s0 30000\n");
    assert_true(was(ASSAY_EVENT_REFUSED_PAGES));
    assert_int_equal(lit(ASSAY_TOPIC_ROOM), 1);
    memcpy(much, marks, sizeof much);
    play_on(PLANTED_GROWS, "alloc s0 50000\nalloc s1 30000\n");
    assert_int_equal(lit(ASSAY_TOPIC_ROOM), 1);
    assert_memory_not_equal(much + room->first, marks + room->first, room->count);
}

static void test_sizes_near_the_end_of_the_numbers_are_told_apart(void **state)
{
    uint8_t last[ASSAY_WATCH_MARKS];

    (void)state;
    play_on(PLANTED_REGION, "alloc s0 18446744073709551615\n");
    assert_int_equal(lit(ASSAY_TOPIC_ASKED), 1);
    memcpy(last, marks, sizeof last);
    play_on(PLANTED_REGION, "alloc s0 18446744073709551552\n");
    assert_memory_not_equal(last, marks, sizeof marks);
}

static void test_no_mark_stays_from_the_stream_before(void **state)
{
    struct planted planted = planted_make(PLANTED_GROWS, PLANT_NOTHING);
    struct assay_replay *replay = open_replay(&planted, NULL);
    uint8_t alone[ASSAY_WATCH_MARKS];

    (void)state;
    play(replay, "alloc s0 64\n");
    memcpy(alone, marks, sizeof alone);
    play(replay, "alloc s3 9000\nzeroed s4 10 5\nfree s3\nrealloc s4 999\nfree s4\n");
    assert_memory_not_equal(alone, marks, sizeof marks);
    play(replay, "alloc s0 64\n");
    assert_memory_equal(alone, marks, sizeof marks);
    assay_replay_close(replay);
}

static void test_marks_do_not_depend_on_where_the_heap_lies(void **state)
{
    const char *ops = "alloc s0 64\nalloc s1 700\naligned s2 256 100\nfree s1\nalloc s3 "
                      "20\nrealloc s0 900\nfree s2\n";
    struct planted planted = planted_make(PLANTED_GROWS, PLANT_NOTHING);
    struct assay_recycler recycler;
    struct assay_fence fence;
    uint8_t low[ASSAY_WATCH_MARKS];

    (void)state;
    assert_int_equal(assay_recycler_open(&recycler, 1 << 20, ASSAY_RECYCLER_BASE), ASSAY_OK);
    struct assay_replay *replay = open_replay(&planted, &recycler.source);
    play(replay, ops);
    memcpy(low, marks, sizeof low);
    assay_replay_close(replay);
    assay_recycler_close(&recycler);

    assert_int_equal(assay_fence_open(&fence), ASSAY_OK);
    replay = open_replay(&planted, &fence.source);
    play(replay, ops);
    assert_memory_equal(low, marks, sizeof marks);
    assay_replay_close(replay);
    assay_fence_close(&fence);
}

static void test_a_heap_that_answers_no_questions_is_seen_too(void **state)
{
    (void)state;
    play_on(PLANTED_PLAIN, "alloc s0 64\nalloc s1 64\nfree s0\nalloc s2 64\n");
    assert_true(was(ASSAY_EVENT_REUSED));
    assert_int_equal(lit(ASSAY_TOPIC_SHAPES), 0);
    play_on(PLANTED_REGION, "alloc s0 64\nalloc s1 64\nfree s0\nalloc s2 64\n");
    assert_true(lit(ASSAY_TOPIC_SHAPES) > 0);
}

static void test_topics_follow_each_other_and_fit(void **state)
{
    unsigned next = 0;

    (void)state;
    for (unsigned i = 0; i < ASSAY_TOPICS; i++) {
        assert_non_null(assay_topics[i].name);
        assert_int_equal(assay_topics[i].first, next);
        assert_true(assay_topics[i].count > 0);
        next += assay_topics[i].count;
    }
    assert_true(next <= ASSAY_WATCH_MARKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_that_grows_in_place_is_told_from_one_that_moves),
        cmocka_unit_test(test_a_block_that_shrinks_is_told_from_one_that_stays),
        cmocka_unit_test(test_a_place_is_reused_whole_in_part_or_merged),
        cmocka_unit_test(test_a_free_between_blocks_is_told_from_one_that_merges),
        cmocka_unit_test(test_pages_that_a_block_needs_are_seen),
        cmocka_unit_test(test_a_refusal_tells_how_much_room_there_was),
        cmocka_unit_test(test_sizes_near_the_end_of_the_numbers_are_told_apart),
        cmocka_unit_test(test_no_mark_stays_from_the_stream_before),
        cmocka_unit_test(test_marks_do_not_depend_on_where_the_heap_lies),
        cmocka_unit_test(test_a_heap_that_answers_no_questions_is_seen_too),
        cmocka_unit_test(test_topics_follow_each_other_and_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
