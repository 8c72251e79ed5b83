/* score.c - `assay score`: whether the standard campaign finds every mutant, and nothing in what is correct. */
#include "cli.h"
#include "score.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of processor time; a hard mutant has ten times as much. */
#define SECONDS 60
#define HARD_TIMES 10
#define CONTROL_OPS 1000000000
/* Campaigns of each backend in the control, so that all workers have something to do to the end. */
#define CONTROL_PARTS 4

static const char *folder;
static struct cli_list wanted, wanted_controls, ablated, alone;
static uint64_t seeds, first_seed, control_ops, jobs;
static double seconds;
static bool is_short, json, markdown;

static const struct cli_option options[] = {
    {"mutants", CLI_TEXT, &folder, "DIR", "the folder of mutants with their list (built ones)", 0,
     0},
    {"mutant", CLI_LIST, &wanted, "NAME", "only this one, and no control; repeatable", 0, 0},
    {"control", CLI_LIST, &wanted_controls, "NAME",
     "only this correct backend, and no mutant; repeatable", 0, 0},
    {"seeds", CLI_COUNT, &seeds, "N", "campaigns for each mutant (5)", 1, 1000},
    {"seed", CLI_COUNT, &first_seed, "N", "the first of these seeds (1)", 0, 1u << 30},
    {"seconds", CLI_SECONDS, &seconds, "S",
     "of processor time for each campaign; ten times as many for a hard mutant (60)", 0, 86400},
    {"control-ops", CLI_COUNT, &control_ops, "N",
     "operations on all correct backends together; 0: none (1000000000)", 0, 0},
    {"jobs", CLI_COUNT, &jobs, "N", "worker processes (one for each processor)", 1, 256},
    {"ablate", CLI_LIST, &ablated, "CHECK", "without this check; repeatable", 0, 0},
    {"alone", CLI_LIST, &alone, "CHECK", "with this check and no other; repeatable", 0, 0},
    {"short", CLI_FLAG, &is_short, NULL, "one seed, 10 s, 10000000 operations of control", 0, 0},
    {"json", CLI_FLAG, &json, NULL, "one JSON object a line", 0, 0},
    {"markdown", CLI_FLAG, &markdown, NULL, "the tables of the documentation", 0, 0},
    {0},
};

static bool is_named(const struct cli_list *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->words[i], name) == 0)
            return true;
    return false;
}

static bool is_wanted(const struct score_subject *subject)
{
    if (wanted.count + wanted_controls.count == 0)
        return !subject->is_control || control_ops > 0;
    return is_named(subject->is_control ? &wanted_controls : &wanted, subject->name);
}

static int check_wanted(const struct score_list *list, const struct cli_list *names,
                        bool are_controls)
{
    for (size_t i = 0; i < names->count; i++) {
        bool is_known = false;
        for (size_t j = 0; j < list->count; j++)
            is_known = is_known || (list->subjects[j].is_control == are_controls &&
                                    strcmp(names->words[i], list->subjects[j].name) == 0);
        if (!is_known)
            return cli_fail(CLI_USAGE, "score: no %s '%s' in the list",
                            are_controls ? "correct backend" : "mutant", names->words[i]);
    }
    return CLI_NOTHING;
}

/* The mask of the checks that are named. */
static int parse_checks(const struct cli_list *names, const char *option, uint64_t *mask)
{
    enum assay_check check;

    *mask = 0;
    for (size_t i = 0; i < names->count; i++) {
        if (!assay_check_parse(names->words[i], &check))
            return cli_fail(CLI_USAGE, "score: --%s %s: there is no such check", option,
                            names->words[i]);
        *mask |= UINT64_C(1) << check;
    }
    return CLI_NOTHING;
}

/* Of a row: how many cells, and what the campaigns of each may take. */
static size_t parts_of(const struct score_subject *subject)
{
    return subject->is_control ? CONTROL_PARTS : seeds;
}

