/* score_print.c - the score as a table for readers, for documents, or as JSON Lines. */
#include "cli.h"
#include "json.h"
#include "score.h"

#include <inttypes.h>
#include <string.h>

#define CHECKS_ROOM 400

/* Sums over the mutants of one class or difficulty. */
struct total {
    const char *name;
    size_t mutants, found;
    double median_seconds, most_seconds; /* the largest of any */
};

static bool is_missed(const struct score_row *row)
{
    return !row->subject->is_control && row->found < row->seeds;
}

static void join_checks(const struct score_row *row, char *text)
{
    text[0] = '\0';
    for (int check = 0; check < ASSAY_CHECKS; check++) {
        if (!(row->checks >> check & 1))
            continue;
        if (text[0])
            strcat(text, " ");
        strcat(text, assay_check_name((enum assay_check)check));
    }
}

/* --- totals --- */

static void add(struct total *total, const struct score_row *row)
{
    total->mutants++;
    total->found += !is_missed(row);
    if (row->median_seconds > total->median_seconds)
        total->median_seconds = row->median_seconds;
    if (row->most_seconds > total->most_seconds)
        total->most_seconds = row->most_seconds;
}

static struct total total_of_difficulty(const struct score_row *rows, size_t count,
                                        enum score_difficulty difficulty)
{
    struct total total = {.name = score_difficulty_name(difficulty)};

    for (size_t i = 0; i < count; i++)
        if (!rows[i].subject->is_control && rows[i].subject->difficulty == difficulty)
            add(&total, &rows[i]);
    return total;
}

/* The total of the class of row `first`, if no row before it has that class. */
static bool total_of_class(const struct score_row *rows, size_t count, size_t first,
                           struct total *total)
{
    const char *class = rows[first].subject->class;

    if (rows[first].subject->is_control)
        return false;
    *total = (struct total){.name = class};
    for (size_t i = 0; i < count; i++) {
        if (rows[i].subject->is_control || strcmp(rows[i].subject->class, class) != 0)
            continue;
        if (i < first)
            return false;
        add(total, &rows[i]);
    }
    return true;
}

static size_t first_finds(const struct score_row *rows, size_t count, enum assay_check check)
{
    size_t finds = 0;

    for (size_t i = 0; i < count; i++)
        finds += !rows[i].subject->is_control && (rows[i].checks >> check & 1);
    return finds;
}

/* --- for readers --- */

static void print_findings(const struct score_row *row)
{
    for (size_t i = 0; i < row->seeds; i++) {
        const struct assay_campaign_result *result = &row->cells[i].result;
        if (result->found)
            printf("    %s: %s (stream %" PRIu64 ")\n", assay_check_name(result->finding.check),
                   result->finding.what, result->stream);
    }
}

static void print_mutant(const struct score_row *row)
{
    char checks[CHECKS_ROOM];
    bool colour = cli_colour(stdout) && is_missed(row);

    join_checks(row, checks);
    printf("%s%-36s %-20s %-7s %3zu/%-3zu %10" PRIu64 " %10" PRIu64 " %8.3f %8.3f  %s%s\n",
           colour ? "\033[1;31m" : "", row->subject->name, row->subject->base,
           score_difficulty_name(row->subject->difficulty), row->found, row->seeds, row->median_ops,
           row->most_ops, row->median_seconds, row->most_seconds, checks[0] ? checks : "MISSED",
           colour ? "\033[0m" : "");
    if (is_missed(row))
        printf("    %s\n", row->subject->story);
}

static void print_total(const struct total *total)
{
    printf("%-20s %3zu of %3zu found, median at most %.3f s, at most %.3f s\n", total->name,
           total->found, total->mutants, total->median_seconds, total->most_seconds);
}

static void print_text(const struct score_row *rows, size_t count, size_t mutants)
{
    struct total total;

    if (mutants)
        printf("%-36s %-20s %-7s %7s %10s %10s %8s %8s  %s\n", "mutant", "base", "", "found", "ops",
               "most", "seconds", "most", "first seen by");
    for (size_t i = 0; i < count; i++)
        if (!rows[i].subject->is_control)
            print_mutant(&rows[i]);
    for (size_t i = 0; i < count && mutants; i++) {
        if (i == 0)
            putchar('\n');
        if (total_of_class(rows, count, i, &total))
            print_total(&total);
    }
    for (int i = 0; i < SCORE_DIFFICULTIES && mutants; i++) {
        if (i == 0)
            putchar('\n');
        total = total_of_difficulty(rows, count, (enum score_difficulty)i);
        if (total.mutants)
            print_total(&total);
    }
    if (mutants < count)
        printf("\n%-36s %12s  %s\n", "correct", "ops", "findings");
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].subject->is_control)
            continue;
        printf("%-36s %12" PRIu64 "  %zu\n", rows[i].subject->name, rows[i].all_ops, rows[i].found);
        print_findings(&rows[i]);
    }
}

/* --- for documents --- */

