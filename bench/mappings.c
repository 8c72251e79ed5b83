/*
 * mappings - what a backend takes for a block above what the system takes for its mapping.
 *
 *     mappings [--once] [BACKEND]        default: mmap_large
 *
 * A pair is mmap and munmap of BYTES, or alloc and free of as many; "touched" also writes to each page. CPU time of
 * each, the least of many rounds of which each times one after the other, so that both meet the same
 * machine. The backend takes its pages from the system directly, without a meter.
 */
#include "assay/backend.h"
#include "assay/os_pages.h"
#include "assay/registry.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { BYTES = 256 << 10, PAGE = 4096, ROUNDS = 300, PAIRS = 50 };

static int rounds = ROUNDS;

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void touch(volatile char *bytes)
{
    for (size_t i = 0; i < BYTES; i += PAGE)
        bytes[i] = 1;
}

/* One of both ways to get memory; false if it was refused. */
static bool pair(const struct assay_backend *backend, void *heap, bool touched)
{
    char *block = backend ? backend->alloc(heap, BYTES)
                          : mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (!block || block == MAP_FAILED)
        return false;
    if (touched)
        touch(block);
    return backend ? backend->free(heap, block) == ASSAY_OK : munmap(block, BYTES) == 0;
}

/* Nanoseconds of one pair; 0 if it was refused. */
static double time_pairs(const struct assay_backend *backend, void *heap, bool touched)
{
    double start = cpu_ns();

    for (int i = 0; i < PAIRS; i++)
        if (!pair(backend, heap, touched))
            return 0;
    return (cpu_ns() - start) / PAIRS;
}

static bool measure(const struct assay_backend *backend, void *heap, bool touched)
{
    double bare = 1e18, ours = 1e18;

    for (int i = 0; i < rounds; i++) {
        double one = time_pairs(NULL, NULL, touched), other = time_pairs(backend, heap, touched);
        if (one <= 0 || other <= 0)
            return false;
        bare = one < bare ? one : bare;
        ours = other < ours ? other : ours;
    }
    printf("%-10s %10.0f %10.0f %7.3f\n", touched ? "touched" : "untouched", bare, ours,
           ours / bare);
    return true;
}

int main(int argc, char **argv)
{
    const struct assay_heap_config config = {
        .limit = SIZE_MAX, .pages = assay_os_pages(), .seed = 1, .options = ""};
    const struct assay_backend *backend;
    struct assay_error error;
    const char *name = "mmap_large";
    void *heap;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--once") == 0)
            rounds = 1;
        else
            name = argv[i];
    }
    if (assay_registry_find(name, &backend, &error) != ASSAY_OK) {
        fprintf(stderr, "mappings: %s\n", error.what);
        return 2;
    }
    if (backend->create(backend, &config, &heap) != ASSAY_OK) {
        fprintf(stderr, "mappings: %s makes no heap\n", name);
        return 3;
    }
    printf("%-10s %10s %10s %7s\n", "", "system ns", "ns", "ratio");
    bool measured = measure(backend, heap, false) && measure(backend, heap, true);
    backend->destroy(heap);
    if (!measured)
        fprintf(stderr, "mappings: %s refused: no numbers\n", name);
    return measured ? 0 : 1;
}
