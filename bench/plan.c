/* plan.c - words become backends, workloads and traces. */
#include "plan.h"

#include "fail.h"
#include "harness_costs.h"

#include "assay/input.h"
#include "assay/registry.h"
#include "assay/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_TRACES "corpus/traces"

bool is_cost(const char *name)
{
    for (size_t i = 0; cost_name(i); i++)
        if (strcmp(cost_name(i), name) == 0)
            return true;
    return false;
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
    if (assay_registry_find(spec, &backend, &error) != ASSAY_OK)
        return bench_fail(EXIT_USAGE, "%s", error.what);
    if (!add_word(&plan->specs, spec))
        return bench_fail(EXIT_USAGE, "too many backends at '%s'", spec);
    plan->backend[plan->specs.count - 1] = backend;
    return 0;
}

/* Whether it is a stream at all: better known now than after minutes of measuring. */
static int add_trace(struct plan *plan, const char *path)
{
    struct assay_input *input;
    struct assay_error error;

    if (assay_input_open(&input, path, ASSAY_ENCODING_GUESS, &error) != ASSAY_OK)
        return bench_fail(EXIT_ENVIRONMENT, "%s", error.what);
    assay_input_close(input);
    return add_word(&plan->traces, path) ? 0
                                         : bench_fail(EXIT_USAGE, "too many traces at '%s'", path);
}

/* A folder stands for the traces in it. */
static int add_traces(struct plan *plan, const char *path)
{
    char pattern[4096];
    struct stat what;
    int status = 0;

    if (stat(path, &what) != 0 || !S_ISDIR(what.st_mode))
        return add_trace(plan, path);
    size_t known = plan->globs.gl_pathc;
    snprintf(pattern, sizeof pattern, "%s/*.trace", path);
    int found = glob(pattern, known ? GLOB_APPEND : 0, NULL, &plan->globs);
    if (found == GLOB_NOMATCH)
        return bench_fail(EXIT_ENVIRONMENT, "no traces in %s: expected files called *.trace", path);
    if (found != 0)
        return bench_fail(EXIT_ENVIRONMENT, "cannot search %s for traces", path);
    for (size_t i = known; i < plan->globs.gl_pathc && status == 0; i++)
        status = add_trace(plan, plan->globs.gl_pathv[i]);
    return status;
}

static int add_workload(struct plan *plan, const char *name)
{
    struct assay_error error;

    bool is_odd = plan->view == ASSAY_BENCH_STABLE || plan->view == ASSAY_BENCH_THREADS;
    if (is_odd && is_cost(name))
        return bench_fail(EXIT_USAGE, "%s is a cost of the harness: it is only timed", name);
    if (!is_cost(name) && assay_workload_check(name, &error) != ASSAY_OK)
        return bench_fail(EXIT_USAGE, "%s; see assay bench --list", error.what);
    return add_word(&plan->workloads, name)
               ? 0
               : bench_fail(EXIT_USAGE, "too many workloads at '%s'", name);
}

int plan_take(struct plan *plan, const struct assay_bench_options *options)
{
    int status = 0;

    for (size_t i = 0; i < options->backends.count && status == 0; i++)
        status = add_backend(plan, options->backends.words[i]);
    for (size_t i = 0; i < options->workloads.count && status == 0; i++)
        status = add_workload(plan, options->workloads.words[i]);
    for (size_t i = 0; i < options->traces.count && status == 0; i++)
        status = add_traces(plan, options->traces.words[i]);
    return status;
}

int plan_complete(struct plan *plan)
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
    bool is_threaded = plan->view == ASSAY_BENCH_THREADS;
    const char *(*standard)(size_t) = is_threaded ? workload_threaded : workload_standard;
    for (size_t i = 0; standard(i); i++)
        if (!add_word(&plan->workloads, standard(i)))
            return EXIT_USAGE;
    if (plan->made_up_only || is_threaded)
        return 0;
    if (access(DEFAULT_TRACES, F_OK) == 0)
        return add_traces(plan, DEFAULT_TRACES);
    fputs("no " DEFAULT_TRACES " here: only made-up workloads are measured; see --trace\n", stderr);
    return 0;
}

/* A file that is the same: its size and when it was changed. Names that are no files are only names. */
static void print_file(FILE *out, const char *path)
{
    struct stat what;

    fprintf(out, " %s", path);
    if (stat(path, &what) == 0 && S_ISREG(what.st_mode))
        fprintf(out, "(%lld bytes of %lld.%09ld)", (long long)what.st_size,
                (long long)what.st_mtim.tv_sec, what.st_mtim.tv_nsec);
}

static void print_words(FILE *out, const char *name, const struct words *words)
{
    fprintf(out, "; %s", name);
    for (size_t i = 0; i < words->count; i++) {
        const char *colon = strchr(words->word[i], ':');
        print_file(out, words->word[i]);
        if (colon && strchr(colon, '/')) /* of dl:PATH and plugin:PATH */
            print_file(out, colon + 1);
    }
}

char *plan_identity(const struct plan *plan, const struct context *context)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        return NULL;
    print_file(out, "/proc/self/exe");
    fprintf(out, "; %s; %s; %s; %s; %s; %s; %s; %ld CPUs", context->compiler, context->flags,
            context->cpu, context->kernel, context->aslr, context->huge_pages, context->system,
            context->cpus);
    fprintf(out, "; view %d %s", (int)plan->view, context->valgrind);
    for (size_t i = 0; i < plan->threads_count; i++)
        fprintf(out, " %u", plan->threads[i]);
    fprintf(out, "; %d rounds, at least %d, %d more, of %.9g s, %.9g s in all, checks of %.9g s",
            plan->repetitions, plan->pace.least_rounds, plan->pace.extra_rounds,
            plan->pace.min_time_s, plan->pace.cell_s, plan->pace.check_s);
    print_words(out, "backends", &plan->specs);
    print_words(out, "workloads", &plan->workloads);
    print_words(out, "traces", &plan->traces);
    bool is_whole = !ferror(out);
    if (fclose(out) == 0 && is_whole)
        return text;
    free(text);
    return NULL;
}

void plan_clear(struct plan *plan)
{
    if (plan->globs.gl_pathc)
        globfree(&plan->globs);
    free(plan->slowest.text);
}
