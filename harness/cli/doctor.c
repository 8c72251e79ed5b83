/* doctor.c - `assay doctor`: every promise of backend.h, kept or broken, for one backend. */
#include "doctor.h"
#include "cli.h"
#include "doctor_examine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cli_list specs;
static struct doctor_plan plan = {.seconds = 60};
static const char *junit;
static const struct cli_option options[] = {
    {"backend", CLI_LIST, &specs, "SPEC",
     "a name of assay list, dl:PATH or plugin:PATH; repeatable", 0, 0},
    {"seconds", CLI_SECONDS, &plan.seconds, "SECONDS",
     "how long to run random streams, in processor time; default 60, 0: not at all", 0, 86400},
    {"faults", CLI_FLAG, &plan.every_request, NULL,
     "refuse each request for pages once, not some of them", 0, 0},
    {"json", CLI_FLAG, &plan.json, NULL, "one JSON object a line", 0, 0},
    {"junit", CLI_TEXT, &junit, "FILE", "write the verdicts as JUnit XML too", 0, 0},
    {0},
};

/* The variable by which glibc's loader is told to keep more room, and whether that was done. */
#define TUNABLES "GLIBC_TUNABLES"
#define MORE_ROOM "glibc.rtld.optional_static_tls=65536"

/*
 * Some libraries, jemalloc among them, want memory for threads that the loader sets aside when a program
 * starts, and by default it is too little. So the program starts anew; it comes back only if it cannot.
 */
static void start_with_more_room(char **argv)
{
    const char *before = getenv(TUNABLES);
    char *tunables = NULL, *self = realpath("/proc/self/exe", NULL);

    if (!self || (before && strstr(before, MORE_ROOM)) ||
        asprintf(&tunables, "%s%s%s", before ? before : "", before ? ":" : "", MORE_ROOM) < 0) {
        free(self);
        return;
    }
    char **arguments = argv - 1; /* the command stands before its arguments */
    setenv(TUNABLES, tunables, 1);
    fflush(NULL);
    execv(self, arguments);
    free(tunables);
    free(self);
}

static int write_junit(const struct doctor_report *const *reports, size_t count)
{
    struct cli_output output;
    int code = cli_output_open(&output, junit);

    if (code)
        return code;
    doctor_write_junit(output.file, reports, count);
    return cli_output_close(&output, true);
}

/* Returns the exit code. */
static int examine_all(struct doctor_report **reports, char **argv)
{
    struct assay_error error;
    int worst = CLI_NOTHING;

    for (size_t i = 0; i < specs.count; i++) {
        reports[i] = assay_guard_shared(sizeof **reports);
        if (!reports[i])
            return cli_fail(CLI_ENVIRONMENT, "no memory to share with a child process");
        snprintf(reports[i]->spec, sizeof reports[i]->spec, "%s", specs.words[i]);
        assay_status status = doctor_examine(&plan, reports[i], &error);
        if (status == ASSAY_INVALID && strstr(error.what, "static TLS") && i == 0)
            start_with_more_room(argv);
        if (status != ASSAY_OK)
            return cli_fail(status == ASSAY_NO_MEMORY ? CLI_ENVIRONMENT : CLI_USAGE, "%s",
                            error.what);
        if (reports[i]->verdicts[ASSAY_BROKEN] > 0)
            worst = CLI_FINDING;
    }
    return worst;
}

static int run_command(int argc, char **argv)
{
    struct doctor_report *reports[CLI_LIST_ROOM] = {NULL};
    int code, first = cli_parse(&cli_doctor_command, argc, argv, &code);

    if (first < 0)
        return code;
    if (first < argc)
        return cli_fail(CLI_USAGE, "doctor: takes no operands, but got '%s'; use --backend %s",
                        argv[first], argv[first]);
    if (specs.count == 0)
        return cli_fail(CLI_USAGE, "doctor: say which: --backend NAME (see assay list)");
    for (size_t i = 0; i < specs.count; i++)
        if (strlen(specs.words[i]) >= sizeof reports[0]->spec)
            return cli_fail(CLI_USAGE, "doctor: the name of a backend has at most %zu characters",
                            sizeof reports[0]->spec - 1);
    code = examine_all(reports, argv);
    if (junit && code <= CLI_FINDING) {
        int written = write_junit((const struct doctor_report *const *)reports, specs.count);
        code = written ? written : code;
    }
    for (size_t i = 0; i < specs.count; i++)
        assay_guard_unshare(reports[i], sizeof *reports[i]);
    return code;
}

const struct cli_command cli_doctor_command = {"doctor", "says which promises a backend keeps", "",
                                               options, run_command};
