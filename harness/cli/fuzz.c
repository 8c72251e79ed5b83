/*
 * fuzz.c - `assay fuzz`: random streams, or those of an engine, on a backend, by several workers, until time is up.
 *
 * The supervisor only looks: workers that die are begun anew with the slice that they had. How far the campaign is
 * stands in FOLDER/BACKEND.progress: the first slice that is not done. A slice is done when its finding is written, so
 * whoever is killed, the same command goes on without having lost one.
 */
#include "fuzz.h"

#include "cli.h"
#include "json.h"
#include "retell.h"

#include "assay/guard.h"
#include "assay/registry.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 100000000l
#define SAVE_EACH 10 /* looks */
/* For workers to end what they have: a hang is told after 10 s of processor time, then confirmed and reduced. What they
 * do not end, the next campaign does. */
#define GRACE_SECONDS 60
/* From here on a campaign mostly shows that requests are refused. */
#define MOST_REFUSED 0.9
/* Fewer streams a second of each worker find little; said once a campaign has lasted a while. */
#define SLOW_STREAMS 10
#define SLOW_AFTER_SECONDS 2

static const char *spec = "", *folder = "findings", *backend_options = "", *engine = "random",
                  *corpus = "";
static double most_seconds = 60;
static uint64_t jobs = 1, seed = 1, most_runs;
static bool json;

static const struct cli_option options[] = {
    {"backend", CLI_TEXT, &spec, "SPEC", "a name of assay list, dl:PATH or plugin:PATH", 0, 0},
    {"backend-options", CLI_TEXT, &backend_options, "KEY=VALUE,...",
     "of the backend, see assay list", 0, 0},
    {"time", CLI_SECONDS, &most_seconds, "S", "ends after so many seconds; default 60; 0: never", 0,
     31536000},
    {"runs", CLI_COUNT, &most_runs, "N", "ends after about so many streams; default 0: never", 0,
     0},
    {"jobs", CLI_COUNT, &jobs, "N", "processes at work; default 1", 1, FUZZ_JOBS},
    {"seed", CLI_COUNT, &seed, "N", "other streams for other seeds; default 1", 0, UINT32_MAX},
    {"output", CLI_TEXT, &folder, "FOLDER", "where findings go; default findings", 0, 0},
    {"engine", CLI_TEXT, &engine, "NAME", "random, libfuzzer or aflpp; default random", 0, 0},
    {"corpus", CLI_TEXT, &corpus, "FOLDER",
     "an engine's inputs, old and new; default in the folder of --output", 0, 0},
    {"json", CLI_FLAG, &json, NULL, "one JSON object", 0, 0},
    {0},
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted++;
}

static double now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- telling --- */

static struct fuzz_worker total_of(const struct fuzz *fuzz)
{
    struct fuzz_worker sum = {0};

    for (unsigned i = 0; i < fuzz->jobs; i++) {
        const struct fuzz_worker *worker = &fuzz->shared->worker[i];
        sum.streams += worker->streams;
        sum.ops += worker->ops;
        sum.served += worker->served;
        sum.refused += worker->refused;
        if (fuzz->counts[i]) {
            sum.streams += fuzz->counts[i]->executions;
            sum.ops += fuzz->counts[i]->ops;
            sum.served += fuzz->counts[i]->served;
            sum.refused += fuzz->counts[i]->refused;
        }
        sum.corpus = worker->corpus > sum.corpus ? worker->corpus : sum.corpus;
        sum.features = worker->features > sum.features ? worker->features : sum.features;
        sum.known += worker->known;
        sum.unconfirmed += worker->unconfirmed;
        sum.written += worker->written;
    }
    return sum;
}

static double refused_share(const struct fuzz_worker *sum)
{
    unsigned long long requests = sum->served + sum->refused;

    return requests ? (double)sum->refused / (double)requests : 0;
}

