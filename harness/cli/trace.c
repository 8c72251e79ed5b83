/* trace.c - `assay trace`: show and convert streams in any encoding. Statistics are in trace_stats.c. */
#include "cli.h"
#include "retell.h"

#include "assay/bytes.h"
#include "assay/registry.h"
#include "assay/rep.h"
#include "assay/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum assay_encoding from, to;
static const char *to_word = "", *spec = "", *api = "", *backend_options = "", *pages = "os";
static bool to_program;
static uint64_t first_op, op_count = UINT64_MAX;

static const struct cli_option show_options[] = {
    {"first", CLI_COUNT, &first_op, "N", "start at the operation with this index", 0, 0},
    {"count", CLI_COUNT, &op_count, "N", "at most so many operations", 0, 0},
    CLI_ENCODING_OPTION("encoding", from),
    {0},
};
static const struct cli_option convert_options[] = {
    CLI_ENCODING_OPTION("from", from),
    {"to", CLI_TEXT, &to_word, "WORD",
     "trace, text, bytes, rep, or c, a program; else by the ending .trace, .ops, .bytes, .rep, .c",
     0, 0},
    {"first", CLI_COUNT, &first_op, "N", "start at the operation with this index", 0, 0},
    {"count", CLI_COUNT, &op_count, "N", "at most so many operations", 0, 0},
    {"backend", CLI_TEXT, &spec, "SPEC", "whose functions a program calls; else malloc", 0, 0},
    {"api", CLI_TEXT, &api, "WORD",
     "of the functions: malloc, table, or of a seed's header: emalloc, alloc, mems, region, vma", 0,
     0},
    {"backend-options", CLI_TEXT, &backend_options, "KEY=VALUE,...",
     "of the backend of a program, see assay list", 0, 0},
    {"pages", CLI_TEXT, &pages, "WORD", "of a program's heap: os, fenced or recycled", 0, 0},
    {0},
};

/* A reader that passes on [first_op, first_op + op_count) of another. */
struct window {
    struct assay_reader reader;
    struct cli_progress inner;
    uint64_t skip, left;
    uint64_t passed;
    bool has_time; /* of what was passed on */
};

static size_t window_next(struct assay_reader *reader, const struct assay_op **ops)
{
    struct window *window = (struct window *)reader;
    size_t count;

    while (window->left && (count = window->inner.reader.next(&window->inner.reader, ops)) != 0) {
        size_t skipped = count < window->skip ? count : (size_t)window->skip;
        window->skip -= skipped;
        count -= skipped;
        *ops += skipped;
        if (count > window->left)
            count = (size_t)window->left;
        window->left -= count;
        window->passed += count;
        for (size_t i = 0; i < count && !window->has_time; i++)
            window->has_time = (*ops)[i].delta_ns != 0;
        if (count)
            return count;
    }
    window->reader.error = window->inner.inner->error;
    if (window->skip && !window->reader.error.what[0])
        assay_error_set(
            &window->reader.error, "--first %llu is beyond the end: there are %llu operations",
            (unsigned long long)first_op, (unsigned long long)(first_op - window->skip));
    return 0;
}

/* No progress is shown between lines of the stream, which go to standard output. */
static void window_init(struct window *window, struct assay_input *input, bool to_output)
{
    struct assay_reader *inner = assay_input_reader(input);

    *window = (struct window){
        .reader = {.setup = inner->setup, .next = window_next},
        .skip = first_op,
        .left = op_count,
    };
    cli_progress_init(&window->inner, inner, "reading", cli_total_ops(input));
    window->inner.wanted &= !(to_output && isatty(STDOUT_FILENO));
}

/* What ended the stream: its end, or an error. */
static int tell_reader(const struct assay_reader *reader)
{
    return reader->error.what[0] ? cli_fail(CLI_ENVIRONMENT, "%s", reader->error.what)
                                 : CLI_NOTHING;
}

/* Writes all that is left in reader as text; what cannot be written, out keeps in mind. */
static int write_text(FILE *out, struct assay_reader *reader)
{
    const struct assay_op *ops;
    size_t count;

    bool written = assay_text_write_setup(out, &reader->setup);
    while (written && (count = reader->next(reader, &ops)) != 0)
        for (size_t i = 0; written && i < count; i++)
            written = assay_text_write_op(out, &ops[i]);
    return tell_reader(reader);
}

