/* stream.c - what the commands share that run streams in child processes. */
#include "cli.h"

#include "assay/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

uint64_t cli_total_ops(const struct assay_input *input)
{
    const struct assay_trace_info *info = assay_input_trace_info(input);

    return info && info->is_whole ? info->ops : 0;
}

bool cli_can_be_read_again(const char *path)
{
    struct stat file;

    return strcmp(path, "-") != 0 && (stat(path, &file) != 0 || !S_ISFIFO(file.st_mode));
}

enum cli_exit cli_graver(enum cli_exit one, enum cli_exit other)
{
    static const int gravity[] = {
        [CLI_NOTHING] = 0,     [CLI_NOT_OFFERED] = 1, [CLI_FINDING] = 2,
        [CLI_ENVIRONMENT] = 3, [CLI_USAGE] = 4,
    };

    return gravity[other] > gravity[one] ? other : one;
}

enum cli_exit cli_explain(const char *spec, const struct assay_backend *backend,
                          const char *backend_options, assay_status status,
                          const struct assay_error *error)
{
    const char *known = backend->options_help;

    if (status == ASSAY_INVALID && backend_options[0])
        return (enum cli_exit)cli_fail(CLI_USAGE, "backend %s does not take '%s'; its options: %s",
                                       spec, backend_options, known[0] ? known : "none");
    return (enum cli_exit)cli_fail(status == ASSAY_UNSUPPORTED ? CLI_NOT_OFFERED : CLI_ENVIRONMENT,
                                   "%s", error->what);
}

/* Reading the stream again up to there is safe, it does not run. */
static void find_operation(const struct cli_stream *stream, struct assay_finding *finding)
{
    struct assay_input *input;
    struct assay_error error;
    const struct assay_op *ops;
    uint64_t first = 0;
    size_t count;

    if (assay_input_open(&input, stream->path, stream->encoding, &error) != ASSAY_OK)
        return;
    struct assay_reader *reader = assay_input_reader(input);
    finding->seed = stream->seed ? *stream->seed : reader->setup.seed;
    while ((count = reader->next(reader, &ops)) != 0 && first + count <= finding->op)
        first += count;
    if (finding->op - first < count)
        finding->operation = ops[finding->op - first];
    assay_input_close(input);
}

void cli_describe_ending(const struct cli_stream *stream, const struct assay_guard_outcome *ending,
                         struct assay_finding *finding)
{
    *finding = (struct assay_finding){.backend = stream->backend, .op = ending->progress};
    if (ending->ending == ASSAY_HUNG) {
        assay_finding_set(finding, ASSAY_CHECK_HANG, NULL,
                          "the operation did not come back within %u s", stream->timeout);
    } else {
        assay_finding_set_ending(finding, ending);
    }
    find_operation(stream, finding);
}

static void print_option(FILE *out, const struct cli_option *option)
{
    const struct cli_list *list = option->value;

    if (option->kind == CLI_LIST) {
        for (size_t i = 0; i < list->count; i++) {
            fprintf(out, " --%s ", option->name);
            assay_report_word(out, list->words[i]);
        }
        return;
    }
    fprintf(out, " --%s", option->name);
    if (option->kind == CLI_FLAG)
        return;
    fputc(' ', out);
    if (option->kind == CLI_TEXT)
        assay_report_word(out, *(const char **)option->value);
    else if (option->kind == CLI_ENCODING)
        fputs(assay_encoding_name(*(enum assay_encoding *)option->value), out);
    else
        fprintf(out, "%llu", (unsigned long long)*(uint64_t *)option->value);
}

/* Options that say how a run is looked at, not what it is. */
static bool is_of_one_run(const char *name)
{
    return strcmp(name, "json") == 0 || strcmp(name, "gdb") == 0 ||
           strcmp(name, "stop-before") == 0;
}

char *cli_repeat(const struct cli_command *command, const char *backend, const char *path)
{
    char *words = NULL;
    size_t length;
    FILE *out = open_memstream(&words, &length);

    if (!out)
        return NULL;
    fprintf(out, "assay %s", command->name);
    if (backend) {
        fputs(" --backend ", out);
        assay_report_word(out, backend);
    }
    for (const struct cli_option *option = command->options; option->name; option++)
        if (cli_given(command, option->value) && !is_of_one_run(option->name) &&
            !(backend && strcmp(option->name, "backend") == 0))
            print_option(out, option);
    fputs(path[0] == '-' ? " -- " : " ", out);
    assay_report_word(out, path);
    if (fclose(out) == 0)
        return words;
    free(words);
    return NULL;
}
