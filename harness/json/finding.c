/* finding.c - a finding as a line of JSON; as text it is in harness/report.c. */
#include "json.h"

#include "assay/text.h"

static void add_block(cJSON *row, const char *key, const struct assay_block *block)
{
    cJSON *object = cJSON_AddObjectToObject(row, key);

    json_count(object, "slot", block->slot);
    json_count(object, "size", block->size);
    json_count(object, "usable", block->usable);
    json_count(object, "op", block->op);
}

void json_finding(FILE *out, const struct assay_finding *finding, const char *repeat)
{
    char line[ASSAY_TEXT_LINE];
    cJSON *row = json_row("finding");

    cJSON_AddStringToObject(row, "backend", finding->backend);
    cJSON_AddStringToObject(row, "check", assay_check_name(finding->check));
    json_count(row, "op", finding->op);
    json_count(row, "seed", finding->seed);
    cJSON_AddStringToObject(row, "what", finding->what);
    if (!finding->at_end) {
        assay_text_print_op(line, sizeof line, &finding->operation);
        cJSON_AddStringToObject(row, "operation", line);
    }
    if (finding->has_block)
        add_block(row, "block", &finding->block);
    if (finding->has_other)
        add_block(row, "other", &finding->other);
    if (repeat)
        cJSON_AddStringToObject(row, "repeat", repeat);
    json_print(out, row);
}
