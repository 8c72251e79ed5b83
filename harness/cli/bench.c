/* bench.c - `assay bench`: what to measure, for bench/. */
#include "cli.h"

#include "bench.h"
#include "program.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Unless said otherwise, a backend leaves a workload when it has had so many times its share of a round. */
#define SHARES 40

static struct cli_list specs, traces, workloads;
static uint64_t repetitions = 15;
static double min_time = 0.05;
static const char *path;
static bool quick, full, list, latency, timeline, stable, whole_program, csv, markdown, json;
static uint64_t every;
static const char *threads;
static unsigned thread_counts[ASSAY_BENCH_THREAD_COUNTS];
static size_t threads_count;

static const struct cli_option options[] = {
    {"backend", CLI_LIST, &specs, "SPEC",
     "a name of assay list, dl:PATH or plugin:PATH; repeatable; default all", 0, 0},
    {"trace", CLI_LIST, &traces, "FILE",
     "a recording, or a folder of *.trace; repeatable; default corpus/traces", 0, 0},
    {"workload", CLI_LIST, &workloads, "NAME",
     "a made-up workload or a cost of the harness; repeatable; see --list", 0, 0},
    {"repetitions", CLI_COUNT, &repetitions, "N",
     "rounds, in each of which all are timed once; default 15", 1, ASSAY_BENCH_MOST_REPETITIONS},
    {"min-time", CLI_SECONDS, &min_time, "S", "seconds of one timing; 0: one run; default 0.05", 0,
     ASSAY_BENCH_MOST_SECONDS},
    {"quick", CLI_FLAG, &quick, NULL,
     "at most 3 rounds of one run, a backend leaves a workload after 0.1 s of it; no recordings "
     "unless --trace names them",
     0, 0},
    {"full", CLI_FLAG, &full, NULL,
     "all workloads and recordings, 15 rounds; a backend leaves a workload after 1 s and 3 rounds, "
     "or after one run that takes longer",
     0, 0},
    {"latency", CLI_FLAG, &latency, NULL,
     "how long single operations take, the least of all repetitions", 0, 0},
    {"timeline", CLI_FLAG, &timeline, NULL, "how much memory there is as operations go by", 0, 0},
    {"threads", CLI_TEXT, &threads, "N,N",
     "ops a second, and how they grow, when so many threads run a stream at once, as 1,2,4", 0, 0},
    {"stable", CLI_FLAG, &stable, NULL,
     "instructions, counted by callgrind: the same on a machine that is busy", 0, 0},
    {"every", CLI_COUNT, &every, "N",
     "operations between two moments of the timeline; default a hundredth of all", 1, 0},
    {"whole-program", CLI_FLAG, &whole_program, NULL,
     "a real program as a whole, with each library in front of its malloc; backends are system "
     "and dl:PATH",
     0, 0},
    {"csv", CLI_FLAG, &csv, NULL, "comma-separated values, not the table", 0, 0},
    {"markdown", CLI_FLAG, &markdown, NULL, "a table for pull requests", 0, 0},
    {"json", CLI_FLAG, &json, NULL, "one JSON object a line, not the table", 0, 0},
    {"output", CLI_TEXT, &path, "FILE", "write JSON Lines to a file as well", 0, 0},
    {"list", CLI_FLAG, &list, NULL, "name the workloads and end", 0, 0},
    {0},
};

static struct assay_bench_words words(const struct cli_list *given)
{
    return (struct assay_bench_words){given->words, given->count};
}

static enum sheet_form form(void)
{
    if (csv)
        return SHEET_CSV;
    return markdown ? SHEET_MARKDOWN : SHEET_TABLE;
}

static int measure_program(char *const *command, FILE *lines)
{
    const struct assay_program_options wanted = {
        .libraries = words(&specs),
        .command = command,
        .repetitions = quick ? 3 : (unsigned)repetitions,
        .form = form(),
        .table = {json ? NULL : stdout, cli_width(stdout), cli_colour(stdout)},
        .lines = {json ? stdout : NULL, lines},
    };
    return assay_bench_program(&wanted);
}

/* How long a backend is measured on a workload, in how many rounds at least, and in how many at most. */
static void set_pace(struct assay_bench_options *wanted)
{
    wanted->repetitions = quick ? 3 : (unsigned)repetitions;
    wanted->min_time_s = quick ? 0 : min_time;
    wanted->cell_s = quick ? 0.1 : full ? 1 : SHARES * min_time;
    wanted->check_s = quick ? 0.15 : 0;
    wanted->least_rounds = quick ? 1 : 3;
    bool is_said = quick || full || cli_given(&cli_bench_command, &repetitions);
    wanted->extra_rounds = is_said ? 0 : (unsigned)repetitions;
}

