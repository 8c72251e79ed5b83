/*
 * liars.h - functions that do one thing wrong, to be put into the table of a correct backend.
 *
 * They reach the correct table through assay_liar, for a `self` does not know its table. One liar
 * at a time.
 */
#ifndef ASSAY_LIARS_H
#define ASSAY_LIARS_H

#include "assay/backend.h"

/* A table with claims and some functions of its own; all else is the truth's. */
struct liar {
    struct assay_backend backend;
    const struct assay_backend *truth;
};
extern struct liar assay_liar;

/* Makes assay_liar a faithful copy of backend. */
void assay_liar_copy(const struct assay_backend *backend);

/* Each makes assay_liar do one thing wrong. */
void lie_empty_summary(void);
void lie_prints(void);
void lie_takes_any_limit(void);
void lie_refuses_odd_limits(void);
void lie_maps_above_limit(void);
void lie_keeps_a_page_of_a_refused_create(void);
void lie_maps_on_its_own(void);
void lie_serves_from_elsewhere(void);
void lie_shares_one_heap(void);
void lie_allocates_by_chance(void);
void lie_knows_null(void);
void lie_walks_to_the_end(void);
void lie_resolves_anew(void);
void lie_gives_nothing_for_zero(void);
void lie_keeps_32_bits_of_a_size(void);
void lie_frees_nothing(void);
void lie_frees_nothing_in_threads(void);
void lie_gives_twice_in_a_crowd(void);
void lie_frees_nothing_in_a_crowd(void);
void lie_locks_only_small_blocks(void);
void lie_free_sets_errno(void);
void lie_keeps_a_block_of_0_bytes(void);
void lie_frees_for_0_bytes(void);
void lie_empties_into_a_live_block(void);

#endif
