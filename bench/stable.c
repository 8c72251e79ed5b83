/* stable.c - starts this program under callgrind, and reads what was counted. */
#include "stable.h"

#include "context.h"
#include "fail.h"

#include "assay/bare.h"
#include "assay/guard.h"
#include "assay/os_pages.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

/* Of processor time. Every mapping takes valgrind long: who maps for each block has no number in the end. */
#define CPU_SECONDS 40
/* Without any of it. */
#define SECONDS 300
#define PATH_ROOM 4096
/* The process says that it has counted, and then what was skipped, refused and made up. */
#define SAID "counted"

/* --- the process that counts itself --- */

bool stable_is_counting(void)
{
    return RUNNING_ON_VALGRIND;
}

static void run_once(struct assay_bare *bare, struct assay_heap *heap,
                     const struct workload *workload, struct assay_bare_result *result)
{
    struct assay_stream_reader memory;

    assay_stream_reader_init(&memory, &workload->stream);
    assay_bare_run(bare, heap, &memory.reader, ASSAY_TOUCH_NONE, result);
}

/* Makes the heap ready for the stream again. */
static bool recover(struct assay_bare *bare, struct assay_heap *heap,
                    const struct workload *workload)
{
    assay_bare_drain(bare, heap);
    if (is_reusable(heap->backend))
        return true;
    assay_heap_destroy(heap, NULL);
    return assay_heap_reopen(heap, heap_limit(heap->backend, workload), workload->stream.setup.seed,
                             NULL) == ASSAY_OK;
}

int stable_count(const struct assay_backend *backend, const struct workload *workload)
{
    struct assay_bare *bare = assay_bare_open();
    struct assay_bare_result result = {0};
    struct assay_heap heap;

    become_multithreaded();
    if (!bare || assay_heap_open(&heap, backend, assay_os_pages(), heap_limit(backend, workload),
                                 workload->stream.setup.seed, NULL) != ASSAY_OK)
        return bench_fail(EXIT_ENVIRONMENT, "no memory for a heap of %s", backend->name);
    run_once(bare, &heap, workload, &result);
    if (!recover(bare, &heap, workload))
        return bench_fail(EXIT_ENVIRONMENT, "no memory for a heap of %s", backend->name);
    result = (struct assay_bare_result){0};
    CALLGRIND_START_INSTRUMENTATION;
    run_once(bare, &heap, workload, &result);
    CALLGRIND_STOP_INSTRUMENTATION;
    printf(SAID " %" PRIu64 " %" PRIu64 " %" PRIu32 "\n", result.skipped, result.refused,
           heap.made_up);
    assay_bare_drain(bare, &heap);
    assay_heap_close(&heap, NULL);
    assay_bare_close(bare);
    return 0;
}

/* --- the process that starts it --- */

bool stable_find(char *version, size_t room, const char **why)
{
    *why = "it is no use on a build with sanitizers; take another preset";
    if (context_is_sanitized())
        return false;
    *why = "which is not to be found; install the package valgrind";
    FILE *valgrind = popen("valgrind --version 2>/dev/null", "re");
    if (!valgrind)
        return false;
    bool is_told = fgets(version, (int)room, valgrind);
    version[strcspn(version, "\n")] = '\0';
    return pclose(valgrind) == 0 && is_told;
}

struct task {
    const struct row *row;
    char program[PATH_ROOM];
    char counts[PATH_ROOM]; /* what callgrind writes */
    char said[PATH_ROOM];   /* what the process prints */
};

static void start(void *arg, volatile uint64_t *progress)
{
    const struct task *task = arg;
    const struct row *row = task->row;
    char option[PATH_ROOM + 32];
    const struct rlimit most = {CPU_SECONDS, CPU_SECONDS};

    (void)progress;
    int said = open(task->said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (said < 0 || dup2(said, STDOUT_FILENO) < 0)
        _exit(EXIT_ENVIRONMENT);
    setrlimit(RLIMIT_CPU, &most);
    snprintf(option, sizeof option, "--callgrind-out-file=%s", task->counts);
    execlp("valgrind", "valgrind", "--tool=callgrind", "--quiet", "--instr-atstart=no", option,
           task->program, "bench", "--stable", "--backend", row->spec,
           row->path ? "--trace" : "--workload", row->path ? row->path : row->workload,
           (char *)NULL);
    _exit(EXIT_ENVIRONMENT);
}

/* "totals: 123" is the last line but for empty ones; 0: there is none. */
static uint64_t read_total(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[PATH_ROOM];
    uint64_t total = 0;

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "totals: ", 8) == 0)
            total = strtoull(line + 8, NULL, 10);
    if (file)
        fclose(file);
    return total;
}

static bool read_said(struct row *row, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[PATH_ROOM] = "", *end = line + strlen(SAID);
    bool is_said = file && fgets(line, sizeof line, file) && strncmp(line, SAID, strlen(SAID)) == 0;

    if (file)
        fclose(file);
    row->skipped = is_said ? strtoull(end, &end, 10) : 0;
    row->refused = is_said ? strtoull(end, &end, 10) : 0;
    row->made_up = is_said ? (uint32_t)strtoul(end, &end, 10) : 0;
    return is_said && *end == '\n';
}

/* Processor time of all children that have ended. */
static double spent_s(void)
{
    struct rusage used = {0};

    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* `spent` is the processor time of the child. */
static void judge(struct row *row, const struct task *task, assay_status status,
                  const struct assay_guard_outcome *outcome, double spent)
{
    char *what = row->failure;
    size_t room = sizeof row->failure;

    row->passed = false;
    if (status != ASSAY_OK)
        snprintf(what, room, "the counted run could not be started");
    else if (outcome->ending == ASSAY_CRASHED && outcome->code == SIGKILL &&
             spent > CPU_SECONDS * 0.9)
        snprintf(row->unmeasured, sizeof row->unmeasured,
                 "not counted: callgrind takes more than %d s", CPU_SECONDS);
    else if (outcome->ending == ASSAY_HUNG)
        snprintf(what, room, "the counted run hung");
    else if (outcome->ending == ASSAY_CRASHED)
        snprintf(what, room, "the counted run crashed by signal %d", outcome->code);
    else if (outcome->code != 0 || !read_said(row, task->said))
        snprintf(what, room, "the counted run exited with status %d", outcome->code);
    else if ((row->instructions = (double)read_total(task->counts)) <= 0)
        snprintf(what, room, "callgrind wrote no count");
    row->passed = row->unmeasured[0] || row->instructions > 0;
}

void measure_instructions(struct row *row)
{
    const char *home = getenv("TMPDIR");
    char folder[PATH_ROOM - 16];
    struct task task = {.row = row};
    struct assay_guard_outcome outcome = {.ending = ASSAY_ENDED};

    row->is_counted = true;
    snprintf(folder, sizeof folder, "%s/assay-XXXXXX", home && *home ? home : "/tmp");
    ssize_t length = readlink("/proc/self/exe", task.program, sizeof task.program - 1);
    if (length < 0 || !mkdtemp(folder)) {
        row->passed = false;
        snprintf(row->failure, sizeof row->failure, "no folder for counts in %.300s", folder);
        return;
    }
    snprintf(task.counts, sizeof task.counts, "%s/counts", folder);
    snprintf(task.said, sizeof task.said, "%s/said", folder);
    double before = spent_s();
    assay_status status = assay_guard_run(start, &task, SECONDS, true, &outcome);
    judge(row, &task, status, &outcome, spent_s() - before);
    unlink(task.counts);
    unlink(task.said);
    rmdir(folder);
}
