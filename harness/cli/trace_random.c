/* trace_random.c - `assay trace random`: the random stream of a number, as campaigns run it. */
#include "cli.h"

#include "assay/swarm.h"
#include "assay/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static const struct cli_option options[] = {{0}};

static bool parse_number(const char *text, uint64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoull(text, &end, 10);
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0;
}

static int run_command(int argc, char **argv)
{
    int code, first = cli_parse(&cli_trace_random_command, argc, argv, &code);
    struct assay_stream stream = {0};
    uint64_t number;

    if (first < 0)
        return code;
    if (first + 1 != argc || !parse_number(argv[first], &number))
        return cli_fail(CLI_USAGE, "trace random: takes the number of a stream");
    code = CLI_NOTHING;
    if (assay_swarm_stream(&stream, number) != ASSAY_OK)
        code = cli_fail(CLI_ENVIRONMENT, "no memory for a stream");
    bool written = code != CLI_NOTHING || assay_text_write_setup(stdout, &stream.setup);
    for (size_t i = 0; written && code == CLI_NOTHING && i < stream.count; i++)
        written = assay_text_write_op(stdout, &stream.ops[i]);
    assay_stream_clear(&stream);
    return written ? code : cli_fail(CLI_ENVIRONMENT, "cannot write to standard output");
}

const struct cli_command cli_trace_random_command = {
    "trace random", "prints the random stream of a number as text", "NUMBER", options, run_command};