static struct assay_campaign_options options_of(const struct score_subject *subject, size_t part,
                                                size_t controls, uint64_t ignored)
{
    struct assay_campaign_options campaign = {.seed = first_seed + part,
                                              .ignored = subject->ignored | ignored};

    if (subject->is_control)
        campaign.most_ops = control_ops / controls / CONTROL_PARTS + 1;
    else
        campaign.most_seconds = seconds * (subject->difficulty == SCORE_HARD ? HARD_TIMES : 1);
    return campaign;
}

/* Runs the cells of the rows and sums them up. Returns an exit code. */
static int run_rows(const struct score_list *list, struct score_row *rows, size_t count,
                    uint64_t ignored, enum score_form form)
{
    size_t controls = 0, total = 0;

    for (size_t i = 0; i < count; i++) {
        controls += rows[i].subject->is_control;
        total += parts_of(rows[i].subject);
    }
    struct score_cell *cells = score_cells_new(total);
    if (!cells)
        return cli_fail(CLI_ENVIRONMENT, "no memory to share with worker processes");
    struct score_cell *cell = cells;
    for (size_t i = 0; i < count; i++) {
        for (size_t part = 0; part < parts_of(rows[i].subject); part++, cell++) {
            cell->subject = (size_t)(rows[i].subject - list->subjects);
            cell->options = options_of(rows[i].subject, part, controls, ignored);
        }
    }
    int code = score_run(list, cells, total, (unsigned)jobs);
    if (code == CLI_NOTHING) {
        cell = cells;
        for (size_t i = 0; i < count; i++) {
            size_t parts = parts_of(rows[i].subject);
            score_row_sum(&rows[i], rows[i].subject, cell, parts);
            cell += parts;
        }
        code = score_print(form, rows, count) ? CLI_FINDING : CLI_NOTHING;
    }
    score_cells_free(cells, total);
    return code;
}

static int run_list(const struct score_list *list, uint64_t ignored, enum score_form form)
{
    struct score_row *rows = calloc(list->count, sizeof *rows);
    size_t count = 0;

    if (!rows)
        return cli_fail(CLI_ENVIRONMENT, "no memory for the rows of the score");
    for (size_t i = 0; i < list->count; i++)
        if (is_wanted(&list->subjects[i]))
            rows[count++].subject = &list->subjects[i];
    int code = run_rows(list, rows, count, ignored, form);
    free(rows);
    return code;
}

/* What was not given, by the form that was. */
static void set_defaults(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (!cli_given(&cli_score_command, &seeds))
        seeds = is_short ? 1 : 5;
    if (!cli_given(&cli_score_command, &first_seed))
        first_seed = 1;
    if (!cli_given(&cli_score_command, &seconds))
        seconds = is_short ? 10 : SECONDS;
    if (!cli_given(&cli_score_command, &control_ops))
        control_ops = is_short ? CONTROL_OPS / 100 : CONTROL_OPS;
    if (!cli_given(&cli_score_command, &jobs))
        jobs = processors > 0 ? (uint64_t)processors : 1;
}

static int run_command(int argc, char **argv)
{
    struct score_list list = {0};
    uint64_t without, only;
    int code, first = cli_parse(&cli_score_command, argc, argv, &code);

    if (first < 0)
        return code;
    if (first < argc)
        return cli_fail(CLI_USAGE, "score: takes no operands, but got '%s'", argv[first]);
    if (json && markdown)
        return cli_fail(CLI_USAGE, "score: --json and --markdown exclude each other");
    set_defaults();
    code = parse_checks(&ablated, "ablate", &without);
    if (code == CLI_NOTHING)
        code = parse_checks(&alone, "alone", &only);
    if (code == CLI_NOTHING)
        code = score_list_read(&list, folder);
    if (code == CLI_NOTHING)
        code = check_wanted(&list, &wanted, false);
    if (code == CLI_NOTHING)
        code = check_wanted(&list, &wanted_controls, true);
    if (code == CLI_NOTHING)
        code = run_list(&list, without | (only ? ~only : 0),
                        json       ? SCORE_JSON
                        : markdown ? SCORE_MARKDOWN
                                   : SCORE_TEXT);
    score_list_clear(&list);
    return code;
}

const struct cli_command cli_score_command = {
    "score", "says how many planted bugs the standard campaign finds", "", options, run_command};
