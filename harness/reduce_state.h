/*
 * reduce_state.h - what the files of the reduction share: reduce.c says in which order what is tried,
 * reduce_groups.c what belongs together, reduce_values.c what is plainer, reduce_try.c tries it.
 */
#ifndef ASSAY_REDUCE_STATE_H
#define ASSAY_REDUCE_STATE_H

#include "assay/reduce.h"

/* What an attempt came to; written by the child that makes it, as it goes. */
struct reduce_attempt {
    uint64_t at; /* index of the operation under way; count: the end */
    bool is_done;
    bool found;
    bool is_greedy; /* it took too much memory, for which it needs time */
    struct assay_finding finding;
};

/* The stream as it is now. In memory that all processes share, so that nothing is lost with one of them. */
struct reduce {
    const struct assay_backend *backend;
    struct assay_reduce_options options;
    enum assay_check wanted;
    size_t memory;     /* an attempt that takes more ends */
    uint64_t hang_us;  /* an attempt that computes longer hangs */
    uint64_t taken_us; /* by the operations before the finding */
    struct assay_setup setup;
    size_t count;
    struct assay_op *ops;
    bool *is_dropped;
    struct reduce_attempt attempt;
    uint64_t attempts;
    assay_status status; /* of creating a heap, with its error */
    struct assay_error error;
    bool has_changed; /* since the parent last looked */
    size_t bytes;     /* of all this */
};

/* What an attempt does otherwise. */
struct reduce_change {
    const uint32_t *groups; /* of each operation; NULL: none is left out */
    uint32_t left_out;      /* the group that is */
    size_t index;           /* of the operation in whose place `op` stands; REDUCE_NONE: none */
    struct assay_op op;
};
#define REDUCE_NONE SIZE_MAX

/* A process that has run the operations before `next`, and lets children run the rest in other ways. */
struct reduce_runner {
    struct reduce *reduce;
    struct assay_replay *replay;
    struct assay_replay_result result;
    size_t next;
    struct reduce_change change; /* of the attempt under way */
};

/* --- reduce_try.c --- */

/* NULL if there is no memory. */
struct reduce *reduce_open(const struct assay_backend *backend, const struct assay_stream *stream,
                           const struct assay_reduce_options *options);
void reduce_close(struct reduce *reduce);
/*
 * Calls pass(runner, arg) in a process that has a fresh heap. If that process does not come back, what it has
 * achieved up to then stays. False if there is no child to be had.
 */
ASSAY_MUST_CHECK bool reduce_run(struct reduce *reduce,
                                 void (*pass)(struct reduce_runner *runner, void *arg), void *arg);
/* Runs the operations before `index` that are left; false if the heap does not go along: end the pass. */
ASSAY_MUST_CHECK bool reduce_advance(struct reduce_runner *runner, size_t index);
/*
 * Whether the finding is still there with this change, which begins at runner->next or later; then the change
 * is made.
 */
bool reduce_try(struct reduce_runner *runner, const struct reduce_change *change);
/* Runs the whole stream as it is, from a fresh heap; true if there is a finding, in reduce->attempt. */
bool reduce_confirm(struct reduce *reduce);
/*
 * The same for another set-up and other operations, as many, in which nothing is dropped. They are taken if the
 * check is the same, and *setup and ops then are the ones before.
 */
bool reduce_try_stream(struct reduce *reduce, struct assay_setup *setup, struct assay_op *ops);
/* Takes out what is dropped. */
void reduce_compact(struct reduce *reduce);

/* --- reduce_groups.c: numbers count up in the order of the first operation of each --- */

/* Each so many operations. */
void reduce_group_ranges(const struct reduce *reduce, size_t size, uint32_t *groups);
/* All that is done to one slot, or to one block from its coming to its going. False without memory. */
ASSAY_MUST_CHECK bool reduce_group_blocks(const struct reduce *reduce, bool by_slot,
                                          uint32_t *groups);

/* --- reduce_values.c: the first two are passes for reduce_run() --- */

/* Makes each operation plainer. */
void reduce_plain_ops(struct reduce_runner *runner, void *unused);
/* Asks for two blocks as one; arg is the groups of lifetimes. */
void reduce_merge_requests(struct reduce_runner *runner, void *arg);
/* Slots in the order of their first use, one set-up for all. */
void reduce_plain_stream(struct reduce *reduce);

#endif
