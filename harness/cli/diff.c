/*
 * diff.c - `assay diff`: runs a stream on several backends in step, in a child process, and shows where they
 * part.
 */
#include "cli.h"
#include "json.h"

#include "assay/diff.h"
#include "assay/guard.h"
#include "assay/registry.h"
#include "assay/report.h"
#include "assay/text.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_S 600

static struct cli_list specs, strict_names;
static enum assay_encoding encoding;
static uint64_t check_interval, limit, content_bytes, timeout = DEFAULT_TIMEOUT_S;
static uint64_t seed;
static bool json, show_rules;

static const struct cli_option options[] = {
    {"backend", CLI_LIST, &specs, "SPEC",
     "a name of assay list, dl:PATH or plugin:PATH; at least two", 0, 0},
    {"strict", CLI_LIST, &strict_names, "RULE",
     "what this rule allows is a difference too; repeatable", 0, 0},
    {"rules", CLI_FLAG, &show_rules, NULL, "print what may differ, and end", 0, 0},
    CLI_ENCODING_OPTION("encoding", encoding),
    {"check-interval", CLI_COUNT, &check_interval, "N",
     "self-check, walk and statistics each N operations; 0: at check operations and the end", 0, 0},
    {"limit", CLI_SIZE, &limit, "SIZE", "most bytes each heap may map, in place of the stream's", 1,
     0},
    {"seed", CLI_COUNT, &seed, "N", "seed of the heaps, in place of the stream's", 0, 0},
    {"content", CLI_SIZE, &content_bytes, "SIZE", "of larger blocks only both ends are checked", 16,
     0},
    {"timeout", CLI_COUNT, &timeout, "SECONDS", "a run that takes longer is a hang; 0: none", 0,
     86400},
    {"json", CLI_FLAG, &json, NULL, "one JSON object a line", 0, 0},
    {0},
};

/* What the child leaves for us. */
struct outcome {
    assay_status status;
    struct assay_error error;      /* why nothing was compared */
    struct assay_error incomplete; /* why only the first operations were; "" if all were */
    volatile uint32_t under_way;   /* the heap that is called */
    struct assay_diff_result result;
};

struct job {
    const struct assay_backend *backends[ASSAY_DIFF_HEAPS];
    uint32_t strict;
    const char *path;
    const struct assay_finding *known; /* of a run before, which did not come back */
    unsigned known_heap;
    struct outcome *outcome; /* shared with the child */
};

/* In the child. */
static void run(void *arg, volatile uint64_t *progress)
{
    struct job *job = arg;
    struct outcome *outcome = job->outcome;
    struct assay_input *input;
    struct cli_progress shown;
    const struct assay_diff_options how = {
        .strict = job->strict,
        .replay = {.check_interval = check_interval,
                   .content_bytes = content_bytes,
                   .progress = progress},
        .known = job->known,
        .known_heap = job->known_heap,
        .under_way = &outcome->under_way,
    };

    outcome->status = assay_input_open(&input, job->path, encoding, &outcome->error);
    if (outcome->status != ASSAY_OK)
        return;
    cli_progress_init(&shown, assay_input_reader(input), "diff", cli_total_ops(input));
    if (limit)
        shown.reader.setup.limit = limit;
    if (cli_given(&cli_diff_command, &seed))
        shown.reader.setup.seed = seed;
    struct assay_diff *diff = assay_diff_open(job->backends, (unsigned)specs.count, &how);
    if (diff) {
        outcome->status = assay_diff_run(diff, &shown.reader, &outcome->result, &outcome->error);
    } else {
        outcome->status = ASSAY_NO_MEMORY;
        assay_error_set(&outcome->error, "no memory for the books of the shadows");
    }
    cli_progress_end(&shown);
    outcome->incomplete = shown.inner->error;
    assay_diff_close(diff);
    assay_input_close(input);
}

/* --- printing --- */

