/* program_run.c - one run of a program: its files, its child process, its costs. */
#include "program_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#define ROOM ((size_t)64 << 10)

/* What is open for a run. */
struct files {
    FILE *output, *errors; /* of the program, until they are looked at */
    int null;
    int told[2]; /* a pipe: errno of an exec that failed; closed by one that did not */
};

/* --- files --- */

static void close_files(struct files *files)
{
    if (files->output)
        fclose(files->output);
    if (files->errors)
        fclose(files->errors);
    for (int i = 0; i < 2; i++)
        if (files->told[i] >= 0)
            close(files->told[i]);
    if (files->null >= 0)
        close(files->null);
}

static bool open_files(struct files *files)
{
    *files = (struct files){.null = open("/dev/null", O_RDONLY | O_CLOEXEC), .told = {-1, -1}};
    files->output = tmpfile();
    files->errors = tmpfile();
    return files->output && files->errors && files->null >= 0 && pipe2(files->told, O_CLOEXEC) == 0;
}

/* Our standard input from its beginning, or nothing: each run must read the same. */
static int input_of(const struct files *files)
{
    struct stat file;

    if (fstat(STDIN_FILENO, &file) == 0 && S_ISREG(file.st_mode) &&
        lseek(STDIN_FILENO, 0, SEEK_SET) == 0)
        return STDIN_FILENO;
    return files->null;
}

static void hash_output(struct program_run *run, FILE *output)
{
    static char data[ROOM];
    XXH64_state_t *state = XXH64_createState();
    size_t size;

    rewind(output);
    if (!state)
        return;
    XXH64_reset(state, 0);
    while ((size = fread(data, 1, sizeof data, output)) != 0) {
        XXH64_update(state, data, size);
        run->output_bytes += size;
    }
    run->output_hash = XXH64_digest(state);
    XXH64_freeState(state);
}

static void take_complaint(struct program_run *run, FILE *errors)
{
    char line[sizeof run->complaint];

    rewind(errors);
    while (fgets(line, sizeof line, errors)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0])
            strcpy(run->complaint, line);
    }
}

/* --- the child --- */

/* Libraries that are preloaded already stay behind ours. */
static void preload(const char *library)
{
    char list[4096];
    const char *others = getenv("LD_PRELOAD");

    snprintf(list, sizeof list, "%s%s%s", library, others && others[0] ? ":" : "",
             others ? others : "");
    setenv("LD_PRELOAD", list, 1);
}

static __attribute__((noreturn)) void become(char *const *command, const char *library, bool traced,
                                             const struct files *files)
{
    if (dup2(input_of(files), STDIN_FILENO) >= 0 &&
        dup2(fileno(files->output), STDOUT_FILENO) >= 0 &&
        dup2(fileno(files->errors), STDERR_FILENO) >= 0) {
        if (library)
            preload(library);
        if (traced)
            setenv("LD_TRACE_LOADED_OBJECTS", "1", 1);
        execvp(command[0], command);
    }
    int why = errno;
    ssize_t told = write(files->told[1], &why, sizeof why);
    _exit(told == (ssize_t)sizeof why ? 127 : 126);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* Waits until the child ends; kills it after so many seconds, 0: never. */
static void await(struct program_run *run, pid_t child, unsigned seconds, double started)
{
    struct rusage usage;
    int status, ending = pidfd_open(child, 0);
    struct pollfd until = {.fd = ending, .events = POLLIN};

    while (seconds && ending >= 0) {
        double left = started + seconds - now_s();
        int answer = left > 0 ? poll(&until, 1, (int)(left * 1000) + 1) : 0;
        if (answer == 0) {
            run->hung = true;
            kill(child, SIGKILL);
        }
        if (answer >= 0 || errno != EINTR)
            break;
    }
    if (ending >= 0)
        close(ending);
    while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR)
        continue;
    run->wall_s = now_s() - started;
    run->cpu_s = seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime);
    run->peak_resident_bytes = (uint64_t)usage.ru_maxrss * 1024;
    run->faults = (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
    run->switches = (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
    run->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    run->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/* 0, or errno of what went wrong before the program was the program. */
static int run_child(struct program_run *run, char *const *command, const char *library,
                     bool traced, unsigned seconds, struct files *files)
{
    int why = 0;
    double started = now_s();
    pid_t child = fork();

    if (child < 0)
        return errno;
    if (child == 0)
        become(command, library, traced, files);
    close(files->told[1]);
    files->told[1] = -1;
    ssize_t told = read(files->told[0], &why, sizeof why);
    await(run, child, seconds, started);
    return told == (ssize_t)sizeof why ? why : 0;
}

assay_status program_run(struct program_run *run, char *const *command, const char *library,
                         unsigned seconds, struct assay_error *error)
{
    struct files files;
    int why;

    *run = (struct program_run){.cpu_s = 0};
    fflush(NULL); /* a child must not write what is ours */
    why = open_files(&files) ? run_child(run, command, library, false, seconds, &files) : errno;
    if (why) {
        assay_error_set(error, "cannot run %.200s: %s", command[0], strerror(why));
    } else {
        hash_output(run, files.output);
        take_complaint(run, files.errors);
    }
    close_files(&files);
    return why ? ASSAY_INVALID : ASSAY_OK;
}

/* "	libm.so.6 => /lib/libm.so.6 (0x...)" or "	/lib/libx.so (0x...)": a line of the linker's list. */
static bool lists(FILE *output, const char *library)
{
    char line[4096];
    size_t length = strlen(library);

    rewind(output);
    while (fgets(line, sizeof line, output)) {
        const char *at = line + strspn(line, "\t ");
        if (strncmp(at, library, length) == 0 && at[length] == ' ' && !strstr(at, "not found"))
            return true;
    }
    return false;
}

bool program_loads(char *const *command, const char *library)
{
    struct program_run run;
    struct files files;

    fflush(NULL);
    bool loads = open_files(&files) && run_child(&run, command, library, true, 60, &files) == 0 &&
                 lists(files.output, library);
    close_files(&files);
    return loads;
}
