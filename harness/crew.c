/*
 * crew.c - a stream on several threads, in which each slot's operations keep their order.
 *
 *   stream   a0  b1  a1  b0 ...          lane 0   life: a0 a1 ...  | life ...
 *   slot 0   a0 ------- b0               lane 1   life: b1 b0 ...
 *
 * Each operation knows how many came before it on its slot, and the slot how many have been done: a thread waits
 * until both are the same. The stream's own order is one in which nobody ever waits, so some operation can always
 * be run.
 */
#include "assay/crew.h"

#include "assay/books.h"

#include "held.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* So often is looked before the processor is left to others. */
#define LOOKS 100
#define CACHE_LINE 64

/* Of its own line: what one thread does to its blocks must not disturb those beside. */
struct slot {
    _Alignas(CACHE_LINE) struct held held;
    atomic_uint_least32_t done; /* operations on it */
    unsigned char mark;         /* at both ends of the block, if it is verified */
};
_Static_assert(sizeof(struct slot) == CACHE_LINE, "a slot fills a line");

struct step {
    uint32_t op;     /* in the stream */
    uint32_t before; /* operations on its slot before it */
};

/* A thread of the machine: consecutive steps of its lane. */
struct life {
    struct assay_crew *crew;
    const struct step *steps;
    size_t count;
    struct assay_heap heap; /* of which only what is made up is its own */
    bool calls, verify;
    struct assay_bare_result counts;
    uint64_t damaged, first_op;
    uint64_t cpu_ns;
};

struct lane {
    struct step *steps;
    size_t count;
    struct life *lives; /* one after the other */
    size_t lives_count;
    pthread_t manager;
    uint64_t began_ns, ended_ns, cpu_ns; /* the manager's own */
};

struct assay_crew {
    const struct assay_stream *stream;
    struct slot *slots;
    size_t slots_count;
    struct lane lanes[ASSAY_CREW_MOST_LANES];
    unsigned lanes_count;
    pthread_barrier_t start;
};

/* --- dealing --- */

static bool has_slot(const struct assay_op *op)
{
    return assay_op_shapes[op->kind].has_slot;
}

unsigned assay_crew_threads(const struct assay_stream *stream)
{
    unsigned char seen[ASSAY_THREADS] = {0};
    unsigned count = 0;

    for (size_t i = 0; i < stream->count; i++) {
        count += !seen[stream->ops[i].thread];
        seen[stream->ops[i].thread] = 1;
    }
    return count;
}

/* What is known of the threads of the stream. */
struct threads {
    unsigned lane[ASSAY_THREADS];
    size_t last[ASSAY_THREADS]; /* operation */
    bool seen[ASSAY_THREADS];
};

/* In turn, by their first operations. */
static void deal(struct assay_crew *crew, struct threads *threads)
{
    unsigned count = 0;

    for (size_t i = 0; i < crew->stream->count; i++) {
        const struct assay_op *op = &crew->stream->ops[i];
        if (!threads->seen[op->thread])
            threads->lane[op->thread] = count++ % crew->lanes_count;
        threads->seen[op->thread] = true;
        threads->last[op->thread] = i;
        crew->lanes[threads->lane[op->thread]].count++;
        if (has_slot(op) && op->slot >= crew->slots_count)
            crew->slots_count = op->slot + 1;
    }
}

static bool make_room(struct assay_crew *crew)
{
    crew->slots = assay_books_open((crew->slots_count + 1) * sizeof *crew->slots);
    for (unsigned i = 0; i < crew->lanes_count; i++) {
        struct lane *lane = &crew->lanes[i];
        lane->steps = assay_books_open((lane->count + 1) * sizeof *lane->steps);
        lane->lives = calloc(ASSAY_THREADS, sizeof *lane->lives);
        if (!lane->steps || !lane->lives)
            return false;
        lane->count = 0;
    }
    return crew->slots;
}

/* Where a thread of the stream begins and all others of its lane have ended, so does a thread of the machine. */
static void write_steps(struct assay_crew *crew, const struct threads *threads)
{
    bool begun[ASSAY_THREADS] = {false};
    size_t ends[ASSAY_CREW_MOST_LANES] = {0}; /* of those of the lane that have begun */

    for (size_t i = 0; i < crew->stream->count; i++) {
        const struct assay_op *op = &crew->stream->ops[i];
        unsigned number = threads->lane[op->thread];
        struct lane *lane = &crew->lanes[number];
        struct slot *slot = &crew->slots[op->slot];
        assert(lane->lives && "there is room");
        if (lane->count == 0 || (!begun[op->thread] && ends[number] < i))
            lane->lives[lane->lives_count++] =
                (struct life){.crew = crew, .steps = lane->steps + lane->count};
        begun[op->thread] = true;
        if (threads->last[op->thread] > ends[number])
            ends[number] = threads->last[op->thread];
        uint32_t before = has_slot(op) ? slot->done : 0;
        if (has_slot(op))
            slot->done = before + 1;
        lane->steps[lane->count++] = (struct step){(uint32_t)i, before};
        lane->lives[lane->lives_count - 1].count++;
    }
}