static int show(int argc, char **argv)
{
    struct assay_input *input;
    struct assay_error error;
    struct window window;
    int code, operand = cli_parse(&cli_trace_show_command, argc, argv, &code);

    if (operand < 0)
        return code;
    if (argc - operand != 1)
        return cli_fail(CLI_USAGE, "trace show: takes one file, but got %d", argc - operand);
    if (assay_input_open(&input, argv[operand], from, &error) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    window_init(&window, input, true);
    code = write_text(stdout, &window.reader);
    cli_progress_end(&window.inner);
    assay_input_close(input);
    return code;
}

/* --- convert --- */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static enum assay_encoding encoding_of_name(const char *path)
{
    if (ends_with(path, ".trace"))
        return ASSAY_ENCODING_TRACE;
    if (ends_with(path, ".ops"))
        return ASSAY_ENCODING_TEXT;
    if (ends_with(path, ".bytes"))
        return ASSAY_ENCODING_BYTES;
    if (ends_with(path, ".rep"))
        return ASSAY_ENCODING_REP;
    return ASSAY_ENCODING_GUESS;
}

static int convert_to_trace(struct assay_reader *reader, const char *path, const char *origin)
{
    struct assay_trace_writer *writer;
    struct assay_error error;
    const struct assay_op *ops;
    size_t count;

    if (assay_trace_create(&writer, path, &reader->setup, origin, &error) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    while ((count = reader->next(reader, &ops)) != 0)
        assay_trace_append(writer, ops, count);
    if (reader->error.what[0]) {
        assay_trace_abandon(writer);
        return tell_reader(reader);
    }
    if (assay_trace_finish(writer, NULL, &error) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    return CLI_NOTHING;
}

static int write_bytes(FILE *out, struct assay_reader *reader)
{
    struct assay_stream stream = {0};
    int code = CLI_NOTHING;
    unsigned char *bytes = NULL;

    if (assay_stream_collect(&stream, reader) != ASSAY_OK) {
        code = cli_fail(CLI_ENVIRONMENT, "%s",
                        reader->error.what[0] ? reader->error.what : "no memory for the stream");
        goto out;
    }
    size_t size = assay_bytes_encode(&stream, NULL, 0);
    bytes = malloc(size);
    if (!bytes) {
        code = cli_fail(CLI_ENVIRONMENT, "no memory for the stream");
        goto out;
    }
    assay_bytes_encode(&stream, bytes, size);
    fwrite(bytes, 1, size, out);
out:
    free(bytes);
    assay_stream_clear(&stream);
    return code;
}

static int write_rep(FILE *out, struct assay_reader *reader)
{
    struct assay_rep_counts counts;
    struct assay_error error;

    if (assay_rep_write(out, reader, &counts, &error) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    if (counts.plain)
        fprintf(stderr,
                "assay: %llu zeroed or aligned blocks are plain ones: a .rep has no other\n",
                (unsigned long long)counts.plain);
    if (counts.left_out)
        fprintf(stderr, "assay: %llu operations are left out: a .rep cannot hold them\n",
                (unsigned long long)counts.left_out);
    return CLI_NOTHING;
}

/* A seed's functions are those of the backend that is called so. */
static const char *spec_of_program(void)
{
    bool is_seed = *api && strcmp(api, "malloc") != 0 && strcmp(api, "table") != 0;

    return *spec ? spec : is_seed ? api : "system";
}

/* How the stream goes is seen by running it once on the backend that the program is for. */
static int write_program(FILE *out, struct assay_reader *reader)
{
    struct retell retell = {.spec = spec_of_program(), .options = backend_options, .pages = pages};
    struct assay_stream stream = {0};
    struct assay_course course = {.found = false};
    struct assay_error error;
    int code = CLI_NOTHING;

    if (assay_registry_find(retell.spec, &retell.backend, &error) != ASSAY_OK)
        return cli_fail(CLI_USAGE, "%s", error.what);
    if (assay_stream_collect(&stream, reader) != ASSAY_OK) {
        code = cli_fail(CLI_ENVIRONMENT, "%s",
                        reader->error.what[0] ? reader->error.what : "no memory for the stream");
    } else {
        assay_status status = cli_retell_run(&course, &retell, &stream, &error);
        if (status != ASSAY_OK)
            code = cli_explain(retell.spec, retell.backend, backend_options, status, &error);
        else if (!cli_retell_program(out, &retell, api, &stream, &course, &error))
            code = error.what[0] ? cli_fail(CLI_NOT_OFFERED, "trace convert: %s", error.what)
                                 : CLI_NOTHING; /* what cannot be written, out keeps in mind */
        else if (!course.found)
            fprintf(stderr, "assay: %s keeps its promises in it: the program shows no bug\n",
                    retell.spec);
    }
    assay_course_clear(&course);
    assay_stream_clear(&stream);
    return code;
}

/* "-" is standard output. */
static int convert_to_file(struct assay_reader *reader, const char *path)
{
    struct cli_output output = {.file = stdout};
    bool is_file = strcmp(path, "-") != 0;
    int code = is_file ? cli_output_open(&output, path) : 0;

    if (code)
        return code;
    if (to_program)
        code = write_program(output.file, reader);
    else if (to == ASSAY_ENCODING_TEXT)
        code = write_text(output.file, reader);
    else if (to == ASSAY_ENCODING_REP)
        code = write_rep(output.file, reader);
    else
        code = write_bytes(output.file, reader);
    int written = is_file ? cli_output_close(&output, code == CLI_NOTHING) : 0;
    return written ? written : code;
}

/* What another tool's file lacked, or had too much of. */
static void tell_import(const struct assay_input *input)
{
    struct assay_import_counts counts;

    if (!assay_input_import_counts(input, &counts))
        return;
    const struct {
        uint64_t count;
        const char *what;
    } notes[] = {
        {counts.calls.unknown_frees, "frees of blocks that were not seen allocated are left out"},
        {counts.calls.unknown_reallocs, "reallocs of such blocks are allocations"},
        {counts.calls.missed_frees, "frees that were not seen are added"},
        {counts.other_processes, "lines of other processes are left out"},
        {counts.unknown_lines, "lines that say nothing of the heap are left out"},
    };
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (notes[i].count)
            fprintf(stderr, "assay: %llu %s\n", (unsigned long long)notes[i].count, notes[i].what);
}

/* Writes what the input has between --first and --count; says what is missing from it. */
static int convert_input(struct assay_input *input, const char *in, const char *out)
{
    const struct assay_trace_info *info = assay_input_trace_info(input);
    struct window window;

    window_init(&window, input, strcmp(out, "-") == 0);
    int code = to == ASSAY_ENCODING_TRACE && !to_program
                   ? convert_to_trace(&window.reader, out, info ? info->origin : in)
                   : convert_to_file(&window.reader, out);
    cli_progress_end(&window.inner);
    if (window.reader.error.what[0] && window.passed &&
        !cli_given(&cli_trace_convert_command, &op_count))
        fprintf(stderr, "assay: %s is not written; --count %llu converts what can be read\n", out,
                (unsigned long long)window.passed);
    if (code == CLI_NOTHING && to == ASSAY_ENCODING_BYTES && window.has_time)
        fputs("assay: times are left out: the encoding bytes cannot hold them\n", stderr);
    if (code == CLI_NOTHING)
        tell_import(input);
    return code;
}

/* What is to be written, by --to or by the ending of the file; 0, or the exit code. */
static int choose_encoding(const char *out)
{
    to_program = strcmp(to_word, "c") == 0 || (!to_word[0] && ends_with(out, ".c"));
    if (to_program && !cli_retell_has_api(api))
        return cli_fail(CLI_USAGE,
                        "trace convert: --api wants malloc, table, emalloc, alloc, mems, region or "
                        "vma, not '%s'",
                        api);
    if (*api && !to_program)
        return cli_fail(CLI_USAGE, "trace convert: --api is for programs: add --to c");
    if (to_program)
        return cli_pages_parse(pages)
                   ? 0
                   : cli_fail(CLI_USAGE,
                              "trace convert: --pages wants os, fenced or recycled, not '%s'",
                              pages);
    if (to_word[0] && !assay_encoding_parse(to_word, &to))
        return cli_fail(
            CLI_USAGE, "trace convert: --to wants trace, text, bytes, rep or c, not '%s'", to_word);
    if (to == ASSAY_ENCODING_GUESS)
        to = encoding_of_name(out);
    if (to == ASSAY_ENCODING_GUESS)
        return cli_fail(CLI_USAGE, "trace convert: '%s' does not say which encoding; add --to",
                        out);
    if (to >= ASSAY_ENCODING_IMPORTED && to != ASSAY_ENCODING_REP)
        return cli_fail(CLI_USAGE,
                        "trace convert: %s is read, but not written; --to wants trace, "
                        "text, bytes, rep or c",
                        assay_encoding_name(to));
    if (to == ASSAY_ENCODING_TRACE && strcmp(out, "-") == 0)
        return cli_fail(CLI_USAGE, "trace convert: a trace needs a file, not standard output");
    return 0;
}

static int convert(int argc, char **argv)
{
    struct assay_input *input;
    struct assay_error error;
    int code, operand = cli_parse(&cli_trace_convert_command, argc, argv, &code);

    if (operand < 0)
        return code;
    if (argc - operand != 2)
        return cli_fail(CLI_USAGE, "trace convert: takes two files, IN and OUT, but got %d",
                        argc - operand);
    const char *in = argv[operand], *out = argv[operand + 1];
    code = choose_encoding(out);
    if (code)
        return code;
    if (assay_input_open(&input, in, from, &error) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    code = convert_input(input, in, out);
    assay_input_close(input);
    return code;
}

const struct cli_command *const cli_trace_commands[] = {
    &cli_trace_show_command,
    &cli_trace_stats_command,
    &cli_trace_convert_command,
    &cli_trace_cut_command,
    &cli_trace_make_command,
    &cli_trace_random_command,
    NULL,
};

static int run_command(int argc, char **argv)
{
    return cli_run_group(&cli_trace_command, cli_trace_commands, argc, argv);
}

const struct cli_command cli_trace_show_command = {"trace show", "prints a stream as text", "FILE",
                                                   show_options, show};
const struct cli_command cli_trace_convert_command = {
    "trace convert", "writes a stream, or a recording of another tool, in another encoding",
    "IN OUT", convert_options, convert};
const struct cli_command cli_trace_command = {
    "trace", "shows, counts, converts, cuts and makes streams",
    "show|stats|convert|cut|make|random", NULL, run_command};
