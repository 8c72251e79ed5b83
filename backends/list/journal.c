/* journal.c - saying what is about to change, before it does. */
#include "journal.h"

#include <assert.h>

static void in_order(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

void assay_list_begin(struct assay_list *list, enum list_change change, uint64_t block,
                      uint64_t bytes, uint64_t reach)
{
    struct list_journal *journal = list_journal(list);

    journal->count = 0;
    journal->block = block;
    journal->bytes = bytes;
    journal->touched = list->touched;
    journal->reach = reach;
    in_order();
    journal->change = change;
    in_order();
}

void assay_list_log(const struct assay_list *list, const struct list_header *header)
{
    struct list_journal *journal = list_journal(list);

    assert(journal->change != LIST_NOTHING && "a change begins before its first write");
    assert(journal->count < LIST_LOGGED_MAX && "a change writes no more headers than are kept");
    journal->logged[journal->count].offset = list_offset(list, header);
    journal->logged[journal->count].was = *header;
    in_order();
    journal->count++;
    in_order();
}

void assay_list_end(struct assay_list *list)
{
    struct list_journal *journal = list_journal(list);

    in_order();
    if (journal->change == LIST_TAKE)
        journal->granted = journal->block;
    in_order();
    journal->change = LIST_NOTHING;
    in_order();
}