/* Beside the results; NULL where there is no memory, and where an interrupted run begins anew. */
static char *journal_path(void)
{
    char *journal = NULL;

    if (!path || latency || timeline || whole_program || asprintf(&journal, "%s.begun", path) < 0)
        return NULL;
    return journal;
}

static int measure(FILE *lines, const char *journal)
{
    struct assay_bench_options wanted = {
        .backends = words(&specs),
        .workloads = words(&workloads),
        .traces = words(&traces),
        .made_up_only = quick,
        .view = latency    ? ASSAY_BENCH_LATENCY
                : timeline ? ASSAY_BENCH_TIMELINE
                : threads  ? ASSAY_BENCH_THREADS
                : stable   ? ASSAY_BENCH_STABLE
                           : ASSAY_BENCH_TIMES,
        .threads_count = threads_count,
        .every = every,
        .form = form(),
        .table = {json ? NULL : stdout, cli_width(stdout), cli_colour(stdout)},
        .lines = {json ? stdout : NULL, lines},
        .journal = journal,
    };

    memcpy(wanted.threads, thread_counts, sizeof wanted.threads);
    set_pace(&wanted);
    return assay_bench(&wanted);
}

/* "1,2,4" */
static bool parse_threads(void)
{
    const char *rest = threads;

    for (threads_count = 0; threads_count < ASSAY_BENCH_THREAD_COUNTS;) {
        char *end;
        bool is_number = *rest >= '0' && *rest <= '9';
        unsigned long number = strtoul(rest, &end, 10);
        if (!is_number || number < 1 || number > ASSAY_BENCH_MOST_THREADS)
            return false;
        thread_counts[threads_count++] = (unsigned)number;
        if (*end != ',')
            return *end == '\0';
        rest = end + 1;
    }
    return false;
}

/* What is wrong with the words; 0 if nothing. */
static int complain(int operands, const char *operand)
{
    if (whole_program && operands == 0)
        return cli_fail(CLI_USAGE, "bench: say which program: --whole-program -- PROGRAM ARGS...");
    if (!whole_program && operands != 0)
        return cli_fail(CLI_USAGE, "bench: takes no operands, but got '%s'; see --trace", operand);
    if (csv + markdown + json > 1)
        return cli_fail(CLI_USAGE, "bench: takes one of --csv, --markdown and --json");
    if (quick + full > 1)
        return cli_fail(CLI_USAGE, "bench: takes one of --quick and --full");
    if (full &&
        (cli_given(&cli_bench_command, &repetitions) || cli_given(&cli_bench_command, &min_time)))
        return cli_fail(CLI_USAGE, "bench: --full says itself how many rounds there are");
    if (latency + timeline + stable + (threads != NULL) + whole_program > 1)
        return cli_fail(CLI_USAGE,
                        "bench: takes one of --latency, --timeline, --stable, --threads and "
                        "--whole-program");
    if (threads && !parse_threads())
        return cli_fail(
            CLI_USAGE, "bench: --threads wants at most %d numbers from 1 to %d, as 1,2,4, not '%s'",
            ASSAY_BENCH_THREAD_COUNTS, ASSAY_BENCH_MOST_THREADS, threads);
    if (whole_program && traces.count)
        return cli_fail(CLI_USAGE, "bench: --whole-program takes no --trace");
    if (whole_program && workloads.count)
        return cli_fail(CLI_USAGE, "bench: --whole-program takes no --workload");
    return CLI_NOTHING;
}

static int run_command(int argc, char **argv)
{
    struct cli_output output = {.file = NULL};
    int code, first = cli_parse(&cli_bench_command, argc, argv, &code);

    if (first < 0)
        return code;
    code = complain(argc - first, argv[first]);
    if (code)
        return code;
    if (list) {
        assay_bench_list(stdout);
        return CLI_NOTHING;
    }
    if (path)
        code = cli_output_open(&output, path);
    if (code)
        return code;
    char *journal = journal_path();
    code =
        whole_program ? measure_program(argv + first, output.file) : measure(output.file, journal);
    bool is_done = code == CLI_NOTHING || code == CLI_FINDING;
    int written = path ? cli_output_close(&output, is_done) : 0;
    if (journal && is_done && written == 0)
        unlink(journal);
    free(journal);
    return written ? written : code;
}

const struct cli_command cli_bench_command = {
    "bench", "measures time and footprint: answers first, then numbers", "[-- PROGRAM ARGS...]",
    options, run_command};
