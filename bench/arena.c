/*
 * arena - a fixed arena at 40 % load: time and latency of churn, how full it gets, and a pair alone.
 *
 *     arena [--once] [BACKEND ...]        default: list; the first one is what ratios refer to
 *
 * The workload: sizes are log-uniform from 16 to 4096 bytes. Blocks are allocated until 40 % of the 16 MiB
 * arena is live requested bytes; then, again and again, a random live block is freed and another
 * allocated (two operations), its first byte written. After that the arena is filled with the same
 * distribution until the first refusal; live requested bytes over arena bytes are the utilisation.
 *
 *   ns/op      CPU time, median over repetitions, those of all backends interleaved, a seed each
 *   latency    of one allocation: the least over identical replays for each of them, less the
 *              timer's own; its 99.9th percentile and its largest
 *   pair       CPU time of one allocation and its free while nothing else is live, median: what a heap
 *              pays that splits and merges all of its memory for each block
 *   full       utilisation: median and least over the repetitions; "-" if the backend has no limit
 *
 * A backend of small blocks only has a pair, of the largest that it has where one is too large, and no more.
 *
 * Pins itself to the CPU on which it starts. The arena is one range, faulted in beforehand and recycled
 * from heap to heap, so that no page fault is measured. A wrong answer ends the run without numbers.
 */
#include "assay/backend.h"
#include "assay/pages.h"
#include "assay/registry.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

enum {
    ARENA = 16 << 20,
    LEAST = 16,
    MOST = 4096,
    LOAD_PERCENT = 40,
    BACKENDS = 16,
    REPETITIONS = 9,
    WARM_PAIRS = 100000,
    TIMED_PAIRS = 200000,
    BLOCKS = ARENA / LEAST,
};

static unsigned repetitions = REPETITIONS;
static unsigned warm_pairs = WARM_PAIRS;
static unsigned timed_pairs = TIMED_PAIRS;

/* --- what is the same for every backend --- */

static uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Sizes and choices made beforehand, so that making them is not measured. */
struct script {
    uint16_t *sizes; /* BLOCKS of them, used round and round */
    uint32_t *picks; /* WARM_PAIRS + TIMED_PAIRS random numbers */
};

static bool script_open(struct script *script)
{
    script->sizes = malloc(BLOCKS * sizeof *script->sizes);
    script->picks = malloc((WARM_PAIRS + TIMED_PAIRS) * sizeof *script->picks);
    return script->sizes && script->picks;
}

static void script_write(struct script *script, uint64_t seed)
{
    uint64_t random = seed;

    for (size_t i = 0; i < BLOCKS; i++) {
        double share = (double)(random_next(&random) >> 11) / 9007199254740992.0;
        script->sizes[i] = (uint16_t)(LEAST * pow((double)(MOST + 1) / LEAST, share));
    }
    for (size_t i = 0; i < WARM_PAIRS + TIMED_PAIRS; i++)
        script->picks[i] = (uint32_t)random_next(&random);
}

/* --- one run of a backend --- */

struct subject {
    const struct assay_backend *backend;
    double ns[REPETITIONS];
    double pair_ns[REPETITIONS];
    double full[REPETITIONS];
    double high_ns; /* 99.9th percentile */
    double max_ns;
};

struct run {
    const struct assay_backend *backend;
    void *heap;
    const struct script *script;
    char **blocks;
    uint16_t *sizes; /* of the blocks */
    size_t count;
    size_t live_bytes;
    size_t next_size; /* where in the script */
};

static bool add(struct run *run)
{
    uint16_t size = run->script->sizes[run->next_size++ % BLOCKS];
    char *block = run->backend->alloc(run->heap, size);

    if (!block)
        return false;
    *block = 1;
    run->blocks[run->count] = block;
    run->sizes[run->count++] = size;
    run->live_bytes += size;
    return true;
}

