/* spawn.c - starts the program to be recorded, and waits for it and for all it started. */
#include "spawn.h"

#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIBRARY "libassay_record.so"

/* The dynamic linker splits LD_PRELOAD at spaces and colons, and knows no way to quote them. */
static assay_status check_library(const char *path, struct assay_error *error)
{
    if (access(path, R_OK) != 0) {
        assay_error_set(error, "cannot read the recorder's library '%s': %s", path,
                        strerror(errno));
        return ASSAY_INVALID;
    }
    if (strpbrk(path, " :")) {
        assay_error_set(error,
                        "the recorder's library '%s' cannot be preloaded from a path with a space "
                        "or a colon; install assay elsewhere, or set " ASSAY_RECORD_ENV_LIBRARY,
                        path);
        return ASSAY_INVALID;
    }
    return ASSAY_OK;
}

assay_status assay_spawn_find_library(char *path, size_t room, struct assay_error *error)
{
    /* Beside the program; as built, harness/cli and harness/record; as installed, bin and lib. */
    static const char *const places[] = {LIBRARY, "../record/" LIBRARY, "../lib/assay/" LIBRARY};
    const char *given = getenv(ASSAY_RECORD_ENV_LIBRARY);
    char program[PATH_MAX] = "", candidate[PATH_MAX + sizeof "../lib/assay/" LIBRARY],
         real[PATH_MAX];

    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
        program[0] = '\0';
    const char *folder = dirname(program);
    for (size_t i = 0; i < (given ? 1 : sizeof places / sizeof *places); i++) {
        snprintf(candidate, sizeof candidate, "%s/%s", folder, places[i]);
        if (!realpath(given ? given : candidate, real))
            continue;
        if (strlen(real) >= room)
            break;
        memcpy(path, real, strlen(real) + 1);
        return check_library(path, error);
    }
    if (given)
        assay_error_set(error, "no file '%s', which " ASSAY_RECORD_ENV_LIBRARY " names", given);
    else
        assay_error_set(error,
                        "no " LIBRARY
                        " beside '%s', which recording needs; name it by " ASSAY_RECORD_ENV_LIBRARY,
                        folder);
    return ASSAY_INVALID;
}

/* --- signals: the program's own while it runs, ours when only its children are left --- */

static volatile sig_atomic_t program; /* its pid; 0 once it has ended */
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    if (program == 0)
        interrupted = 1;
    else if (number == SIGTERM || number == SIGHUP)
        kill(program, number);
    /* SIGINT and SIGQUIT come from the terminal, which sends them to the program as well. */
}

static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
#define SIGNALS (sizeof signals / sizeof *signals)

struct signal_state {
    struct sigaction actions[SIGNALS];
    sigset_t mask;
};

/* Until `program` is known none of them is delivered. */
static void catch_signals(struct signal_state *before)
{
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: waiting ends */
    sigset_t caught;

    sigemptyset(&caught);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(&caught, signals[i]);
    sigprocmask(SIG_BLOCK, &caught, &before->mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], NULL, &before->actions[i]);
        if (before->actions[i].sa_handler != SIG_IGN) /* as under nohup */
            sigaction(signals[i], &action, NULL);
    }
}

static void restore_signals(const struct signal_state *before)
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before->actions[i], NULL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

/* --- the program --- */

static bool set_environment(const struct assay_record_options *options, const char *library,
                            const char *directory)
{
    const char *others = getenv("LD_PRELOAD");
    size_t room = strlen(library) + (others ? strlen(others) : 0) + 2;
    char *preload = malloc(room);

    if (!preload)
        return false;
    /* Ours in front, so that it sees what reaches a malloc that is preloaded too. */
    snprintf(preload, room, others && *others ? "%s:%s" : "%s", library, others);
    bool is_set =
        setenv("LD_PRELOAD", preload, 1) == 0 &&
        setenv(ASSAY_RAW_ENV_DIRECTORY, directory, 1) == 0 &&
        (options->time ? setenv(ASSAY_RAW_ENV_TIME, "1", 1) : unsetenv(ASSAY_RAW_ENV_TIME)) == 0;
    free(preload);
    return is_set;
}

/* In the child: tells errno through `failure`, which a successful exec closes. */
static void execute(const struct assay_record_options *options, const char *library,
                    const char *directory, const struct signal_state *before, int failure)
{
    restore_signals(before);
    signal(SIGXFSZ, SIG_DFL); /* ours alone */
    if (set_environment(options, library, directory))
        execvp(options->command[0], options->command);
    int why = errno;
    if (write(failure, &why, sizeof why) != sizeof why)
        _exit(126);
    _exit(127);
}

/* Waits for every process that is ours, as a subreaper also those whose parents have ended. */
static void wait_for_all(pid_t pid, int *wait_status)
{
    int status;

    while (!interrupted) {
        pid_t ended = waitpid(-1, &status, 0);
        if (ended == pid) {
            *wait_status = status;
            program = 0;
        }
        if (ended < 0 && errno != EINTR)
            return;
    }
}

static assay_status start(const struct assay_record_options *options, const char *library,
                          const char *directory, const struct signal_state *before, pid_t *pid,
                          struct assay_error *error)
{
    int pipe_ends[2], why = 0;

    *pid = -1;
    if (pipe2(pipe_ends, O_CLOEXEC) == 0) {
        *pid = fork();
        if (*pid < 0) {
            close(pipe_ends[0]);
            close(pipe_ends[1]);
        }
    }
    if (*pid < 0) {
        assay_error_set(error, "cannot start '%s': %s", options->command[0], strerror(errno));
        return ASSAY_NO_MEMORY;
    }
    if (*pid == 0)
        execute(options, library, directory, before, pipe_ends[1]);
    close(pipe_ends[1]);
    ssize_t count;
    while ((count = read(pipe_ends[0], &why, sizeof why)) < 0 && errno == EINTR)
        continue;
    close(pipe_ends[0]);
    if (count != sizeof why)
        return ASSAY_OK;
    while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    *pid = -1;
    assay_error_set(error, "cannot execute '%s': %s", options->command[0], strerror(why));
    return ASSAY_INVALID;
}

assay_status assay_spawn(const struct assay_record_options *options, const char *library,
                         const char *directory, pid_t *pid, int *wait_status,
                         struct assay_error *error)
{
    struct signal_state before;

    *wait_status = -1;
    program = 0;
    interrupted = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    catch_signals(&before);
    assay_status status = start(options, library, directory, &before, pid, error);
    if (status == ASSAY_OK) {
        program = *pid;
        sigprocmask(SIG_SETMASK, &before.mask, NULL);
        wait_for_all(*pid, wait_status);
    }
    restore_signals(&before);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    return status;
}
