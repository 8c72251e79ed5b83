/*
 * interior - what it costs to free by an inner address, above the block's own, among many live blocks.
 *
 *     interior [--once] [BACKEND ...]     default: region; each must claim FREE_INTERIOR
 *
 * A million live blocks, sizes uniform from 1 to 256 bytes. A round frees BATCH of them, drawn at random, by their first byte
 * and then BATCH others by any byte, or asks their size so, each way timed as a whole, in turn first and
 * second; what was freed is allocated again, untimed. CPU time; medians over the rounds. Neither way reads a block beforehand.
 */
#include "assay/backend.h"
#include "assay/os_pages.h"
#include "assay/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCKS = 1000000, MOST = 256, BATCH = 5000, ROUNDS = 101, BACKENDS = 8 };

static size_t blocks = BLOCKS;
static size_t rounds = ROUNDS;

struct live {
    char *start;
    size_t size;
};

struct batch {
    size_t at[BATCH];
    char *address[BATCH];
};

static uint64_t random_state = 1;

static size_t draw(size_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((random_state >> 33) * below >> 31);
}

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool fill(const struct assay_backend *backend, void *heap, struct live *live)
{
    live->size = draw(MOST) + 1;
    live->start = backend->alloc(heap, live->size);
    return live->start != NULL;
}

/* Different blocks: one of each of BATCH equal parts. */
static void pick(const struct live *live, struct batch *batch, bool inner)
{
    size_t part = blocks / BATCH;

    for (size_t i = 0; i < BATCH; i++) {
        /* In an order that is none of the addresses'. */
        size_t at = (i * 2791 % BATCH) * part + draw(part);
        batch->at[i] = at;
        batch->address[i] = live[at].start + (inner ? draw(live[at].size) : 0);
    }
}

/* Nanoseconds of one call; negative if an answer was wrong. */
static double time_frees(const struct assay_backend *backend, void *heap, struct live *live,
                         const struct batch *batch)
{
    bool right = true;
    double start = cpu_ns();

    for (size_t i = 0; i < BATCH; i++)
        right &= backend->free(heap, batch->address[i]) == ASSAY_OK;
    double spent = cpu_ns() - start;
    for (size_t i = 0; i < BATCH; i++)
        right = fill(backend, heap, &live[batch->at[i]]) && right;
    return right ? spent / BATCH : -1;
}

static double time_sizes(const struct assay_backend *backend, void *heap, const struct live *live,
                         const struct batch *batch)
{
    size_t sum = 0;
    double start = cpu_ns();

    for (size_t i = 0; i < BATCH; i++)
        sum += backend->usable_size(heap, batch->address[i]);
    double spent = cpu_ns() - start;
    for (size_t i = 0; i < BATCH; i++)
        sum -= backend->usable_size(heap, live[batch->at[i]].start);
    return sum == 0 ? spent / BATCH : -1;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static bool measure(const struct assay_backend *backend, void *heap, struct live *live, bool frees)
{
    static struct batch batch;
    static double spent[2][ROUNDS];

    for (size_t round = 0; round < rounds; round++) {
        for (size_t turn = 0; turn < 2; turn++) {
            size_t way = (turn + round) % 2;
            pick(live, &batch, way == 1);
            spent[way][round] = frees ? time_frees(backend, heap, live, &batch)
                                      : time_sizes(backend, heap, live, &batch);
            if (spent[way][round] < 0)
                return false;
        }
    }
    for (size_t way = 0; way < 2; way++)
        qsort(spent[way], rounds, sizeof *spent[way], by_value);
    double exact = spent[0][rounds / 2], inner = spent[1][rounds / 2];
    printf("%-12s %-6s %10.1f %10.1f %7.3f\n", backend->name, frees ? "free" : "size", exact, inner,
           inner / exact);
    return true;
}

static int run(const struct assay_backend *backend, struct live *live)
{
    const struct assay_heap_config config = {
        .limit = blocks * MOST * 2, .pages = assay_os_pages(), .seed = 1, .options = ""};
    void *heap;
    bool right = true;

    if (!(backend->caps & ASSAY_CAP_FREE_INTERIOR) || !backend->usable_size) {
        fprintf(stderr, "interior: %s does not free by inner addresses\n", backend->name);
        return 4;
    }
    if (backend->create(backend, &config, &heap) != ASSAY_OK) {
        fprintf(stderr, "interior: %s makes no heap\n", backend->name);
        return 3;
    }
    for (size_t i = 0; i < blocks && right; i++)
        right = fill(backend, heap, &live[i]);
    right = right && measure(backend, heap, live, true) && measure(backend, heap, live, false);
    backend->destroy(heap);
    if (!right)
        fprintf(stderr, "interior: %s answered wrongly: no numbers\n", backend->name);
    return right ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct assay_backend *backend[BACKENDS];
    struct assay_error error;
    size_t count = 0;
    int status = 0;

    for (int i = 1; i <= argc; i++) {
        const char *spec = i < argc ? argv[i] : "region";
        if (i == argc && count)
            break;
        if (strcmp(spec, "--once") == 0) {
            rounds = 1;
            blocks = (size_t)4 * BATCH;
        } else if (count == BACKENDS) {
            fprintf(stderr, "interior: more than %d backends\n", BACKENDS);
            return 2;
        } else if (assay_registry_find(spec, &backend[count++], &error) != ASSAY_OK) {
            fprintf(stderr, "interior: %s\n", error.what);
            return 2;
        }
    }
    struct live *live = calloc(blocks, sizeof *live);
    if (!live) {
        fprintf(stderr, "interior: no memory\n");
        return 3;
    }
    printf("%-12s %-6s %10s %10s %7s\n", "backend", "call", "exact ns", "inner ns", "ratio");
    for (size_t i = 0; i < count && status == 0; i++)
        status = run(backend[i], live);
    free(live);
    return status;
}
