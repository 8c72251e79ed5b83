/*
 * test_alloc_killed.c - a process is killed before every single store of every kind of call, and the next one
 * finds the heap as if that call had been made, or had not.
 */
#include "test_points.h"
#include "test_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the play --- */

/* A child that does it is killed at its n-th point, if it has so many. Whether it was. */
static bool kill_in_scene(struct stage *stage, const struct scene *scene, unsigned long n)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        kill_at_point(n);
        play(stage, scene);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGKILL);
    return WIFSIGNALED(status);
}

/* The same to one that repairs. */
static bool kill_in_repair(struct stage *stage, unsigned long n)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct assay_heap_stats stats;
        kill_at_point(n);
        alloc->stats(stage->heap, &stats);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGKILL);
    return WIFSIGNALED(status);
}

static void assert_sound(struct stage *stage)
{
    struct assay_damage damage = {0};

    if (alloc->check(stage->heap, &damage) != ASSAY_OK)
        fail_msg("check: %s", damage.what);
}

static void assert_holds(const char *block, size_t bytes, int letter)
{
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(block[i], letter);
}

/* That memory is as the heap thinks: what is zero by its books is zero. */
static void assert_zeroed_is_zero(struct stage *stage)
{
    struct assay_heap_stats stats;

    alloc->stats(stage->heap, &stats);
    char *all = alloc->alloc_zeroed(stage->heap, 1, stats.largest_free);
    assert_non_null(all);
    assert_holds(all, stats.largest_free, 0);
    assert_int_equal(alloc->free(stage->heap, all), ASSAY_OK);
}

/* What became of the block that the scene is about; frees what is left of it. */
static void assert_victim_is_as_it_must_be(struct stage *stage, const struct scene *scene,
                                           const struct plot *plot, const struct layout *now)
{
    char *heap = (char *)stage->heap;
    char *victim = scene->victim < 0 ? NULL : stage->block[scene->victim];

    if (same(now, &plot->before)) {
        if (victim)
            assert_holds(victim, SIZE, 'a' + scene->victim);
        assert_int_equal(alloc->free(heap, victim), ASSAY_OK);
        return;
    }
    if (!same(now, &plot->after)) {
        assert_true(same(now, &plot->taken_back));
        return;
    }
    if (!plot->result)
        return; /* it was freed */
    char *result = heap + plot->result;
    /* Once the lock is given back, the block is that of the dead process as all others are. */
    if (result != victim && stage->heap->repairs > 0)
        assert_ptr_equal((char *)(uintptr_t)stage->heap->orphan, result);
    if (victim)
        assert_holds(result, SIZE < scene->size ? SIZE : scene->size, 'a' + scene->victim);
    assert_int_equal(alloc->free(heap, result), ASSAY_OK);
}

static void assert_nothing_else_changed(struct stage *stage, const struct scene *scene,
                                        const struct plot *plot)
{
    struct assay_heap_stats stats;
    struct layout now;

    assert_sound(stage);
    look(stage, &now);
    assert_victim_is_as_it_must_be(stage, scene, plot, &now);
    assert_zeroed_is_zero(stage);
    for (int i = 0; i < BLOCKS; i++) {
        if (i == scene->victim || !stage->block[i])
            continue;
        assert_holds(stage->block[i], SIZE, 'a' + i);
        assert_int_equal(alloc->free(stage->heap, stage->block[i]), ASSAY_OK);
    }
    assert_sound(stage);
    alloc->stats(stage->heap, &stats);
    assert_int_equal(stats.used_blocks, 0);
    assert_int_equal(stats.largest_free, plot->largest);
}

static void kill_everywhere(const struct scene *scene, const char *options)
{
    struct plot plot;
    struct stage stage;
    unsigned long n, orphans = 0;

    rehearse(&plot, scene, options);
    assert_true(plot.points > 10);
    for (n = 1;; n++) {
        set_stage(&stage, options);
        if (!kill_in_scene(&stage, scene, n))
            break;
        assert_nothing_else_changed(&stage, scene, &plot);
        orphans += stage.heap->orphan != 0;
        strike_stage(&stage);
    }
    strike_stage(&stage);
    assert_int_equal(n - 1, plot.points);
    /* Only after the last store can a block be left to nobody. */
    assert_int_equal(orphans, plot.gives_a_new_block);
}

static void test_one_killed_at_any_store_loses_at_most_the_block_it_was_about(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENES; i++)
        kill_everywhere(&scenes[i], "");
}

static void test_the_same_where_freed_memory_is_filled_and_verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENES; i++)
        kill_everywhere(&scenes[i], "checked=1");
}

/* Whether one that is killed at its n-th point has the lock then. */
static bool holds_the_lock(const struct scene *scene, unsigned long n)
{
    struct stage stage;
    struct assay_heap_stats stats;

    set_stage(&stage, "");
    assert_true(kill_in_scene(&stage, scene, n));
    alloc->stats(stage.heap, &stats);
    bool held = stage.heap->repairs > 0;
    strike_stage(&stage);
    return held;
}

