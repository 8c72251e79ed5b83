/*
 * errno_rule.c - what POSIX says of errno, where a backend claims it: a refused request leaves ENOMEM, and a
 * free leaves it as it was, so that a program can free before it looks.
 */
#include "replay_state.h"

#include <string.h>

bool errno_after_refusal(struct assay_replay *replay, int why)
{
    if (!claims(replay, ASSAY_CAP_SETS_ERRNO))
        return true;
    replay->result->checks++;
    if (why == ENOMEM)
        return true;
    return assay_finding_set(finding_of(replay), ASSAY_CHECK_ERRNO, NULL,
                             why == ERRNO_UNTOUCHED ? "a refused request did not set errno"
                                                    : "a refused request set errno to %d (%s)",
                             why, strerror(why));
}

bool errno_after_free(struct assay_replay *replay, const struct assay_block *block)
{
    if (!claims(replay, ASSAY_CAP_SETS_ERRNO))
        return true;
    const int why = errno;
    replay->result->checks++;
    if (why == ERRNO_UNTOUCHED)
        return true;
    return assay_finding_set(finding_of(replay), ASSAY_CHECK_ERRNO, block,
                             "freeing the block of op %llu set errno to %d (%s)",
                             (unsigned long long)block->op, why, strerror(why));
}
