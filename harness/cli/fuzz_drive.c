/*
 * fuzz_drive.c - a worker that drives an engine: starts it, looks after it, and takes in what it finds.
 *
 * The engine is a group of processes that ends with its worker, as the worker ends with the supervisor.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 100
/* Looks until an engine that was told to end is killed. */
#define PATIENT_LOOKS 30
/* An engine that ends so often without having run anything will not do better. */
#define VAIN_ROUNDS 3
/* Looks between two at what AFL++ has found. */
#define TAKE_EACH 10

/* An engine under way. */
struct drive {
    const struct fuzz *fuzz;
    unsigned number;
    pid_t engine;
    int output;     /* what it says */
    char line[512]; /* of that, the one that is being read */
    size_t length;
    char last[512]; /* the last whole one */
};

/* --- the engine --- */

static void set_environment(const struct drive *drive)
{
    const struct fuzz *fuzz = drive->fuzz;
    char path[64];

    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getppid(),
             fuzz->counts_file[drive->number]);
    setenv(FUZZ_ENV_COUNTS, path, 1);
    setenv("ASSAY_BACKEND", fuzz->spec, 1);
    setenv("ASSAY_BACKEND_OPTIONS", fuzz->options, 1);
}

/* Numbers that differ from round to round; 0 would be by the clock. */
static unsigned seed_of(const struct drive *drive)
{
    const struct fuzz *fuzz = drive->fuzz;

    return (unsigned)((fuzz->seed * 1000003 + fuzz->shared->worker[drive->number].slice) %
                          0x7fffffff +
                      1);
}

static void run_libfuzzer(const struct drive *drive)
{
    const struct fuzz *fuzz = drive->fuzz;
    char prefix[1200], max[40], seed[40];

    snprintf(prefix, sizeof prefix, "-artifact_prefix=%s/%u-", fuzz->artifacts, drive->number);
    snprintf(max, sizeof max, "-max_len=%zu", FUZZ_INPUT_MAX);
    snprintf(seed, sizeof seed, "-seed=%u", seed_of(drive));
    /* What waits for ever; what computes for ever ends itself. */
    execl(fuzz->program, fuzz->program, prefix, max, seed, "-timeout=60", "-rss_limit_mb=2048",
          "-reload=1", fuzz->kept, fuzz->seeds, (char *)NULL);
}

/* AFL++ looks at the machine, which is not ours to change, and writes for a terminal. */
static void set_afl_environment(const struct fuzz *fuzz)
{
    static const char *const settings[] = {"AFL_SKIP_CPUFREQ",
                                           "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES",
                                           "AFL_NO_AFFINITY", "AFL_NO_UI", "AFL_AUTORESUME"};
    char mutator[4300];

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        setenv(settings[i], "1", 1);
    snprintf(mutator, sizeof mutator, "%.*s/mutator_aflpp.so",
             (int)(strrchr(fuzz->program, '/') - fuzz->program), fuzz->program);
    setenv("AFL_CUSTOM_MUTATOR_LIBRARY", mutator, 1);
}

/* The first worker is AFL++'s main instance, which also looks at seeds that came since. */
static void run_aflpp(const struct drive *drive)
{
    const struct fuzz *fuzz = drive->fuzz;
    char number[20], seed[20], most[40];
    const char *words[24] = {"afl-fuzz", "-i", fuzz->seeds, "-o", fuzz->kept};
    size_t count = 5;

    snprintf(number, sizeof number, "%u", drive->number);
    snprintf(seed, sizeof seed, "%u", seed_of(drive));
    snprintf(most, sizeof most, "%zu", FUZZ_INPUT_MAX);
    const char *const rest[] = {"-s",   seed, "-G",    most, "-m",
                                "none", "-t", "60000", "--", fuzz->program};
    words[count++] = drive->number ? "-S" : "-M";
    words[count++] = number;
    if (drive->number == 0) {
        words[count++] = "-F";
        words[count++] = fuzz->seeds;
    }
    memcpy(&words[count], rest, sizeof rest);
    set_afl_environment(fuzz);
    execvp(words[0], (char *const *)(uintptr_t)words);
}

/* In a child: never returns. */
static void become_engine(const struct drive *drive, int output)
{
    int nothing = open("/dev/null", O_RDWR);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(nothing, STDIN_FILENO);
    dup2(drive->fuzz->engine == FUZZ_AFLPP ? output : nothing, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    set_environment(drive);
    if (drive->fuzz->engine == FUZZ_AFLPP)
        run_aflpp(drive);
    else
        run_libfuzzer(drive);
    dprintf(STDERR_FILENO, "PROGRAM ABORT: cannot be run: %s\n", strerror(errno));
    _exit(127);
}

static bool start(struct drive *drive)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    drive->engine = fork();
    if (drive->engine == 0)
        become_engine(drive, ends[1]);
    close(ends[1]);
    drive->output = ends[0];
    fcntl(drive->output, F_SETFL, O_NONBLOCK);
    return drive->engine > 0;
}

