/* json.c - results as JSON Lines. */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static void *get_memory(size_t size)
{
    void *memory = malloc(size);

    if (!memory) {
        fputs("assay: no memory for a line of JSON\n", stderr);
        exit(3);
    }
    return memory;
}

cJSON *json_row(const char *kind)
{
    cJSON_Hooks hooks = {.malloc_fn = get_memory, .free_fn = free};

    cJSON_InitHooks(&hooks);
    cJSON *row = cJSON_CreateObject();
    cJSON_AddNumberToObject(row, "schema", JSON_SCHEMA);
    cJSON_AddStringToObject(row, "kind", kind);
    return row;
}

void json_count(cJSON *row, const char *key, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, number);
    cJSON_AddRawToObject(row, key, text);
}

void json_number(cJSON *row, const char *key, double number)
{
    char text[400];

    if (!isfinite(number)) {
        cJSON_AddNullToObject(row, key);
        return;
    }
    snprintf(text, sizeof text, "%.4f", number);
    cJSON_AddRawToObject(row, key, text);
}

const char *json_text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return text ? text : "";
}

double json_number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

void json_print(FILE *out, cJSON *row)
{
    char *text = cJSON_PrintUnformatted(row);

    fprintf(out, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(row);
}
