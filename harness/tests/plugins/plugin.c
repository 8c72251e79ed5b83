/*
 * plugin.c - plug-ins for the tests, good and bad: PLUGIN_BREAKS is what is wrong with this one.
 *
 * The good one hands out an array once, front to back; that of the slow one is larger than any stream needs. Once
 * they have served for a while, the greedy one maps memory without end, and the endless one does not come back.
 */
#include "assay/backend.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PLUGIN_NOTHING 0
#define PLUGIN_ABI 1
#define PLUGIN_SYMBOL 2
#define PLUGIN_FREE 3
#define PLUGIN_NULL_TABLE 4
#define PLUGIN_ABORT 5
#define PLUGIN_CREATE 6
#define PLUGIN_SLOW 7
#define PLUGIN_GREEDY 8
#define PLUGIN_ENDLESS 9

#define IS_LARGE (PLUGIN_BREAKS >= PLUGIN_SLOW)
#define SERVES 5 /* requests, before it does not */

static _Alignas(16) char memory[IS_LARGE ? 1 << 28 : 1 << 16];
static size_t used;
static unsigned requests;

static assay_status tiny_create(const struct assay_backend *backend,
                                const struct assay_heap_config *config, void **self)
{
    (void)backend;
    (void)config;
    if (PLUGIN_BREAKS == PLUGIN_CREATE)
        abort();
    used = 0;
    requests = 0;
    *self = memory;
    return ASSAY_OK;
}

static void tiny_destroy(void *self)
{
    (void)self;
}

static void take_all(void)
{
    const size_t bytes = (size_t)16 << 20;

    for (;;) {
        void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages != MAP_FAILED)
            memset(pages, 1, bytes);
    }
}

static void *tiny_alloc(void *self, size_t size)
{
    char *block = (char *)self + used;

    size = size ? size : 1;
    if (PLUGIN_BREAKS == PLUGIN_SLOW)
        for (clock_t from = clock(); clock() - from < CLOCKS_PER_SEC / 100;)
            ;
    bool is_over = ++requests > SERVES;
    if (PLUGIN_BREAKS == PLUGIN_GREEDY && is_over)
        take_all();
    for (volatile bool waits = PLUGIN_BREAKS == PLUGIN_ENDLESS && is_over; waits;)
        ;
    if (size > sizeof memory - used)
        return NULL;
    used += (size + 15) / 16 * 16;
    return block;
}

static assay_status tiny_free(void *self, void *block)
{
    (void)self;
    if (PLUGIN_BREAKS == PLUGIN_ABORT && block)
        abort();
    return ASSAY_OK;
}

static const struct assay_backend tiny = {
    .abi = ASSAY_BACKEND_ABI + (PLUGIN_BREAKS == PLUGIN_ABI ? 6 : 0),
    .caps = ASSAY_CAP_ZERO_SIZE_BLOCK,
    .min_align = 16,
    .max_size = sizeof memory,
    .name = "tiny",
    .summary = "an array, handed out once",
    .origin = "assay's tests",
    .options_help = "",
    .create = tiny_create,
    .destroy = tiny_destroy,
    .alloc = tiny_alloc,
    .free = PLUGIN_BREAKS == PLUGIN_FREE ? NULL : tiny_free,
};

#if PLUGIN_BREAKS == PLUGIN_SYMBOL
#define assay_backend_plugin assay_backend_plug_in
#endif
const struct assay_backend *assay_backend_plugin(void);

const struct assay_backend *assay_backend_plugin(void)
{
    return PLUGIN_BREAKS == PLUGIN_NULL_TABLE ? NULL : &tiny;
}
