/*
 * replay.c - `assay replay`: runs streams on backends under the shadow, each in a child process, so that a
 * crash and a hang are findings too.
 */
#include "cli.h"
#include "debugger.h"
#include "json.h"
#include "retell.h"

#include "assay/guard.h"
#include "assay/registry.h"
#include "assay/replay.h"
#include "assay/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_S 600
/* A replay in which so many operations were refused or skipped, and so many times more than requests
 * were served, shows nothing. */
#define LOST_LEAST 64
#define LOST_RATIO 16

static struct cli_list specs;
static enum assay_encoding encoding;
static uint64_t check_interval, limit, content_bytes, timeout = DEFAULT_TIMEOUT_S;
static uint64_t seed;
static const char *backend_options = "", *pages = "os";
static uint64_t stop_before;
static bool json, transcript, report, gdb;

static const struct cli_option options[] = {
    {"backend", CLI_LIST, &specs, "SPEC",
     "a name of assay list, dl:PATH or plugin:PATH; repeatable", 0, 0},
    CLI_ENCODING_OPTION("encoding", encoding),
    {"check-interval", CLI_COUNT, &check_interval, "N",
     "self-check, walk and statistics each N operations; 0: at check operations and the end", 0, 0},
    {"limit", CLI_SIZE, &limit, "SIZE", "most bytes the heap may map, in place of the stream's", 1,
     0},
    {"seed", CLI_COUNT, &seed, "N", "seed of the heap, in place of the stream's", 0, 0},
    {"backend-options", CLI_TEXT, &backend_options, "KEY=VALUE,...",
     "of the backend, see assay list", 0, 0},
    {"pages", CLI_TEXT, &pages, "WORD",
     "os; fenced: a byte too far crashes; recycled: dirty when given out again", 0, 0},
    {"content", CLI_SIZE, &content_bytes, "SIZE", "of larger blocks only both ends are checked", 16,
     0},
    {"timeout", CLI_COUNT, &timeout, "SECONDS", "a replay that takes longer is a hang; 0: none", 0,
     86400},
    {"transcript", CLI_FLAG, &transcript, NULL, "print the hash of all answers", 0, 0},
    {"report", CLI_FLAG, &report, NULL,
     "tell a finding in sentences, with the heap before and after", 0, 0},
    {"gdb", CLI_FLAG, &gdb, NULL,
     "run once to find the operation, then under gdb up to it; 'continue' enters the backend", 0,
     0},
    {"stop-before", CLI_COUNT, &stop_before, "N",
     "run in this process and trap before operation N, for a debugger", 0, 0},
    {"json", CLI_FLAG, &json, NULL, "one JSON object a line", 0, 0},
    {0},
};

/* What the child leaves for us. */
struct outcome {
    bool opened; /* the stream; what goes wrong later is the heap */
    assay_status status;
    struct assay_error error;      /* why nothing was replayed */
    struct assay_error incomplete; /* why only the first operations were; "" if all were */
    struct assay_replay_result result;
};

struct job {
    const char *spec;
    const struct assay_backend *backend;
    const char *path;
    struct outcome *outcome; /* shared with the child */
};

/* A heap that takes so much of the machine's is a finding, not the end of the machine. */
static size_t most_memory(void)
{
    return (size_t)sysconf(_SC_PHYS_PAGES) / 4 * 3 * (size_t)sysconf(_SC_PAGESIZE);
}

/* In the child. */
static void run(void *arg, volatile uint64_t *progress)
{
    struct job *job = arg;
    struct outcome *outcome = job->outcome;
    struct assay_input *input;
    struct cli_progress shown;
    struct debugger_reader debugger;
    struct assay_reader *reader = &shown.reader;
    struct assay_replay_options replay_options = {
        .check_interval = check_interval,
        .content_bytes = content_bytes,
        .options = backend_options,
        .transcript = transcript,
        .progress = progress,
    };

    assay_guard_memory(most_memory());
    outcome->status = assay_input_open(&input, job->path, encoding, &outcome->error);
    if (outcome->status != ASSAY_OK)
        return;
    outcome->opened = true;
    cli_progress_init(&shown, assay_input_reader(input), job->backend->name, cli_total_ops(input));
    if (limit)
        shown.reader.setup.limit = limit;
    if (cli_given(&cli_replay_command, &seed))
        shown.reader.setup.seed = seed;
    if (cli_given(&cli_replay_command, &stop_before)) {
        debugger_reader_init(&debugger, reader, job->backend, stop_before);
        reader = &debugger.reader;
    }
    struct assay_replay *replay = NULL;
    if (cli_pages_open(pages, &replay_options) == ASSAY_OK)
        replay = assay_replay_open(job->backend, &replay_options);
    if (replay) {
        outcome->status = assay_replay_run(replay, reader, &outcome->result, &outcome->error);
    } else {
        outcome->status = ASSAY_NO_MEMORY;
        assay_error_set(&outcome->error, "no memory for the pages and the books of the shadow");
    }
    cli_progress_end(&shown);
    outcome->incomplete = shown.inner->error;
    assay_replay_close(replay);
    assay_input_close(input);
}

