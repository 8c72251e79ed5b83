/*
 * diff_rules.c - what may differ between correct heaps that are given the same operations.
 *
 * Whether one heap alone keeps its promises its shadow has judged already; here is only what it takes two
 * to see. Of those that refuse what another serves each needs a rule that allows it, and so does a block larger
 * than the smallest and an operation that not all run.
 */
#include "assay/sizes.h"
#include "diff_state.h"

#include <stdarg.h>
#include <string.h>

static const struct {
    const char *name;
    const char *text;
} rules[ASSAY_DIFF_RULES + 1] = {
    [ASSAY_DIFF_OFFERED] = {"offered", "what a backend does not offer or claim is n/a, but what it "
                                       "has answered once it answers to the end"},
    [ASSAY_DIFF_STATE] = {"state",
                          "an operation that finds a block in one heap and none in another "
                          "is n/a; blocks that differ in size are no excuse"},
    [ASSAY_DIFF_EMPTY] = {"empty", "0 bytes may be refused where no such block is declared, or an "
                                   "alignment is asked for"},
    [ASSAY_DIFF_FAULTS] = {"faults",
                           "a heap may refuse while its pages are refused, and no longer"},
    [ASSAY_DIFF_ALIGNMENT] = {"alignment", "an alignment above a page may be refused"},
    [ASSAY_DIFF_LIMITS] = {"limits", "what is above the largest size, or may have no room, may be "
                                     "refused, but not where the heap itself shows room"},
    [ASSAY_DIFF_CLASSES] = {"classes", "usable sizes may differ by a class: twice the request "
                                       "with its alignment, and 64 KiB, or the largest size"},
    [ASSAY_DIFF_ADDRESSES] = {"addresses", "blocks may lie anywhere, and so a misuse may be "
                                           "possible in one heap and not in another"},
    [ASSAY_DIFF_RULES] = {"none", "each heap keeps its own promises"},
};

const char *assay_diff_rule_name(enum assay_diff_rule rule)
{
    return rules[rule].name;
}

const char *assay_diff_rule_text(enum assay_diff_rule rule)
{
    return rules[rule].text;
}

bool assay_diff_rule_parse(const char *name, enum assay_diff_rule *rule)
{
    for (unsigned i = 0; i < ASSAY_DIFF_RULES; i++) {
        if (strcmp(name, rules[i].name) == 0) {
            *rule = (enum assay_diff_rule)i;
            return true;
        }
    }
    return false;
}

/* --- bookkeeping --- */

/* Header, footer, rounding: what a block may need beside its bytes. */
#define OVERHEAD 128
#define PAGE 4096
/* LIMITS: a free extent of so many times the need has room for it, for a buddy too. */
#define ROOMY 4
/* LIMITS, of a heap in the process's memory: it serves this much, and so much at once. */
#define PROCESS_HOLDS ((size_t)256 << 20)
#define PROCESS_GIVES ((size_t)64 << 20)
/* A walk is costly: for each of the first refusals, then for one in so many. */
#define WALK_AT_FIRST 1024
#define WALK_THEN_EACH 64
/* CLASSES: what a class may have beyond twice the request. */
#define CLASS_BYTES ((size_t)64 << 10)

struct judgement {
    struct assay_diff *diff;
    const struct assay_op *op;
    struct diff_verdict *verdict;
};

__attribute__((format(printf, 5, 6))) static bool not_allowed(struct judgement *judgement,
                                                              enum assay_diff_rule rule,
                                                              unsigned odd, unsigned other,
                                                              const char *format, ...)
{
    struct diff_verdict *verdict = judgement->verdict;
    va_list arguments;

    verdict->rule = rule;
    verdict->odd = odd;
    verdict->other = other;
    va_start(arguments, format);
    vsnprintf(verdict->what, sizeof verdict->what, format, arguments);
    va_end(arguments);
    return false;
}

/* Whether the rule holds in this comparison; if so the difference is counted. */
static bool allows(struct judgement *judgement, enum assay_diff_rule rule)
{
    if (judgement->diff->options.strict >> rule & 1)
        return false;
    judgement->diff->result->allowed[rule]++;
    return true;
}

static bool is_request(const struct assay_op *op)
{
    return op->kind <= ASSAY_OP_REALLOC;
}

static const char *name_of(const struct judgement *judgement, unsigned number)
{
    return judgement->diff->heaps[number].backend->name;
}

