/* score_total.c - what became of one mutant over its seeds. */
#include "score.h"

#include <stdlib.h>

/* More seeds than these are not sorted: the command takes no more. */
#define MOST_SEEDS 1000

static int compare_numbers(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

/* Sorts numbers. */
static double median(double *numbers, size_t count)
{
    if (count == 0)
        return 0;
    qsort(numbers, count, sizeof *numbers, compare_numbers);
    return count % 2 ? numbers[count / 2] : (numbers[count / 2 - 1] + numbers[count / 2]) / 2;
}

void score_row_sum(struct score_row *row, const struct score_subject *subject,
                   const struct score_cell *cells, size_t seeds)
{
    double ops[MOST_SEEDS], spent[MOST_SEEDS];

    *row = (struct score_row){.subject = subject, .cells = cells, .seeds = seeds};
    for (size_t i = 0; i < seeds; i++) {
        const struct assay_campaign_result *result = &cells[i].result;
        row->all_ops += result->ops;
        row->most_ops = result->ops > row->most_ops ? result->ops : row->most_ops;
        row->most_seconds =
            result->seconds > row->most_seconds ? result->seconds : row->most_seconds;
        if (!result->found || row->found == MOST_SEEDS)
            continue;
        row->checks |= UINT64_C(1) << result->finding.check;
        ops[row->found] = (double)result->ops;
        spent[row->found] = result->seconds;
        row->found++;
    }
    row->median_ops = (uint64_t)median(ops, row->found);
    row->median_seconds = median(spent, row->found);
}
