/*
 * import_valgrind.c - what valgrind --trace-malloc=yes writes, between all else that it writes.
 *
 *     --4711-- malloc(10) = 0x4A42040
 *     --4711-- memalign(al 64, size 100) = 0x4A42580
 *     --4711-- realloc(0x4A42040,1000) = 0x4A42090
 *     --4711-- realloc(0x0,5)malloc(5) = 0x4A42520
 *     --4711-- realloc(0x4A42520,0)free(0x4A42520)
 *     --4711--  = 0
 *     --4711-- _ZdlPvm(0x4D6FC80)
 *
 * A call is printed in two halves, what was asked and what was answered, and what happens in between
 * comes in between, on the same line or not. So calls without an answer are kept on a stack, and an
 * answer is that of the last one. Threads are not in the log, processes are.
 */
#include "import_format.h"
#include "assay/sizes.h"

#include <string.h>

#define ARGUMENTS 3
/* Calls without an answer: more than one only where one calls another, or threads change places. */
#define PENDING 16

enum call { MALLOC, CALLOC, REALLOC, MEMALIGN, FREE, OTHER };

struct pending {
    enum call call;
    uint64_t before; /* of realloc */
    uint64_t size;
    uint64_t arg; /* count or alignment */
};

struct valgrind {
    struct pending pending[PENDING];
    size_t count;
};

/* What stands between the parentheses of a call. */
struct arguments {
    uint64_t values[ARGUMENTS];
    size_t count;
    bool is_aligned;
    uint64_t align;
};

/* "--4711-- ": the process of a line that valgrind wrote about itself. */
static bool take_process(const char **at, uint64_t *process)
{
    return import_skip(at, "--") && import_take_number(at, 10, process) && import_skip(at, "-- ");
}

static bool recognises(const struct import_head *head)
{
    for (size_t i = 0; i < head->count; i++) {
        const char *at = head->lines[i];
        uint64_t process;
        if (take_process(&at, &process))
            return true;
        at = head->lines[i];
        if (import_skip(&at, "==") && import_take_number(&at, 10, &process) &&
            import_skip(&at, "=="))
            return true;
    }
    return false;
}

/* Takes the name and the parenthesis behind it, of a function that has to do with the heap. */
static bool take_name(const char **at, enum call *call)
{
    static const struct {
        const char *name;
        enum call call;
        bool is_beginning; /* of the mangled names of operators new and delete */
    } names[] = {
        {"malloc", MALLOC, false},
        {"calloc", CALLOC, false},
        {"realloc", REALLOC, false},
        {"memalign", MEMALIGN, false},
        {"free", FREE, false},
        {"cfree", FREE, false},
        {"free_sized", FREE, false},
        {"free_aligned_sized", FREE, false},
        {"malloc_usable_size", OTHER, false},
        {"_Znw", MALLOC, true},
        {"_Zna", MALLOC, true},
        {"_Zdl", FREE, true},
        {"_Zda", FREE, true},
        {"__builtin_new", MALLOC, false},
        {"__builtin_vec_new", MALLOC, false},
        {"__builtin_delete", FREE, false},
        {"__builtin_vec_delete", FREE, false},
    };
    size_t length = strcspn(*at, "( ");

    if ((*at)[length] != '(')
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t named = strlen(names[i].name);
        if ((names[i].is_beginning ? named < length : named == length) &&
            strncmp(*at, names[i].name, named) == 0) {
            *call = names[i].call;
            *at += length + 1;
            return true;
        }
    }
    return false;
}

/* "0x4A42040,1000)" or "size 64, al 64)". */
static bool take_arguments(const char **at, struct arguments *arguments)
{
    *arguments = (struct arguments){.count = 0};
    while (!import_skip(at, ")")) {
        uint64_t value;
        *at += strspn(*at, ", ");
        const char *word = *at;
        size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyz");
        *at += length;
        *at += strspn(*at, " ");
        bool taken = **at == '0' && (*at)[1] == 'x' ? import_take_address(at, &value)
                                                    : import_take_number(at, 10, &value);
        if (!taken)
            return false;
        if (length >= 2 && strncmp(word, "al", 2) == 0) {
            arguments->is_aligned = true;
            arguments->align = value;
        } else if (arguments->count == ARGUMENTS) {
            return false;
        } else {
            arguments->values[arguments->count++] = value;
        }
    }
    return true;
}

