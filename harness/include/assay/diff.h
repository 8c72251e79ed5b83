/*
 * diff.h - one stream on several heaps in step, and the first answer that no rule allows.
 *
 * Each heap does what assay_replay_run() does with it, under its own shadow with all checks. After each operation
 * the answers are compared. Correct allocators differ: what may differ is a table of rules, each with a
 * name (harness/diff_rules.c). A difference that no rule allows is a *parting*, and so is a finding of one heap.
 * Where a rule says that there is nothing to compare, the answer is n/a, and counted.
 */
#ifndef ASSAY_DIFF_H
#define ASSAY_DIFF_H

#include "assay/replay.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What may differ. The table in diff_rules.c says it in sentences. */
enum assay_diff_rule {
    ASSAY_DIFF_OFFERED,
    ASSAY_DIFF_STATE,
    ASSAY_DIFF_EMPTY,
    ASSAY_DIFF_FAULTS,
    ASSAY_DIFF_ALIGNMENT,
    ASSAY_DIFF_LIMITS,
    ASSAY_DIFF_CLASSES,
    ASSAY_DIFF_ADDRESSES,
    ASSAY_DIFF_RULES /* none of them */
};

/* "offered", ...; ASSAY_DIFF_RULES is "none". */
const char *assay_diff_rule_name(enum assay_diff_rule rule);
/* What it allows, in one sentence. */
const char *assay_diff_rule_text(enum assay_diff_rule rule);
ASSAY_MUST_CHECK bool assay_diff_rule_parse(const char *name, enum assay_diff_rule *rule);

/* Most heaps of one comparison. */
#define ASSAY_DIFF_HEAPS 16u

/* --- a heap, drawn --- */

#define ASSAY_PICTURE_BAR 36u
#define ASSAY_PICTURE_ROWS 9u

enum assay_piece { ASSAY_PIECE_USED, ASSAY_PIECE_FREE, ASSAY_PIECE_META, ASSAY_PIECE_UNKNOWN };

/* An extent as walk shows it; without walk a block, or what lies between two. */
struct assay_picture_row {
    enum assay_piece piece;
    bool has_block; /* of the slot below */
    bool is_focus;  /* what the operation is about */
    uint32_t slot;
    uint32_t mapping; /* in the order of mapping */
    uint64_t offset;  /* into that mapping, or from the first row where mappings are not known */
    uint64_t bytes;
};

/* Made without addresses, so that it is alike on every machine. */
struct assay_picture {
    bool is_walked;   /* by walk; else what the shadow knows */
    bool has_mapping; /* offsets count from the start of mappings, and the bar shows one of them */
    size_t mapped_bytes;
    size_t blocks;
    char bar[ASSAY_PICTURE_BAR +
             1]; /* X the focus, # used, . free, m meta, blank unknown; "": empty */
    unsigned rows;
    struct assay_picture_row row[ASSAY_PICTURE_ROWS];
};

/*
 * Draws a heap around what lies at address `focus`, or, where that is NULL, around the largest free extent.
 * Walks the heap three times; if it is closed or has no walk, the shadow alone tells. O(live blocks).
 */
void assay_picture_draw(struct assay_picture *picture, const struct assay_heap *heap,
                        const struct assay_shadow *shadow, const void *focus);

/* Both side by side in 80 columns: how much, the bar, the rows. */
void assay_picture_print_pair(FILE *out, const struct assay_picture *left,
                              const struct assay_picture *right);

/* --- comparing --- */

struct assay_parting {
    enum assay_diff_rule
        rule;    /* that was looked at and does not allow it; RULES: a finding, below */
    uint64_t op; /* index of the operation; at the end: how many there were */
    struct assay_op operation; /* all 0 at the end */
    bool at_end;
    uint64_t seed;
    unsigned heaps;
    const char
        *backends[ASSAY_DIFF_HEAPS]; /* their names; the caller may put other words in place */
    struct assay_answer answers[ASSAY_DIFF_HEAPS];
    unsigned odd;                     /* the heap whose answer is not allowed */
    unsigned other;                   /* the heap from which it differs */
    struct assay_finding finding;     /* of the odd one where rule is RULES */
    struct assay_picture pictures[2]; /* of the other and the odd one */
    char what[240];                   /* one sentence without addresses */
};

struct assay_diff_result {
    uint64_t ops;
    uint64_t compared;       /* answers that were held against one of another heap */
    uint64_t not_applicable; /* answers for which there was nothing to compare */
    uint64_t
        allowed[ASSAY_DIFF_RULES]; /* differences, by the rule that allows them; n/a among them */
    bool parted;
    struct assay_parting parting;
};

struct assay_diff_options {
    uint32_t strict; /* bit (1 << rule): what this rule allows is a parting too */
    /* As for each replay. pages: one source for each heap; NULL: the system's. */
    struct assay_replay_options replay;
    const struct assay_page_source *const *pages;
    void *const *reset_ctx;      /* for replay.reset_pages */
    struct assay_watch *watches; /* one for each heap; NULL: nobody wants to know */
    /* What is known to end or to stop the process: heap known_heap does not run operation known->op, and the
     * heaps part there by this finding. NULL: nothing is known. */
    const struct assay_finding *known;
    unsigned known_heap;
    volatile uint32_t
        *under_way; /* where the index of the heap that is called is put; NULL: nowhere */
};

struct assay_diff;

/*
 * 2 to ASSAY_DIFF_HEAPS backends, which must outlive it; a backend without MANY_HEAPS stands there once. options is
 * copied, what it points to is not. NULL if there is no memory.
 */
struct assay_diff *assay_diff_open(const struct assay_backend *const *backends, unsigned count,
                                   const struct assay_diff_options *options);
void assay_diff_close(struct assay_diff *diff); /* NULL is allowed */

/*
 * Runs one stream to its end or to the first parting. Statuses as assay_replay_run(). Not thread-safe.
 */
ASSAY_MUST_CHECK assay_status assay_diff_run(struct assay_diff *diff, struct assay_reader *reader,
                                             struct assay_diff_result *result,
                                             struct assay_error *error);

/*
 * parted: op=12 seed=7 rule=limits: ...
 *   alloc s4 1000
 * and both heaps side by side in 80 columns. repeat is the command without a newline, or NULL.
 */
void assay_report_parting(FILE *out, const struct assay_parting *parting, const char *repeat);
/* "served, 1008 usable", ...: an answer in words, as snprintf would. */
void assay_answer_print(char *text, size_t room, const struct assay_answer *answer);

#ifdef __cplusplus
}
#endif

#endif
