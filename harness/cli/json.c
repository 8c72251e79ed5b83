/* json.c - results as JSON Lines. */
#include "json.h"

#include "cli.h"

#include <stdlib.h>

static void no_memory(void)
{
    exit(cli_fail(CLI_ENVIRONMENT, "no memory for a line of JSON"));
}

cJSON *cli_json_row(void)
{
    cJSON *row = cJSON_CreateObject();

    if (!row || !cJSON_AddNumberToObject(row, "schema", CLI_JSON_SCHEMA))
        no_memory();
    return row;
}

void cli_json_print(FILE *out, cJSON *row)
{
    char *text = cJSON_PrintUnformatted(row);

    if (!text)
        no_memory();
    fprintf(out, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(row);
}
