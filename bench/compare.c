/* compare.c - what can be said of the difference between two runs. */
#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows with fewer rounds are not enough to claim anything. */
#define LEAST_ROUNDS 3
#define LEVEL 0.05
/* Smaller differences are never claimed: where code and stack of a process lie is worth as much. */
#define SMALLEST 0.03
/*
 * Nor those within so many times what the middle half of the rounds of one run differs by. Rounds that
 * follow each other are disturbed alike, so ten of them are not worth ten: what differs between two runs is
 * as much as what differs between rounds far apart.
 */
#define SPREADS 2

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"noise",  "faster", "slower", "BROKEN",
                                        "mended", "failed", "missing"};

    return names[verdict];
}

static struct sample logarithms(const struct sample *ns)
{
    struct sample logs = {.count = ns->count};

    for (size_t i = 0; i < ns->count; i++)
        logs.values[i] = log(ns->values[i]);
    return logs;
}

/*
 * What the round did to the others: the median, over all other rows of this workload that both runs have, of how
 * far that row's round lies above its median in A. 0 where there is no other.
 */
static double round_of_others(const struct results *a, const struct results *run,
                              const struct result *row, size_t round)
{
    struct sample others = {.count = 0};

    for (size_t i = 0; i < run->count && others.count < SAMPLE_MOST; i++) {
        const struct result *other = &run->rows[i];
        if (strcmp(other->workload, row->workload) != 0 ||
            strcmp(other->backend, row->backend) == 0 || round >= other->ns.count)
            continue;
        const struct result *base = results_find(a, other->workload, other->backend);
        if (base && base->ns.count)
            others.values[others.count++] =
                log(other->ns.values[round]) - log(sample_median(&base->ns));
    }
    return others.count ? sample_median(&others) : 0;
}

static struct sample beside_others(const struct results *a, const struct results *run,
                                   const struct result *row)
{
    struct sample logs = logarithms(&row->ns);

    for (size_t i = 0; i < logs.count; i++)
        logs.values[i] -= round_of_others(a, run, row, i);
    return logs;
}

static struct interval exponentials(const struct interval *logs)
{
    return (struct interval){exp(logs->low), exp(logs->middle), exp(logs->high)};
}

/* One of the two ways to look at a row, in logarithms. */
struct view {
    struct sample a, b;
    struct interval change;
    double noise;
};

static void look(struct view *view, double least_spread)
{
    double spread = fmax(sample_spread(&view->a), sample_spread(&view->b));

    view->change = sample_difference(&view->a, &view->b);
    view->noise = fmax(SMALLEST, SPREADS * fmax(spread, least_spread));
}

/*
 * What the harness takes is part of every row, and its own row shows by how much that differs: as a
 * part of what this row takes. 0 where `null` was not measured.
 */
static double spread_of_harness(const struct results *run, const struct result *row)
{
    const struct result *null = results_find(run, row->workload, "null");

    return null && null->ns.count >= LEAST_ROUNDS
               ? sample_spread(&null->ns) / sample_median(&row->ns)
               : 0;
}

/* The calmer way claims, the other one must not contradict. */
static enum verdict judge(const struct view *calmer, const struct view *other)
{
    double noise = calmer->noise;

    if (calmer->change.low > 0 && calmer->change.middle > noise && other->change.middle > noise)
        return VERDICT_SLOWER;
    if (calmer->change.high < 0 && calmer->change.middle < -noise && other->change.middle < -noise)
        return VERDICT_FASTER;
    return VERDICT_NOISE;
}

static void compare_times(const struct results *a, const struct results *b, struct comparison *one)
{
    struct view measured = {.a = logarithms(&one->a->ns), .b = logarithms(&one->b->ns)};
    struct view beside = {.a = beside_others(a, a, one->a), .b = beside_others(a, b, one->b)};

    double harness = fmax(spread_of_harness(a, one->a), spread_of_harness(b, one->b));

    look(&measured, harness);
    look(&beside, harness);
    bool is_calmer = measured.noise < beside.noise;
    const struct view *calmer = is_calmer ? &measured : &beside;
    const struct view *other = is_calmer ? &beside : &measured;
    one->measured_ratio = exponentials(&measured.change);
    one->ratio = exponentials(&beside.change);
    one->noise = expm1(calmer->noise);
    one->probability = sample_u_test(&calmer->a, &calmer->b);
    bool is_enough = measured.a.count >= LEAST_ROUNDS && measured.b.count >= LEAST_ROUNDS;
    one->verdict = is_enough ? judge(calmer, other) : VERDICT_NOISE;
}

static void compare_counts(struct comparison *one)
{
    double ratio = one->b->ns.values[0] / one->a->ns.values[0];

    one->measured_ratio = one->ratio = (struct interval){ratio, ratio, ratio};
    one->noise = COMPARE_EXACT;
    one->verdict = ratio > 1 + COMPARE_EXACT   ? VERDICT_SLOWER
                   : ratio < 1 - COMPARE_EXACT ? VERDICT_FASTER
                                               : VERDICT_NOISE;
    one->probability = one->verdict == VERDICT_NOISE ? 1 : 0;
}

static enum verdict verdict_of_answers(const struct result *a, const struct result *b)
{
    if (!b)
        return VERDICT_MISSING;
    if (!a->passed)
        return b->passed ? VERDICT_MENDED : VERDICT_FAILED;
    return b->passed ? VERDICT_NOISE : VERDICT_BROKEN;
}

int compare_results(const struct results *a, const struct results *b, struct comparison *out)
{
    double *probabilities = calloc(a->count ? a->count : 1, sizeof *probabilities);
    size_t timed = 0;

    if (!probabilities)
        return -1;
    for (size_t i = 0; i < a->count; i++) {
        const struct result *row = &a->rows[i];
        out[i] = (struct comparison){.a = row,
                                     .b = results_find(b, row->workload, row->backend),
                                     .probability = 1,
                                     .is_counted = a->is_counted};
        out[i].verdict = verdict_of_answers(row, out[i].b);
        if (out[i].verdict != VERDICT_NOISE)
            continue;
        if (a->is_counted) {
            compare_counts(&out[i]);
            continue;
        }
        compare_times(a, b, &out[i]);
        probabilities[timed++] = out[i].probability;
    }
    int result = correct_for_count(probabilities, timed);
    for (size_t i = 0, k = 0; i < a->count; i++) {
        if (out[i].verdict > VERDICT_SLOWER || a->is_counted)
            continue;
        out[i].probability = probabilities[k++];
        if (out[i].probability >= LEVEL)
            out[i].verdict = VERDICT_NOISE;
    }
    free(probabilities);
    return result;
}