static bool claims(const struct diff_heap *heap, uint32_t caps)
{
    return assay_backend_claims(heap->backend, caps);
}

/* The first heap with this outcome, from `from` on; count if there is none. */
static unsigned find(const struct assay_diff *diff, enum assay_outcome outcome, unsigned from)
{
    while (from < diff->count &&
           (!diff->heaps[from].is_in || diff->heaps[from].answer.outcome != outcome))
        from++;
    return from;
}

/* --- operations that not all run --- */

static bool ran(const struct diff_heap *heap)
{
    return heap->answer.outcome != ASSAY_OUTCOME_SKIPPED &&
           heap->answer.outcome != ASSAY_OUTCOME_NOT_OFFERED;
}

static bool in_step(const struct diff_heap *one, const struct diff_heap *other)
{
    return one->was_live == other->was_live && one->was_size == other->was_size;
}

/* The rule that explains why `idle` does not run what `busy` does; RULES: none. */
static enum assay_diff_rule why_idle(const struct diff_heap *idle, const struct diff_heap *busy,
                                     const struct assay_op *op)
{
    if (idle->answer.outcome == ASSAY_OUTCOME_NOT_OFFERED)
        return ASSAY_DIFF_OFFERED;
    if (!in_step(idle, busy))
        return ASSAY_DIFF_STATE;
    /* The harness keeps the limit of a heap that has none: see replay_alloc.c. */
    if (is_request(op) && !claims(idle, ASSAY_CAP_PAGE_SOURCE))
        return ASSAY_DIFF_LIMITS;
    if (op->kind >= ASSAY_OP_DOUBLE_FREE)
        return ASSAY_DIFF_ADDRESSES;
    return ASSAY_DIFF_RULES;
}

static bool judge_idle(struct judgement *judgement)
{
    struct assay_diff *diff = judgement->diff;
    unsigned busy = 0;

    while (busy < diff->count && (!diff->heaps[busy].is_in || !ran(&diff->heaps[busy])))
        busy++;
    for (unsigned i = 0; i < diff->count; i++) {
        struct diff_heap *heap = &diff->heaps[i];
        if (!heap->is_in || ran(heap) || busy == diff->count) {
            diff->result->not_applicable += !heap->is_in || !ran(heap);
            continue;
        }
        diff->result->not_applicable++;
        enum assay_diff_rule rule = why_idle(heap, &diff->heaps[busy], judgement->op);
        if (rule == ASSAY_DIFF_RULES || !allows(judgement, rule))
            return not_allowed(judgement, rule, i, busy, "%s does not run what %s runs",
                               name_of(judgement, i), name_of(judgement, busy));
    }
    return true;
}

/* --- requests that not all serve --- */

static size_t align_of(const struct diff_heap *heap, const struct assay_op *op)
{
    size_t align = heap->backend->min_align;

    return op->kind == ASSAY_OP_ALLOC_ALIGNED && op->arg > align ? op->arg : align;
}

static bool keep_largest(void *arg, const struct assay_extent *extent)
{
    size_t *largest = arg;

    if (extent->kind == ASSAY_EXTENT_FREE && extent->bytes > *largest)
        *largest = extent->bytes;
    return true;
}

/* Of one region: whether walk shows an extent in which the block must find room. */
static bool region_shows_room(struct diff_heap *heap, size_t need, size_t *room)
{
    const struct assay_heap *open = assay_replay_heap(heap->replay);
    uint64_t number = heap->disputed++;

    if (!open->backend->walk || !claims(heap, ASSAY_CAP_COALESCES) ||
        (number >= WALK_AT_FIRST && number % WALK_THEN_EACH != 0))
        return false;
    *room = 0;
    return open->backend->walk(open->self, keep_largest, room) == ASSAY_OK &&
           *room >= assay_multiply(need, ROOMY);
}

/*
 * Whether the heap shows that it has room for `need` bytes. One that grows and did not even ask for pages has it
 * if it could map as much again as it has, or sixteen times the need, within its limit.
 */
