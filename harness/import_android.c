/*
 * import_android.c - what Android's malloc_debug writes with record_allocs, and memory_replay reads.
 *
 *     186: malloc 0xb6038060 20              thread, what was done, block, size
 *     186: calloc 0xb609f080 32 8            count, size of one
 *     186: memalign 0xae9f0000 16 104        alignment, size
 *     186: realloc 0xb609f180 0xb6038060 40  block after, block before
 *     186: free 0xb609f180
 *     186: thread_done 0x0
 *
 * Newer logs have two times at the end of a line, in nanoseconds: when the call began and when it
 * ended; thread_done has the second alone.
 */
#include "import_format.h"
#include "shown.h"

#include <string.h>

#define WORDS 8
#define TIMES 2

enum action { MALLOC, CALLOC, MEMALIGN, REALLOC, FREE, THREAD_DONE };

static const struct {
    const char *name;
    size_t words; /* with thread and name, without times */
    size_t times;
} actions[] = {
    [MALLOC] = {"malloc", 4, TIMES},     [CALLOC] = {"calloc", 5, TIMES},
    [MEMALIGN] = {"memalign", 5, TIMES}, [REALLOC] = {"realloc", 5, TIMES},
    [FREE] = {"free", 3, TIMES},         [THREAD_DONE] = {"thread_done", 3, 1},
};

static bool find(const char *name, enum action *action)
{
    for (unsigned i = MALLOC; i <= THREAD_DONE; i++) {
        if (strcmp(name, actions[i].name) == 0) {
            *action = (enum action)i;
            return true;
        }
    }
    return false;
}

/* "186:" */
static bool take_thread(const char *word, uint64_t *thread)
{
    return import_take_number(&word, 10, thread) && strcmp(word, ":") == 0;
}

static bool recognises(const struct import_head *head)
{
    char line[IMPORT_HEAD_BYTES], *words[3];
    uint64_t thread;
    enum action action;

    memcpy(line, head->lines[0], sizeof line);
    return import_cut(line, words, 3) == 3 && take_thread(words[0], &thread) &&
           find(words[1], &action);
}

/* Numbers behind the block's address: sizes, counts, and of realloc an address. */
static bool take_numbers(struct importer *importer, enum action action, char *const *words,
                         uint64_t numbers[2])
{
    for (size_t i = 3; i < actions[action].words; i++) {
        bool is_address = action == REALLOC && i == 3;
        if (is_address ? !import_address(words[i], &numbers[i - 3])
                       : !import_number(words[i], 10, &numbers[i - 3]))
            return import_fail(importer, "'%s' is not %s", assay_shown(words[i]).text,
                               is_address ? "an address" : "a number");
    }
    return true;
}

/* Times are there all or none. */
static bool take_times(struct importer *importer, enum action action, char *const *words,
                       size_t count)
{
    size_t first = actions[action].words;
    uint64_t times[TIMES];

    if (count == first)
        return true;
    if (count != first + actions[action].times)
        return import_fail(importer, "%s has %zu words, and %zu times or none behind them",
                           actions[action].name, first, actions[action].times);
    for (size_t i = 0; i < count - first; i++)
        if (!import_number(words[first + i], 10, &times[i]))
            return import_fail(importer, "'%s' is not a time in nanoseconds",
                               assay_shown(words[first + i]).text);
    if (action != THREAD_DONE)
        import_set_time(importer, times[0]);
    return true;
}

static void act(struct importer *importer, enum action action, uint64_t address,
                const uint64_t numbers[2], uint64_t thread)
{
    struct assay_calls *calls = importer->calls;

    switch (action) {
    case MALLOC:
        assay_calls_alloc(calls, ASSAY_OP_ALLOC, address, numbers[0], 0);
        break;
    case CALLOC:
        assay_calls_alloc(calls, ASSAY_OP_ALLOC_ZEROED, address, numbers[1], numbers[0]);
        break;
    case MEMALIGN:
        assay_calls_alloc(calls, ASSAY_OP_ALLOC_ALIGNED, address, numbers[1], numbers[0]);
        break;
    case REALLOC:
        assay_calls_realloc(calls, numbers[0], address, numbers[1]);
        break;
    case FREE:
        assay_calls_free(calls, address);
        break;
    case THREAD_DONE:
        import_end_thread(importer, thread);
        break;
    }
}

static bool take(struct importer *importer, char *line)
{
    char *words[WORDS];
    uint64_t thread, address, numbers[2] = {0, 0};
    enum action action;
    size_t count = import_cut(line, words, WORDS);

    if (count == 0)
        return true;
    if (count < 3 || !take_thread(words[0], &thread))
        return import_fail(importer, "expected a thread, as in '186: malloc 0xb6038060 20'");
    if (!find(words[1], &action))
        return import_fail(importer,
                           "'%s' is not malloc, calloc, memalign, realloc, free or "
                           "thread_done",
                           assay_shown(words[1]).text);
    if (!import_address(words[2], &address))
        return import_fail(importer, "'%s' is not an address", assay_shown(words[2]).text);
    if (count < actions[action].words)
        return import_fail(importer, "%s lacks a number", actions[action].name);
    if (!take_numbers(importer, action, words, numbers) ||
        !take_times(importer, action, words, count) || !import_set_thread(importer, thread))
        return false;
    act(importer, action, address, numbers, thread);
    return true;
}

const struct import_format import_android = {
    .name = "android",
    .recognises = recognises,
    .take = take,
};
