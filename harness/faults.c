/*
 * faults.c - one fixed stream again and again, each time with other page requests refused.
 *
 * A run is a replay, with all its checks, behind a gate. The first run refuses nothing and counts; each
 * further one refuses by a plan. A test of n requests takes n + 1 children, some milliseconds each.
 */
#include "assay/faults.h"

#include "assay/gate.h"
#include "assay/guard.h"
#include "assay/heap.h"
#include "assay/interpose.h"
#include "assay/os_pages.h"
#include "assay/replay.h"
#include "dice.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OPERATIONS 1500
#define SLOTS 48
#define LIMIT ((uint64_t)64 << 20)
/* A library that keeps its pages asks for more only when much is live. */
#define LIBRARY_LIMIT ((uint64_t)1 << 30)
#define CONTENT_BYTES ((size_t)64 << 10)
/* Runs of a test that does not try every request. */
#define SOME 48
/* Of processor time, and of waiting. A run takes milliseconds. */
#define RUN_SECONDS 5
#define GUARD_SECONDS 60
/* Blocks that are asked for until one is refused. */
#define MOST_BLOCKS 4096
#define BLOCK_BYTES ((size_t)1 << 20)

/* What one run, a child, leaves. */
struct outcome {
    uint64_t takes, gives; /* requests seen */
    uint64_t refusals;
    bool open;    /* there was a heap */
    bool watched; /* there was a gate */
    bool found;
    struct assay_finding finding;
};

struct run {
    const struct assay_backend *backend;
    const void *library;
    enum assay_gate_plan plan;
    uint64_t from;
    bool refuses_gives; /* the plan is for what returns pages */
    struct outcome *outcome;
};

/* --- the stream --- */

static uint64_t draw_size(struct dice *dice)
{
    uint64_t most = UINT64_C(1) << dice_between(dice, 4, dice_once_in(dice, 8) ? 22 : 14);

    return dice_between(dice, 1, most);
}

/* The same one each time: small and large blocks of all kinds, some of which grow. */
static assay_status make_stream(struct assay_stream *stream, bool sourced)
{
    static const uint8_t kinds[] = {ASSAY_OP_ALLOC,   ASSAY_OP_ALLOC, ASSAY_OP_ALLOC_ZEROED,
                                    ASSAY_OP_REALLOC, ASSAY_OP_TOUCH, ASSAY_OP_ALLOC_ALIGNED,
                                    ASSAY_OP_REALLOC, ASSAY_OP_FREE,  ASSAY_OP_FREE};
    struct dice dice = {.state = 5};
    assay_status status = ASSAY_OK;

    stream->setup = (struct assay_setup){.limit = sourced ? LIMIT : LIBRARY_LIMIT};
    for (int i = 0; i < OPERATIONS && status == ASSAY_OK; i++) {
        struct assay_op op = {.kind = kinds[dice_roll(&dice, sizeof kinds)],
                              .slot = (uint32_t)dice_roll(&dice, SLOTS)};
        if (op.kind != ASSAY_OP_FREE && op.kind != ASSAY_OP_TOUCH)
            op.size = draw_size(&dice);
        if (op.kind == ASSAY_OP_ALLOC && !sourced && dice_once_in(&dice, 6))
            op.size = dice_between(&dice, 1, UINT64_C(64) << 20);
        if (op.kind == ASSAY_OP_ALLOC_ZEROED)
            op.arg = 1;
        else if (op.kind == ASSAY_OP_ALLOC_ALIGNED)
            op.arg = UINT64_C(1) << dice_between(&dice, 3, 13);
        status = assay_stream_append(stream, &op);
    }
    return status;
}

/* --- a run, in the child --- */

static struct assay_gate *refusing(const struct run *run, struct assay_gate *takes,
                                   struct assay_gate *gives)
{
    struct assay_gate *gate = run->refuses_gives ? gives : takes;

    gate->plan = run->plan;
    gate->from = run->from;
    return gate;
}

/* The gate opens after the last operation: an emptied heap is judged with pages to be had. */
static void run_stream(struct assay_replay *replay, const struct assay_stream *stream,
                       struct assay_gate *gate, struct outcome *outcome)
{
    struct assay_replay_result result;
    struct assay_answer answer;
    struct assay_error error;
    bool goes_on = true;

    if (assay_replay_begin(replay, &stream->setup, &result, &error) != ASSAY_OK)
        return;
    outcome->open = true;
    for (size_t i = 0; i < stream->count && goes_on; i++)
        goes_on = assay_replay_step(replay, &stream->ops[i], &answer);
    gate->plan = ASSAY_GATE_OPEN;
    if (goes_on)
        assay_replay_end(replay);
    outcome->found = result.found;
    outcome->finding = result.finding;
}