static bool shows_room(struct diff_heap *heap, size_t need, size_t *room)
{
    const struct assay_heap *open = assay_replay_heap(heap->replay);
    size_t mapped = open->meter.mapped_bytes, limit = open->limit;

    if (heap->answer.page_refused)
        return false;
    if (!claims(heap, ASSAY_CAP_PAGE_SOURCE)) {
        size_t held = assay_shadow_usable_bytes(assay_replay_shadow(heap->replay));
        *room = PROCESS_GIVES;
        return held <= PROCESS_HOLDS && need <= PROCESS_GIVES;
    }
    if (!claims(heap, ASSAY_CAP_GROWS))
        return region_shows_room(heap, need, room);
    size_t least = assay_multiply(need, 16);
    if (limit <= open->backend->min_limit || mapped >= limit - open->backend->min_limit)
        return false;
    *room = limit - open->backend->min_limit - mapped;
    return *room >= (least > mapped ? least : mapped);
}

/* The rule that allows this refusal; RULES: none does, and then *room is what there is. */
static enum assay_diff_rule why_refused(struct diff_heap *heap, const struct assay_op *op,
                                        size_t *room)
{
    size_t size = assay_op_bytes(op), align = align_of(heap, op);
    size_t need =
        assay_add(assay_add(size, OVERHEAD), align > heap->backend->min_align ? align : 0);

    if (size == 0 &&
        (op->kind == ASSAY_OP_ALLOC_ALIGNED || !claims(heap, ASSAY_CAP_ZERO_SIZE_BLOCK)))
        return ASSAY_DIFF_EMPTY;
    if (heap->fault_was_active)
        return ASSAY_DIFF_FAULTS;
    if (align > PAGE)
        return ASSAY_DIFF_ALIGNMENT;
    if (size > heap->backend->max_size || !shows_room(heap, need, room))
        return ASSAY_DIFF_LIMITS;
    return ASSAY_DIFF_RULES;
}

/* The rule that comes closest to a refusal that none allows. */
static enum assay_diff_rule nearest_rule(const struct diff_heap *heap, bool is_in_step,
                                         const struct assay_op *op)
{
    if (assay_op_bytes(op) == 0)
        return ASSAY_DIFF_EMPTY;
    if (align_of(heap, op) > heap->backend->min_align)
        return ASSAY_DIFF_ALIGNMENT;
    if (!is_in_step)
        return ASSAY_DIFF_STATE;
    return heap->fault_was_seen ? ASSAY_DIFF_FAULTS : ASSAY_DIFF_LIMITS;
}

/* A heap that serves, best one whose slot was as that of heap `number`; count if there is none. */
static unsigned find_server(const struct assay_diff *diff, unsigned number)
{
    unsigned any = find(diff, ASSAY_OUTCOME_SERVED, 0), server = any;

    while (server < diff->count && !in_step(&diff->heaps[server], &diff->heaps[number]))
        server = find(diff, ASSAY_OUTCOME_SERVED, server + 1);
    return server < diff->count ? server : any;
}

static bool judge_refusal(struct judgement *judgement, unsigned number, unsigned server)
{
    struct diff_heap *heap = &judgement->diff->heaps[number];
    size_t size = assay_op_bytes(judgement->op), room = 0;

    enum assay_diff_rule rule = why_refused(heap, judgement->op, &room);
    if (rule != ASSAY_DIFF_RULES)
        return allows(judgement, rule) ||
               not_allowed(judgement, rule, number, server, "%s refuses %zu bytes that %s serves",
                           name_of(judgement, number), size, name_of(judgement, server));
    rule = nearest_rule(heap, in_step(heap, &judgement->diff->heaps[server]), judgement->op);
    return not_allowed(judgement, rule, number, server,
                       "%s refuses %zu bytes that %s serves, with room for %zu",
                       name_of(judgement, number), size, name_of(judgement, server), room);
}

static bool judge_refusals(struct judgement *judgement)
{
    const struct assay_diff *diff = judgement->diff;

    for (unsigned i = 0; (i = find(diff, ASSAY_OUTCOME_REFUSED, i)) < diff->count; i++) {
        unsigned server = find_server(diff, i);
        if (server < diff->count && !judge_refusal(judgement, i, server))
            return false;
    }
    return true;
}

/* --- blocks --- */

static size_t class_limit(const struct diff_heap *heap, const struct assay_op *op)
{
    size_t most = assay_add(assay_multiply(assay_add(assay_op_bytes(op), align_of(heap, op)), 2),
                            CLASS_BYTES);

    /* One size for all, as a pool has it. */
    return heap->backend->max_size < PTRDIFF_MAX && heap->backend->max_size > most
               ? heap->backend->max_size
               : most;
}

