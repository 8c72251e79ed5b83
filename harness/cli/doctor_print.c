/* doctor_print.c - the rows of `assay doctor` as text and as JSON Lines. */
#include "cli.h"
#include "doctor.h"
#include "json.h"

static const char *const verdicts[] = {
    [ASSAY_KEPT] = "kept",
    [ASSAY_BROKEN] = "BROKEN",
    [ASSAY_NOT_CLAIMED] = "not claimed",
    [ASSAY_COULD_CLAIM] = "could be claimed",
};
static const char *const colours[] = {
    [ASSAY_KEPT] = "\033[32m",
    [ASSAY_BROKEN] = "\033[1;31m",
    [ASSAY_NOT_CLAIMED] = "",
    [ASSAY_COULD_CLAIM] = "\033[33m",
};

const char *doctor_verdict(enum assay_verdict verdict)
{
    return verdicts[verdict];
}

void doctor_print_json(const char *spec, const struct doctor_row *row)
{
    cJSON *line = json_row("promise");

    cJSON_AddStringToObject(line, "backend", spec);
    cJSON_AddStringToObject(line, "promise", row->promise);
    cJSON_AddStringToObject(line, "needs", row->needs);
    cJSON_AddStringToObject(line, "verdict", verdicts[row->verdict]);
    if (row->why[0])
        cJSON_AddStringToObject(line, "why", row->why);
    if (row->repeat[0])
        cJSON_AddStringToObject(line, "repeat", row->repeat);
    json_print(stdout, line);
}

void doctor_print_text(const struct doctor_row *row)
{
    bool colour = cli_colour(stdout) && colours[row->verdict][0];

    printf("  %s%-16s%s  %s", colour ? colours[row->verdict] : "", verdicts[row->verdict],
           colour ? "\033[0m" : "", row->promise);
    if (row->needs[0])
        printf(" (%s)", row->needs);
    if (row->why[0])
        printf(": %s", row->why);
    putchar('\n');
    if (row->repeat[0])
        printf("    repeat:  %s\n", row->repeat);
}

void doctor_print_summary(const struct doctor_report *report)
{
    const unsigned *counts = report->verdicts;

    printf("%u passed, %u failed, %u skipped\n", counts[ASSAY_KEPT], counts[ASSAY_BROKEN],
           counts[ASSAY_NOT_CLAIMED] + counts[ASSAY_COULD_CLAIM]);
}