/* "#99 NEW cov: 3 ft: 31 corp: 12/340b ..." */
static void read_line(struct drive *drive)
{
    struct fuzz_worker *worker = &drive->fuzz->shared->worker[drive->number];
    const char *features = strstr(drive->line, " ft: "), *corpus = strstr(drive->line, " corp: ");

    if (features && corpus) {
        worker->features = strtoull(features + 5, NULL, 10);
        worker->corpus = strtoull(corpus + 7, NULL, 10);
    }
    /* AFL++ says where in its source it gave up after it has said why. */
    if (drive->fuzz->engine != FUZZ_AFLPP || strstr(drive->line, "PROGRAM ABORT"))
        memcpy(drive->last, drive->line, drive->length + 1);
}

/* What AFL++ does not say, but writes down: "corpus_count      : 12". */
static void read_stats(const struct drive *drive)
{
    struct fuzz_worker *worker = &drive->fuzz->shared->worker[drive->number];
    char path[1300], line[256];

    snprintf(path, sizeof path, "%s/%u/fuzzer_stats", drive->fuzz->kept, drive->number);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (colon && strncmp(line, "corpus_count ", 13) == 0)
            worker->corpus = strtoull(colon + 1, NULL, 10);
        else if (colon && strncmp(line, "edges_found ", 12) == 0)
            worker->features = strtoull(colon + 1, NULL, 10);
    }
    if (file)
        fclose(file);
}

static void read_output(struct drive *drive)
{
    struct pollfd ready = {.fd = drive->output, .events = POLLIN};
    char some[4096];
    ssize_t got;

    poll(&ready, 1, LOOK_MS);
    while ((got = read(drive->output, some, sizeof some)) > 0)
        for (ssize_t i = 0; i < got; i++) {
            if (some[i] != '\n' && drive->length + 1 < sizeof drive->line) {
                drive->line[drive->length++] = some[i];
            } else if (some[i] == '\n' && drive->length) {
                drive->line[drive->length] = '\0';
                read_line(drive);
                drive->length = 0;
            }
        }
}

/* libFuzzer does not say that it could not write an input; what it found would be lost with it. */
static bool has_room(const struct fuzz *fuzz, const char *folder)
{
    struct statvfs disk;

    if (statvfs(folder, &disk) != 0 || disk.f_bavail > 0)
        return true;
    fuzz_fail_with(fuzz, folder, strerror(ENOSPC));
    return false;
}

/* What it has found so far, or all of it once it has ended. False: after fuzz_fail(). */
static bool take(const struct drive *drive, bool ended)
{
    const struct fuzz *fuzz = drive->fuzz;

    if (!has_room(fuzz, fuzz->kept) || !has_room(fuzz, fuzz->artifacts))
        return false;
    if (fuzz->engine == FUZZ_AFLPP) {
        read_stats(drive);
        if (!fuzz_move_crashes(fuzz, drive->number, ended))
            return false;
    } else if (!ended) {
        return true; /* libFuzzer ends with what it finds */
    }
    return fuzz_take_artifacts(fuzz, drive->number);
}

/* Until the engine has ended, or was ended because the campaign stops; its status as waitpid() has it. */
static int watch(struct drive *drive)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000l};
    struct fuzz_shared *shared = drive->fuzz->shared;
    unsigned stopping = 0, looks = 0;
    int ending = 0;

    while (waitpid(drive->engine, &ending, WNOHANG) == 0) {
        drive->fuzz->counts[drive->number]->ignored = atomic_load(&shared->ignored);
        read_output(drive);
        if (stopping == 0 && ++looks % TAKE_EACH == 0 && !take(drive, false))
            continue; /* the campaign has failed */
        if (!atomic_load(&shared->stop) && !atomic_load(&shared->failed))
            continue;
        if (stopping++ == 0)
            kill(drive->engine, SIGTERM);
        else
            nanosleep(&pause, NULL);
        if (stopping > PATIENT_LOOKS)
            kill(-drive->engine, SIGKILL);
    }
    read_output(drive);
    kill(-drive->engine, SIGKILL); /* what it left behind */
    close(drive->output);
    return ending;
}

bool fuzz_engine_run(const struct fuzz *fuzz, unsigned number)
{
    static unsigned vain;
    struct drive drive = {.fuzz = fuzz, .number = number, .last = "it said nothing"};
    const struct fuzz_counts *counts = fuzz->counts[number];
    const uint64_t before = counts->executions;

    atomic_store(&fuzz->shared->worker[number].has_slice, false); /* nobody needs to run it again */
    while (!atomic_load(&fuzz->shared->has_seeds)) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        if (atomic_load(&fuzz->shared->stop) || atomic_load(&fuzz->shared->failed))
            return false;
    }
    if (!take(&drive, true))
        return false;
    if (!start(&drive)) {
        fuzz_fail_with(fuzz, fuzz->program, "cannot start a process");
        return false;
    }
    int ending = watch(&drive);
    vain = counts->executions == before ? vain + 1 : 0;
    bool refused = WIFEXITED(ending) && (WEXITSTATUS(ending) == 127 || WEXITSTATUS(ending) == 2 ||
                                         WEXITSTATUS(ending) == 3);
    if (!atomic_load(&fuzz->shared->stop) && (refused || vain >= VAIN_ROUNDS)) {
        fuzz_fail_with(fuzz, fuzz->program, drive.last);
        return false;
    }
    return take(&drive, true);
}
