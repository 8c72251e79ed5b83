/*
 * corpus.c - `assay corpus`: of the inputs in folders, those by which a heap does something that no smaller one makes
 * it do; and all by which something was found, now or once.
 *
 * Nothing is removed: what is chosen is written to a folder of its own, each file whole or not at all.
 */
#include "corpus.h"

#include "cli.h"
#include "json.h"

#include "assay/bytes.h"
#include "assay/features.h"
#include "assay/registry.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTENT_BYTES ((size_t)64 << 10)
#define MOST_BYTES ((uint64_t)1 << 20)

static const char *spec = "", *backend_options = "", *output_path = "";
static uint64_t most_bytes = MOST_BYTES;
static bool json;

#define COMMON_OPTIONS                                                                              \
    {"backend", CLI_TEXT, &spec, "SPEC", "a name of assay list, dl:PATH or plugin:PATH", 0, 0},     \
        {"backend-options",                                                                         \
         CLI_TEXT,                                                                                  \
         &backend_options,                                                                          \
         "KEY=VALUE,...",                                                                           \
         "of the backend, see assay list",                                                          \
         0,                                                                                         \
         0},                                                                                        \
        {"max-size", CLI_SIZE,       &most_bytes, "SIZE", "larger inputs are left out; default 1m", \
         1,          ASSAY_INPUT_MAX},                                                              \
    {                                                                                               \
        "json", CLI_FLAG, &json, NULL, "one JSON object", 0, 0                                      \
    }

static const struct cli_option stats_options[] = {COMMON_OPTIONS, {0}};
static const struct cli_option select_options[] = {
    {"output", CLI_TEXT, &output_path, "FOLDER", "where what is chosen goes", 0, 0},
    COMMON_OPTIONS,
    {0},
};

/* A choice under way. */
struct choice {
    const struct assay_backend *backend;
    struct assay_replay_options replay;
    struct assay_features all, one; /* what was seen so far, and by the input under way */
    struct assay_stream stream;
    bool writes;
    uint64_t bytes, ops;
    uint64_t chosen, regressions, findings;
    uint64_t features;
};

/* --- one input --- */

static void name_input(char *name, size_t room, const struct corpus_input *input, const char *check)
{
    const char *kind = check[0] ? check : input->is_regression ? "regression" : "";

    snprintf(name, room, "%s%s%016" PRIx64, kind, kind[0] ? "-" : "", input->hash);
}

/* 0, or the exit code after having printed why not. */
static int write_input(const struct corpus_input *input, const char *check)
{
    struct cli_output output;
    char name[64], path[4096];

    name_input(name, sizeof name, input, check);
    snprintf(path, sizeof path, "%s/%s", output_path, name);
    int code = cli_output_open(&output, path);
    if (code)
        return code;
    fwrite(input->bytes, 1, input->size, output.file);
    return cli_output_close(&output, true);
}

/* Runs an input and takes it in if it is worth it. 0, or the exit code. */
static int consider(struct choice *choice, const struct corpus_input *input)
{
    struct assay_error error;
    const struct assay_features *one = &choice->one;

    assay_status status = assay_bytes_decode(&choice->stream, input->bytes, input->size);
    if (status != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "corpus: no memory for a stream");
    status =
        assay_features_run(&choice->one, choice->backend, &choice->stream, &choice->replay, &error);
    if (status != ASSAY_OK)
        return (int)cli_explain(spec, choice->backend, backend_options, status, &error);
    const char *check = one->found ? assay_check_name(one->check) : input->check;
    bool is_kept = one->found || input->is_regression;
    size_t fresh = assay_features_add(&choice->all, one);
    choice->features += fresh;
    choice->bytes += input->size;
    choice->ops += one->ops;
    choice->findings += one->found;
    choice->regressions += is_kept;
    if (fresh == 0 && !is_kept)
        return 0;
    choice->chosen++;
    return choice->writes ? write_input(input, check) : 0;
}

static int consider_all(struct choice *choice, const struct corpus *corpus)
{
    int code = 0;

    for (size_t i = 0; code == 0 && i < corpus->count; i++) {
        code = consider(choice, &corpus->inputs[i]);
        if (isatty(STDERR_FILENO) && i % 64 == 63)
            fprintf(stderr, "\r\033[Kcorpus: %zu of %zu inputs", i + 1, corpus->count);
    }
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    return code;
}

/* --- folders --- */

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool empty = true;

    while (folder && empty && (entry = readdir(folder)))
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (folder)
        closedir(folder);
    return empty;
}

static int open_output(bool is_new)
{
    if (mkdir(output_path, 0777) != 0 && errno != EEXIST)
        return cli_fail(CLI_ENVIRONMENT, "cannot make %s: %s", output_path, strerror(errno));
    if (access(output_path, R_OK | W_OK | X_OK) != 0)
        return cli_fail(CLI_ENVIRONMENT, "cannot read and write in %s: %s", output_path,
                        strerror(errno));
    if (is_new && !is_empty(output_path))
        return cli_fail(CLI_USAGE,
                        "corpus minimize: %s is not empty: name a new folder, or merge into it",
                        output_path);
    return 0;
}

/* --- commands --- */