static uint64_t ticks(void)
{
#if defined(__x86_64__)
    unsigned processor;
    return __rdtscp(&processor);
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* latencies may be NULL. False if the backend refused or did not take back a block. */
static bool churn(struct run *run, const uint32_t *picks, size_t pairs, uint32_t *latencies)
{
    for (size_t i = 0; i < pairs; i++) {
        size_t pick = (size_t)((uint64_t)picks[i] * run->count >> 32);
        uint16_t size = run->script->sizes[run->next_size++ % BLOCKS];
        uint64_t before = 0;

        if (run->backend->free(run->heap, run->blocks[pick]) != ASSAY_OK)
            return false;
        if (latencies)
            before = ticks();
        char *block = run->backend->alloc(run->heap, size);
        if (latencies) {
            uint64_t spent = ticks() - before;
            latencies[i] = spent < latencies[i] ? (uint32_t)spent : latencies[i];
        }
        if (!block)
            return false;
        *block = 1;
        run->live_bytes += (size_t)size - run->sizes[pick];
        run->blocks[pick] = block;
        run->sizes[pick] = size;
    }
    return true;
}

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool is_sound(const struct run *run)
{
    struct assay_damage damage;

    return !run->backend->check || run->backend->check(run->heap, &damage) == ASSAY_OK;
}

/* Whether a backend has blocks of all sizes of the workload. */
static bool serves_all(const struct assay_backend *backend)
{
    return backend->max_size >= MOST;
}

/* Pairs in an empty heap. False as churn. */
static bool time_pairs(struct run *run, double *ns)
{
    const uint16_t *sizes = run->script->sizes;
    const size_t most = run->backend->max_size;
    double before = cpu_ns();

    for (size_t i = 0; i < timed_pairs; i++) {
        size_t size = sizes[i % BLOCKS];
        char *block = run->backend->alloc(run->heap, size < most ? size : most);
        if (!block)
            return false;
        *block = 1;
        if (run->backend->free(run->heap, block) != ASSAY_OK)
            return false;
    }
    *ns = (cpu_ns() - before) / timed_pairs;
    return is_sound(run);
}

/* Fills the heap to 40 %, churns, measures, and, unless latencies are wanted, fills it up. */
static bool churn_and_fill(struct run *run, double *ns, double *full, uint32_t *latencies)
{
    const uint32_t *picks = run->script->picks;

    while (run->live_bytes < (size_t)ARENA / 100 * LOAD_PERCENT) {
        if (!add(run))
            return false;
    }
    if (!churn(run, picks, warm_pairs, NULL))
        return false;
    double before = cpu_ns();
    if (!churn(run, picks + warm_pairs, timed_pairs, latencies))
        return false;
    *ns = (cpu_ns() - before) / (2.0 * timed_pairs);
    if (!is_sound(run))
        return false;
    *full = NAN;
    if (!latencies && (run->backend->caps & ASSAY_CAP_PAGE_SOURCE)) {
        while (run->count < BLOCKS && add(run)) {
        }
        *full = (double)run->live_bytes / ARENA;
    }
    return is_sound(run);
}

static void *open_heap(const struct assay_backend *backend, struct assay_recycler *arena)
{
    const struct assay_heap_config config = {
        .limit = ARENA, .pages = &arena->source, .seed = 1, .options = ""};
    void *heap;

    assay_recycler_reset(arena);
    return backend->create(backend, &config, &heap) == ASSAY_OK ? heap : NULL;
}

static bool pair_once(const struct assay_backend *backend, struct assay_recycler *arena,
                      const struct script *script, double *ns)
{
    struct run run = {.backend = backend, .heap = open_heap(backend, arena), .script = script};
    bool right = run.heap && time_pairs(&run, ns);

    if (run.heap)
        backend->destroy(run.heap);
    return right;
}

static bool run_once(const struct assay_backend *backend, struct assay_recycler *arena,
                     const struct script *script, double *ns, double *full, uint32_t *latencies)
{
    static char *blocks[BLOCKS];
    static uint16_t sizes[BLOCKS];
    struct run run = {.backend = backend,
                      .heap = open_heap(backend, arena),
                      .script = script,
                      .blocks = blocks,
                      .sizes = sizes};

    if (!run.heap)
        return false;
    bool right = churn_and_fill(&run, ns, full, latencies);
    /* A heap that belongs to the process outlives this run; others end with their blocks. */
    if (!(backend->caps & ASSAY_CAP_PAGE_SOURCE)) {
        for (size_t i = 0; i < run.count; i++)
            right = backend->free(run.heap, blocks[i]) == ASSAY_OK && right;
    }
    backend->destroy(run.heap);
    return right;
}

/* --- latency --- */

static double tick_ns(void)
{
    struct timespec now, start;
    uint64_t first = ticks();

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000000000 + (now.tv_nsec - start.tv_nsec) < 20000000);
    return ((double)(now.tv_sec - start.tv_sec) * 1e9 + (double)(now.tv_nsec - start.tv_nsec)) /
           (double)(ticks() - first);
}

