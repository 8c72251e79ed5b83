/*
 * cli.h - what the commands of the program share: exit codes, options, messages, progress.
 */
#ifndef ASSAY_CLI_H
#define ASSAY_CLI_H

#include "assay/finding.h"
#include "assay/guard.h"
#include "assay/input.h"
#include "assay/op.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum cli_exit {
    CLI_NOTHING = 0,     /* nothing found */
    CLI_FINDING = 1,     /* an allocator broke a promise */
    CLI_USAGE = 2,       /* the command line is wrong */
    CLI_ENVIRONMENT = 3, /* the world said no: files, memory, processes */
    CLI_NOT_OFFERED = 4, /* the backend does not offer what was asked */
};

/* One command, "replay", or "trace show". */
struct cli_command {
    const char *name;
    const char *summary;              /* begins small, ends without a full stop */
    const char *operands;             /* as in usage lines: "FILE..." */
    const struct cli_option *options; /* ends with a NULL name; NULL: the command reads its own */
    int (*run)(int argc, char **argv);
};

/* --- options --- */

enum cli_kind {
    CLI_FLAG,     /* bool */
    CLI_TEXT,     /* const char * */
    CLI_LIST,     /* struct cli_list: may be given several times */
    CLI_SIZE,     /* uint64_t, with a suffix k, m, g, t */
    CLI_COUNT,    /* uint64_t */
    CLI_SECONDS,  /* double, with a fraction */
    CLI_ENCODING, /* enum assay_encoding */
};

#define CLI_LIST_ROOM 64
struct cli_list {
    const char *words[CLI_LIST_ROOM];
    size_t count;
};

/* A row of a command's table: what is parsed, what --help prints, what the shell completes. */
struct cli_option {
    const char *name; /* "backend" for --backend */
    enum cli_kind kind;
    void *value;          /* where it goes; holds the default before */
    const char *argument; /* as in help: "SPEC"; NULL for flags */
    const char *help;
    uint64_t min, max; /* of sizes, counts and seconds; max 0: none */
};

/* The option for the encoding of an input, or the other tool that wrote it. */
#define CLI_ENCODING_OPTION(name, value)                                                           \
    {                                                                                              \
        name, CLI_ENCODING, &(value), "WORD",                                                      \
            "of the input: trace, text, bytes, or another tool's: rep, mtrace, heaptrack, "        \
            "valgrind, mozilla, android; guessed for all but bytes",                               \
            0, 0                                                                                   \
    }

/*
 * Parses argv[1..] by the command's table. Returns the index of the first operand, or -1 after having printed
 * one line; *exit_code is then what to leave with (0 after --help). Operands may stand between
 * options, but all after "--" are operands.
 */
int cli_parse(const struct cli_command *command, int argc, char **argv, int *exit_code);
/* Whether the option that cli_parse() stored in value was on the command line. */
bool cli_given(const struct cli_command *command, const void *value);
/* The short form of an option, as 'o' of --output, or 0. */
char cli_letter(const struct cli_option *option);

/* The command called so, among commands; prints one line with the nearest and returns NULL. */
const struct cli_command *cli_find(const struct cli_command *const *commands, const char *prefix,
                                   const char *name);
/* Runs the one of a group that argv[1] names, as "show" of trace, or helps with all. */
int cli_run_group(const struct cli_command *group, const struct cli_command *const *commands,
                  int argc, char **argv);
/* Prints usage, summary and options of a command. */
void cli_help(FILE *out, const struct cli_command *command);

/* --- messages --- */

/* "assay: " and the sentence on standard error; returns code, so that callers may return it. */
__attribute__((format(printf, 2, 3))) int cli_fail(enum cli_exit code, const char *format, ...);

/* Standard input, output and error are open from now on: no file is mistaken for one of them. */
void cli_open_standard_files(void);

/* Whether colour may be used on this stream: a terminal, and NO_COLOR is not set. */
bool cli_colour(FILE *out);
/* Columns of the terminal behind this stream; 0: it is none, or does not say. */
unsigned cli_width(FILE *out);

/* --- what heaps stand on --- */

