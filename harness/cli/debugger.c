/*
 * debugger.c - stops a replay for a debugger, and starts it under gdb.
 *
 * The stop is a trap instruction in the replay itself: no symbols are needed, and no breakpoint that is counted. Where
 * the backend's function begins lies in rax then, for a second stop in it.
 */
#include "debugger.h"

#include "assay/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*function)(void);

/* What the operation calls of the backend; NULL if nothing, or nothing that is known here. */
static function function_of(const struct assay_backend *backend, const struct assay_op *op)
{
    switch ((enum assay_op_kind)op->kind) {
    case ASSAY_OP_ALLOC:
        return (function)backend->alloc;
    case ASSAY_OP_ALLOC_ZEROED:
        return (function)backend->alloc_zeroed;
    case ASSAY_OP_ALLOC_ALIGNED:
        return (function)backend->alloc_aligned;
    case ASSAY_OP_REALLOC:
        return (function)backend->realloc;
    case ASSAY_OP_FREE:
    case ASSAY_OP_FREE_NULL:
    case ASSAY_OP_DOUBLE_FREE:
    case ASSAY_OP_FREE_INTERIOR:
    case ASSAY_OP_FREE_FOREIGN:
    case ASSAY_OP_FREE_MISALIGNED:
        return (function)backend->free;
    case ASSAY_OP_CHECK:
    case ASSAY_OP_OVERRUN:
    case ASSAY_OP_UNDERRUN:
        return (function)(backend->check ? (function)backend->check : (function)backend->free);
    default:
        return NULL;
    }
}

/* gdb shows this line. The next stop is at the beginning of the function in rax. */
static void stop_here(function next)
{
    __asm__ volatile("int3" : : "a"(next));
}

static size_t hand_out(struct assay_reader *reader, const struct assay_op **ops)
{
    struct debugger_reader *debugger = (struct debugger_reader *)reader;
    char line[ASSAY_TEXT_LINE] = "the end, when everything is freed";
    size_t count;

    if (debugger->count == 0)
        debugger->count = debugger->inner->next(debugger->inner, &debugger->ops);
    if (debugger->next == debugger->stop) {
        function next = NULL;
        if (debugger->count > 0) {
            assay_text_print_op(line, sizeof line, debugger->ops);
            next = function_of(debugger->backend, debugger->ops);
        }
        fprintf(stderr, "assay: stopped before operation %llu: %s\n",
                (unsigned long long)debugger->stop, line);
        stop_here(next ? next : (function)debugger->backend->free);
    }
    count = debugger->count;
    if (debugger->next < debugger->stop && count > debugger->stop - debugger->next)
        count = (size_t)(debugger->stop - debugger->next);
    *ops = debugger->ops;
    debugger->ops += count;
    debugger->count -= count;
    debugger->next += count;
    return count;
}

void debugger_reader_init(struct debugger_reader *debugger, struct assay_reader *inner,
                          const struct assay_backend *backend, uint64_t stop)
{
    *debugger = (struct debugger_reader){.reader = {.setup = inner->setup, .next = hand_out},
                                         .inner = inner,
                                         .backend = backend,
                                         .stop = stop};
}

enum cli_exit debugger_become(int argc, char **argv, uint64_t stop)
{
    static const char *const head[] = {
        "gdb", "-q", "-iex", "set step-mode on", "-ex", "run", "-ex", "tbreak *$rax", "--args"};
    const size_t fixed = sizeof head / sizeof *head;
    const char **words = calloc(fixed + (size_t)argc + 3, sizeof *words);
    char self[4096] = "", before[40];
    size_t count = fixed;

    if (!words || readlink("/proc/self/exe", self, sizeof self - 1) < 0) {
        free(words);
        return (enum cli_exit)cli_fail(CLI_ENVIRONMENT, "replay: cannot find itself for gdb");
    }
    snprintf(before, sizeof before, "--stop-before=%llu", (unsigned long long)stop);
    memcpy(words, head, sizeof head);
    words[count++] = self;
    words[count++] = argv[0];
    words[count++] = before;
    for (int i = 1; i < argc; i++)
        words[count++] = argv[i];
    fflush(NULL);
    execvp(words[0], (char **)(uintptr_t)words);
    free(words);
    return (enum cli_exit)cli_fail(CLI_ENVIRONMENT, "replay: --gdb cannot start gdb: %s%s",
                                   strerror(errno),
                                   errno == ENOENT ? "; install it (apt-get install gdb), or "
                                                     "take --stop-before with another debugger"
                                                   : "");
}