static void print_text(const struct job *job, const struct assay_diff_result *result)
{
    printf("%s: %llu operations%s on %zu heaps, %llu answers compared, %llu n/a", job->path,
           (unsigned long long)result->ops, job->outcome->incomplete.what[0] ? " (not all)" : "",
           specs.count, (unsigned long long)result->compared,
           (unsigned long long)result->not_applicable);
    const char *before = "; differ by rule: ";
    for (unsigned rule = 0; rule < ASSAY_DIFF_RULES; rule++) {
        if (result->allowed[rule] == 0)
            continue;
        printf("%s%s %llu", before, assay_diff_rule_name((enum assay_diff_rule)rule),
               (unsigned long long)result->allowed[rule]);
        before = ", ";
    }
    putchar('\n');
}

static void print_json(const struct job *job, const struct assay_diff_result *result, bool parted)
{
    cJSON *row = json_row("diff");
    cJSON *list = cJSON_AddArrayToObject(row, "backends");

    for (size_t i = 0; i < specs.count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(specs.words[i]));
    cJSON_AddStringToObject(row, "stream", job->path);
    cJSON_AddBoolToObject(row, "whole", !job->outcome->incomplete.what[0]);
    cJSON_AddBoolToObject(row, "parted", parted);
    json_count(row, "operations", result->ops);
    json_count(row, "compared", result->compared);
    json_count(row, "not_applicable", result->not_applicable);
    cJSON *allowed = cJSON_AddObjectToObject(row, "allowed");
    for (unsigned rule = 0; rule < ASSAY_DIFF_RULES; rule++)
        json_count(allowed, assay_diff_rule_name((enum assay_diff_rule)rule),
                   result->allowed[rule]);
    json_print(stdout, row);
}

static void print_parting(const struct job *job, struct assay_parting *parting)
{
    char *repeat = cli_repeat(&cli_diff_command, NULL, job->path);

    for (size_t i = 0; i < specs.count; i++)
        parting->backends[i] = specs.words[i];
    if (json)
        json_parting(stdout, parting, repeat);
    else
        assay_report_parting(stdout, parting, repeat);
    free(repeat);
}

/*
 * The child did not come back. A second one goes as far and draws the heaps; if that one does not come back
 * either, there is the finding alone.
 */
static void print_ending(const struct job *job, const struct assay_guard_outcome *ending)
{
    const unsigned heap = job->outcome->under_way;
    const struct cli_stream stream = {job->path, encoding, specs.words[heap], (unsigned)timeout,
                                      cli_given(&cli_diff_command, &seed) ? &seed : NULL};
    struct assay_guard_outcome again;
    struct assay_finding finding;
    struct job to_draw = *job;

    cli_describe_ending(&stream, ending, &finding);
    to_draw.known = &finding;
    to_draw.known_heap = heap;
    memset(job->outcome, 0, sizeof *job->outcome);
    if (assay_guard_run(run, &to_draw, (unsigned)timeout, true, &again) == ASSAY_OK &&
        again.ending == ASSAY_ENDED && job->outcome->result.parted) {
        print_parting(job, &job->outcome->result.parting);
        return;
    }
    char *repeat = cli_repeat(&cli_diff_command, NULL, job->path);
    if (json)
        json_finding(stdout, &finding, repeat);
    else
        assay_report_finding(stdout, &finding, repeat);
    free(repeat);
}

static void print_rules(void)
{
    for (unsigned rule = 0; rule < ASSAY_DIFF_RULES; rule++)
        printf("%-10s %s\n", assay_diff_rule_name((enum assay_diff_rule)rule),
               assay_diff_rule_text((enum assay_diff_rule)rule));
}

/* --- running --- */

static enum cli_exit diff_one(struct job *job)
{
    struct assay_guard_outcome ending;
    struct outcome *outcome = job->outcome;
    struct assay_diff_result *result = &outcome->result;

