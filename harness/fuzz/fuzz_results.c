/*
 * fuzz_results - any file is refused with a sentence, or is results that can be compared: with themselves there is no
 * difference, and every number that is told is one.
 */
#include "fuzz.h"

#include "compare.h"

#include <math.h>
#include <string.h>

/* A comparison resamples each row some thousand times. */
#define ROWS_MAX 6

static void expect_possible(const struct results *results)
{
    FUZZ_EXPECT(results->count > 0);
    for (size_t i = 0; i < results->count; i++) {
        const struct result *row = &results->rows[i];
        FUZZ_EXPECT(*row->workload && *row->backend);
        FUZZ_EXPECT(row->passed ? row->ns.count > 0 : row->failure != NULL);
        for (size_t round = 0; round < row->ns.count; round++)
            FUZZ_EXPECT(isfinite(row->ns.values[round]) && row->ns.values[round] > 0);
        FUZZ_EXPECT(results_find(results, row->workload, row->backend) == row);
    }
}

static void expect_no_difference(struct results *a, struct results *b)
{
    FUZZ_EXPECT(results_add_totals(a, b) == 0);
    struct comparison *all = calloc(a->count, sizeof *all);
    FUZZ_EXPECT(all && compare_results(a, b, all) == 0);
    for (size_t i = 0; i < a->count; i++) {
        bool passed = a->rows[i].passed;
        FUZZ_EXPECT(all[i].verdict == (passed ? VERDICT_NOISE : VERDICT_FAILED));
        if (passed)
            FUZZ_EXPECT(all[i].ratio.middle > 0 && !isnan(all[i].ratio.low) &&
                        !isnan(all[i].ratio.high) && !isnan(all[i].probability));
    }
    free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    struct results results, again;
    struct assay_error error = {{0}};

    if (results_read(&results, path, &error) != ASSAY_OK) {
        FUZZ_EXPECT(strstr(error.what, path));
        return 0;
    }
    expect_possible(&results);
    FUZZ_EXPECT(results_read(&again, path, &error) == ASSAY_OK);
    FUZZ_EXPECT(again.count == results.count);
    if (results.count <= ROWS_MAX)
        expect_no_difference(&results, &again);
    results_close(&again);
    results_close(&results);
    return 0;
}
