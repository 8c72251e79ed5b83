/* journal.c - steps as JSON Lines, appended one by one. */
#include "journal.h"

#include "fail.h"
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static cJSON *json_of_row(const struct row *row)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "workload", row->workload);
    cJSON_AddBoolToObject(object, "passed", row->passed);
    cJSON_AddStringToObject(object, "failure", row->failure);
    json_count(object, "ops", row->ops);
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
    cJSON_AddItemToObject(object, "repetitions_ns",
                          cJSON_CreateDoubleArray(row->ns, (int)row->repetitions));
    return object;
}

/* A number that is no double of ours is none at all. */
static double count_of(const cJSON *object, const char *key)
{
    const double number = json_number_of(object, key);

    return number >= 0 && number < 1e18 ? number : 0;
}

static bool row_of_json(struct row *row, const cJSON *object)
{
    const cJSON *rounds = cJSON_GetObjectItemCaseSensitive(object, "repetitions_ns"), *round;

    row->repetitions = 0;
    cJSON_ArrayForEach(round, rounds)
    {
        if (row->repetitions == MOST_REPETITIONS || !cJSON_IsNumber(round) ||
            !(round->valuedouble > 0))
            return false;
        row->ns[row->repetitions++] = round->valuedouble;
    }
    snprintf(row->workload, sizeof row->workload, "%s", json_text_of(object, "workload"));
    snprintf(row->failure, sizeof row->failure, "%s", json_text_of(object, "failure"));
    row->passed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "passed"));
    row->ops = (uint64_t)count_of(object, "ops");
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

static bool take_step(const cJSON *line, journal_rows *rows, void *arg)
{
    const cJSON *objects = cJSON_GetObjectItemCaseSensitive(line, "rows"), *object;
    const cJSON *round = cJSON_GetObjectItemCaseSensitive(line, "round");
    int count = cJSON_GetArraySize(objects);

    if (strcmp(json_text_of(line, "kind"), "step") != 0 || !cJSON_IsNumber(round) || count < 1)
        return false;
    struct row *row =
        rows(arg, (size_t)count_of(line, "part"), (int)round->valuedouble, (size_t)count);
    if (!row)
        return false;
    cJSON_ArrayForEach(object, objects)
    {
        if (!row_of_json(row++, object))
            return false;
    }
    return true;
}

/* Reads what there is, and puts the file's end where the last whole line ends. */
static int read_steps(struct journal *journal, const char *run, journal_rows *rows, void *arg)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    off_t whole = 0;
    int status = 0;

    while (status == 0 && (length = getline(&text, &room, journal->file)) > 0 &&
           text[length - 1] == '\n') {
        cJSON *line = cJSON_Parse(text);
        if (whole == 0 && strcmp(json_text_of(line, "run"), run) != 0)
            status = bench_fail(EXIT_USAGE,
                                "%s is of another command, build or machine: repeat that command, "
                                "or remove the file",
                                journal->path);
        else if (whole != 0 && !take_step(line, rows, arg))
            status = bench_fail(EXIT_USAGE, "%s has a line that cannot be: remove the file",
                                journal->path);
        journal->known += whole != 0;
        whole += length;
        cJSON_Delete(line);
    }
    free(text);
    if (status == 0 && (ftruncate(fileno(journal->file), whole) != 0 ||
                        fseeko(journal->file, whole, SEEK_SET) != 0))
        status =
            bench_fail(EXIT_ENVIRONMENT, "cannot write %s: %s", journal->path, strerror(errno));
    return status;
}

/* A file that cannot even begin is not left behind. */
static int write_head(struct journal *journal, const char *run)
{
    cJSON *line = json_row("begun");

    cJSON_AddStringToObject(line, "run", run);
    json_print(journal->file, line);
    if (fflush(journal->file) == 0)
        return 0;
    int why = errno;
    unlink(journal->path);
    return bench_fail(EXIT_ENVIRONMENT, "cannot write %s: %s", journal->path, strerror(why));
}

int journal_open(struct journal *journal, const char *path, const char *run, journal_rows *rows,
                 void *arg)
{
    FILE *file = fopen(path, "a+e");

    *journal = (struct journal){.path = path};
    if (!file)
        return bench_fail(EXIT_ENVIRONMENT, "cannot write %s: %s", path, strerror(errno));
    journal->file = file;
    int status = 0;
    if (flock(fileno(file), LOCK_EX | LOCK_NB) != 0)
        status = bench_fail(EXIT_ENVIRONMENT, "%s is being written by another run", path);
    rewind(file);
    if (status == 0)
        status = read_steps(journal, run, rows, arg);
    if (status == 0 && ftello(file) == 0)
        status = write_head(journal, run);
    if (status != 0) {
        fclose(file);
        journal->file = NULL;
    }
    return status;
}

void journal_step(struct journal *journal, size_t part, int round, const struct row *rows,
                  size_t count)
{
    if (!journal->file || count == 0)
        return;
    cJSON *line = json_row("step");
    cJSON_AddNumberToObject(line, "part", (double)part);
    cJSON_AddNumberToObject(line, "round", round);
    cJSON *objects = cJSON_AddArrayToObject(line, "rows");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(objects, json_of_row(&rows[i]));
    json_print(journal->file, line);
    fflush(journal->file);
}

int journal_close(struct journal *journal)
{
    int status = 0;

    if (!journal->file)
        return 0;
    bool is_whole = !ferror(journal->file);
    if (fclose(journal->file) != 0 || !is_whole)
        status = bench_fail(EXIT_ENVIRONMENT, "cannot write %s", journal->path);
    journal->file = NULL;
    return status;
}