static void show(const struct fuzz *fuzz, double seconds)
{
    const struct fuzz_worker sum = total_of(fuzz);

    fprintf(stderr, "\r\033[K%s: %.0f s, %.0f streams/s, %.0f operations/s, %.0f %% refused, ",
            spec, seconds, (double)sum.streams / seconds, (double)sum.ops / seconds,
            100 * refused_share(&sum));
    if (fuzz->engine != FUZZ_RANDOM)
        fprintf(stderr, "%llu inputs, %llu features, ", sum.corpus, sum.features);
    fprintf(stderr, "%llu findings", sum.written);
}

static int summarise(const struct fuzz *fuzz, double seconds)
{
    const struct fuzz_worker sum = total_of(fuzz);

    if (json) {
        cJSON *row = json_row("fuzz");
        cJSON_AddStringToObject(row, "backend", spec);
        cJSON_AddStringToObject(row, "engine", engine);
        json_number(row, "seconds", seconds);
        json_count(row, "streams", sum.streams);
        json_count(row, "operations", sum.ops);
        json_count(row, "served", sum.served);
        json_count(row, "refused", sum.refused);
        json_count(row, "findings", sum.written);
        json_count(row, "findings_again", sum.known);
        json_count(row, "unconfirmed", sum.unconfirmed);
        cJSON_AddStringToObject(row, "folder", fuzz->folder);
        if (fuzz->engine != FUZZ_RANDOM) {
            json_count(row, "inputs", sum.corpus);
            json_count(row, "features", sum.features);
            cJSON_AddStringToObject(row, "corpus", fuzz->corpus);
        }
        json_print(stdout, row);
    } else {
        printf("%s: %.1f s, %llu streams, %llu operations, %.0f %% of requests refused\n", spec,
               seconds, sum.streams, sum.ops, 100 * refused_share(&sum));
        if (fuzz->engine != FUZZ_RANDOM)
            printf("%llu inputs with %llu features in %s\n", sum.corpus, sum.features,
                   fuzz->corpus);
        printf("%llu findings written to %s, %llu seen again, %llu not confirmed\n", sum.written,
               fuzz->folder, sum.known, sum.unconfirmed);
    }
    if (refused_share(&sum) > MOST_REFUSED)
        fputs("assay: nearly all requests were refused: this shows little\n", stderr);
    if (seconds >= SLOW_AFTER_SECONDS &&
        (double)sum.streams < SLOW_STREAMS * seconds * (double)jobs)
        fprintf(stderr, "assay: only %.1f streams a second: this shows little; is the heap slow?\n",
                (double)sum.streams / seconds);
    return sum.written || sum.known ? CLI_FINDING : CLI_NOTHING;
}

/* --- supervising --- */

static bool start(const struct fuzz *fuzz, pid_t *workers, unsigned number)
{
    fflush(NULL);
    workers[number] = fork();
    if (workers[number] == 0)
        fuzz_work(fuzz, number);
    return workers[number] > 0;
}

/* Begins workers anew that died, and forgets those that left; how many there are. */
static unsigned look_after(const struct fuzz *fuzz, pid_t *workers)
{
    unsigned alive = 0;
    int ending;

    for (unsigned i = 0; i < fuzz->jobs; i++) {
        if (workers[i] > 0 && waitpid(workers[i], &ending, WNOHANG) == workers[i]) {
            workers[i] = 0;
            if (WIFSIGNALED(ending) && !atomic_load(&fuzz->shared->stop))
                start(fuzz, workers, i);
        }
        alive += workers[i] > 0;
    }
    return alive;
}