    memset(outcome, 0, sizeof *outcome);
    if (assay_guard_run(run, job, (unsigned)timeout, false, &ending) != ASSAY_OK)
        return (enum cli_exit)cli_fail(CLI_ENVIRONMENT, "cannot start a child process");
    bool ended = ending.ending == ASSAY_ENDED;
    if (ended && outcome->status != ASSAY_OK)
        return (enum cli_exit)cli_fail(CLI_ENVIRONMENT, "%s", outcome->error.what);
    if (json)
        print_json(job, result, !ended || result->parted);
    else
        print_text(job, result);
    if (!ended)
        print_ending(job, &ending);
    else if (result->parted)
        print_parting(job, &result->parting);
    if (outcome->incomplete.what[0])
        return (enum cli_exit)cli_fail(CLI_ENVIRONMENT, "%s", outcome->incomplete.what);
    if (!ended || result->parted)
        return CLI_FINDING;
    if (result->compared == 0)
        return (enum cli_exit)cli_fail(CLI_NOT_OFFERED, "%s: n/a: no two heaps ran any of it",
                                       job->path);
    return CLI_NOTHING;
}

static enum cli_exit diff_all(struct job *job, char **paths, int count)
{
    unsigned passed = 0, failed = 0, skipped = 0;
    enum cli_exit worst = CLI_NOTHING;

    job->outcome = assay_guard_shared(sizeof *job->outcome);
    if (!job->outcome)
        return (enum cli_exit)cli_fail(CLI_ENVIRONMENT, "no memory to share with a child process");
    for (int i = 0; i < count; i++) {
        job->path = paths[i];
        enum cli_exit code = diff_one(job);
        passed += code == CLI_NOTHING;
        skipped += code == CLI_NOT_OFFERED;
        failed += code != CLI_NOTHING && code != CLI_NOT_OFFERED;
        worst = cli_graver(worst, code);
    }
    assay_guard_unshare(job->outcome, sizeof *job->outcome);
    if (!json)
        printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return worst;
}

/* Finds the backends; 0, or the exit code after having printed why not. */
static int find_backends(struct job *job)
{
    struct assay_error error;

    if (specs.count < 2)
        return cli_fail(CLI_USAGE, "diff: compares two backends or more: say --backend twice");
    if (specs.count > ASSAY_DIFF_HEAPS)
        return cli_fail(CLI_USAGE, "diff: compares %u backends at most", ASSAY_DIFF_HEAPS);
    for (size_t i = 0; i < specs.count; i++) {
        if (assay_registry_find(specs.words[i], &job->backends[i], &error) != ASSAY_OK)
            return cli_fail(CLI_USAGE, "%s", error.what);
        for (size_t k = 0; k < i; k++)
            if (strcmp(specs.words[i], specs.words[k]) == 0 &&
                !(job->backends[i]->caps & ASSAY_CAP_MANY_HEAPS))
                return cli_fail(CLI_USAGE, "diff: %s has one heap and cannot stand there twice",
                                specs.words[i]);
    }
    return 0;
}

static int find_rules(struct job *job)
{
    enum assay_diff_rule rule;

    for (size_t i = 0; i < strict_names.count; i++) {
        if (!assay_diff_rule_parse(strict_names.words[i], &rule))
            return cli_fail(CLI_USAGE, "diff: no rule '%s'; see assay diff --rules",
                            strict_names.words[i]);
        job->strict |= UINT32_C(1) << rule;
    }
    return 0;
}

static int run_command(int argc, char **argv)
{
    struct job job = {.strict = 0};
    int code, first = cli_parse(&cli_diff_command, argc, argv, &code);

    if (first < 0)
        return code;
    if (show_rules) {
        print_rules();
        return CLI_NOTHING;
    }
    if ((code = find_backends(&job)) != 0 || (code = find_rules(&job)) != 0)
        return code;
    if (first == argc)
        return cli_fail(CLI_USAGE, "diff: say which stream: a trace or a .ops file");
    for (int i = first; i < argc; i++)
        if (!cli_can_be_read_again(argv[i]))
            return cli_fail(CLI_USAGE,
                            "diff: reads a stream more than once: write '%s' to a file first",
                            argv[i]);
    return diff_all(&job, argv + first, argc - first);
}

const struct cli_command cli_diff_command = {
    "diff", "runs streams on several backends in step and shows where they part", "FILE...",
    options, run_command};
