/* options.c - one table a command: parsed, printed by --help, completed by the shell. */
#include "cli.h"

#include "assay/nearest.h"
#include "assay/text.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_ROOM 32
/* Values of getopt_long's options; above every character. */
#define FIRST_OPTION 256
#define HELP_OPTION 255

static bool parse_count(const char *text, uint64_t *count)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *count = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static int bad_value(const struct cli_command *command, const struct cli_option *option,
                     const char *wanted, const char *given)
{
    return cli_fail(CLI_USAGE, "%s: --%s wants %s, not '%s'", command->name, option->name, wanted,
                    given);
}

static int store_number(const struct cli_command *command, const struct cli_option *option,
                        const char *text)
{
    uint64_t number;

    if (option->kind == CLI_SIZE && !assay_text_parse_size(text, &number))
        return bad_value(command, option, "a size such as 4096, 64k or 16MiB", text);
    if (option->kind == CLI_COUNT && !parse_count(text, &number))
        return bad_value(command, option, "a whole number", text);
    if (number < option->min || (option->max && number > option->max)) {
        char range[80];
        snprintf(range, sizeof range, option->max ? "%s from %llu to %llu" : "%s of %llu or more",
                 option->kind == CLI_SIZE ? "a size" : "a number", (unsigned long long)option->min,
                 (unsigned long long)option->max);
        return bad_value(command, option, range, text);
    }
    *(uint64_t *)option->value = number;
    return 0;
}

static int store_seconds(const struct cli_command *command, const struct cli_option *option,
                         const char *text)
{
    char range[80], *end;

    errno = 0;
    double seconds = strtod(text, &end);
    if (errno == 0 && end != text && *end == '\0' && seconds >= (double)option->min &&
        seconds <= (double)option->max) {
        *(double *)option->value = seconds;
        return 0;
    }
    snprintf(range, sizeof range, "seconds from %llu to %llu", (unsigned long long)option->min,
             (unsigned long long)option->max);
    return bad_value(command, option, range, text);
}

static int store_list(const struct cli_command *command, const struct cli_option *option,
                      const char *text)
{
    struct cli_list *list = option->value;

    if (list->count == CLI_LIST_ROOM)
        return cli_fail(CLI_USAGE, "%s: --%s may be given %d times at most", command->name,
                        option->name, CLI_LIST_ROOM);
    list->words[list->count++] = text;
    return 0;
}

/* Returns 0, or the exit code after having printed why. */
static int store(const struct cli_command *command, const struct cli_option *option,
                 const char *text)
{
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->value = true;
        return 0;
    case CLI_TEXT:
        *(const char **)option->value = text;
        return 0;
    case CLI_LIST:
        return store_list(command, option, text);
    case CLI_SIZE:
    case CLI_COUNT:
        return store_number(command, option, text);
    case CLI_SECONDS:
        return store_seconds(command, option, text);
    case CLI_ENCODING:
        if (!assay_encoding_parse(text, option->value))
            return bad_value(command, option, "trace, text or bytes", text);
        return 0;
    }
    return 0;
}

/* What getopt_long could not take: an unknown option, or one without its argument. */
static int complain(const struct cli_command *command, int answer, const char *word)
{
    const char *names[OPTIONS_ROOM];
    size_t count = 0;

    if (answer == ':')
        return cli_fail(CLI_USAGE, "%s: %s needs a value; see assay %s --help", command->name, word,
                        command->name);
    for (const struct cli_option *option = command->options; option->name; option++)
        names[count++] = option->name;
    const char *near = strncmp(word, "--", 2) == 0 ? assay_nearest(word + 2, names, count) : NULL;
    if (near)
        return cli_fail(CLI_USAGE, "%s: no option '%s' (did you mean '--%s'?)", command->name, word,
                        near);
    return cli_fail(CLI_USAGE, "%s: no option '%s'; see assay %s --help", command->name, word,
                    command->name);
}

static int take(const struct cli_command *command, int answer, const char *word, int *exit_code)
{
    if (answer == HELP_OPTION) {
        cli_help(stdout, command);
        *exit_code = CLI_NOTHING;
        return -1;
    }
    if (answer == '?' || answer == ':') {
        *exit_code = complain(command, answer, word);
        return -1;
    }
    *exit_code = store(command, &command->options[answer - FIRST_OPTION], optarg);
    return *exit_code ? -1 : 0;
}

int cli_parse(const struct cli_command *command, int argc, char **argv, int *exit_code)
{
    struct option options[OPTIONS_ROOM + 2] = {{"help", no_argument, NULL, HELP_OPTION}};
    int answer, count = 1;

    for (const struct cli_option *option = command->options; option->name; option++, count++)
        options[count] = (struct option){option->name,
                                         option->kind == CLI_FLAG ? no_argument : required_argument,
                                         NULL, FIRST_OPTION + count - 1};
    optind = 1;
    opterr = 0;
    /* "-- PROGRAM ARGS...": what follows the first operand is not ours, with or without "--". */
    const char *shorts = strncmp(command->operands, "-- ", 3) == 0 ? "+:o:" : ":o:";
    /* ':' first: a missing argument is told apart. "o:" is the customary short form of --output. */
    for (;;) {
        const char *word = optind < argc ? argv[optind] : "";
        answer = getopt_long(argc, argv, shorts, options, NULL);
        if (answer == -1)
            break;
        if (answer == 'o')
            for (int i = 1; i < count; i++)
                if (strcmp(options[i].name, "output") == 0)
                    answer = options[i].val;
        if (answer == 'o')
            answer = '?';
        if (take(command, answer, word, exit_code) < 0)
            return -1;
    }
    return optind;
}

void cli_help(FILE *out, const struct cli_command *command)
{
    fprintf(out, "usage: assay %s [OPTIONS] %s\n\n%s.\n\n", command->name, command->operands,
            command->summary);
    for (const struct cli_option *option = command->options; option->name; option++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
        fprintf(out, "  %-24s %s\n", left, option->help);
    }
    fprintf(out, "  %-24s %s\n", "--help", "this text");
}

const struct cli_command *cli_find(const struct cli_command *const *commands, const char *prefix,
                                   const char *name)
{
    const char *names[OPTIONS_ROOM];
    size_t count = 0;

    for (; commands[count]; count++) {
        /* "trace show" is found as show among the commands of trace. */
        const char *last = strrchr(commands[count]->name, ' ');
        names[count] = last ? last + 1 : commands[count]->name;
        if (strcmp(name, names[count]) == 0)
            return commands[count];
    }
    const char *near = assay_nearest(name, names, count);
    if (near)
        cli_fail(CLI_USAGE, "no command '%s%s' (did you mean '%s'?)", prefix, name, near);
    else
        cli_fail(CLI_USAGE, "no command '%s%s'; see assay --help", prefix, name);
    return NULL;
}
