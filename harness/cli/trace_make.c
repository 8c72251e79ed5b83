/* trace_make.c - `assay trace make`: the stream of a workload, as text or as a trace. */
#include "cli.h"

#include "assay/text.h"
#include "assay/workload.h"

#include <string.h>

static const char *path;

static const struct cli_option options[] = {
    {"output", CLI_TEXT, &path, "FILE",
     "where it goes: a trace if it ends in .trace, else a text; default standard output", 0, 0},
    {0},
};

static int write_trace(const struct assay_stream *stream, const char *spec)
{
    struct assay_trace_writer *writer;
    struct assay_error error;
    char origin[256];

    snprintf(origin, sizeof origin, "assay trace make %s", spec);
    if (assay_trace_create(&writer, path, &stream->setup, origin, &error) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    assay_trace_append(writer, stream->ops, stream->count);
    return assay_trace_finish(writer, NULL, &error) == ASSAY_OK
               ? CLI_NOTHING
               : cli_fail(CLI_ENVIRONMENT, "%s", error.what);
}

/* What cannot be written, out keeps in mind. */
static void write_text(const struct assay_stream *stream, FILE *out)
{
    bool written = assay_text_write_setup(out, &stream->setup);

    for (size_t i = 0; written && i < stream->count; i++)
        written = assay_text_write_op(out, &stream->ops[i]);
}

static int write_stream(const struct assay_stream *stream, const char *spec)
{
    struct cli_output output;
    size_t length = path ? strlen(path) : 0;

    if (length > 6 && strcmp(path + length - 6, ".trace") == 0)
        return write_trace(stream, spec);
    if (!path) {
        write_text(stream, stdout);
        return CLI_NOTHING;
    }
    int code = cli_output_open(&output, path);
    if (code)
        return code;
    write_text(stream, output.file);
    return cli_output_close(&output, true);
}

static int run_command(int argc, char **argv)
{
    int code, first = cli_parse(&cli_trace_make_command, argc, argv, &code);
    struct assay_stream stream = {0};
    struct assay_error error;

    if (first < 0)
        return code;
    if (first + 1 != argc)
        return cli_fail(CLI_USAGE, "trace make: takes one workload, NAME or NAME:KEY=VALUE,...; "
                                   "see assay bench --list");
    assay_status status = assay_workload_make(&stream, argv[first], &error);
    if (status != ASSAY_OK)
        return cli_fail(status == ASSAY_NO_MEMORY ? CLI_ENVIRONMENT : CLI_USAGE,
                        "%s; see assay bench --list", error.what);
    code = write_stream(&stream, argv[first]);
    assay_stream_clear(&stream);
    return code;
}

const struct cli_command cli_trace_make_command = {"trace make", "makes the stream of a workload",
                                                   "WORKLOAD", options, run_command};
