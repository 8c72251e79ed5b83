/* main.c - the program `assay`: finds the command and runs it. */
#include "cli.h"

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

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return CLI_NOTHING;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("assay " ASSAY_VERSION);
        return CLI_NOTHING;
    }
    const struct cli_command *command = cli_find(cli_commands, "", argv[1]);
    if (!command)
        return CLI_USAGE;

    int code = command->run(argc - 1, argv + 1);

    /* A result that could not be written is no result. */
    if (fflush(stdout) != 0 || ferror(stdout))
        return cli_fail(CLI_ENVIRONMENT, "cannot write the result to standard output");
    return code;
}