static uint64_t skipped_ops(const struct assay_replay_result *result)
{
    uint64_t skipped = 0;

    for (int kind = 0; kind < ASSAY_OP_KINDS; kind++)
        skipped += result->skipped[kind];
    return skipped;
}

static void print_json(const struct job *job, const struct assay_replay_result *result)
{
    cJSON *row = json_row("replay");

    cJSON_AddStringToObject(row, "backend", job->spec);
    cJSON_AddStringToObject(row, "stream", job->path);
    cJSON_AddBoolToObject(row, "whole", !job->outcome->incomplete.what[0]);
    cJSON_AddBoolToObject(row, "found", result->found);
    json_count(row, "operations", result->ops);
    json_count(row, "skipped", skipped_ops(result));
    json_count(row, "refused", result->refused);
    json_count(row, "checks_passed", result->checks);
    json_count(row, "peak_live_bytes", result->peak_live_bytes);
    json_count(row, "peak_mapped_bytes", result->peak_mapped_bytes);
    if (transcript) {
        char hash[20];
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)result->transcript);
        cJSON_AddStringToObject(row, "transcript", hash);
    }
    json_print(stdout, row);
}

static void print_text(const struct job *job, const struct assay_replay_result *result)
{
    printf("%-12s %s: %llu operations%s, %llu skipped, %llu refused, %llu checks passed", job->spec,
           job->path, (unsigned long long)result->ops,
           job->outcome->incomplete.what[0] ? " (not all)" : "",
           (unsigned long long)skipped_ops(result), (unsigned long long)result->refused,
           (unsigned long long)result->checks);
    if (transcript)
        printf(", transcript %016llx", (unsigned long long)result->transcript);
    puts(result->found ? ", 1 finding" : "");
}

/* Runs the stream once more, to tell what happened; false with *error where that cannot be. */
static bool print_report(const struct job *job, const char *repeat, struct assay_error *error)
{
    const struct retell retell = {.spec = job->spec,
                                  .backend = job->backend,
                                  .options = backend_options,
                                  .pages = pages,
                                  .content_bytes = content_bytes,
                                  .hang_seconds = (unsigned)timeout};
    struct assay_stream stream = {0};
    struct assay_course course = {.found = false};
    struct assay_input *input;

    if (assay_input_open(&input, job->path, encoding, error) != ASSAY_OK)
        return false;
    struct assay_reader *reader = assay_input_reader(input);
    bool told = assay_stream_collect(&stream, reader) == ASSAY_OK;
    if (limit)
        stream.setup.limit = limit;
    if (cli_given(&cli_replay_command, &seed))
        stream.setup.seed = seed;
    if (!told)
        *error = reader->error;
    told = told && cli_retell_run(&course, &retell, &stream, error) == ASSAY_OK;
    if (told && !course.found)
        assay_error_set(error, "a second run finds nothing");
    told = told && course.found;
    if (told)
        assay_course_report(stdout, &stream, &course, repeat);
    assay_course_clear(&course);
    assay_stream_clear(&stream);
    assay_input_close(input);
    return told;
}

static void print_finding(const struct job *job, const struct assay_finding *finding)
{
    char *repeat = cli_repeat(&cli_replay_command, job->spec, job->path);

    struct assay_error error = {""};

    if (json)
        json_finding(stdout, finding, repeat);
    else if (!report || !print_report(job, repeat, &error))
        assay_report_finding(stdout, finding, repeat);
    if (error.what[0])
        fprintf(stderr, "assay: no report: %s\n", error.what);
    free(repeat);
}

/* Why nothing was replayed. */
static enum cli_exit explain(const struct job *job)
{
    const struct outcome *outcome = job->outcome;

    return cli_explain(job->spec, job->backend, outcome->opened ? backend_options : "",
                       outcome->status, &outcome->error);
}

/* Rightly, for a finding would be told: too small a heap, or a backend that does not offer these. */
static bool shows_nothing(const struct assay_replay_result *result)
{
    uint64_t skipped = skipped_ops(result), lost = result->refused + skipped;

    if (result->found || result->ops == 0)
        return false;
    return skipped == result->ops || (lost >= LOST_LEAST && lost / LOST_RATIO > result->served);
}

/* In a child, but where a debugger is to be stopped here. */
static assay_status run_guarded(struct job *job, struct assay_guard_outcome *ending)
{
    if (!cli_given(&cli_replay_command, &stop_before))
        return assay_guard_run(run, job, (unsigned)timeout, false, ending);
    *ending = (struct assay_guard_outcome){.ending = ASSAY_ENDED};
    run(job, &ending->progress);
    return ASSAY_OK;
}

/* Runs and prints one job. */
static enum cli_exit replay_one(struct job *job)
{
    struct assay_guard_outcome ending;
    struct outcome *outcome = job->outcome;

