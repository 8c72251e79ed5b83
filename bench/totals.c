/*
 * totals.c - a row for each heap over all workloads: the geometric mean, round by round.
 *
 * What disturbs one workload of one run, as where its blocks happen to lie, weighs little there; what made a heap
 * slower shows in all.
 */
#include "results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t most_rounds(const struct results *results)
{
    size_t most = 0;

    for (size_t i = 0; i < results->count; i++)
        if (results->rows[i].ns.count > most)
            most = results->rows[i].ns.count;
    return most;
}

/* Whether a row has all rounds in both runs: means are of the same rows in each round. */
static bool is_whole(const struct results *a, const struct results *b, const struct result *row,
                     size_t rounds_a, size_t rounds_b)
{
    const struct result *in_a = results_find(a, row->workload, row->backend);
    const struct result *in_b = results_find(b, row->workload, row->backend);

    return in_a && in_b && in_a->ns.count == rounds_a && in_b->ns.count == rounds_b;
}

/* Sums logarithms of the rows of `backend` that are whole; how many there are. */
static size_t sum(const struct results *a, const struct results *b, const struct results *run,
                  const char *backend, struct sample *total)
{
    size_t rounds_a = most_rounds(a), rounds_b = most_rounds(b), count = 0;

    *total = (struct sample){.count = run == a ? rounds_a : rounds_b};
    for (size_t i = 0; i < run->count; i++) {
        const struct result *row = &run->rows[i];
        if (strcmp(row->backend, backend) != 0 || !is_whole(a, b, row, rounds_a, rounds_b))
            continue;
        count++;
        for (size_t round = 0; round < total->count; round++)
            total->values[round] += log(row->ns.values[round]);
    }
    for (size_t round = 0; round < total->count; round++)
        total->values[round] = exp(total->values[round] / (double)(count ? count : 1));
    return count;
}

/* The heaps that have rows; at most `room`. */
static size_t list_backends(const struct results *results, const char **names, size_t room)
{
    size_t count = 0;

    for (size_t i = 0; i < results->count && count < room; i++) {
        size_t k = 0;
        while (k < count && strcmp(names[k], results->rows[i].backend) != 0)
            k++;
        if (k == count)
            names[count++] = results->rows[i].backend;
    }
    return count;
}

static int append(struct results *results, const char *backend, const struct sample *total)
{
    struct result row = {.passed = true, .ns = *total, .is_counted = results->is_counted};
    struct result *grown = realloc(results->rows, (results->count + 1) * sizeof *grown);

    if (!grown)
        return -1;
    results->rows = grown;
    row.workload = strdup(RESULTS_TOTAL);
    row.backend = strdup(backend);
    results->rows[results->count++] = row;
    return row.workload && row.backend ? 0 : -1;
}

int results_add_totals(struct results *a, struct results *b)
{
    enum { MOST_BACKENDS = 256 };
    const char *names[MOST_BACKENDS];
    size_t count = list_backends(a, names, MOST_BACKENDS);
    /* Appended rows are of no workload, and would be counted by later sums. */
    struct sample *totals = calloc(2 * count + 1, sizeof *totals);
    int result = totals ? 0 : -1;

    for (size_t i = 0; totals && i < count; i++)
        if (sum(a, b, a, names[i], &totals[2 * i]) < 2 ||
            sum(a, b, b, names[i], &totals[2 * i + 1]) < 2)
            totals[2 * i].count = 0;
    for (size_t i = 0; totals && i < count && result == 0; i++)
        if (totals[2 * i].count)
            result = append(a, names[i], &totals[2 * i]) || append(b, names[i], &totals[2 * i + 1])
                         ? -1
                         : 0;
    free(totals);
    return result;
}
