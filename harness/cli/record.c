/* record.c - `assay record`: runs a program and writes down what it did to its heap. */
#include "cli.h"
#include "json.h"

#include "record.h"

static const char *output;
static bool with_time, json;

static const struct cli_option options[] = {
    {"output", CLI_TEXT, &output, "FILE",
     "the trace; FILE.1, FILE.2, ... of the processes it starts", 0, 0},
    {"time", CLI_FLAG, &with_time, NULL, "record when each call was made", 0, 0},
    {"json", CLI_FLAG, &json, NULL, "one JSON object a process, on standard error", 0, 0},
    {0},
};

static void print_text(const struct assay_recording *process)
{
    fprintf(stderr, "%s: %llu operations, %u threads, peak %llu bytes in %llu blocks: %s\n",
            process->path[0] ? process->path : "(no trace)", (unsigned long long)process->ops,
            process->threads, (unsigned long long)process->peak_bytes,
            (unsigned long long)process->peak_blocks, process->command);
}

static void print_rest(const struct assay_recording *process)
{
    const struct {
        uint64_t count;
        const char *what;
    } rest[] = {
        {process->refused, "requests refused by the program's malloc"},
        {process->unknown_frees, "frees of blocks from before the recording or a fork, left out"},
        {process->unknown_reallocs, "reallocs of such blocks, written as allocations"},
        {process->missed_frees, "frees not seen, added"},
        {process->unfinished, "calls in which the process ended, left out"},
    };

    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        if (rest[i].count)
            fprintf(stderr, "  %llu %s\n", (unsigned long long)rest[i].count, rest[i].what);
}

static void print_json(const struct assay_recording *process)
{
    cJSON *row = json_row("process");

    cJSON_AddStringToObject(row, "command", process->command);
    cJSON_AddStringToObject(row, "trace", process->path);
    cJSON_AddNumberToObject(row, "pid", process->pid);
    cJSON_AddNumberToObject(row, "calls", (double)process->calls);
    cJSON_AddNumberToObject(row, "operations", (double)process->ops);
    cJSON_AddNumberToObject(row, "threads", process->threads);
    cJSON_AddNumberToObject(row, "refused", (double)process->refused);
    cJSON_AddNumberToObject(row, "unknown_frees", (double)process->unknown_frees);
    cJSON_AddNumberToObject(row, "unknown_reallocs", (double)process->unknown_reallocs);
    cJSON_AddNumberToObject(row, "missed_frees", (double)process->missed_frees);
    cJSON_AddNumberToObject(row, "unfinished", (double)process->unfinished);
    cJSON_AddNumberToObject(row, "peak_bytes", (double)process->peak_bytes);
    cJSON_AddNumberToObject(row, "peak_blocks", (double)process->peak_blocks);
    json_print(stderr, row);
}

/* Standard output is the program's; what is said about it goes to standard error. */
static void print_processes(const struct assay_record_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        if (json) {
            print_json(&result->processes[i]);
        } else {
            print_text(&result->processes[i]);
            print_rest(&result->processes[i]);
        }
    }
}

static int run_command(int argc, char **argv)
{
    struct assay_record_result result;
    struct assay_error error;
    int code, first = cli_parse(&cli_record_command, argc, argv, &code);

    if (first < 0)
        return code;
    if (!output)
        return cli_fail(CLI_USAGE, "record: say where to: -o FILE");
    if (first == argc)
        return cli_fail(CLI_USAGE, "record: say what to run: -- PROGRAM ARGS...");
    struct assay_record_options wanted = {output, argv + first, with_time};
    if (assay_record(&wanted, &result, &error) == ASSAY_OK) {
        print_processes(&result);
        code = assay_record_exit_status(&result);
    } else {
        code = cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    }
    assay_record_clear(&result);
    return code;
}

const struct cli_command cli_record_command = {"record",
                                               "runs a program and writes what it did to its heap",
                                               "-- PROGRAM ARGS...", options, run_command};
