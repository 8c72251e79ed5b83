/* list.c - `assay list`: the backends there are and what they promise. */
#include "cli.h"
#include "json.h"

#include "assay/finding.h"
#include "assay/heap.h"
#include "assay/registry.h"

#include <stdlib.h>
#include <string.h>

#define CAPS_ROOM 256

static bool json, markdown, names, checks;
static const struct cli_option options[] = {
    {"json", CLI_FLAG, &json, NULL, "one JSON object a line", 0, 0},
    {"markdown", CLI_FLAG, &markdown, NULL, "the table of backends/README.md", 0, 0},
    {"names", CLI_FLAG, &names, NULL, "the names alone, one a line", 0, 0},
    {"checks", CLI_FLAG, &checks, NULL, "in their place the checks, and what each expects", 0, 0},
    {0},
};

static void join_caps(const struct assay_backend *backend, const char *separator, char *text)
{
    text[0] = '\0';
    for (unsigned bit = 0; assay_cap_name(bit); bit++) {
        if (!(backend->caps & 1u << bit))
            continue;
        if (text[0])
            strcat(text, separator);
        strcat(text, assay_cap_name(bit));
    }
}

static void print_json(const struct assay_backend *backend)
{
    cJSON *row = json_row("backend");
    cJSON_AddStringToObject(row, "backend", backend->name);
    cJSON_AddStringToObject(row, "summary", backend->summary);
    cJSON_AddStringToObject(row, "origin", backend->origin);
    cJSON_AddStringToObject(row, "options", backend->options_help);
    cJSON_AddNumberToObject(row, "min_align", (double)backend->min_align);
    cJSON *caps = cJSON_AddArrayToObject(row, "promises");
    for (unsigned bit = 0; assay_cap_name(bit); bit++)
        if (backend->caps & 1u << bit)
            cJSON_AddItemToArray(caps, cJSON_CreateString(assay_cap_name(bit)));
    json_print(stdout, row);
}

static void print_markdown(const struct assay_backend *backend)
{
    char caps[CAPS_ROOM];

    join_caps(backend, ", ", caps);
    printf("| `%s` | %s | %s | %s |\n", backend->name, backend->summary, backend->origin, caps);
}

static void print_text(const struct assay_backend *backend)
{
    char caps[CAPS_ROOM];

    join_caps(backend, " ", caps);
    printf("%-12s %s\n%-12s promises: %s\n", backend->name, backend->summary, "",
           caps[0] ? caps : "none");
    if (backend->options_help[0])
        printf("%-12s options: %s\n", "", backend->options_help);
}

static void print_checks(void)
{
    for (unsigned i = 0; i < ASSAY_CHECKS; i++)
        printf("%-12s %s\n", assay_check_name((enum assay_check)i),
               assay_check_promise((enum assay_check)i));
}

static int run_command(int argc, char **argv)
{
    int code, first = cli_parse(&cli_list_command, argc, argv, &code);
    size_t count;

    if (first < 0)
        return code;
    if (first < argc)
        return cli_fail(CLI_USAGE, "list: takes no operands, but got '%s'", argv[first]);
    if (json + markdown + names + checks > 1)
        return cli_fail(CLI_USAGE,
                        "list: --json, --markdown, --names and --checks exclude each other");
    if (checks) {
        print_checks();
        return CLI_NOTHING;
    }
    const struct assay_backend *const *all = assay_registry_all(&count);
    if (markdown)
        puts("| name | what | source | promises |\n| --- | --- | --- | --- |");
    for (size_t i = 0; i < count; i++) {
        if (names)
            puts(all[i]->name);
        else if (json)
            print_json(all[i]);
        else if (markdown)
            print_markdown(all[i]);
        else
            print_text(all[i]);
    }
    if (!json && !markdown && !names)
        puts("\ndl:PATH[:prefix] is any malloc-compatible shared library, plugin:PATH one that "
             "exports a\n"
             "table of its own (assay_backend_plugin).");
    return CLI_NOTHING;
}

const struct cli_command cli_list_command = {"list", "lists the backends and what they promise", "",
                                             options, run_command};
