/* diff_state.h - what the files of the comparison share: diff.c runs, diff_rules.c judges. */
#ifndef ASSAY_DIFF_STATE_H
#define ASSAY_DIFF_STATE_H

#include "assay/diff.h"

struct diff_heap {
    const struct assay_backend *backend;
    struct assay_replay *replay;
    struct assay_replay_result result;
    bool is_in; /* takes part; not any more once it cannot be judged */
    struct assay_answer answer;
    /* Before the operation under way. */
    bool was_live;
    size_t was_size;
    bool fault_was_active;
    /* Of the stream. */
    bool fault_was_seen;
    bool answers_check; /* check() was not "not offered" */
    uint64_t disputed;  /* refusals of what others served */
};

struct assay_diff {
    struct assay_diff_options options;
    unsigned count;
    struct diff_heap heaps[ASSAY_DIFF_HEAPS];
    struct assay_diff_result *result;
};

/* A difference that no rule allows. */
struct diff_verdict {
    enum assay_diff_rule rule; /* the one that would have to */
    unsigned odd, other;
    char what[240];
};

/* Compares the answers of all heaps to *op; false: *verdict says what is not allowed. */
bool diff_judge(struct assay_diff *diff, const struct assay_op *op, struct diff_verdict *verdict);

#endif
