/*
 * repair.c - a list whose user was ended in the middle of a change.
 *
 * Three steps, each of which may be done again from its beginning: the headers of an unfinished change get
 * back what they were, which the journal knows; the index and the counts are made anew from a walk over
 * the headers; then a release or a resize is done again, and a block that nobody got is released.
 * An allocation is not done again, for nobody is there to get the block.
 */
#include "index.h"
#include "journal.h"

#include <string.h>

/* Memory behind the touched part goes back to zero, for it counts as never written to. */
static void undo(struct assay_list *list, const struct list_journal *journal)
{
    for (uint64_t i = journal->count; i-- > 0;)
        memcpy(list_at(list, journal->logged[i].offset), &journal->logged[i].was, LIST_HEADER);
    list->touched = journal->touched;
    if (journal->reach > list->touched)
        memset(list_at(list, list->touched), 0, journal->reach - list->touched);
}

/* Index and counts, from the headers. False if one of them is damaged. */
static bool recount(struct assay_list *list, uint64_t reach)
{
    const struct list_header *previous = &list->front;
    uint64_t offset = list->first;

    if (!list_is_sound(list, previous) || previous->next != offset)
        return false;
    assay_list_index_clear(list, reach > list->touched ? reach : list->touched);
    list->used_blocks = 0;
    list->used_bytes = 0;
    for (;; offset = previous->next) {
        const struct list_header *header = list_at(list, offset);
        if (assay_list_fault(list, header, previous))
            return false;
        if (offset == list->last)
            return true;
        if (list_is_free(header)) {
            assay_list_index_insert(list, offset, list_size(header));
        } else {
            list->used_blocks++;
            list->used_bytes += list_size(header) - LIST_HEADER;
        }
        previous = header;
    }
}

/* What had begun on a block that exists is finished. */
static bool redo(struct assay_list *list, struct list_journal *journal)
{
    struct list_header *header = list_at(list, journal->block);

    switch ((enum list_change)journal->change) {
    case LIST_RELEASE:
        return assay_list_release(list, header + 1) == ASSAY_OK;
    case LIST_RESIZE:
        return assay_list_resize(list, header, journal->bytes - LIST_HEADER);
    case LIST_TAKE:
        if (journal->granted == journal->block)
            journal->granted = 0;
        journal->change = LIST_NOTHING;
        return true;
    case LIST_NOTHING:
        break;
    }
    return true;
}

assay_status assay_list_repair(struct assay_list *list)
{
    struct list_journal *journal = list_journal(list);

    if (journal->change != LIST_NOTHING)
        undo(list, journal);
    if (!recount(list, journal->reach) || !redo(list, journal))
        return ASSAY_CORRUPT;
    if (journal->granted) {
        struct list_header *header = list_at(list, journal->granted);
        /* ASSAY_INVALID: one that was ended before us had released it already. */
        if (assay_list_release(list, header + 1) == ASSAY_CORRUPT)
            return ASSAY_CORRUPT;
        journal->granted = 0;
    }
    return ASSAY_OK;
}
