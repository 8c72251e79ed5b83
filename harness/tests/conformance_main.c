/*
 * conformance_main - what a backend promises, promise by promise.
 *
 *     conformance SPEC [KNOWN...]
 *
 * Prints a line for each test and exits with 1 if a promise is broken. KNOWN are tests whose promise
 * is known to be broken: they do not count as failed, whatever comes of them.
 */
#include "assay/conformance.h"
#include "assay/registry.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_KEPT = 0, EXIT_BROKEN = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static const char *const words[] = {
    [ASSAY_KEPT] = "passed",
    [ASSAY_BROKEN] = "FAILED",
    [ASSAY_NOT_CLAIMED] = "skipped",
    [ASSAY_COULD_CLAIM] = "skipped",
};

static bool is_known(const char *name, char **known, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

static void print_result(const struct assay_conformance_result *result, bool known)
{
    printf("%-8s %s", known ? "known" : words[result->verdict], result->name);
    if (result->verdict == ASSAY_BROKEN)
        printf(": %s", result->why);
    if (result->verdict == ASSAY_NOT_CLAIMED)
        printf(": %s", result->needs[0] ? result->needs : "nothing to test");
    if (result->verdict == ASSAY_COULD_CLAIM)
        printf(": could claim %s", result->needs);
    printf("\n");
}

int main(int count, char **words_given)
{
    const struct assay_backend *backend;
    struct assay_error error;
    unsigned passed = 0, failed = 0, skipped = 0;

    if (count < 2) {
        fprintf(stderr, "usage: conformance SPEC [KNOWN...]\n");
        return EXIT_USAGE;
    }
    char **known = words_given + 2;
    int known_count = count - 2, met = 0;

    if (assay_registry_find(words_given[1], &backend, &error) != ASSAY_OK) {
        fprintf(stderr, "conformance: %s\n", error.what);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < assay_conformance_count(); i++) {
        struct assay_conformance_result result;
        fflush(stdout); /* a child that exits must not print it again */
        if (assay_conformance_run(backend, i, &result) != ASSAY_OK) {
            fprintf(stderr, "conformance: no child process is to be had\n");
            return EXIT_ENVIRONMENT;
        }
        bool named = is_known(result.name, known, known_count);
        bool excused = named && result.verdict == ASSAY_BROKEN;
        print_result(&result, excused);
        met += named;
        passed += result.verdict == ASSAY_KEPT;
        failed += result.verdict == ASSAY_BROKEN && !excused;
        skipped += result.verdict == ASSAY_NOT_CLAIMED || result.verdict == ASSAY_COULD_CLAIM;
    }
    if (met < known_count) {
        fprintf(stderr, "conformance: one of the known ones is no test\n");
        return EXIT_USAGE;
    }
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed ? EXIT_BROKEN : EXIT_KEPT;
}
