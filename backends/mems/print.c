/* print.c - the main chain of a MeMS system, its sub-chains, and what they add up to. */
#include "mems/print.h"

#include <inttypes.h>

/* The label of the HOLEs' bytes; -DMEMS_UNUSED_LABEL='"unsued"' prints it as the course's sample output does. */
#ifndef MEMS_UNUSED_LABEL
#define MEMS_UNUSED_LABEL "unused"
#endif

static uint64_t last_of(const struct mems_entry *segment)
{
    return segment->key + (uint64_t)(segment->room < 0 ? -segment->room : segment->room) - 1;
}

/* One line for each mapping. Gives how many there are. */
static size_t print_main_chain(const struct mems *mems, FILE *out)
{
    struct mems_entry segment = {.key = 0};
    size_t length = 0;
    uint64_t bytes;

    while (mems_tree_after(&mems->segments, segment.key, &segment)) {
        if (mems_opens_mapping(mems, &segment, &bytes))
            fprintf(out, "%sMAIN[%" PRIu64 ":%" PRIu64 "]-> ", length++ ? "NULL\n" : "",
                    segment.key, segment.key + bytes - 1);
        fprintf(out, "%c[%" PRIu64 ":%" PRIu64 "] <-> ", segment.room < 0 ? 'P' : 'H', segment.key,
                last_of(&segment));
    }
    if (length)
        fputs("NULL\n", out);
    return length;
}

static void print_sub_chain_lengths(const struct mems *mems, FILE *out)
{
    struct mems_entry segment = {.key = 0};
    size_t length = 0;
    uint64_t bytes;

    for (; mems_tree_after(&mems->segments, segment.key, &segment); length++) {
        if (mems_opens_mapping(mems, &segment, &bytes) && length) {
            fprintf(out, "%zu, ", length);
            length = 0;
        }
    }
    if (length)
        fprintf(out, "%zu, ", length);
}

void mems_print(const struct mems *mems, FILE *out)
{
    uint64_t bytes = mems->end - mems->setup.first;

    fputs("----- MeMS SYSTEM STATS -----\n", out);
    size_t length = print_main_chain(mems, out);
    fprintf(out, "Pages used:\t%" PRIu64 "\n", bytes / mems->setup.page_size);
    fprintf(out, "Space " MEMS_UNUSED_LABEL ":\t%" PRIu64 "\n", bytes - mems->process_bytes);
    fprintf(out, "Main Chain Length:\t%zu\n", length);
    fputs("Sub-chain Length array: [", out);
    print_sub_chain_lengths(mems, out);
    fputs("]\n-----------------------------\n", out);
}
