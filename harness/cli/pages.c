/* pages.c - `--pages`: what a heap stands on while a stream is replayed. */
#include "cli.h"

#include "assay/pages.h"
#include "assay/replay.h"

#include <string.h>

/* Addresses only, until they are used. */
#define RECYCLED_BYTES ((size_t)8 << 30)

/* Of the child that replays: never closed, for the process ends with the replay. */
static struct assay_fence fence;
static struct assay_recycler recycler;

static void recycle(void *ctx)
{
    assay_recycler_reset(ctx);
}

bool cli_pages_parse(const char *word)
{
    return strcmp(word, "os") == 0 || strcmp(word, "fenced") == 0 || strcmp(word, "recycled") == 0;
}

assay_status cli_pages_open(const char *word, struct assay_replay_options *options)
{
    assay_status status = ASSAY_OK;

    if (strcmp(word, "fenced") == 0) {
        status = assay_fence_open(&fence);
        options->pages = &fence.source;
        options->reset_pages = assay_fence_reset;
        options->reset_ctx = &fence;
    } else if (strcmp(word, "recycled") == 0) {
        status = assay_recycler_open(&recycler, RECYCLED_BYTES, NULL);
        options->pages = &recycler.source;
        options->reset_pages = recycle;
        options->reset_ctx = &recycler;
    }
    return status;
}
