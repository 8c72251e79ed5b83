/* main.c - the program `assay`: finds the command and runs it. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#ifndef ASSAY_VERSION
#error "the build defines ASSAY_VERSION"
#endif

static void usage(FILE *out)
{
    fputs("usage: assay COMMAND [OPTIONS] [OPERANDS]\n\n", out);
    for (const struct cli_command *const *command = cli_commands; *command; command++)
        fprintf(out, "  %-12s %s\n", (*command)->name, (*command)->summary);
    fputs("\n`assay COMMAND --help` explains one; `man assay` explains all.\n", out);
}

/* A result that could not be written is no result. */
static int finish(int code)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    return cli_fail(CLI_ENVIRONMENT, "cannot write to standard output: %s",
                    errno ? strerror(errno) : "not all could be written");
}

int main(int argc, char **argv)
{
    cli_open_standard_files();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is told as a full disk is */
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return finish(CLI_NOTHING);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("assay " ASSAY_VERSION);
        return finish(CLI_NOTHING);
    }
    const struct cli_command *command = cli_find(cli_commands, "", argv[1]);
    if (!command)
        return CLI_USAGE;

    return finish(command->run(argc - 1, argv + 1));
}
