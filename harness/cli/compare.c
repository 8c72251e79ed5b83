/* compare.c - `assay compare`: what can be said of the difference between runs of `assay bench`. */
#include "cli.h"

#include "compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *fail_over;
static bool csv, markdown, json;

static const struct cli_option options[] = {
    {"fail-over", CLI_TEXT, &fail_over, "PERCENT",
     "exit with 1 where B is slower by more than this, as 5%", 0, 0},
    {"csv", CLI_FLAG, &csv, NULL, "comma-separated values", 0, 0},
    {"markdown", CLI_FLAG, &markdown, NULL, "a table for pull requests", 0, 0},
    {"json", CLI_FLAG, &json, NULL, "JSON Lines", 0, 0},
    {0},
};

/* "5%" or "5" to 0.05. */
static bool parse_percent(const char *text, double *ratio)
{
    char *end;

    errno = 0;
    double percent = strtod(text, &end);
    if (end == text || errno || strcmp(end + (*end == '%'), "") != 0 || !(percent >= 0) ||
        percent > 1000)
        return false;
    *ratio = percent / 100;
    return true;
}

static bool is_folder(const char *path)
{
    struct stat what;

    return stat(path, &what) == 0 && S_ISDIR(what.st_mode);
}

static int run_command(int argc, char **argv)
{
    int code, first = cli_parse(&cli_compare_command, argc, argv, &code);
    struct compare_options wanted = {.fail_over = -1};
    struct assay_error error = {""};

    if (first < 0)
        return code;
    if (fail_over && !parse_percent(fail_over, &wanted.fail_over))
        return cli_fail(CLI_USAGE, "compare: --fail-over wants a percentage such as 5%%, not '%s'",
                        fail_over);
    if (csv + markdown + json > 1)
        return cli_fail(CLI_USAGE, "compare: takes one of --csv, --markdown and --json");
    wanted.form = csv ? SHEET_CSV : markdown ? SHEET_MARKDOWN : SHEET_TABLE;
    wanted.width = cli_width(stdout);
    wanted.json = json;
    int operands = argc - first;
    if (operands == 2)
        code = compare_files(argv[first], argv[first + 1], &wanted, stdout, &error);
    else if (operands == 1 && is_folder(argv[first]))
        code = compare_folder(argv[first], &wanted, stdout, &error);
    else
        return cli_fail(CLI_USAGE,
                        "compare: takes two files of assay bench -o, or a folder of them");
    return error.what[0] ? cli_fail((enum cli_exit)code, "%s", error.what) : code;
}

const struct cli_command cli_compare_command = {
    "compare", "says what changed between runs of bench, and what is noise", "A B | FOLDER",
    options, run_command};
