/* bench.c - the options of `assay bench`, and the order in which things are measured. */
#include "bench.h"

#include "harness_costs.h"
#include "measure.h"
#include "table.h"

#include "assay/guard.h"
#include "assay/registry.h"

#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST 256 /* backends, traces, workloads: each */
#define DEFAULT_TRACES "corpus/traces"

enum { EXIT_FINDING = 1, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

struct words {
    const char *word[MOST];
    size_t count;
};

struct plan {
    const struct assay_backend *backend[MOST];
    struct words specs;     /* what the user called the backends */
    struct words workloads; /* made-up ones, and costs of the harness */
    struct words traces;
    glob_t globs; /* owns the names of traces that were found */
    int repetitions;
    double min_time_s;
    const char *json_path;
    FILE *json;
};

static const char help[] =
    "usage: assay bench [OPTION...]\n"
    "\n"
    "Measures backends on workloads: answers first, then CPU time, then footprint.\n"
    "\n"
    "  --backend SPEC      a name, dl:PATH[:prefix] or plugin:PATH; repeatable; default all.\n"
    "                      null (what the harness costs) and system are always there\n"
    "  --trace FILE        a recording, or a folder of *.trace; repeatable; default corpus/traces\n"
    "  --workload NAME     a made-up workload or a cost of the harness; repeatable\n"
    "  --repetitions N     how often everything is timed, 1 to 100; default 5\n"
    "  --min-time S        seconds for one timing; 0: one run; default 0.05\n"
    "  --json FILE         also write JSON Lines\n"
    "  --quick             --repetitions 3 --min-time 0\n"
    "  --list              name the workloads and end\n"
    "  --help              this text\n";

__attribute__((format(printf, 1, 2))) static int wrong_usage(const char *format, ...)
{
    va_list arguments;

    fputs("assay: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs(" (assay bench --help tells more)\n", stderr);
    return EXIT_USAGE;
}

static int list_workloads(void)
{
    for (size_t i = 0; workload_name(i); i++)
        printf("%-14s %s\n", workload_name(i), workload_summary(i));
    for (size_t i = 0; cost_name(i); i++)
        printf("%-14s %s\n", cost_name(i), cost_summary(i));
    return 0;
}

static bool is_cost(const char *name)
{
    for (size_t i = 0; cost_name(i); i++)
        if (strcmp(cost_name(i), name) == 0)
            return true;
    return false;
}

static bool is_workload(const char *name)
{
    for (size_t i = 0; workload_name(i); i++)
        if (strcmp(workload_name(i), name) == 0)
            return true;
    return is_cost(name);
}

static bool add_word(struct words *words, const char *word)
{
    if (words->count == MOST)
        return false;
    words->word[words->count++] = word;
    return true;
}

static bool has_word(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->word[i], word) == 0)
            return true;
    return false;
}

static int add_backend(struct plan *plan, const char *spec)
{
    const struct assay_backend *backend;
    struct assay_error error;

    if (has_word(&plan->specs, spec))
        return 0;
    if (assay_registry_find(spec, &backend, &error) != ASSAY_OK) {
        fprintf(stderr, "assay: %s\n", error.what);
        return EXIT_USAGE;
    }
    if (!add_word(&plan->specs, spec))
        return wrong_usage("too many backends at '%s'", spec);
    plan->backend[plan->specs.count - 1] = backend;
    return 0;
}

/* A folder stands for the traces in it; a folder without any is as good as none. */
static int add_traces(struct plan *plan, const char *path)
{
    char pattern[4096];
    struct stat what;

    if (stat(path, &what) != 0) {
        fprintf(stderr, "assay: %s: %s\n", path, strerror(errno));
        return EXIT_USAGE;
    }
    if (!S_ISDIR(what.st_mode))
        return add_word(&plan->traces, path) ? 0 : wrong_usage("too many traces at '%s'", path);
    size_t known = plan->globs.gl_pathc;
    snprintf(pattern, sizeof pattern, "%s/*.trace", path);
    int status = glob(pattern, known ? GLOB_APPEND : 0, NULL, &plan->globs);
    if (status != 0 && status != GLOB_NOMATCH)
        return wrong_usage("%s cannot be searched for traces", path);
    for (size_t i = known; i < plan->globs.gl_pathc; i++)
        if (!add_word(&plan->traces, plan->globs.gl_pathv[i]))
            return wrong_usage("too many traces in '%s'", path);
    return 0;
}

static bool parse_number(const char *text, double low, double high, double *number)
{
    char *end;

    errno = 0;
    *number = strtod(text, &end);
    return errno == 0 && end != text && *end == '\0' && *number >= low && *number <= high;
}

/* One option; -1 to go on, else the exit status. */
static int take_option(struct plan *plan, int option)
{
    double number;
    int status = 0;

    switch (option) {
    case 'b':
        status = add_backend(plan, optarg);
        break;
    case 't':
        status = add_traces(plan, optarg);
        break;
    case 'w':
        if (!is_workload(optarg))
            return wrong_usage("no workload called '%s': --list names them", optarg);
        if (!add_word(&plan->workloads, optarg))
            return wrong_usage("too many workloads at '%s'", optarg);
        break;
    case 'r':
        if (!parse_number(optarg, 1, MOST_REPETITIONS, &number) || number != (int)number)
            return wrong_usage("--repetitions is a whole number from 1 to 100, not '%s'", optarg);
        plan->repetitions = (int)number;
        break;
    case 'm':
        if (!parse_number(optarg, 0, 60, &plan->min_time_s))
            return wrong_usage("--min-time is from 0 to 60 seconds, not '%s'", optarg);
        break;
    case 'j':
        plan->json_path = optarg;
        break;
    case 'q':
        plan->repetitions = 3;
        plan->min_time_s = 0;
        break;
    case 'l':
        return list_workloads();
    case 'h':
        fputs(help, stdout);
        return 0;
    default:
        return EXIT_USAGE; /* getopt has said why */
    }
    return status ? status : -1;
}

