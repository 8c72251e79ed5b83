/*
 * import_mozilla.c - what Mozilla's logalloc, a replace-malloc library, writes.
 *
 *     13663 13664 malloc(42)=0x7f0c33502040          process, thread; the thread is not in older logs
 *     13663 13664 realloc(0x7f0c33502040,60)=0x7f0c33503040
 *     13663 13664 posix_memalign(64,100)=0x7f0c33504080
 *     13663 13664 free(0x7f0c33503040)
 *
 * In a log made ready for its own replay blocks are #1, #2, ... Only the first process is read.
 */
#include "import_format.h"
#include "shown.h"

#include <string.h>

#define PAGE 4096 /* what valloc() aligns to */

enum shape { SIZE, COUNT_SIZE, ALIGN_SIZE, BLOCK_SIZE, BLOCK, NOTHING };

struct function {
    const char *name;
    enum shape shape;
};

static const struct function functions[] = {
    {"malloc", SIZE},
    {"calloc", COUNT_SIZE},
    {"realloc", BLOCK_SIZE},
    {"free", BLOCK},
    {"posix_memalign", ALIGN_SIZE},
    {"aligned_alloc", ALIGN_SIZE},
    {"memalign", ALIGN_SIZE},
    {"valloc", SIZE},
    {"jemalloc_stats", NOTHING},
    {"jemalloc_stats_lite", NOTHING},
    {"jemalloc_purge_freed_pages", NOTHING},
    {"jemalloc_free_dirty_pages", NOTHING},
    {"jemalloc_free_excess_dirty_pages", NOTHING},
};

static const struct function *find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strlen(functions[i].name) == length && strncmp(functions[i].name, name, length) == 0)
            return &functions[i];
    return NULL;
}

/* "13663 13664 " or "13663 ". */
static bool take_numbers(const char **at, uint64_t *process, uint64_t *thread)
{
    *thread = 0;
    if (!import_take_number(at, 10, process) || !import_skip(at, " "))
        return false;
    return !import_take_number(at, 10, thread) || import_skip(at, " ");
}

static bool recognises(const struct import_head *head)
{
    const char *at = head->lines[0];
    uint64_t process, thread;

    return take_numbers(&at, &process, &thread) && find(at, strcspn(at, "("));
}

/* "42)" or "0x7f0c33502040,60)", into values. */
static bool take_arguments(const char **at, enum shape shape, uint64_t values[2])
{
    bool has_block = shape == BLOCK || shape == BLOCK_SIZE;
    bool has_two = shape == COUNT_SIZE || shape == ALIGN_SIZE || shape == BLOCK_SIZE;

    if (shape != NOTHING &&
        !(has_block ? import_take_address(at, &values[0]) : import_take_number(at, 10, &values[0])))
        return false;
    if (has_two && (!import_skip(at, ",") || !import_take_number(at, 10, &values[1])))
        return false;
    return import_skip(at, ")");
}

static void call(struct importer *importer, const struct function *function,
                 const uint64_t values[2], uint64_t result)
{
    struct assay_calls *calls = importer->calls;

    switch (function->shape) {
    case SIZE:
        if (function->name[0] == 'v')
            assay_calls_alloc(calls, ASSAY_OP_ALLOC_ALIGNED, result, values[0], PAGE);
        else
            assay_calls_alloc(calls, ASSAY_OP_ALLOC, result, values[0], 0);
        break;
    case COUNT_SIZE:
        assay_calls_alloc(calls, ASSAY_OP_ALLOC_ZEROED, result, values[1], values[0]);
        break;
    case ALIGN_SIZE:
        assay_calls_alloc(calls, ASSAY_OP_ALLOC_ALIGNED, result, values[1], values[0]);
        break;
    case BLOCK_SIZE:
        assay_calls_realloc(calls, values[0], result, values[1]);
        break;
    case BLOCK:
        assay_calls_free(calls, values[0]);
        break;
    case NOTHING:
        break;
    }
}

static bool take(struct importer *importer, char *line)
{
    const char *at = line;
    uint64_t process, thread, values[2] = {0, 0}, result = 0;

    if (line[strspn(line, " \t")] == '\0')
        return true;
    if (!take_numbers(&at, &process, &thread))
        return import_fail(importer, "expected '13663 13664 malloc(42)=0x7f0c33502040'");
    const char *name = at;
    size_t length = strcspn(name, "(");
    const struct function *function = find(name, length);
    if (!function)
        return import_fail(importer, "'%s' is no function of a heap that is known",
                           assay_shown(name).text);
    at += length;
    if (!import_skip(&at, "(") || !take_arguments(&at, function->shape, values))
        return import_fail(importer, "the arguments of %s are not as they should be",
                           function->name);
    if (function->shape != BLOCK && function->shape != NOTHING &&
        (!import_skip(&at, "=") || !import_take_address(&at, &result)))
        return import_fail(importer, "the result of %s is missing, as in '=0x7f0c33502040'",
                           function->name);
    if (*at)
        return import_fail(importer, "'%s' is too much", assay_shown(at).text);
    if (!import_is_process(importer, process))
        return true;
    if (!import_set_thread(importer, thread))
        return false;
    call(importer, function, values, result);
    return true;
}

const struct import_format import_mozilla = {
    .name = "mozilla",
    .recognises = recognises,
    .take = take,
};