/* Every kind of moment in a call, with every kind of moment in the repair, though not each pair of them. */
static void test_one_killed_while_it_repairs_leaves_it_to_the_next(void **state)
{
    unsigned long killed = 0;

    (void)state;
    for (size_t i = 0; i < SCENES; i++) {
        struct plot plot;
        rehearse(&plot, &scenes[i], "");
        for (unsigned long n = 1; n <= plot.points; n += 2) {
            if (!holds_the_lock(&scenes[i], n))
                continue;
            for (unsigned long m = 1 + n * 5 % 31;; m += 31) {
                struct stage stage;
                set_stage(&stage, "");
                assert_true(kill_in_scene(&stage, &scenes[i], n));
                bool again = kill_in_repair(&stage, m);
                killed += again;
                assert_nothing_else_changed(&stage, &scenes[i], &plot);
                strike_stage(&stage);
                if (!again)
                    break;
            }
        }
    }
    assert_true(killed > 1000);
}

/* A child that stands still at its n-th point in a scene; 0 if it is not in the middle of a change there. */
static pid_t hold(struct stage *stage, unsigned long n)
{
    int status;
    pid_t holder = fork();

    assert_true(holder >= 0);
    if (holder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        stop_at_point(n);
        play(stage, &scenes[1]);
        _exit(1);
    }
    assert_int_equal(waitpid(holder, &status, WUNTRACED), holder);
    assert_true(WIFSTOPPED(status));
    if (stage->heap->journal.change != LIST_NOTHING && stage->heap->journal.count > 0)
        return holder;
    kill(holder, SIGKILL);
    assert_int_equal(waitpid(holder, &status, 0), holder);
    return 0;
}

static void test_those_who_wait_go_on_when_the_holder_is_killed(void **state)
{
    enum { WAITERS = 8 };
    pid_t waiters[WAITERS];
    struct stage stage;
    pid_t holder = 0;
    int status;

    (void)state;
    for (unsigned long n = 1; !holder; n++) {
        set_stage(&stage, "");
        holder = hold(&stage, n);
        if (!holder)
            strike_stage(&stage);
    }
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = fork();
        if (waiters[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            _exit(alloc->alloc(stage.heap, 64) ? 0 : 1);
        }
    }
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, &status, 0), holder);
    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(waitpid(waiters[i], &status, 0), waiters[i]);
        assert_int_equal(status, 0);
    }
    assert_sound(&stage);
    assert_int_equal(stage.heap->repairs, 1);
    assert_int_equal(stage.heap->orphan, 0);
    strike_stage(&stage);
}

static void test_a_heap_with_a_damaged_header_refuses_all_after_a_kill(void **state)
{
    struct stage stage;
    struct assay_damage damage = {0};

    (void)state;
    set_stage(&stage, "");
    memset(stage.block[5] + SIZE, 0, 8);
    while (!kill_in_scene(&stage, &scenes[0], 12)) {
    }
    assert_null(alloc->alloc(stage.heap, 16));
    assert_null(alloc->alloc(stage.heap, 16));
    assert_null(alloc->realloc(stage.heap, stage.block[0], 16));
    assert_int_equal(alloc->free(stage.heap, stage.block[0]), ASSAY_CORRUPT);
    assert_int_equal(alloc->usable_size(stage.heap, stage.block[0]), 0);
    assert_false(alloc->owns(stage.heap, stage.block[0]));
    assert_int_equal(alloc->check(stage.heap, &damage), ASSAY_CORRUPT);
    assert_string_equal(damage.what, "the heap could not be repaired");
    strike_stage(&stage);
}

struct caller {
    struct shared_heap *heap;
    unsigned refused;
};

/* As a signal handler would: while the same thread holds the lock. */
static bool call_again(void *arg, const struct assay_extent *extent)
{
    struct caller *caller = arg;
    struct assay_damage damage;

    (void)extent;
    errno = 0;
    caller->refused += !alloc->alloc(caller->heap, 16) && errno == EDEADLK;
    caller->refused += alloc->check(caller->heap, &damage) == ASSAY_CORRUPT && errno == EDEADLK;
    return true;
}

static void test_a_call_from_inside_a_call_is_refused(void **state)
{
    struct stage stage;
    struct layout layout;

    (void)state;
    set_stage(&stage, "");
    look(&stage, &layout);
    struct caller caller = {.heap = stage.heap};
    assert_int_equal(alloc->walk(stage.heap, call_again, &caller), ASSAY_OK);
    assert_int_equal(caller.refused, 2 * layout.count);
    assert_sound(&stage);
    strike_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_killed_at_any_store_loses_at_most_the_block_it_was_about),
        cmocka_unit_test(test_the_same_where_freed_memory_is_filled_and_verified),
        cmocka_unit_test(test_one_killed_while_it_repairs_leaves_it_to_the_next),
        cmocka_unit_test(test_those_who_wait_go_on_when_the_holder_is_killed),
        cmocka_unit_test(test_a_heap_with_a_damaged_header_refuses_all_after_a_kill),
        cmocka_unit_test(test_a_call_from_inside_a_call_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