    memset(outcome, 0, sizeof *outcome);
    if (run_guarded(job, &ending) != ASSAY_OK)
        return (enum cli_exit)cli_fail(CLI_ENVIRONMENT, "cannot start a child process");
    if (ending.ending == ASSAY_ENDED && outcome->status != ASSAY_OK)
        return explain(job);
    if (ending.ending != ASSAY_ENDED) {
        const struct cli_stream stream = {job->path, encoding, job->backend->name,
                                          (unsigned)timeout,
                                          cli_given(&cli_replay_command, &seed) ? &seed : NULL};
        outcome->result.found = true;
        outcome->result.ops = ending.progress;
        cli_describe_ending(&stream, &ending, &outcome->result.finding);
    }
    if (json)
        print_json(job, &outcome->result);
    else
        print_text(job, &outcome->result);
    if (outcome->result.found)
        print_finding(job, &outcome->result.finding);
    if (outcome->incomplete.what[0])
        return (enum cli_exit)cli_fail(CLI_ENVIRONMENT, "%s", outcome->incomplete.what);
    if (shows_nothing(&outcome->result))
        return (enum cli_exit)cli_fail(CLI_NOT_OFFERED,
                                       "%s: nearly all of it was refused or skipped by %s, which "
                                       "shows nothing: a larger --limit may help",
                                       job->path, job->spec);
    return outcome->result.found ? CLI_FINDING : CLI_NOTHING;
}

/* Runs every backend, up to NULL, on every file; the gravest exit code wins. *op: of the last finding. */
static enum cli_exit replay_all(const struct assay_backend **backends, char **paths, int count,
                                uint64_t *op)
{
    struct job job = {.outcome = assay_guard_shared(sizeof *job.outcome)};
    unsigned passed = 0, failed = 0, skipped = 0;
    enum cli_exit worst = CLI_NOTHING;

    if (!job.outcome)
        return (enum cli_exit)cli_fail(CLI_ENVIRONMENT, "no memory to share with a child process");
    for (int i = 0; i < count; i++) {
        for (size_t k = 0; backends[k]; k++) {
            job.path = paths[i];
            job.spec = specs.words[k];
            job.backend = backends[k];
            enum cli_exit code = replay_one(&job);
            passed += code == CLI_NOTHING;
            skipped += code == CLI_NOT_OFFERED;
            failed += code != CLI_NOTHING && code != CLI_NOT_OFFERED;
            worst = cli_graver(worst, code);
            *op = job.outcome->result.finding.op;
        }
    }
    assay_guard_unshare(job.outcome, sizeof *job.outcome);
    if (!json)
        printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return worst;
}

/* A debugger stops at one operation of one replay. */
static const char *what_debugger_wants(int files)
{
    bool stops = gdb || cli_given(&cli_replay_command, &stop_before);

    if (stops && (files != 1 || specs.count != 1))
        return "wants one backend and one stream";
    return stops && json ? "is for people, --json for programs: take one" : NULL;
}

static int run_command(int argc, char **argv)
{
    const struct assay_backend *backends[CLI_LIST_ROOM + 1] = {NULL};
    struct assay_error error;
    uint64_t op = 0;
    int code, first = cli_parse(&cli_replay_command, argc, argv, &code);

    if (first < 0)
        return code;
    if (specs.count == 0)
        return cli_fail(CLI_USAGE, "replay: say on which heap: --backend NAME (see assay list)");
    if (report && json)
        return cli_fail(CLI_USAGE, "replay: --report is for people, --json for programs: take one");
    if (!cli_pages_parse(pages))
        return cli_fail(CLI_USAGE, "replay: --pages wants os, fenced or recycled, not '%s'", pages);
    if (first == argc)
        return cli_fail(CLI_USAGE, "replay: say which stream: a trace or a .ops file");
    const char *wanted = what_debugger_wants(argc - first);
    if (wanted)
        return cli_fail(CLI_USAGE, "replay: --%s %s", gdb ? "gdb" : "stop-before", wanted);
    for (size_t i = 0; i < specs.count; i++)
        if (assay_registry_find(specs.words[i], &backends[i], &error) != ASSAY_OK)
            return cli_fail(CLI_USAGE, "%s", error.what);
    for (int i = first; i < argc; i++)
        if (!cli_can_be_read_again(argv[i]))
            return cli_fail(CLI_USAGE,
                            "replay: reads a stream more than once: write '%s' to a file first",
                            argv[i]);
    code = (int)replay_all(backends, argv + first, argc - first, &op);
    if (!gdb || cli_given(&cli_replay_command, &stop_before))
        return code;
    if (code == CLI_FINDING)
        return (int)debugger_become(argc, argv, op);
    if (code == CLI_NOTHING)
        fputs("assay: nothing was found, so --gdb has nothing to stop at\n", stderr);
    return code;
}

const struct cli_command cli_replay_command = {
    "replay", "runs streams on backends under all checks", "FILE...", options, run_command};
