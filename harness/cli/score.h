/*
 * score.h - what the files of `assay score` share: the list of mutants, the cells that are run, the tables.
 *
 * A cell is one campaign: a mutant with one seed, or a part of what the control runs on a correct backend.
 */
#ifndef ASSAY_CLI_SCORE_H
#define ASSAY_CLI_SCORE_H

#include "assay/campaign.h"
#include "assay/error.h"

#include <stdatomic.h>

enum score_difficulty { SCORE_PLAIN, SCORE_MEDIUM, SCORE_HARD, SCORE_DIFFICULTIES };

/* A mutant, or a backend in which nothing must be found. Words point into the text of the list. */
struct score_subject {
    const char *name;
    const char *base;  /* the correct allocator; "" for the control */
    const char *class; /* "realloc", "coalescing", ... */
    const char *story; /* what is wrong, in one sentence */
    char *spec;        /* as for --backend */
    enum score_difficulty difficulty;
    bool is_control;
    uint64_t ignored; /* checks that this one is known to fail, and why is in the story */
};

struct score_list {
    char *text;
    struct score_subject *subjects;
    size_t count;
};

/*
 * Reads FOLDER/list and adds the built-in backends to the control; folder NULL: the one beside the program.
 * Returns 0, or the exit code after having printed one line. score_list_clear() in both cases.
 */
int score_list_read(struct score_list *list, const char *folder);
void score_list_clear(struct score_list *list);
const char *score_difficulty_name(enum score_difficulty difficulty);

struct score_cell {
    size_t subject; /* its place in the list */
    struct assay_campaign_options options;
    assay_status status; /* not ASSAY_OK: error tells why there is no result */
    struct assay_error error;
    struct assay_campaign_result result; /* finding.backend points into another process */
    atomic_bool is_done;
};

/* Makes the cells, in memory that workers see; NULL if there is none. */
struct score_cell *score_cells_new(size_t count);
void score_cells_free(struct score_cell *cells, size_t count);
/*
 * Runs all cells in `jobs` worker processes; on a terminal with a line of progress. Returns 0, or the exit
 * code after having printed one line.
 */
int score_run(const struct score_list *list, struct score_cell *cells, size_t count, unsigned jobs);

/* --- what became of one subject over its cells, which lie side by side --- */

struct score_row {
    const struct score_subject *subject;
    const struct score_cell *cells;
    size_t seeds, found;
    uint64_t checks;     /* bit (1 << check): that were the first to see it */
    uint64_t median_ops; /* to the finding, over the seeds that have one */
    uint64_t most_ops;   /* over all seeds */
    uint64_t all_ops;    /* of all seeds together */
    double median_seconds, most_seconds;
};

void score_row_sum(struct score_row *row, const struct score_subject *subject,
                   const struct score_cell *cells, size_t seeds);

enum score_form { SCORE_TEXT, SCORE_MARKDOWN, SCORE_JSON };
/* Prints rows and totals; returns how many mutants were missed plus how often the control cried wolf. */
size_t score_print(enum score_form form, const struct score_row *rows, size_t count);

#endif