static void print_markdown(const struct score_row *rows, size_t count)
{
    struct total total;
    char checks[CHECKS_ROOM];

    puts(
        "| class | mutants | found | median, at most | at most |\n| --- | --: | --: | --: | --: |");
    for (size_t i = 0; i < count; i++)
        if (total_of_class(rows, count, i, &total))
            printf("| %s | %zu | %zu | %.3f s | %.3f s |\n", total.name, total.mutants, total.found,
                   total.median_seconds, total.most_seconds);
    for (int i = 0; i < SCORE_DIFFICULTIES; i++) {
        total = total_of_difficulty(rows, count, (enum score_difficulty)i);
        printf("| *%s* | %zu | %zu | %.3f s | %.3f s |\n", total.name, total.mutants, total.found,
               total.median_seconds, total.most_seconds);
    }
    puts("\n| mutant | base | what is wrong | | found | first seen by | ops | seconds |\n"
         "| --- | --- | --- | --- | --: | --- | --: | --: |");
    for (size_t i = 0; i < count; i++) {
        if (rows[i].subject->is_control)
            continue;
        join_checks(&rows[i], checks);
        printf("| %s | %s | %s | %s | %zu/%zu | %s | %" PRIu64 " | %.3f |\n", rows[i].subject->name,
               rows[i].subject->base, rows[i].subject->story,
               score_difficulty_name(rows[i].subject->difficulty), rows[i].found, rows[i].seeds,
               checks, rows[i].median_ops, rows[i].median_seconds);
    }
    puts("\n| correct | operations | findings | |\n| --- | --: | --: | --- |");
    for (size_t i = 0; i < count; i++)
        if (rows[i].subject->is_control)
            printf("| %s | %" PRIu64 " | %zu | %s |\n", rows[i].subject->name, rows[i].all_ops,
                   rows[i].found, rows[i].subject->story);
    putchar('\n');
}

/* --- for programs --- */

static cJSON *cell_json(const struct score_cell *cell)
{
    const struct assay_campaign_result *result = &cell->result;
    cJSON *object = cJSON_CreateObject();

    json_count(object, "seed", cell->options.seed);
    cJSON_AddBoolToObject(object, "found", result->found);
    json_count(object, "ops", result->ops);
    json_count(object, "streams", result->streams);
    json_number(object, "seconds", result->seconds);
    if (result->found) {
        cJSON_AddStringToObject(object, "check", assay_check_name(result->finding.check));
        cJSON_AddStringToObject(object, "what", result->finding.what);
        json_count(object, "stream", result->stream);
    }
    return object;
}

static void print_json(const struct score_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct score_subject *subject = rows[i].subject;
        cJSON *row = json_row(subject->is_control ? "control" : "mutant");
        cJSON_AddStringToObject(row, "name", subject->name);
        if (!subject->is_control) {
            cJSON_AddStringToObject(row, "base", subject->base);
            cJSON_AddStringToObject(row, "class", subject->class);
            cJSON_AddStringToObject(row, "difficulty", score_difficulty_name(subject->difficulty));
        }
        cJSON_AddStringToObject(row, "story", subject->story);
        cJSON *cells = cJSON_AddArrayToObject(row, "campaigns");
        for (size_t j = 0; j < rows[i].seeds; j++)
            cJSON_AddItemToArray(cells, cell_json(&rows[i].cells[j]));
        json_print(stdout, row);
    }
}

/* --- */

/* Those of the checks that no mutant needed. */
static void print_idle_checks(const struct score_row *rows, size_t count)
{
    bool is_first = true;

    for (int check = 0; check < ASSAY_CHECKS; check++) {
        if (first_finds(rows, count, (enum assay_check)check))
            continue;
        printf("%s%s", is_first ? "first to see none: " : " ",
               assay_check_name((enum assay_check)check));
        is_first = false;
    }
    if (!is_first)
        putchar('\n');
}

size_t score_print(enum score_form form, const struct score_row *rows, size_t count)
{
    size_t mutants = 0, missed = 0, wrong = 0;
    uint64_t control_ops = 0;

    for (size_t i = 0; i < count; i++) {
        mutants += !rows[i].subject->is_control;
        missed += is_missed(&rows[i]);
        wrong += rows[i].subject->is_control ? rows[i].found : 0;
        control_ops += rows[i].subject->is_control ? rows[i].all_ops : 0;
    }
    if (form == SCORE_JSON) {
        print_json(rows, count);
        return missed + wrong;
    }
    if (form == SCORE_MARKDOWN)
        print_markdown(rows, count);
    else
        print_text(rows, count, mutants);
    if (mutants) {
        if (form == SCORE_TEXT)
            print_idle_checks(rows, count);
        printf("%zu of %zu mutants found by every seed", mutants - missed, mutants);
    }
    if (mutants < count)
        printf("%s%zu findings in %.3g operations of %zu correct backends", mutants ? "; " : "",
               wrong, (double)control_ops, count - mutants);
    putchar('\n');
    return missed + wrong;
}