static int parse(struct plan *plan, int argc, char **argv)
{
    static const struct option options[] = {
        {"backend", required_argument, NULL, 'b'},  {"trace", required_argument, NULL, 't'},
        {"workload", required_argument, NULL, 'w'}, {"repetitions", required_argument, NULL, 'r'},
        {"min-time", required_argument, NULL, 'm'}, {"json", required_argument, NULL, 'j'},
        {"quick", no_argument, NULL, 'q'},          {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    int option;

    optind = 0; /* from the start, whatever the caller has parsed */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        int status = take_option(plan, option);
        if (status >= 0)
            return status;
    }
    if (optind < argc)
        return wrong_usage("'%s' is not an option", argv[optind]);
    return -1;
}

/* What was not said: all backends, all workloads, the corpus. */
static int complete(struct plan *plan)
{
    size_t count;
    const struct assay_backend *const *all = assay_registry_all(&count);
    bool is_all = plan->specs.count == 0;
    int status = 0;

    for (size_t i = 0; i < count && status == 0; i++)
        if (is_all || strcmp(all[i]->name, "null") == 0 || strcmp(all[i]->name, "system") == 0)
            status = add_backend(plan, all[i]->name);
    if (status != 0 || plan->workloads.count || plan->traces.count)
        return status;
    for (size_t i = 0; workload_name(i); i++)
        if (!add_word(&plan->workloads, workload_name(i)))
            return EXIT_USAGE;
    struct stat what;
    return stat(DEFAULT_TRACES, &what) == 0 ? add_traces(plan, DEFAULT_TRACES) : 0;
}

static int show(struct plan *plan, const struct row *rows, size_t count)
{
    int status = 0;

    table_rows(stdout, rows, count);
    if (plan->json)
        json_rows(plan->json, rows, count);
    for (size_t i = 0; i < count; i++)
        if (!rows[i].passed)
            status = EXIT_FINDING;
    return status;
}

static int run_workload(struct plan *plan, struct row *rows, const struct workload *workload)
{
    size_t count = plan->specs.count;

    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct row){
            .backend = plan->backend[i], .spec = plan->specs.word[i], .path = workload->path};
        snprintf(rows[i].workload, sizeof rows[i].workload, "%s", workload->name);
        measure_answers(&rows[i], workload);
        if (rows[i].passed)
            measure_footprint(&rows[i], workload);
    }
    measure_times(rows, count, workload, plan->repetitions, plan->min_time_s);
    return show(plan, rows, count);
}

static int run_named(struct plan *plan, struct row *rows, const char *name, bool is_trace)
{
    struct workload workload;
    struct assay_error error;

    if (!is_trace && is_cost(name))
        return show(plan, rows, cost_measure(name, rows, plan->repetitions, plan->min_time_s));
    assay_status status =
        is_trace ? workload_load(&workload, name, &error) : workload_make(&workload, name, &error);
    if (status != ASSAY_OK) {
        fprintf(stderr, "assay: %s\n", error.what);
        return status == ASSAY_NO_MEMORY ? EXIT_ENVIRONMENT : EXIT_USAGE;
    }
    int result = run_workload(plan, rows, &workload);
    workload_clear(&workload);
    return result;
}

static int run(struct plan *plan, struct row *rows)
{
    struct context context;
    int worst = 0;

    context_find(&context);
    table_head(stdout, &context);
    if (plan->json)
        json_context(plan->json, &context);
    size_t count = plan->workloads.count + plan->traces.count;
    for (size_t i = 0; i < count; i++) {
        bool is_trace = i >= plan->workloads.count;
        const char *name =
            is_trace ? plan->traces.word[i - plan->workloads.count] : plan->workloads.word[i];
        int status = run_named(plan, rows, name, is_trace);
        worst = status > worst ? status : worst;
    }
    return worst;
}

static int open_json_and_run(struct plan *plan)
{
    size_t room = (plan->specs.count + MOST_COST_ROWS) * sizeof(struct row);
    struct row *rows = assay_guard_shared(room);
    int status = EXIT_ENVIRONMENT;

    if (!rows) {
        fputs("assay: no memory for the results\n", stderr);
        return EXIT_ENVIRONMENT;
    }
    if (plan->json_path && !(plan->json = fopen(plan->json_path, "we")))
        fprintf(stderr, "assay: %s: %s\n", plan->json_path, strerror(errno));
    else
        status = run(plan, rows);
    assay_guard_unshare(rows, room);
    if (plan->json && (ferror(plan->json) | fclose(plan->json))) {
        fprintf(stderr, "assay: %s: not all could be written\n", plan->json_path);
        remove(plan->json_path);
        return EXIT_ENVIRONMENT;
    }
    return status;
}

int assay_bench_main(int argc, char **argv)
{
    struct plan plan = {.repetitions = 5, .min_time_s = 0.05};
    int status = parse(&plan, argc, argv);

    if (status < 0) {
        status = complete(&plan);
        if (status == 0)
            status = open_json_and_run(&plan);
    }
    if (plan.globs.gl_pathc)
        globfree(&plan.globs);
    return status;
}