static void end_worker(pid_t worker)
{
    kill(worker, SIGKILL);
    while (waitpid(worker, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int supervise(struct fuzz *fuzz)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    const double began = now_seconds();
    pid_t workers[FUZZ_JOBS] = {0};
    double stopped = 0;
    unsigned alive = 0, looks = 0;
    int code = 0;

    for (unsigned i = 0; i < fuzz->jobs; i++)
        alive += start(fuzz, workers, i);
    if (!alive)
        return cli_fail(CLI_ENVIRONMENT, "cannot start a process");
    if (fuzz->engine != FUZZ_RANDOM)
        code = fuzz_make_seeds(fuzz); /* workers are busy without it */
    while (alive && interrupted < 2) {
        double seconds = now_seconds() - began;
        if (stopped > 0 && seconds - stopped > GRACE_SECONDS)
            break;
        if (stopped <= 0 && (interrupted || code || (most_seconds > 0 && seconds >= most_seconds) ||
                             (most_runs && total_of(fuzz).streams >= most_runs))) {
            atomic_store(&fuzz->shared->stop, true);
            stopped = seconds;
        }
        if (looks++ % SAVE_EACH == 0) {
            code = code ? code : fuzz_save_progress(fuzz);
            if (isatty(STDERR_FILENO) && seconds >= 1)
                show(fuzz, seconds);
        }
        nanosleep(&pause, NULL);
        alive = look_after(fuzz, workers);
    }
    for (unsigned i = 0; i < fuzz->jobs; i++)
        if (workers[i] > 0)
            end_worker(workers[i]);
    fuzz_tidy(fuzz->folder);
    fuzz_engine_close(fuzz);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    code = code ? code : fuzz_save_progress(fuzz);
    int found = summarise(fuzz, now_seconds() - began);
    if (atomic_load(&fuzz->shared->failed))
        return cli_fail(CLI_ENVIRONMENT, "%s", fuzz->shared->error.what);
    return code ? code : found;
}

/* Whether a heap can be made at all: a crash there belongs to no stream. 0, or the exit code. */
static int try_heap(const struct fuzz *fuzz)
{
    const struct retell retell = {.spec = fuzz->spec,
                                  .backend = fuzz->backend,
                                  .options = fuzz->options,
                                  .pages = "recycled",
                                  .hang_seconds = 3};
    const struct assay_stream nothing = {.count = 0};
    struct assay_course course;
    struct assay_error error;

    assay_status status = cli_retell_run(&course, &retell, &nothing, &error);
    if (status != ASSAY_OK)
        return (int)cli_explain(fuzz->spec, fuzz->backend, fuzz->options, status, &error);
    bool broken = course.found && !course.finding.at_end;
    if (broken)
        cli_fail(CLI_FINDING, "%s: no stream was run, for no heap can be made: %s", fuzz->spec,
                 course.finding.what);
    assay_course_clear(&course);
    return broken ? CLI_FINDING : 0;
}

static int run_command(int argc, char **argv)
{
    struct fuzz fuzz = {.folder = ""};
    struct assay_error error;
    int code, operand = cli_parse(&cli_fuzz_command, argc, argv, &code);

    if (operand < 0)
        return code;
    if (!spec[0])
        return cli_fail(CLI_USAGE, "fuzz: say on which heap: --backend NAME (see assay list)");
    if (operand != argc)
        return cli_fail(CLI_USAGE, "fuzz: takes no file, but got '%s'", argv[operand]);
    if (assay_registry_find(spec, &fuzz.backend, &error) != ASSAY_OK)
        return cli_fail(CLI_USAGE, "%s", error.what);
    if (!fuzz_engine_parse(engine, &fuzz.engine))
        return CLI_USAGE;
    if (fuzz.engine == FUZZ_RANDOM && corpus[0])
        return cli_fail(CLI_USAGE, "fuzz: random streams have no --corpus: say which --engine");
    fuzz.spec = spec;
    fuzz.jobs = (unsigned)jobs;
    fuzz_set_name(&fuzz);
    fuzz.options = backend_options;
    fuzz.folder = folder;
    fuzz.seed = seed;
    fuzz.shared = assay_guard_shared(sizeof *fuzz.shared);
    if (!fuzz.shared)
        return cli_fail(CLI_ENVIRONMENT, "no memory to share with child processes");
    const struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    code = fuzz_engine_find(&fuzz);
    code = code ? code : try_heap(&fuzz);
    code = code ? code : fuzz_open_folder(&fuzz);
    code = code ? code : fuzz_load_progress(&fuzz);
    code = code ? code : fuzz_engine_open(&fuzz, corpus);
    code = code ? code : supervise(&fuzz);
    assay_guard_unshare(fuzz.shared, sizeof *fuzz.shared);
    return code;
}

const struct cli_command cli_fuzz_command = {
    "fuzz", "looks for broken promises in child processes, and writes them down", "", options,
    run_command};