struct assay_replay_options;
/* Whether word is "os", "fenced" or "recycled". */
bool cli_pages_parse(const char *word);
/*
 * Makes such pages the ones of a replay, for the rest of this process: fenced ones crash at a byte too far,
 * recycled ones are dirty when they are given out again. ASSAY_NO_MEMORY: no room for them.
 */
ASSAY_MUST_CHECK assay_status cli_pages_open(const char *word,
                                             struct assay_replay_options *options);

/* --- files that are written --- */

struct cli_output {
    FILE *file;
    const char *path;
    char *temporary; /* its name; NULL while it has none */
};
/* Starts a file beside path. Returns 0, or the exit code after having printed one line. */
int cli_output_open(struct cli_output *output, const char *path);
/* Gives it its name, or drops it. Returns as above. */
int cli_output_close(struct cli_output *output, bool keep);

/* --- streams that are run in child processes --- */

/* How many operations there are; 0 where that is not known. */
uint64_t cli_total_ops(const struct assay_input *input);
/* Whoever describes a crash reads the stream anew: not standard input, not a pipe. */
bool cli_can_be_read_again(const char *path);
/* What a command leaves with that met both: what could not be run hides behind no finding. */
enum cli_exit cli_graver(enum cli_exit one, enum cli_exit other);

/* Prints why nothing was run on a backend that was given these options; what to leave with. */
enum cli_exit cli_explain(const char *spec, const struct assay_backend *backend,
                          const char *backend_options, assay_status status,
                          const struct assay_error *error);

/* A stream as a child runs it. */
struct cli_stream {
    const char *path;
    enum assay_encoding encoding;
    const char *backend;  /* whose heap was called last */
    unsigned timeout;     /* seconds */
    const uint64_t *seed; /* in place of the stream's; NULL: not */
};
/* Fills in *finding for a child that did not come back. */
void cli_describe_ending(const struct cli_stream *stream, const struct assay_guard_outcome *ending,
                         struct assay_finding *finding);
/*
 * The command with all options that were given but --json; on this backend alone, unless it is NULL. The
 * caller frees it; NULL if there is no memory.
 */
char *cli_repeat(const struct cli_command *command, const char *backend, const char *path);

/* --- a reader that shows how far it is --- */

/*
 * Passes reader through and, on a terminal and after a second, keeps one line of progress. What goes
 * wrong in the inner reader ends the stream and is told by inner->error alone, so that a consumer
 * brings to its end what could be read.
 */
struct cli_progress {
    struct assay_reader reader;
    struct assay_reader *inner;
    const char *what;
    uint64_t total; /* operations, 0 if not known */
    uint64_t done;
    uint64_t started_ns, shown_ns;
    bool wanted;
};
void cli_progress_init(struct cli_progress *progress, struct assay_reader *inner, const char *what,
                       uint64_t total);
/* Takes the line off the terminal. */
void cli_progress_end(struct cli_progress *progress);

/* --- commands --- */

extern const struct cli_command cli_list_command;
extern const struct cli_command cli_replay_command;
extern const struct cli_command cli_diff_command;
extern const struct cli_command cli_fuzz_command;
extern const struct cli_command cli_reduce_command;
extern const struct cli_command cli_trace_command;
extern const struct cli_command cli_trace_show_command;
extern const struct cli_command cli_trace_stats_command;
extern const struct cli_command cli_trace_convert_command;
extern const struct cli_command cli_trace_cut_command;
extern const struct cli_command cli_trace_make_command;
extern const struct cli_command cli_trace_random_command;
extern const struct cli_command cli_corpus_command;
extern const struct cli_command cli_corpus_merge_command;
extern const struct cli_command cli_corpus_minimize_command;
extern const struct cli_command cli_corpus_stats_command;
extern const struct cli_command cli_record_command;
extern const struct cli_command cli_bench_command;
extern const struct cli_command cli_compare_command;
extern const struct cli_command cli_doctor_command;
extern const struct cli_command cli_score_command;
extern const struct cli_command cli_completion_command;

/* All of them, and those of groups; each ends with NULL. */
extern const struct cli_command *const cli_commands[];
extern const struct cli_command *const cli_corpus_commands[];
extern const struct cli_command *const cli_trace_commands[];

#endif