struct assay_crew *assay_crew_open(const struct assay_stream *stream, unsigned lanes)
{
    struct assay_crew *crew = calloc(1, sizeof *crew);
    struct threads *threads = calloc(1, sizeof *threads);
    bool is_whole = crew && threads && stream->count < UINT32_MAX;

    if (crew) {
        crew->stream = stream;
        crew->lanes_count = lanes;
    }
    if (is_whole) {
        deal(crew, threads);
        is_whole = make_room(crew);
    }
    if (is_whole)
        write_steps(crew, threads);
    free(threads);
    if (is_whole)
        return crew;
    if (crew)
        assay_crew_close(crew);
    return NULL;
}

void assay_crew_close(struct assay_crew *crew)
{
    for (unsigned i = 0; i < crew->lanes_count; i++) {
        struct lane *lane = &crew->lanes[i];
        assay_books_close(lane->steps, (lane->count + 1) * sizeof *lane->steps);
        free(lane->lives);
    }
    assay_books_close(crew->slots, (crew->slots_count + 1) * sizeof *crew->slots);
    free(crew);
}

/* --- marks --- */

static void mark(const struct life *life, struct slot *slot, uint32_t op)
{
    const struct held *held = &slot->held;

    slot->mark = (unsigned char)(1 + (op * UINT32_C(2654435761) >> 16) % 255);
    if (!held->handle || held->size == 0)
        return;
    unsigned char *start = assay_heap_resolve(&life->heap, held->handle);
    start[0] = start[held->size - 1] = slot->mark;
}

static void look_at_mark(struct life *life, const struct slot *slot, uint32_t op)
{
    const struct held *held = &slot->held;

    if (!held->handle || held->size == 0)
        return;
    const unsigned char *start = assay_heap_resolve(&life->heap, held->handle);
    if (start[0] == slot->mark && start[held->size - 1] == slot->mark)
        return;
    if (life->damaged++ == 0)
        life->first_op = op;
}

/* --- running --- */

static void wait_for(struct slot *slot, uint32_t before)
{
    for (unsigned looks = 0; atomic_load_explicit(&slot->done, memory_order_acquire) != before;
         looks++)
        if (looks >= LOOKS)
            sched_yield();
}

static void call(struct life *life, struct slot *slot, const struct assay_op *op)
{
    struct assay_heap *heap = &life->heap;
    struct held *held = &slot->held;

    switch ((enum assay_op_kind)op->kind) {
    case ASSAY_OP_ALLOC:
    case ASSAY_OP_ALLOC_ZEROED:
    case ASSAY_OP_ALLOC_ALIGNED:
        held_take(held, heap, op, ASSAY_TOUCH_NONE, &life->counts);
        break;
    case ASSAY_OP_REALLOC:
        held_resize(held, heap, op, ASSAY_TOUCH_NONE, &life->counts);
        break;
    case ASSAY_OP_FREE:
        held_release(heap, held, &life->counts);
        break;
    case ASSAY_OP_FREE_NULL:
        held_free_null(heap, &life->counts);
        break;
    case ASSAY_OP_TOUCH:
        if (held->handle)
            held_touch(heap, held, ASSAY_TOUCH_ALL);
        break;
    case ASSAY_OP_HAND_OVER: /* to have waited is all */
        break;
    default: /* checks, misuse, faults */
        life->counts.skipped++;
    }
}

