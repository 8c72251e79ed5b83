/* parting.c - where heaps part as a line of JSON; as text it is in harness/diff_report.c. */
#include "json.h"

#include "assay/text.h"

static void add_row(cJSON *rows, const struct assay_picture *picture, unsigned number)
{
    static const char *const names[] = {
        [ASSAY_PIECE_USED] = "used",
        [ASSAY_PIECE_FREE] = "free",
        [ASSAY_PIECE_META] = "meta",
        [ASSAY_PIECE_UNKNOWN] = "unknown",
    };
    const struct assay_picture_row *row = &picture->row[number];
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "what", names[row->piece]);
    if (row->has_block)
        json_count(object, "slot", row->slot);
    if (picture->has_mapping)
        json_count(object, "mapping", row->mapping);
    json_count(object, "offset", row->offset);
    json_count(object, "bytes", row->bytes);
    cJSON_AddItemToArray(rows, object);
}

static void add_heap(cJSON *heaps, const struct assay_parting *parting, unsigned number)
{
    char answer[64];
    cJSON *heap = cJSON_CreateObject();

    cJSON_AddStringToObject(heap, "backend", parting->backends[number]);
    if (!parting->at_end) {
        assay_answer_print(answer, sizeof answer, &parting->answers[number]);
        cJSON_AddStringToObject(heap, "answer", answer);
    }
    if (number == parting->odd || number == parting->other) {
        const struct assay_picture *picture = &parting->pictures[number == parting->odd];
        json_count(heap, "mapped_bytes", picture->mapped_bytes);
        json_count(heap, "blocks", picture->blocks);
        cJSON_AddBoolToObject(heap, "walked", picture->is_walked);
        cJSON *rows = cJSON_AddArrayToObject(heap, "extents");
        for (unsigned i = 0; i < picture->rows; i++)
            add_row(rows, picture, i);
    }
    cJSON_AddItemToArray(heaps, heap);
}

void json_parting(FILE *out, const struct assay_parting *parting, const char *repeat)
{
    char line[ASSAY_TEXT_LINE];
    cJSON *row = json_row("parting");

    cJSON_AddStringToObject(row, "rule", assay_diff_rule_name(parting->rule));
    if (parting->rule == ASSAY_DIFF_RULES)
        cJSON_AddStringToObject(row, "check", assay_check_name(parting->finding.check));
    cJSON_AddStringToObject(row, "odd", parting->backends[parting->odd]);
    cJSON_AddStringToObject(row, "other", parting->backends[parting->other]);
    json_count(row, "op", parting->op);
    json_count(row, "seed", parting->seed);
    cJSON_AddStringToObject(row, "what", parting->what);
    if (!parting->at_end) {
        assay_text_print_op(line, sizeof line, &parting->operation);
        cJSON_AddStringToObject(row, "operation", line);
    }
    cJSON *heaps = cJSON_AddArrayToObject(row, "heaps");
    for (unsigned i = 0; i < parting->heaps; i++)
        add_heap(heaps, parting, i);
    if (repeat)
        cJSON_AddStringToObject(row, "repeat", repeat);
    json_print(out, row);
}