static void run_child(void *arg, volatile uint64_t *progress)
{
    const struct run *run = arg;
    struct outcome *outcome = run->outcome;
    struct assay_gate takes = {0}, gives = {0};
    struct assay_gate *gate = refusing(run, &takes, &gives);
    bool sourced = assay_backend_claims(run->backend, ASSAY_CAP_PAGE_SOURCE);
    struct assay_stream stream = {0};

    assay_guard_limit(RUN_SECONDS);
    assay_gate_guard(&takes, assay_os_pages());
    struct assay_replay_options options = {.content_bytes = CONTENT_BYTES,
                                           .pages = &takes.source,
                                           .page_refusals = &gate->refusals,
                                           .progress = progress};
    struct assay_replay *replay = assay_replay_open(run->backend, &options);
    if (!replay || make_stream(&stream, sourced) != ASSAY_OK)
        return;
    outcome->watched =
        sourced || (run->library && assay_interpose_open(run->library, &takes, &gives) > 0);
    if (outcome->watched)
        run_stream(replay, &stream, gate, outcome);
    assay_interpose_close();
    outcome->takes = takes.requests;
    outcome->gives = gives.requests;
    outcome->refusals = gate->refusals;
}

/* --- in the parent --- */

static const char *in_words(const struct run *run)
{
    switch (run->plan) {
    case ASSAY_GATE_ONE:
        return "alone";
    case ASSAY_GATE_BEYOND:
        return "and all after it";
    case ASSAY_GATE_ALTERNATE:
        return "and each second one after it";
    default:
        return "not";
    }
}

__attribute__((format(printf, 3, 4))) static void
answer(struct assay_conformance_result *result, enum assay_verdict verdict, const char *format, ...)
{
    va_list arguments;

    result->verdict = verdict;
    va_start(arguments, format);
    vsnprintf(result->why, sizeof result->why, format, arguments);
    va_end(arguments);
}

/* How a child that did not come back ended, at which operation. */
static void describe(const struct assay_guard_outcome *ending, char *text, size_t room)
{
    unsigned long long op = ending->progress;

    if (assay_guard_hung(ending))
        snprintf(text, room, "does not come back from operation %llu", op);
    else if (ending->ending == ASSAY_CRASHED)
        snprintf(text, room, "crashes at operation %llu: %s", op, strsignal(ending->code));
    else
        snprintf(text, room, "leaves with exit status %d at operation %llu", ending->code, op);
}

/* One run. False: *result has the answer, of a broken promise or of a run without faults that failed. */
static bool run_once(struct run *run, struct assay_conformance_result *result, assay_status *status)
{
    struct assay_guard_outcome ending;
    struct outcome *outcome = run->outcome;
    char text[160] = "";

    memset(outcome, 0, sizeof *outcome);
    *status = assay_guard_run(run_child, run, GUARD_SECONDS, true, &ending);
    if (*status != ASSAY_OK)
        return false;
    if (ending.ending != ASSAY_ENDED)
        describe(&ending, text, sizeof text);
    else if (outcome->found)
        snprintf(text, sizeof text, "%s at operation %llu: %.100s",
                 assay_check_name(outcome->finding.check), (unsigned long long)outcome->finding.op,
                 outcome->finding.what);
    if (text[0] == '\0')
        return true;
    if (run->plan == ASSAY_GATE_OPEN)
        answer(result, ASSAY_NOT_CLAIMED, "cannot be told, for without any refusal it %s%s",
               outcome->found ? "breaks " : "", text);
    else
        answer(result, ASSAY_BROKEN, "with %s %llu refused %s: %s",
               run->refuses_gives ? "return of pages" : "page request",
               (unsigned long long)run->from, in_words(run), text);
    return false;
}

struct fault_test {
    const char *name;
    enum assay_gate_plan plan;
    bool gives;
    /* For what the stream does not show: run in a child, which writes the answer. NULL: the stream. */
    void (*run)(struct run *run, struct assay_conformance_result *result);
};

/* The stream with request after request as the plan's first. */
static assay_status run_plan(const struct fault_test *test, struct run *run, bool every,
                             struct assay_conformance_result *result)
{
    assay_status status;
    unsigned long long refusals = 0, runs = 0;

    if (!run_once(run, result, &status))
        return status;
    if (!run->outcome->watched) {
        answer(result, ASSAY_NOT_CLAIMED, "its requests for pages cannot be refused");
        return ASSAY_OK;
    }
    uint64_t count = test->gives ? run->outcome->gives : run->outcome->takes;
    uint64_t step = every || count <= SOME ? 1 : count / SOME;
    if (count == 0) {
        answer(result, ASSAY_NOT_CLAIMED,
               "%s no pages in this stream, or by ways that are not seen",
               test->gives ? "returns" : "asks for");
        return ASSAY_OK;
    }
    run->plan = test->plan;
    run->refuses_gives = test->gives;
    for (run->from = 0; run->from < count; run->from += step, runs++) {
        if (!run_once(run, result, &status))
            return status;
        refusals += run->outcome->refusals;
    }
    answer(result, ASSAY_KEPT, "%llu of %llu requests in turn, %llu refusals", runs,
           (unsigned long long)count, refusals);
    return ASSAY_OK;
}

