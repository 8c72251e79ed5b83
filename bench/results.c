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
    if (!*json_text_of(line, "workload") || !*json_text_of(line, "backend"))
        return "names no workload or no backend";
    if (results_find(results, json_text_of(line, "workload"), json_text_of(line, "backend")))
        return "is there twice";
    if (results->count == MOST_ROWS)
        return "is one row too many";
    struct result *grown = realloc(results->rows, (results->count + 1) * sizeof *grown);
    if (!grown)
        return "finds no memory";
    results->rows = grown;
    row.workload = strdup(json_text_of(line, "workload"));
    row.backend = strdup(json_text_of(line, "backend"));
    row.failure = row.passed ? NULL : strdup(json_text_of(line, "failure"));
    results->rows[results->count++] = row;
    return row.workload && row.backend && (row.passed || row.failure) ? NULL : "finds no memory";
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

    if (!line || json_number_of(line, "schema") != JSON_SCHEMA)
        wrong = "is no line of assay bench --json";
    else if (strcmp(kind, "context") == 0)
        wrong = read_context(results, line);
    else if (strcmp(kind, "row") == 0)
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
    for (size_t i = 0; i < results->count; i++) {
        free(results->rows[i].workload);
        free(results->rows[i].backend);
        free(results->rows[i].failure);
    }
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