static uint32_t timer_cost(void)
{
    uint64_t least = UINT32_MAX;

    for (int i = 0; i < 10000; i++) {
        uint64_t before = ticks();
        uint64_t spent = ticks() - before;
        least = spent < least ? spent : least;
    }
    return (uint32_t)least;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static bool measure_latency(struct subject *subject, struct assay_recycler *arena,
                            const struct script *script, uint32_t *latencies)
{
    double ns, full;
    uint32_t cost = timer_cost();

    memset(latencies, 0xff, timed_pairs * sizeof *latencies);
    for (unsigned i = 0; i < repetitions; i++) {
        if (!run_once(subject->backend, arena, script, &ns, &full, latencies))
            return false;
    }
    qsort(latencies, timed_pairs, sizeof *latencies, by_number);
    uint32_t high = latencies[(size_t)(timed_pairs * 0.999)];
    uint32_t most = latencies[timed_pairs - 1];
    double scale = tick_ns();
    subject->high_ns = high > cost ? (high - cost) * scale : 0;
    subject->max_ns = most > cost ? (most - cost) * scale : 0;
    return true;
}

/* --- the table --- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print(struct subject *subjects, size_t count)
{
    double first = 0;

    printf("%-24s %8s %7s %8s %8s %8s %8s %8s\n", "backend", "ns/op", "ratio", "p99.9 ns", "max ns",
           "pair ns", "full", "least");
    for (size_t i = 0; i < count; i++) {
        struct subject *subject = &subjects[i];
        qsort(subject->ns, repetitions, sizeof *subject->ns, by_value);
        qsort(subject->pair_ns, repetitions, sizeof *subject->pair_ns, by_value);
        qsort(subject->full, repetitions, sizeof *subject->full, by_value);
        double ns = subject->ns[repetitions / 2];
        first = first > 0 ? first : ns;
        double pair = subject->pair_ns[repetitions / 2];
        if (!serves_all(subject->backend)) {
            printf("%-24s %8s %7s %8s %8s %8.1f %8s %8s\n", subject->backend->name, "-", "-", "-",
                   "-", pair, "-", "-");
            continue;
        }
        printf("%-24s %8.1f %7.2f %8.0f %8.0f %8.1f ", subject->backend->name, ns, ns / first,
               subject->high_ns, subject->max_ns, pair);
        if (isnan(subject->full[0]))
            printf("%8s %8s\n", "-", "-");
        else
            printf("%7.2f%% %7.2f%%\n", subject->full[repetitions / 2] * 100,
                   subject->full[0] * 100);
    }
}

static bool measure_once(struct subject *subject, unsigned repetition, struct assay_recycler *arena,
                         const struct script *script, uint32_t *latencies)
{
    const struct assay_backend *backend = subject->backend;

    if (serves_all(backend) && !run_once(backend, arena, script, &subject->ns[repetition],
                                         &subject->full[repetition], NULL))
        return false;
    if (serves_all(backend) && repetition == 0 &&
        !measure_latency(subject, arena, script, latencies))
        return false;
    return pair_once(backend, arena, script, &subject->pair_ns[repetition]);
}

static bool measure_all(struct subject *subjects, size_t count, struct assay_recycler *arena,
                        struct script *script, uint32_t *latencies)
{
    for (unsigned i = 0; i < repetitions; i++) {
        script_write(script, i + 1);
        for (size_t k = 0; k < count; k++) {
            struct subject *subject = &subjects[k];
            if (!measure_once(subject, i, arena, script, latencies)) {
                fprintf(stderr, "arena: %s refused or failed within the churn: no numbers\n",
                        subject->backend->name);
                return false;
            }
        }
    }
    return true;
}

static bool measure(struct subject *subjects, size_t count)
{
    struct assay_recycler arena;
    struct script script = {0};
    uint32_t *latencies = malloc(TIMED_PAIRS * sizeof *latencies);
    bool measured = false;

    if (!latencies || !script_open(&script) ||
        assay_recycler_open(&arena, ARENA, NULL) != ASSAY_OK) {
        fprintf(stderr, "arena: no memory for the arena\n");
    } else {
        memset(arena.base, 0, ARENA); /* faults it in */
        measured = measure_all(subjects, count, &arena, &script, latencies);
        assay_recycler_close(&arena);
    }
    free(latencies);
    free(script.sizes);
    free(script.picks);
    return measured;
}

static void pin(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        fprintf(stderr, "arena: not pinned to a CPU\n");
}

int main(int argc, char **argv)
{
    struct subject subjects[BACKENDS] = {0};
    struct assay_error error;
    size_t count = 0;

    for (int i = 1; i <= argc; i++) {
        const char *spec = argv[i];
        if (i == argc && count)
            break;
        if (i == argc)
            spec = "list";
        if (strcmp(spec, "--once") == 0) {
            repetitions = 1;
            warm_pairs = timed_pairs = 10000;
            continue;
        }
        if (count == BACKENDS) {
            fprintf(stderr, "arena: more than %d backends\n", BACKENDS);
            return 2;
        }
        if (assay_registry_find(spec, &subjects[count].backend, &error) != ASSAY_OK) {
            fprintf(stderr, "arena: %s\n", error.what);
            return 2;
        }
        count++;
    }
    pin();
    if (!measure(subjects, count))
        return 1;
    print(subjects, count);
    return 0;
}