/* --- a library whose pages run out --- */

/* Asks for blocks until one is refused, and frees them; errno of the refusal, -1 if there was none. */
static int exhaust(const struct assay_backend *backend, void *self)
{
    static void *blocks[MOST_BLOCKS];
    size_t count = 0;
    int why;

    do {
        errno = 0;
        blocks[count] = backend->alloc(self, BLOCK_BYTES);
        why = errno;
    } while (blocks[count] && ++count < MOST_BLOCKS);
    bool refused = count < MOST_BLOCKS;
    while (count > 0)
        if (backend->free(self, blocks[--count]) != ASSAY_OK)
            return -1;
    return refused ? why : -1;
}

static void run_exhaustion(struct run *run, struct assay_conformance_result *result)
{
    const struct assay_backend *backend = run->backend;
    const struct assay_heap_config config = {
        .limit = SIZE_MAX, .pages = assay_os_pages(), .options = ""};
    struct assay_gate takes = {.plan = ASSAY_GATE_BEYOND}, gives = {0};
    void *self;

    if (!run->library || assay_interpose_open(run->library, &takes, &gives) == 0 ||
        backend->create(backend, &config, &self) != ASSAY_OK) {
        answer(result, ASSAY_NOT_CLAIMED, "its requests for pages cannot be refused");
        return;
    }
    int why = exhaust(backend, self);
    takes.plan = ASSAY_GATE_OPEN;
    void *block = backend->alloc(self, BLOCK_BYTES);
    if (why < 0)
        answer(result, ASSAY_NOT_CLAIMED, "nothing is refused while no pages are to be had");
    else if (!block)
        answer(result, ASSAY_BROKEN, "%zu bytes are refused after pages are to be had again",
               BLOCK_BYTES);
    else if (why != ENOMEM)
        answer(result, ASSAY_BROKEN, "a refused request leaves errno at %d (%s), not at ENOMEM",
               why, why ? strerror(why) : "nothing");
    else
        answer(result, ASSAY_KEPT, "%llu refusals", (unsigned long long)takes.refusals);
    assay_interpose_close();
}

struct exhaustion {
    struct run *run;
    const struct fault_test *test;
    struct assay_conformance_result *result; /* shared */
};

static void exhaustion_child(void *arg, volatile uint64_t *progress)
{
    struct exhaustion *job = arg;

    (void)progress;
    assay_guard_limit(RUN_SECONDS);
    job->test->run(job->run, job->result);
}

static assay_status run_apart(const struct fault_test *test, struct run *run,
                              struct assay_conformance_result *result)
{
    struct assay_conformance_result *shared = assay_guard_shared(sizeof *shared);
    struct exhaustion job = {run, test, shared};
    struct assay_guard_outcome ending;
    char text[160];

    if (!shared)
        return ASSAY_NO_MEMORY;
    *shared = *result;
    assay_status status = assay_guard_run(exhaustion_child, &job, GUARD_SECONDS, true, &ending);
    *result = *shared;
    assay_guard_unshare(shared, sizeof *shared);
    if (status == ASSAY_OK && ending.ending != ASSAY_ENDED) {
        describe(&ending, text, sizeof text);
        answer(result, ASSAY_BROKEN, "without pages to be had it %s", text);
    }
    return status;
}

static const struct fault_test tests[] = {
    {.name = "any_one_page_request_may_be_refused", .plan = ASSAY_GATE_ONE},
    {.name = "all_page_requests_from_one_on_may_be_refused", .plan = ASSAY_GATE_BEYOND},
    {.name = "each_second_page_request_may_be_refused", .plan = ASSAY_GATE_ALTERNATE},
    {.name = "any_one_return_of_pages_may_be_refused", .plan = ASSAY_GATE_ONE, .gives = true},
    {.name = "without_pages_errno_is_set_and_with_them_there_is_service", .run = run_exhaustion},
};

size_t assay_faults_count(void)
{
    return sizeof tests / sizeof *tests;
}

assay_status assay_faults_run(const struct assay_backend *backend,
                              const struct assay_faults_options *options, size_t index,
                              struct assay_conformance_result *result)
{
    const struct fault_test *test = &tests[index];
    struct run run = {.backend = backend, .library = options->library};

    *result = (struct assay_conformance_result){
        .name = test->name, .needs = "faults", .verdict = ASSAY_NOT_CLAIMED};
    /* A page source's unmap() cannot refuse, and it sets no errno. */
    if (assay_backend_claims(backend, ASSAY_CAP_PAGE_SOURCE) && (test->gives || test->run))
        return ASSAY_OK;
    if (test->run)
        return run_apart(test, &run, result);
    run.outcome = assay_guard_shared(sizeof *run.outcome);
    if (!run.outcome)
        return ASSAY_NO_MEMORY;
    assay_status status = run_plan(test, &run, options->every_request, result);
    assay_guard_unshare(run.outcome, sizeof *run.outcome);
    return status;
}
