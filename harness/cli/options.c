/* options.c - one table a command: parsed, printed by --help, completed by the shell. */
#include "cli.h"

#include "assay/nearest.h"
#include "assay/text.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_ROOM 32
_Static_assert(OPTIONS_ROOM <= 32, "each has a bit");
/* Values of getopt_long's options; above every character. */
#define FIRST_OPTION 256
#define HELP_OPTION 255

/* A bit for each option of the command that was parsed, by its place in the table. */
static uint32_t seen;

bool cli_given(const struct cli_command *command, const void *value)
{
    for (unsigned i = 0; command->options[i].name; i++)
        if (command->options[i].value == value)
            return seen >> i & 1;
    return false;
}

char cli_letter(const struct cli_option *option)
{
    return strcmp(option->name, "output") == 0 ? 'o' : '\0';
}

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

/* What a number should have been. */
static void describe_range(const struct cli_option *option, bool parsed, char *text, size_t room)
{
    bool is_size = option->kind == CLI_SIZE;

    if (is_size && !parsed)
        snprintf(text, room, "a size such as 4096, 64k or 16MiB");
    else if (option->max || !parsed)
        snprintf(text, room, "a %s from %llu to %llu", is_size ? "size" : "whole number",
                 (unsigned long long)option->min,
                 (unsigned long long)(option->max ? option->max : UINT64_MAX));
    else
        snprintf(text, room, "a %s of %llu or more", is_size ? "size" : "whole number",
                 (unsigned long long)option->min);
}

static int store_number(const struct cli_command *command, const struct cli_option *option,
                        const char *text)
{
    uint64_t number, most = option->max ? option->max : UINT64_MAX;
    char range[120];

    bool parsed = option->kind == CLI_SIZE ? assay_text_parse_size(text, &number)
                                           : parse_count(text, &number);
    if (parsed && number >= option->min && number <= most) {
        *(uint64_t *)option->value = number;
        return 0;
    }
    describe_range(option, parsed, range, sizeof range);
    return bad_value(command, option, range, text);
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
    uint32_t bit = UINT32_C(1) << (option - command->options);

    if (seen & bit && option->kind != CLI_LIST && option->kind != CLI_FLAG)
        return cli_fail(CLI_USAGE, "%s: --%s is given twice", command->name, option->name);
    seen |= bit;
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
            return bad_value(command, option,
                             "trace, text, bytes, rep, mtrace, heaptrack, valgrind, mozilla or "
                             "android",
                             text);
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
    char name[ASSAY_NEAREST_LENGTH + 1] = ""; /* "limt" of "--limt=4k" */
    if (strncmp(word, "--", 2) == 0)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *near = assay_nearest(name, names, count);
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

/* getopt_long's tables of the command's options, --help included. */
static void make_tables(const struct cli_command *command, struct option *options, char *shorts)
{
    int count = 0;

    /* "-- PROGRAM ARGS...": what follows the first operand is not ours, with or without "--". */
    if (strncmp(command->operands, "-- ", 3) == 0)
        *shorts++ = '+';
    *shorts++ = ':'; /* a missing argument is told apart */
    *shorts++ = 'h';
    for (const struct cli_option *option = command->options; option->name; option++, count++) {
        int argument = option->kind == CLI_FLAG ? no_argument : required_argument;
        options[count] = (struct option){option->name, argument, NULL, FIRST_OPTION + count};
        if (cli_letter(option)) {
            *shorts++ = cli_letter(option);
            if (argument == required_argument)
                *shorts++ = ':';
        }
    }
    options[count] = (struct option){"help", no_argument, NULL, HELP_OPTION};
    *shorts = '\0';
}

/* An option by its letter to what its long form answers. */
static int long_answer(const struct cli_command *command, int answer)
{
    if (answer == 'h')
        return HELP_OPTION;
    for (int i = 0; command->options[i].name; i++)
        if (answer == cli_letter(&command->options[i]))
            return FIRST_OPTION + i;
    return answer;
}

int cli_parse(const struct cli_command *command, int argc, char **argv, int *exit_code)
{
    struct option options[OPTIONS_ROOM + 2] = {{0}};
    char shorts[2 * OPTIONS_ROOM + 4];
    int answer;

    make_tables(command, options, shorts);
    seen = 0;
    optind = 1;
    opterr = 0;
    for (;;) {
        const char *word = optind < argc ? argv[optind] : "";
        answer = getopt_long(argc, argv, shorts, options, NULL);
        if (answer == -1)
            return optind;
        if (take(command, long_answer(command, answer), word, exit_code) < 0)
            return -1;
    }
}

/* --- help --- */

/* Where the explanations of the options begin, and where a line ends. */
#define HELP_COLUMN 26
#define HELP_END 80

/* Prints text from the column on, in lines that end in time; `at` is where the line stands now. */
static void print_wrapped(FILE *out, const char *text, int at)
{
    if (at > HELP_COLUMN - 2) {
        fputc('\n', out);
        at = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - at, "");
    for (at = HELP_COLUMN; *text;) {
        int length = (int)strcspn(text, " ");
        if (at > HELP_COLUMN && at + 1 + length > HELP_END) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            at = HELP_COLUMN;
        }
        at += fprintf(out, "%s%.*s", at > HELP_COLUMN ? " " : "", length, text);
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void cli_help(FILE *out, const struct cli_command *command)
{
    fprintf(out, "usage: assay %s [OPTIONS]%s%s\n\n%c%s.\n\n", command->name,
            command->operands[0] ? " " : "", command->operands, toupper(command->summary[0]),
            command->summary + 1);
    for (const struct cli_option *option = command->options; option->name; option++) {
        char letter[] = {'-', cli_letter(option), ',', ' ', '\0'};
        int at = fprintf(out, "  %s--%s%s%s", letter[1] ? letter : "", option->name,
                         option->argument ? " " : "", option->argument ? option->argument : "");
        print_wrapped(out, option->help, at);
    }
    print_wrapped(out, "this text", fprintf(out, "  -h, --help"));
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

int cli_run_group(const struct cli_command *group, const struct cli_command *const *commands,
                  int argc, char **argv)
{
    char prefix[32];

    if (argc < 2)
        return cli_fail(CLI_USAGE, "%s: say what: %s", group->name, group->operands);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        for (; *commands; commands++) {
            cli_help(stdout, *commands);
            putchar('\n');
        }
        return CLI_NOTHING;
    }
    snprintf(prefix, sizeof prefix, "%s ", group->name);
    const struct cli_command *command = cli_find(commands, prefix, argv[1]);

    return command ? command->run(argc - 1, argv + 1) : CLI_USAGE;
}