static void run_step(struct life *life, const struct step *step)
{
    const struct assay_op *op = &life->crew->stream->ops[step->op];
    struct slot *slot = &life->crew->slots[op->slot];
    bool is_of_slot = has_slot(op);

    if (is_of_slot)
        wait_for(slot, step->before);
    if (life->verify && is_of_slot)
        look_at_mark(life, slot, step->op);
    if (life->calls)
        call(life, slot, op);
    if (life->verify && is_of_slot)
        mark(life, slot, step->op);
    if (is_of_slot)
        atomic_store_explicit(&slot->done, step->before + 1, memory_order_release);
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *live(void *arg)
{
    struct life *life = arg;

    for (size_t i = 0; i < life->count; i++)
        run_step(life, &life->steps[i]);
    life->counts.ops += life->count;
    life->cpu_ns = read_clock(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

/* Starts the threads of a lane one after the other; the others may wait for what these do, so it runs them itself
 * where none can be started. */
static void *manage(void *arg)
{
    struct lane *lane = arg;
    struct life *lives = lane->lives;

    pthread_barrier_wait(&lives->crew->start);
    lane->began_ns = read_clock(CLOCK_MONOTONIC);
    uint64_t cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < lane->lives_count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, live, &lives[i]) == 0)
            pthread_join(thread, NULL);
        else
            live(&lives[i]);
    }
    lane->cpu_ns = read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
    lane->ended_ns = read_clock(CLOCK_MONOTONIC);
    return NULL;
}

static void reset(struct assay_crew *crew, struct assay_heap *heap, bool verify)
{
    for (size_t i = 0; i < crew->slots_count; i++)
        crew->slots[i].done = 0;
    for (unsigned i = 0; i < crew->lanes_count; i++)
        for (size_t k = 0; k < crew->lanes[i].lives_count; k++) {
            struct life *life = &crew->lanes[i].lives[k];
            life->calls = heap;
            life->verify = heap && verify;
            life->counts = (struct assay_bare_result){0};
            life->damaged = 0;
            if (heap)
                life->heap = *heap;
        }
}

static void drain(struct assay_crew *crew, struct assay_heap *heap)
{
    struct assay_bare_result ignored = {0};

    for (size_t i = 0; i < crew->slots_count; i++)
        if (crew->slots[i].held.handle)
            held_release(heap, &crew->slots[i].held, &ignored);
}

/* From when the first lane began until the last has ended: the caller may be woken late. */
static void sum_times(const struct assay_crew *crew, unsigned lanes,
                      struct assay_crew_result *result)
{
    uint64_t began = UINT64_MAX, ended = 0;

    for (unsigned i = 0; i < lanes; i++) {
        const struct lane *lane = &crew->lanes[i];
        began = lane->began_ns < began ? lane->began_ns : began;
        ended = lane->ended_ns > ended ? lane->ended_ns : ended;
        result->cpu_ns += lane->cpu_ns;
        for (size_t k = 0; k < lane->lives_count; k++)
            result->cpu_ns += lane->lives[k].cpu_ns;
    }
    result->wall_ns = lanes ? ended - began : 0;
}

static void sum(const struct assay_crew *crew, struct assay_crew_result *result)
{
    for (unsigned i = 0; i < crew->lanes_count; i++)
        for (size_t k = 0; k < crew->lanes[i].lives_count; k++) {
            const struct life *life = &crew->lanes[i].lives[k];
            result->counts.ops += life->counts.ops;
            result->counts.skipped += life->counts.skipped;
            result->counts.refused += life->counts.refused;
            result->counts.calls += life->counts.calls;
            result->made_up |= life->heap.made_up;
            if (life->damaged && (!result->damaged || life->first_op < result->first_op))
                result->first_op = life->first_op;
            result->damaged += life->damaged;
        }
}

/* A lane whose thread cannot be started makes all others wait for ever: the run is over before it began. */
static unsigned start_lanes(struct assay_crew *crew)
{
    unsigned started = 0;

    while (started < crew->lanes_count && crew->lanes[started].lives_count &&
           pthread_create(&crew->lanes[started].manager, NULL, manage, &crew->lanes[started]) == 0)
        started++;
    return started;
}

assay_status assay_crew_run(struct assay_crew *crew, struct assay_heap *heap, bool verify,
                            struct assay_crew_result *result)
{
    unsigned lanes = 0;

    *result = (struct assay_crew_result){.damaged = 0};
    while (lanes < crew->lanes_count && crew->lanes[lanes].lives_count)
        lanes++;
    reset(crew, heap, verify);
    if (pthread_barrier_init(&crew->start, NULL, lanes + 1) != 0)
        return ASSAY_NO_MEMORY;
    if (start_lanes(crew) < lanes)
        return ASSAY_NO_MEMORY; /* those that wait for the others end with the process */
    pthread_barrier_wait(&crew->start);
    for (unsigned i = 0; i < lanes; i++)
        pthread_join(crew->lanes[i].manager, NULL);
    pthread_barrier_destroy(&crew->start);
    sum_times(crew, lanes, result);
    sum(crew, result);
    if (heap)
        drain(crew, heap);
    return ASSAY_OK;
}
