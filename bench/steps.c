/* steps.c - rows and numbers of threads as JSON, and back. */
#include "steps.h"

#include "json.h"

#include <string.h>

static void add_rounds(cJSON *object, const char *key, const double *rounds, unsigned count)
{
    cJSON_AddItemToObject(object, key, cJSON_CreateDoubleArray(rounds, (int)count));
}

static cJSON *json_of_row(const struct row *row)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "workload", row->workload);
    cJSON_AddBoolToObject(object, "passed", row->passed);
    cJSON_AddStringToObject(object, "failure", row->failure);
    cJSON_AddStringToObject(object, "unmeasured", row->unmeasured);
    cJSON_AddBoolToObject(object, "is_counted", row->is_counted);
    cJSON_AddNumberToObject(object, "callgrind_instructions", row->instructions);
    json_count(object, "ops", row->ops);
    json_count(object, "checked_ops", row->checked_ops);
    json_count(object, "skipped", row->skipped);
    json_count(object, "refused", row->refused);
    json_count(object, "made_up", row->made_up);
    json_count(object, "peak_live_bytes", row->peak_live_bytes);
    json_count(object, "peak_resident_bytes", row->peak_resident_bytes);
    json_count(object, "faults", row->faults);
    json_count(object, "context_switches", row->switches);
    for (int i = 0; i < COUNTERS; i++)
        cJSON_AddNumberToObject(object, hardware_events[i].name, row->counted[i]);
    json_count(object, "rounds", row->rounds);
    json_count(object, "iterations", row->iterations);
    cJSON_AddNumberToObject(object, "spent_ns", row->spent_ns);
    add_rounds(object, "repetitions_ns", row->ns, row->repetitions);
    add_rounds(object, "wall_ns", row->wall_ns, row->repetitions);
    return object;
}

/* A number that is no double of ours is none at all. */
static double count_of(const cJSON *object, const char *key)
{
    const double number = json_number_of(object, key);

    return number >= 0 && number < 1e18 ? number : 0;
}

static bool is_true(const cJSON *object, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static void text_of(const cJSON *object, const char *key, char *text, size_t room)
{
    snprintf(text, room, "%s", json_text_of(object, key));
}

/* False: there is one that cannot be. */
static bool rounds_of(const cJSON *object, const char *key, double *rounds, unsigned *count)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, key), *round;

    *count = 0;
    cJSON_ArrayForEach(round, array)
    {
        if (*count == MOST_REPETITIONS || !cJSON_IsNumber(round) || !(round->valuedouble > 0))
            return false;
        rounds[(*count)++] = round->valuedouble;
    }
    return true;
}

/* The second number of each round; there must be as many. */
static bool rounds_of_both(const cJSON *object, const char *key, double *rounds, unsigned wanted)
{
    unsigned count;

    return rounds_of(object, key, rounds, &count) && count == wanted;
}

static bool row_of_json(struct row *row, const cJSON *object)
{
    if (!rounds_of(object, "repetitions_ns", row->ns, &row->repetitions) ||
        !rounds_of_both(object, "wall_ns", row->wall_ns, row->repetitions))
        return false;
    text_of(object, "workload", row->workload, sizeof row->workload);
    text_of(object, "failure", row->failure, sizeof row->failure);
    text_of(object, "unmeasured", row->unmeasured, sizeof row->unmeasured);
    row->passed = is_true(object, "passed");
    row->is_counted = is_true(object, "is_counted");
    row->instructions = count_of(object, "callgrind_instructions");
    row->ops = (uint64_t)count_of(object, "ops");
    row->checked_ops = (uint64_t)count_of(object, "checked_ops");
    row->skipped = (uint64_t)count_of(object, "skipped");
    row->refused = (uint64_t)count_of(object, "refused");
    row->made_up = (uint32_t)(uint64_t)count_of(object, "made_up");
    row->peak_live_bytes = (size_t)count_of(object, "peak_live_bytes");
    row->peak_resident_bytes = (size_t)count_of(object, "peak_resident_bytes");
    row->faults = (uint64_t)count_of(object, "faults");
    row->switches = (uint64_t)count_of(object, "context_switches");
    for (int i = 0; i < COUNTERS; i++)
        row->counted[i] = count_of(object, hardware_events[i].name);
    row->rounds = (unsigned)(uint64_t)count_of(object, "rounds");
    row->iterations = (uint64_t)count_of(object, "iterations");
    row->spent_ns = count_of(object, "spent_ns");
    return *row->workload;
}

static cJSON *json_of_threads(const struct scaling *one)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddBoolToObject(object, "passed", one->passed);
    cJSON_AddStringToObject(object, "failure", one->failure);
    cJSON_AddStringToObject(object, "unmeasured", one->unmeasured);
    add_rounds(object, "wall_ns", one->wall_ns, one->rounds);
    add_rounds(object, "cpu_ns", one->cpu_ns, one->rounds);
    return object;
}

static bool threads_of_json(struct scaling *one, const cJSON *object)
{
    one->passed = is_true(object, "passed");
    text_of(object, "failure", one->failure, sizeof one->failure);
    text_of(object, "unmeasured", one->unmeasured, sizeof one->unmeasured);
    return rounds_of(object, "wall_ns", one->wall_ns, &one->rounds) &&
           rounds_of_both(object, "cpu_ns", one->cpu_ns, one->rounds);
}

void step_write(cJSON *line, const struct step *step)
{
    cJSON *rows = cJSON_AddArrayToObject(line, "rows");

    for (size_t i = 0; i < step->count; i++)
        cJSON_AddItemToArray(rows, json_of_row(&step->rows[i]));
    if (step->threads_count == 0)
        return;
    cJSON *threads = cJSON_AddArrayToObject(line, "threads");
    for (size_t i = 0; i < step->threads_count; i++)
        cJSON_AddItemToArray(threads, json_of_threads(&step->threads[i]));
}

bool step_read(const struct step *step, const cJSON *line)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(line, "rows"), *object;
    const cJSON *threads = cJSON_GetObjectItemCaseSensitive(line, "threads");
    struct row *row = step->rows;
    struct scaling *one = step->threads;

    if ((size_t)cJSON_GetArraySize(rows) != step->count ||
        (size_t)cJSON_GetArraySize(threads) != step->threads_count)
        return false;
    cJSON_ArrayForEach(object, rows)
    {
        if (!row_of_json(row++, object))
            return false;
    }
    cJSON_ArrayForEach(object, threads)
    {
        if (!threads_of_json(one++, object))
            return false;
    }
    return true;
}
