/*
 * reduce.c - `assay reduce`: the shortest and plainest stream by which a backend breaks the same promise.
 *
 * The result, a text, goes to standard output or to a file; what was found and how it is repeated is in it as
 * comments.
 */
#include "cli.h"
#include "json.h"

#include "assay/reduce.h"
#include "assay/registry.h"
#include "assay/report.h"
#include "assay/text.h"

#include <string.h>
#include <unistd.h>

static const char *spec = "", *output_path = "", *backend_options = "";
static enum assay_encoding encoding;
static uint64_t limit, seed, content_bytes, hang_ms;
static bool json;

static const struct cli_option options[] = {
    {"backend", CLI_TEXT, &spec, "SPEC", "a name of assay list, dl:PATH or plugin:PATH", 0, 0},
    {"output", CLI_TEXT, &output_path, "FILE", "where the text goes; else to standard output", 0,
     0},
    CLI_ENCODING_OPTION("encoding", encoding),
    {"limit", CLI_SIZE, &limit, "SIZE", "most bytes the heap may map, in place of the stream's", 1,
     0},
    {"seed", CLI_COUNT, &seed, "N", "seed of the heap, in place of the stream's", 0, 0},
    {"backend-options", CLI_TEXT, &backend_options, "KEY=VALUE,...",
     "of the backend, see assay list", 0, 0},
    {"content", CLI_SIZE, &content_bytes, "SIZE", "of larger blocks only both ends are checked", 16,
     0},
    {"hang", CLI_COUNT, &hang_ms, "MS",
     "processor time after which an attempt hangs; else by what the stream takes", 1, 3600000},
    {"json", CLI_FLAG, &json, NULL, "one JSON object", 0, 0},
    {0},
};

/* On a terminal, one line that is written anew after each pass. */
static void tell(void *ctx, size_t ops, uint64_t attempts)
{
    (void)ctx;
    fprintf(stderr, "\r\033[Kreduce: %zu operations, %llu attempts", ops,
            (unsigned long long)attempts);
}

static void clear_line(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* Reads the stream at path whole; 0, or the exit code after having printed why not. */
static int read_stream(struct assay_stream *stream, const char *path)
{
    struct assay_input *input;
    struct assay_error error;
    int code = CLI_NOTHING;

    if (assay_input_open(&input, path, encoding, &error) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    struct assay_reader *reader = assay_input_reader(input);
    if (assay_stream_collect(stream, reader) != ASSAY_OK)
        code = cli_fail(CLI_ENVIRONMENT, "%s",
                        reader->error.what[0] ? reader->error.what : "no memory for the stream");
    if (limit)
        stream->setup.limit = limit;
    if (cli_given(&cli_reduce_command, &seed))
        stream->setup.seed = seed;
    assay_input_close(input);
    return code;
}

/* --- printing --- */

/* The command that finds the same in the text that was written. */
static void print_repeat(FILE *out, const char *path)
{
    fputs("assay replay --backend ", out);
    assay_report_word(out, spec);
    if (backend_options[0]) {
        fputs(" --backend-options ", out);
        assay_report_word(out, backend_options);
    }
    if (content_bytes)
        fprintf(out, " --content %llu", (unsigned long long)content_bytes);
    fputc(' ', out);
    assay_report_word(out, path);
}

static void write_stream(FILE *out, const struct assay_stream *stream,
                         const struct assay_reduce_result *result)
{
    fprintf(out, "# %s: %s at operation %llu: %s\n# ", spec,
            assay_check_name(result->finding.check), (unsigned long long)result->finding.op,
            result->finding.what);
    print_repeat(out, output_path[0] ? output_path : "THIS");
    fputc('\n', out);
    bool good = assay_text_write_setup(out, &stream->setup);
    for (size_t i = 0; good && i < stream->count; i++)
        good = assay_text_write_op(out, &stream->ops[i]);
    /* A write error stays with the file, and is told when that is closed. */
}

static void print_json(const struct assay_stream *stream, const char *path,
                       const struct assay_reduce_result *result)
{
    char line[ASSAY_TEXT_LINE];
    cJSON *row = json_row("reduce");

    cJSON_AddStringToObject(row, "backend", spec);
    cJSON_AddStringToObject(row, "stream", path);
    cJSON_AddBoolToObject(row, "found", result->found);
    json_count(row, "operations_before", result->ops);
    if (result->found) {
        json_count(row, "operations", stream->count);
        json_count(row, "attempts", result->attempts);
        cJSON_AddStringToObject(row, "check", assay_check_name(result->finding.check));
        json_count(row, "op", result->finding.op);
        cJSON_AddStringToObject(row, "what", result->finding.what);
        json_count(row, "limit", stream->setup.limit);
        json_count(row, "seed", stream->setup.seed);
        cJSON *ops = cJSON_AddArrayToObject(row, "stream_reduced");
        for (size_t i = 0; i < stream->count; i++) {
            assay_text_print_op(line, sizeof line, &stream->ops[i]);
            cJSON_AddItemToArray(ops, cJSON_CreateString(line));
        }
    }
    json_print(stdout, row);
}

static int write_result(const struct assay_stream *stream, const char *path,
                        const struct assay_reduce_result *result)
{
    struct cli_output output;

    if (output_path[0]) {
        int code = cli_output_open(&output, output_path);
        if (code)
            return code;
        write_stream(output.file, stream, result);
        code = cli_output_close(&output, true);
        if (code)
            return code;
    } else if (!json) {
        write_stream(stdout, stream, result);
    }
    if (json)
        print_json(stream, path, result);
    fflush(stdout);
    fprintf(stderr, "%llu operations to %zu, %llu attempts: %s\n", (unsigned long long)result->ops,
            stream->count, (unsigned long long)result->attempts,
            assay_check_name(result->finding.check));
    return CLI_FINDING;
}

static int reduce(const struct assay_backend *backend, const char *path)
{
    const struct assay_reduce_options how = {
        .replay = {.content_bytes = content_bytes, .options = backend_options},
        .hang_us = hang_ms * 1000,
        .tell = isatty(STDERR_FILENO) ? tell : NULL,
    };
    struct assay_stream stream = {.count = 0};
    struct assay_reduce_result result;
    struct assay_error error;

    int code = read_stream(&stream, path);
    if (code == CLI_NOTHING) {
        assay_status status = assay_reduce(backend, &stream, &how, &result, &error);
        clear_line();
        if (status != ASSAY_OK)
            code = cli_explain(spec, backend, backend_options, status, &error);
        else if (result.found)
            code = write_result(&stream, path, &result);
        else if (json)
            print_json(&stream, path, &result);
        else
            cli_fail(CLI_NOTHING, "%s: replay finds nothing in it on %s: nothing to reduce", path,
                     spec);
    }
    assay_stream_clear(&stream);
    return code;
}

static int run_command(int argc, char **argv)
{
    const struct assay_backend *backend;
    struct assay_error error;
    int code, operand = cli_parse(&cli_reduce_command, argc, argv, &code);

    if (operand < 0)
        return code;
    if (!spec[0])
        return cli_fail(CLI_USAGE, "reduce: say on which heap: --backend NAME (see assay list)");
    if (assay_registry_find(spec, &backend, &error) != ASSAY_OK)
        return cli_fail(CLI_USAGE, "%s", error.what);
    if (argc - operand != 1)
        return cli_fail(CLI_USAGE, "reduce: takes one file, but got %d", argc - operand);
    return reduce(backend, argv[operand]);
}

const struct cli_command cli_reduce_command = {
    "reduce", "makes a stream short that breaks a promise", "FILE", options, run_command};