static bool judge_sizes(struct judgement *judgement)
{
    struct assay_diff *diff = judgement->diff;
    unsigned least = find(diff, ASSAY_OUTCOME_SERVED, 0), first = least;

    for (unsigned i = least; i < diff->count; i = find(diff, ASSAY_OUTCOME_SERVED, i + 1))
        if (diff->heaps[i].answer.block.usable < diff->heaps[least].answer.block.usable)
            least = i;
    for (unsigned i = first; i < diff->count; i = find(diff, ASSAY_OUTCOME_SERVED, i + 1)) {
        size_t usable = diff->heaps[i].answer.block.usable;
        if (usable == diff->heaps[least].answer.block.usable)
            continue;
        if (usable > class_limit(&diff->heaps[i], judgement->op) ||
            !allows(judgement, ASSAY_DIFF_CLASSES))
            return not_allowed(judgement, ASSAY_DIFF_CLASSES, i, least,
                               "%s gives %zu usable bytes, %s gives %zu", name_of(judgement, i),
                               usable, name_of(judgement, least),
                               diff->heaps[least].answer.block.usable);
    }
    return true;
}

/* Where in which mapping the block of heap `number` lies; false where that is not known. */
static bool place_of(const struct judgement *judgement, unsigned number, uint32_t *mapping,
                     size_t *offset)
{
    const struct diff_heap *heap = &judgement->diff->heaps[number];

    return claims(heap, ASSAY_CAP_PAGE_SOURCE) &&
           assay_meter_locate(&assay_replay_heap(heap->replay)->meter, heap->answer.block.start,
                              mapping, offset);
}

/* Only where ADDRESSES allows nothing. */
static bool judge_places(struct judgement *judgement)
{
    const struct assay_diff *diff = judgement->diff;
    unsigned first = diff->count;
    uint32_t mapping = 0, its_mapping;
    size_t offset = 0, its_offset;

    if (!(diff->options.strict >> ASSAY_DIFF_ADDRESSES & 1))
        return true;
    for (unsigned i = 0; (i = find(diff, ASSAY_OUTCOME_SERVED, i)) < diff->count; i++) {
        if (!place_of(judgement, i, &its_mapping, &its_offset))
            continue;
        if (first == diff->count) {
            first = i;
            mapping = its_mapping;
            offset = its_offset;
        } else if (its_mapping != mapping || its_offset != offset) {
            return not_allowed(judgement, ASSAY_DIFF_ADDRESSES, i, first,
                               "%s places the block at %zu of mapping %u, %s at %zu of mapping %u",
                               name_of(judgement, i), its_offset, its_mapping,
                               name_of(judgement, first), offset, mapping);
        }
    }
    return true;
}

/* --- questions --- */

/* A heap that once had an answer for its own state, and now says that it offers none. */
static bool judge_check(struct judgement *judgement)
{
    for (unsigned i = 0; i < judgement->diff->count; i++) {
        struct diff_heap *heap = &judgement->diff->heaps[i];
        struct assay_damage damage = {0};
        if (!heap->is_in || !heap->backend->check)
            continue;
        void *self = assay_replay_heap(heap->replay)->self;
        if (heap->backend->check(self, &damage) != ASSAY_UNSUPPORTED)
            heap->answers_check = true;
        else if (heap->answers_check)
            return not_allowed(judgement, ASSAY_DIFF_OFFERED, i, i == 0 ? 1 : 0,
                               "%s has checked itself before, and now says that it does not offer "
                               "that",
                               name_of(judgement, i));
    }
    return true;
}

bool diff_judge(struct assay_diff *diff, const struct assay_op *op, struct diff_verdict *verdict)
{
    struct judgement judgement = {diff, op, verdict};
    unsigned running = 0;

    for (unsigned i = 0; i < diff->count; i++)
        running += diff->heaps[i].is_in && ran(&diff->heaps[i]);
    if (running < diff->count && !judge_idle(&judgement))
        return false;
    if (running < 2) {
        diff->result->not_applicable += running;
        return true;
    }
    diff->result->compared += running;
    if (op->kind == ASSAY_OP_CHECK)
        return judge_check(&judgement);
    return !is_request(op) ||
           (judge_refusals(&judgement) && judge_sizes(&judgement) && judge_places(&judgement));
}