static int summarise(const struct cli_command *command, const struct choice *choice,
                     const struct corpus *corpus)
{
    if (json) {
        cJSON *row = json_row("corpus");
        cJSON_AddStringToObject(row, "command", strrchr(command->name, ' ') + 1);
        cJSON_AddStringToObject(row, "backend", spec);
        json_count(row, "files", corpus->files);
        json_count(row, "left_out", corpus->left_out);
        json_count(row, "inputs", corpus->count);
        json_count(row, "bytes", choice->bytes);
        json_count(row, "operations", choice->ops);
        json_count(row, "features", choice->features);
        json_count(row, "chosen", choice->chosen);
        json_count(row, "regressions", choice->regressions);
        json_count(row, "findings", choice->findings);
        json_print(stdout, row);
    } else {
        printf("%" PRIu64 " files, %" PRIu64 " left out; %zu different inputs, %" PRIu64
               " bytes, %" PRIu64 " operations run\n",
               corpus->files, corpus->left_out, corpus->count, choice->bytes, choice->ops);
        printf("%s: %" PRIu64 " features by %" PRIu64 " inputs; %" PRIu64 " regressions, %" PRIu64
               " findings now\n",
               spec, choice->features, choice->chosen, choice->regressions, choice->findings);
    }
    if (corpus->is_unreadable)
        return CLI_ENVIRONMENT;
    return choice->findings ? CLI_FINDING : CLI_NOTHING;
}

/* What is in the output already counts first, and stays. */
static int consider_output(struct choice *choice)
{
    char *const folders[] = {(char *)(uintptr_t)output_path, NULL};
    struct corpus there = {.count = 0};
    int code = CLI_ENVIRONMENT;

    if (corpus_collect(&there, folders, most_bytes)) {
        corpus_sort(&there);
        choice->writes = false;
        code = consider_all(choice, &there);
    }
    corpus_clear(&there);
    return code;
}

static int choose(const struct cli_command *command, char **folders)
{
    static struct choice choice; /* too large for the stack */
    struct corpus corpus = {.count = 0};
    struct assay_error error;
    bool merges = command == &cli_corpus_merge_command;
    int code = 0;

    choice.replay =
        (struct assay_replay_options){.content_bytes = CONTENT_BYTES, .options = backend_options};
    if (assay_registry_find(spec, &choice.backend, &error) != ASSAY_OK)
        return cli_fail(CLI_USAGE, "%s", error.what);
    if (cli_pages_open("recycled", &choice.replay) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "no memory for the pages of a heap");
    if (!corpus_collect(&corpus, folders, most_bytes))
        code = CLI_ENVIRONMENT;
    else if (corpus.count == 0)
        code = cli_fail(CLI_ENVIRONMENT, "corpus: no inputs in %s%s", folders[0],
                        folders[1] ? " and the other folders" : "");
    corpus_sort(&corpus);
    if (code == 0 && output_path[0])
        code = open_output(!merges);
    if (code == 0 && merges)
        code = consider_output(&choice);
    choice.writes = output_path[0] != '\0';
    code = code ? code : consider_all(&choice, &corpus);
    code = code ? code : summarise(command, &choice, &corpus);
    corpus_clear(&corpus);
    assay_stream_clear(&choice.stream);
    return code;
}

static int run_common(const struct cli_command *command, int argc, char **argv)
{
    int code, first = cli_parse(command, argc, argv, &code);

    if (first < 0)
        return code;
    if (!spec[0])
        return cli_fail(CLI_USAGE, "%s: say on which heap: --backend NAME (see assay list)",
                        command->name);
    if (command->options == select_options && !output_path[0])
        return cli_fail(CLI_USAGE, "%s: say where it goes: --output FOLDER", command->name);
    if (first == argc)
        return cli_fail(CLI_USAGE, "%s: say which folders", command->name);
    return choose(command, argv + first);
}

static int run_merge(int argc, char **argv)
{
    return run_common(&cli_corpus_merge_command, argc, argv);
}

static int run_minimize(int argc, char **argv)
{
    return run_common(&cli_corpus_minimize_command, argc, argv);
}

static int run_stats(int argc, char **argv)
{
    return run_common(&cli_corpus_stats_command, argc, argv);
}

const struct cli_command *const cli_corpus_commands[] = {
    &cli_corpus_merge_command,
    &cli_corpus_minimize_command,
    &cli_corpus_stats_command,
    NULL,
};

static int run_command(int argc, char **argv)
{
    return cli_run_group(&cli_corpus_command, cli_corpus_commands, argc, argv);
}

const struct cli_command cli_corpus_merge_command = {
    "corpus merge", "adds to a folder the inputs by which a heap does something new", "FOLDER...",
    select_options, run_merge};
const struct cli_command cli_corpus_minimize_command = {
    "corpus minimize", "writes the fewest and smallest inputs that do what all do", "FOLDER...",
    select_options, run_minimize};
const struct cli_command cli_corpus_stats_command = {"corpus stats",
                                                     "counts inputs, and what a heap does by them",
                                                     "FOLDER...", stats_options, run_stats};
const struct cli_command cli_corpus_command = {"corpus",
                                               "merges, minimizes and counts fuzzers' inputs",
                                               "merge|minimize|stats", NULL, run_command};
