/* doctor.c - `assay doctor`: every promise of backend.h, kept or broken, for one backend. */
#include "cli.h"
#include "json.h"

#include "assay/conformance.h"
#include "assay/registry.h"

#include <stdlib.h>

static struct cli_list specs;
static bool json;
static const struct cli_option options[] = {
    {"backend", CLI_LIST, &specs, "SPEC",
     "a name of assay list, dl:PATH or plugin:PATH; repeatable", 0, 0},
    {"json", CLI_FLAG, &json, NULL, "one JSON object a line", 0, 0},
    {0},
};

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

static void print_json(const char *spec, const struct assay_conformance_result *result)
{
    cJSON *row = json_row("promise");

    cJSON_AddStringToObject(row, "backend", spec);
    cJSON_AddStringToObject(row, "promise", result->name);
    cJSON_AddStringToObject(row, "needs", result->needs);
    cJSON_AddStringToObject(row, "verdict", verdicts[result->verdict]);
    if (result->why[0])
        cJSON_AddStringToObject(row, "why", result->why);
    json_print(stdout, row);
}

static void print_text(const struct assay_conformance_result *result)
{
    bool colour = cli_colour(stdout) && colours[result->verdict][0];

    printf("  %s%-16s%s  %s", colour ? colours[result->verdict] : "", verdicts[result->verdict],
           colour ? "\033[0m" : "", result->name);
    if (result->needs[0])
        printf(" (%s)", result->needs);
    if (result->why[0])
        printf(": %s", result->why);
    putchar('\n');
}

/* Returns how many promises are broken, or -1 if it could not be found out. */
static int examine(const char *spec, const struct assay_backend *backend)
{
    unsigned counts[4] = {0};

    if (!json)
        printf("%s: %s\n", spec, backend->summary);
    for (size_t i = 0; i < assay_conformance_count(); i++) {
        struct assay_conformance_result result;
        fflush(stdout);
        if (assay_conformance_run(backend, i, &result) != ASSAY_OK) {
            cli_fail(CLI_ENVIRONMENT, "cannot start a child process");
            return -1;
        }
        counts[result.verdict]++;
        if (json)
            print_json(spec, &result);
        else
            print_text(&result);
    }
    if (!json)
        printf("%u passed, %u failed, %u skipped\n", counts[ASSAY_KEPT], counts[ASSAY_BROKEN],
               counts[ASSAY_NOT_CLAIMED] + counts[ASSAY_COULD_CLAIM]);
    return (int)counts[ASSAY_BROKEN];
}

static int run_command(int argc, char **argv)
{
    const struct assay_backend *backend;
    struct assay_error error;
    int code, first = cli_parse(&cli_doctor_command, argc, argv, &code);
    int worst = CLI_NOTHING;

    if (first < 0)
        return code;
    if (first < argc)
        return cli_fail(CLI_USAGE, "doctor: takes no operands, but got '%s'; use --backend %s",
                        argv[first], argv[first]);
    if (specs.count == 0)
        return cli_fail(CLI_USAGE, "doctor: say which: --backend NAME (see assay list)");
    for (size_t i = 0; i < specs.count; i++) {
        if (assay_registry_find(specs.words[i], &backend, &error) != ASSAY_OK)
            return cli_fail(CLI_USAGE, "%s", error.what);
        int broken = examine(specs.words[i], backend);
        if (broken < 0)
            return CLI_ENVIRONMENT;
        if (broken > 0)
            worst = CLI_FINDING;
    }
    return worst;
}

const struct cli_command cli_doctor_command = {"doctor", "says which promises a backend keeps", "",
                                               options, run_command};