static void push(struct valgrind *valgrind, const struct pending *pending)
{
    if (valgrind->count == PENDING) {
        memmove(valgrind->pending, valgrind->pending + 1, (PENDING - 1) * sizeof *pending);
        valgrind->count--;
    }
    valgrind->pending[valgrind->count++] = *pending;
}

/* What a call with these arguments is, until its answer comes; false: it wants others. */
static bool make_pending(enum call call, const struct arguments *arguments, struct pending *pending)
{
    const uint64_t *values = arguments->values;
    size_t wanted = call == REALLOC || call == CALLOC ? 2 : 1;

    *pending = (struct pending){.call = call};
    if (arguments->count < wanted)
        return false;
    pending->size = values[wanted - 1];
    if (call == CALLOC)
        pending->arg = values[0];
    if (call == REALLOC)
        pending->before = values[0];
    if (call == MALLOC && arguments->is_aligned)
        pending->call = MEMALIGN;
    if (pending->call == MEMALIGN)
        pending->arg = arguments->align;
    return call != MEMALIGN || arguments->is_aligned;
}

static bool take_call(struct importer *importer, const char **at, enum call call)
{
    struct valgrind *valgrind = importer->state;
    struct arguments arguments;
    struct pending pending;

    if (!take_arguments(at, &arguments) || arguments.count == 0)
        return import_fail(importer, "the arguments of a call are not numbers between parentheses");
    if (call == FREE) {
        assay_calls_free(importer->calls, arguments.values[0]);
        return true;
    }
    if (!make_pending(call, &arguments, &pending))
        return import_fail(importer, "a call lacks an argument");
    if (call == REALLOC && pending.before == 0)
        return true; /* the malloc that follows has the answer */
    if (call == CALLOC && assay_multiply(pending.arg, pending.size) == SIZE_MAX) {
        assay_calls_alloc(importer->calls, ASSAY_OP_ALLOC_ZEROED, 0, pending.size, pending.arg);
        return true; /* refused without a word */
    }
    push(valgrind, &pending);
    return true;
}

static void answer(struct importer *importer, uint64_t address)
{
    struct valgrind *valgrind = importer->state;

    if (valgrind->count == 0)
        return;
    const struct pending *call = &valgrind->pending[--valgrind->count];
    switch (call->call) {
    case MALLOC:
        assay_calls_alloc(importer->calls, ASSAY_OP_ALLOC, address, call->size, 0);
        break;
    case CALLOC:
        assay_calls_alloc(importer->calls, ASSAY_OP_ALLOC_ZEROED, address, call->size, call->arg);
        break;
    case MEMALIGN:
        assay_calls_alloc(importer->calls, ASSAY_OP_ALLOC_ALIGNED, address, call->size, call->arg);
        break;
    case REALLOC:
        /* realloc(block, 0) may have freed it before our eyes. */
        if (address || call->size || assay_calls_is_live(importer->calls, call->before))
            assay_calls_realloc(importer->calls, call->before, address, call->size);
        break;
    case FREE:
    case OTHER:
        break;
    }
}

static bool take(struct importer *importer, char *line)
{
    const char *at = line;
    uint64_t process, address;
    enum call call;

    if (!take_process(&at, &process))
        return true; /* the program's, or for people */
    if (!import_is_process(importer, process))
        return true;
    for (size_t taken = 0; *at; taken++) {
        if (taken == ASSAY_CALLS_AT_ONCE)
            return import_fail(importer, "more calls in a line than there can be");
        if (import_skip(&at, " = ")) {
            if (!import_take_address(&at, &address))
                return import_fail(importer, "the answer of a call is not an address");
            answer(importer, address);
        } else if (take_name(&at, &call)) {
            if (!take_call(importer, &at, call))
                return false;
        } else {
            importer->counts.unknown_lines += taken == 0;
            return true;
        }
    }
    return true;
}

const struct import_format import_valgrind = {
    .name = "valgrind",
    .recognises = recognises,
    .state_bytes = sizeof(struct valgrind),
    .take = take,
};
