/* commands.c - the list of commands, and the shell completion made from their tables. */
#include "cli.h"

#include <string.h>

/* What may follow an option, as words of bash; NULL: nothing is known but names of files. */
static const char *values_of(const struct cli_option *option)
{
    if (strcmp(option->name, "to") == 0)
        return "trace text bytes rep c";
    if (option->kind == CLI_ENCODING)
        return "trace text bytes rep mtrace heaptrack valgrind mozilla android";
    if (strcmp(option->name, "pages") == 0)
        return "os fenced recycled";
    if (strcmp(option->name, "backend") == 0)
        return "$(\"$1\" list --names 2>/dev/null) dl: plugin:";
    if (strcmp(option->name, "strict") == 0)
        return "$(\"$1\" diff --rules 2>/dev/null | cut -d' ' -f1)";
    if (strcmp(option->name, "workload") == 0)
        return "$(\"$1\" bench --list 2>/dev/null | grep -v '^ ' | cut -d' ' -f1)";
    return option->argument && strcmp(option->argument, "FILE") == 0 ? NULL : "";
}

/* A branch for each option that takes a value, and one for the names of options. */
static void complete(const struct cli_command *command, const char *pattern)
{
    if (!command->options)
        return;
    for (const struct cli_option *option = command->options; option->name; option++) {
        const char *values = values_of(option);
        if (option->kind == CLI_FLAG)
            continue;
        printf("    %s:--%s", pattern, option->name);
        if (cli_letter(option))
            printf(" | %s:-%c", pattern, cli_letter(option));
        printf(values ? ") words=\"%s\" ;;\n" : ") files=1 ;;\n", values);
    }
    printf("    %s:*) words=\"--help", pattern);
    for (const struct cli_option *option = command->options; option->name; option++)
        printf(" --%s", option->name);
    printf("\"%s ;;\n", command->operands[0] ? " files=1" : "");
}

static void complete_words(const char *pattern, const struct cli_command *const *commands,
                           const char *more)
{
    printf("    %s) words=\"", pattern);
    for (; *commands; commands++) {
        const char *space = strrchr((*commands)->name, ' ');
        printf("%s ", space ? space + 1 : (*commands)->name);
    }
    printf("%s\" ;;\n", more);
}

static void complete_group(const char *group, const struct cli_command *const *commands)
{
    char pattern[64];

    snprintf(pattern, sizeof pattern, "%s:*", group);
    complete_words(pattern, commands, "--help");
    for (; *commands; commands++) {
        snprintf(pattern, sizeof pattern, "%s\\ %s", group, strrchr((*commands)->name, ' ') + 1);
        complete(*commands, pattern);
    }
}

/* Prints a bash completion: source it, or install it as bash-completion/completions/assay. */
static int run_completion(int argc, char **argv)
{
    int code, first = cli_parse(&cli_completion_command, argc, argv, &code);

    if (first < 0)
        return code;
    if (first < argc)
        return cli_fail(CLI_USAGE, "completion: takes no operands, but got '%s'", argv[first]);
    puts("# bash completion of assay, printed by `assay completion`\n"
         "_assay() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "    local command=${COMP_WORDS[1]} words= files= line\n"
         "    [[ $command = trace || $command = corpus ]] && [ \"$COMP_CWORD\" -gt 2 ] &&\n"
         "        command=\"$command ${COMP_WORDS[2]}\"\n"
         "    [ \"$COMP_CWORD\" -eq 1 ] && command=\n"
         "    case \"$command:$before\" in");
    complete_words(":*", cli_commands, "--help --version");
    complete_group("trace", cli_trace_commands);
    complete_group("corpus", cli_corpus_commands);
    for (const struct cli_command *const *command = cli_commands; *command; command++)
        complete(*command, (*command)->name);
    puts("    esac\n"
         "    COMPREPLY=()\n"
         "    while IFS= read -r line; do\n"
         "        COMPREPLY+=(\"$line\")\n"
         "    done < <(compgen -W \"$words\" -- \"$word\"; [ -z \"$files\" ] || compgen -f -- "
         "\"$word\")\n"
         "}\n"
         "complete -o filenames -F _assay assay");
    return CLI_NOTHING;
}

static const struct cli_option no_options[] = {{0}};
const struct cli_command cli_completion_command = {
    "completion", "prints the bash completion of this program", "", no_options, run_completion};

const struct cli_command *const cli_commands[] = {
    &cli_list_command,       &cli_replay_command,
    &cli_diff_command,       &cli_fuzz_command,
    &cli_reduce_command,     &cli_trace_command,
    &cli_corpus_command,     &cli_record_command,
    &cli_bench_command,      &cli_compare_command,
    &cli_doctor_command,     &cli_score_command,
    &cli_completion_command, NULL,
};
