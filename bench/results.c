/* results.c - reads the lines of `assay bench --json`, one at a time. */
#include "results.h"

#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any run has; each new one is looked for among those that there are. */
#define MOST_ROWS 20000

/* NULL, or what is wrong with the numbers of the rounds. */
static const char *read_rounds(struct sample *ns, const cJSON *line)
{
    const cJSON *rounds = cJSON_GetObjectItemCaseSensitive(line, "repetitions_ns"), *round;

    if (!rounds) /* of threads, which wait for each other: what they take is time on the wall */
        rounds = cJSON_GetObjectItemCaseSensitive(line, "wall_ns");

    cJSON_ArrayForEach(round, rounds)
    {
        if (ns->count == SAMPLE_MOST || !cJSON_IsNumber(round) || !(round->valuedouble > 0) ||
            !isfinite(round->valuedouble))
            return "has rounds that cannot be";
        ns->values[ns->count++] = round->valuedouble;
    }
    return ns->count ? NULL : "has passed and no rounds";
}

/* One number that needs no others. */
static const char *read_count(struct sample *instructions, double count)
{
    if (!(count > 0) || !isfinite(count))
        return "has instructions that cannot be";
    *instructions = (struct sample){.count = 1, .values = {count}};
    return NULL;
}

/* The row's name in a comparison, which the caller frees: a workload of each number of threads is one of its own. */
static char *name_of_workload(const cJSON *line)
{
    const char *workload = json_text_of(line, "workload");
    char *name = NULL;

    if (!*workload || !cJSON_HasObjectItem(line, "threads"))
        return strdup(workload);
    return asprintf(&name, "%s x%.0f", workload, json_number_of(line, "threads")) < 0 ? NULL : name;
}

/* NULL, or what is wrong with the names of the row, which are the row's. */
static const char *read_names(const struct results *results, struct result *row, const cJSON *line)
{
    row->workload = name_of_workload(line);
    row->backend = strdup(json_text_of(line, "backend"));
    row->failure = row->passed ? NULL : strdup(json_text_of(line, "failure"));
    if (!row->workload || !row->backend || (!row->passed && !row->failure))
        return "finds no memory";
    if (!*row->workload || !*row->backend)
        return "names no workload or no backend";
    return results_find(results, row->workload, row->backend) ? "is there twice" : NULL;
}

static void close_row(struct result *row)
{
    free(row->workload);
    free(row->backend);
    free(row->failure);
}

static const char *add_row(struct results *results, const struct result *row)
{
    if (results->count == MOST_ROWS)
        return "is one row too many";
    struct result *grown = realloc(results->rows, (results->count + 1) * sizeof *grown);
    if (!grown)
        return "finds no memory";
    results->rows = grown;
    results->rows[results->count++] = *row;
    return NULL;
}

static const char *read_row(struct results *results, const cJSON *line)
{
    struct result row = {
        .passed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(line, "passed")),
        .peak_resident_bytes = json_number_of(line, "peak_resident_bytes"),
    };
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(line, "callgrind_instructions");
    const char *wrong = NULL;

    row.is_counted = cJSON_IsNumber(count);
    if (row.passed && row.is_counted)
        wrong = read_count(&row.ns, count->valuedouble);
    else if (row.passed && *json_text_of(line, "not_measured"))
        return NULL;
    else if (row.passed)
        wrong = read_rounds(&row.ns, line);
    if (wrong)
        return wrong;
    results->is_counted |= row.is_counted;
    wrong = read_names(results, &row, line);
    if (!wrong)
        wrong = add_row(results, &row);
    if (wrong)
        close_row(&row);
    return wrong;
}

static const char *read_context(struct results *results, const cJSON *line)
{
    free(results->build);
    if (asprintf(&results->build, "%s; %s; %s; %s", json_text_of(line, "compiler"),
                 json_text_of(line, "flags"), json_text_of(line, "cpu"),
                 json_text_of(line, "system")) >= 0)
        return NULL;
    results->build = NULL;
    return "finds no memory";
}

/* NULL, or what is wrong with the line. Kinds of lines that came later are passed over. */
static const char *read_line(struct results *results, const char *text, bool *is_whole)
{
    cJSON *line = cJSON_Parse(text);
    const char *kind = line ? json_text_of(line, "kind") : "", *wrong = NULL;

    if (!line || !cJSON_HasObjectItem(line, "schema"))
        wrong = "is no line of assay bench --json";
    else if (json_number_of(line, "schema") != JSON_SCHEMA)
        wrong = "has a schema that this version does not read";
    else if (strcmp(kind, "context") == 0)
        wrong = read_context(results, line);
    else if (strcmp(kind, "row") == 0 || strcmp(kind, "threads") == 0)
        wrong = read_row(results, line);
    else if (strcmp(kind, "end") == 0)
        *is_whole = true;
    cJSON_Delete(line);
    return wrong;
}

static assay_status read_lines(struct results *results, FILE *file, struct assay_error *error)
{
    bool is_whole = false;
    const char *wrong = NULL;
    char *line = NULL;
    size_t room = 0, number = 0;

    while (!wrong && getline(&line, &room, file) >= 0) {
        number++;
        wrong = read_line(results, line, &is_whole);
    }
    free(line);
    if (wrong)
        assay_error_set(error, "%s:%zu: %s", results->path, number, wrong);
    else if (!is_whole || results->count == 0)
        assay_error_set(error, "%s is not all that assay bench wrote: it has %s", results->path,
                        results->count ? "no end" : "no rows");
    return wrong || !is_whole || results->count == 0 ? ASSAY_INVALID : ASSAY_OK;
}

assay_status results_read(struct results *results, const char *path, struct assay_error *error)
{
    FILE *file = fopen(path, "re");

    *results = (struct results){.path = strdup(path)};
    if (!file || !results->path) {
        assay_error_set(error, "cannot open %s: %s", path, strerror(errno));
        if (file)
            fclose(file);
        results_close(results);
        return ASSAY_INVALID;
    }
    assay_status status = read_lines(results, file, error);
    fclose(file);
    if (status != ASSAY_OK)
        results_close(results);
    return status;
}

void results_close(struct results *results)
{
    for (size_t i = 0; i < results->count; i++)
        close_row(&results->rows[i]);
    free(results->rows);
    free(results->build);
    free(results->path);
    *results = (struct results){0};
}

const struct result *results_find(const struct results *results, const char *workload,
                                  const char *backend)
{
    for (size_t i = 0; i < results->count; i++)
        if (strcmp(results->rows[i].workload, workload) == 0 &&
            strcmp(results->rows[i].backend, backend) == 0)
            return &results->rows[i];
    return NULL;
}
