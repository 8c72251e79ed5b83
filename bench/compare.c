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
/* Nor those of a cycle for each operation, which is many percent of a row that takes a few nanoseconds. */
#define SMALLEST_NS 0.3
/* Nor those within so many standard deviations of what resampled rounds give. */
#define DEVIATIONS 3
/* With fewer other rows of a workload those of all workloads say what the machine did. */
#define FEW_OTHERS 5

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
 * far that row's round lies above its calm rounds in A. 0 where there is no other.
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
        if (base && base->ns.count >= LEAST_ROUNDS)
            others.values[others.count++] =
                log(other->ns.values[round]) - log(sample_calm(&base->ns));
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

/* Of the rounds as measured or beside the others of their time, whichever scatter less. */
static double rank_test(const struct results *a, const struct results *b,
                        const struct comparison *one)
{
    struct sample before = logarithms(&one->a->ns), after = logarithms(&one->b->ns);
    struct sample beside_before = beside_others(a, a, one->a),
                  beside_after = beside_others(a, b, one->b);
    double scatter = fmax(sample_spread(&before), sample_spread(&after));

    return fmax(sample_spread(&beside_before), sample_spread(&beside_after)) < scatter
               ? sample_u_test(&beside_before, &beside_after)
               : sample_u_test(&before, &after);
}

static struct interval exponentials(const struct interval *logs)
{
    return (struct interval){exp(logs->low), exp(logs->middle), exp(logs->high)};
}

/* What became of a row from A to B, in logarithms of its calm rounds. */
struct change {
    bool is_known;
    double middle;
    double resampled[SAMPLE_RESAMPLES];
};

static void find_change(struct change *change, const struct comparison *one, uint64_t seed)
{
    double before[SAMPLE_RESAMPLES];

    change->is_known = one->verdict == VERDICT_NOISE && one->a->ns.count >= LEAST_ROUNDS &&
                       one->b->ns.count >= LEAST_ROUNDS;
    if (!change->is_known)
        return;
    struct sample a = logarithms(&one->a->ns), b = logarithms(&one->b->ns);
    change->middle = sample_calm(&b) - sample_calm(&a);
    sample_calm_resampled(&a, 2 * seed, before);
    sample_calm_resampled(&b, 2 * seed + 1, change->resampled);
    for (size_t i = 0; i < SAMPLE_RESAMPLES; i++)
        change->resampled[i] -= before[i];
}

static bool is_harness(const struct result *row)
{
    return strcmp(row->backend, "null") == 0;
}

/*
 * Lists the rows of other heaps whose change is known, of that workload only if wanted; how many. The harness's own row
 * neither is one nor has any: it touches so little memory that what disturbs heaps passes it by.
 */
static size_t list_others(const struct comparison *all, const struct change *changes, size_t count,
                          const struct result *row, const char *workload, size_t *others)
{
    size_t found = 0;

    for (size_t i = 0; i < count && !is_harness(row); i++) {
        const struct result *other = all[i].a;
        if (changes[i].is_known && !is_harness(other) &&
            strcmp(other->backend, row->backend) != 0 &&
            (!workload || strcmp(other->workload, workload) == 0))
            others[found++] = i;
    }
    return found;
}

/*
 * Takes off what the machine did to the other heaps: the median of their changes. False if there is none to tell.
 * `room` is for a size_t and a double of each row.
 */
static bool take_off_others(struct change *change, const struct comparison *all,
                            const struct change *changes, size_t count, const struct result *row,
                            void *room)
{
    double *values = room;
    size_t *others = (size_t *)(values + count);
    size_t found = list_others(all, changes, count, row, row->workload, others);

    if (found < FEW_OTHERS)
        found = list_others(all, changes, count, row, NULL, others);
    if (found == 0)
        return false;
    for (size_t k = 0; k < found; k++)
        values[k] = changes[others[k]].middle;
    change->middle -= median_of(values, found);
    for (size_t i = 0; i < SAMPLE_RESAMPLES; i++) {
        for (size_t k = 0; k < found; k++)
            values[k] = changes[others[k]].resampled[i];
        change->resampled[i] -= median_of(values, found);
    }
    return true;
}

/* What is longer beside the others and not as measured, or the other way about, is the machine's doing. */
static enum verdict judge(const struct interval *beside, double measured, double noise)
{
    if (beside->low > 0 && beside->middle > noise && measured > 0)
        return VERDICT_SLOWER;
    if (beside->high < 0 && beside->middle < -noise && measured < 0)
        return VERDICT_FASTER;
    return VERDICT_NOISE;
}

static void compare_times(const struct results *a, const struct results *b, struct comparison *one,
                          const struct change *measured, struct change *beside)
{
    double resampled[SAMPLE_RESAMPLES];
    double noise = DEVIATIONS * resampled_deviation(beside->resampled);

    noise = fmax(fmax(noise, SMALLEST), SMALLEST_NS / sample_calm(&one->a->ns));
    memcpy(resampled, measured->resampled, sizeof resampled);
    struct interval as_measured = resampled_interval(resampled, measured->middle);
    struct interval change = resampled_interval(beside->resampled, beside->middle);
    one->measured_ratio = exponentials(&as_measured);
    one->ratio = exponentials(&change);
    one->noise = expm1(noise);
    one->probability = rank_test(a, b, one);
    one->verdict = judge(&change, measured->middle, noise);
}

/* Rows with too few rounds stay noise, and those that no other heap was measured beside. -1: no memory. */
static int compare_all_times(const struct results *a, const struct results *b,
                             struct comparison *all)
{
    size_t count = a->count;
    struct change *changes = calloc(count + 1, sizeof *changes);
    void *room = calloc(count + 1, sizeof(size_t) + sizeof(double));
    int result = changes && room ? 0 : -1;

    for (size_t i = 0; result == 0 && i < count; i++)
        find_change(&changes[i], &all[i], i);
    for (size_t i = 0; result == 0 && i < count; i++) {
        struct change beside = changes[i];
        if (!beside.is_known)
            continue;
        bool is_told = take_off_others(&beside, all, changes, count, all[i].a, room);
        compare_times(a, b, &all[i], &changes[i], &beside);
        if (!is_told)
            all[i].verdict = VERDICT_NOISE;
    }
    free(changes);
    free(room);
    return result;
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

/* What is claimed must be improbable even among so many rows. -1: no memory. */
static int correct_verdicts(struct comparison *all, size_t count)
{
    double *probabilities = calloc(count + 1, sizeof *probabilities);
    size_t timed = 0;

    if (!probabilities)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (all[i].verdict <= VERDICT_SLOWER)
            probabilities[timed++] = all[i].probability;
    int result = correct_for_count(probabilities, timed);
    for (size_t i = 0, k = 0; i < count; i++) {
        if (all[i].verdict > VERDICT_SLOWER)
            continue;
        all[i].probability = probabilities[k++];
        if (all[i].probability >= LEVEL)
            all[i].verdict = VERDICT_NOISE;
    }
    free(probabilities);
    return result;
}

int compare_results(const struct results *a, const struct results *b, struct comparison *out)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct result *row = &a->rows[i];
        out[i] = (struct comparison){.a = row,
                                     .b = results_find(b, row->workload, row->backend),
                                     .probability = 1,
                                     .is_counted = a->is_counted};
        out[i].verdict = verdict_of_answers(row, out[i].b);
        if (out[i].verdict == VERDICT_NOISE && a->is_counted)
            compare_counts(&out[i]);
    }
    if (a->is_counted)
        return 0;
    int result = compare_all_times(a, b, out);
    return result == 0 ? correct_verdicts(out, a->count) : result;
}
