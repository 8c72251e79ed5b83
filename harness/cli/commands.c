/* commands.c - the list of commands, and the shell completion made from their tables. */
#include "cli.h"

#include <string.h>

static void complete(const struct cli_command *command, const char *pattern)
{
    printf("    %s) words=\"--help", pattern);
    for (const struct cli_option *option = command->options; option && option->name; option++)
        printf(" --%s", option->name);
    puts("\" ;;");
}

/* Prints a bash completion: source it, or install it as bash-completion/completions/assay. */
static int run_completion(int argc, char **argv)
{
    int code, first = cli_parse(&cli_completion_command, argc, argv, &code);

    if (first < 0)
        return code;
    puts("# bash completion of assay, printed by `assay completion`\n"
         "_assay() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=\n"
         "    if [ \"$before\" = --backend ]; then\n"
         "        COMPREPLY=($(compgen -W \"$(assay list --names 2>/dev/null) dl: plugin:\" -- "
         "\"$word\"))\n"
         "        return\n"
         "    fi\n"
         "    case \"$COMP_CWORD ${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in");
    printf("    1\\ *) words=\"");
    for (const struct cli_command *const *command = cli_commands; *command; command++)
        printf("%s ", (*command)->name);
    puts("--help --version\" ;;\n    2\\ trace\\ *) words=\"show stats convert\" ;;");
    for (const struct cli_command *const *command = cli_trace_commands; *command; command++) {
        char pattern[64];
        snprintf(pattern, sizeof pattern, "*\\ trace\\ %s", strrchr((*command)->name, ' ') + 1);
        complete(*command, pattern);
    }
    for (const struct cli_command *const *command = cli_commands; *command; command++) {
        char pattern[64];
        snprintf(pattern, sizeof pattern, "*\\ %s\\ *", (*command)->name);
        complete(*command, pattern);
    }
    puts("    esac\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "}\n"
         "complete -o filenames -F _assay assay");
    return CLI_NOTHING;
}

static const struct cli_option no_options[] = {{0}};
const struct cli_command cli_completion_command = {
    "completion", "prints the bash completion of this program", "", no_options, run_completion};

const struct cli_command *const cli_commands[] = {
    &cli_list_command,  &cli_replay_command, &cli_trace_command,      &cli_record_command,
    &cli_bench_command, &cli_doctor_command, &cli_completion_command, NULL,
};
