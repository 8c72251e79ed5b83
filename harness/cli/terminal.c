/* terminal.c - messages, colour and progress. */
#include "cli.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)
#define CLEAR_LINE "\r\033[K"

int cli_fail(enum cli_exit code, const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fputs("assay: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return code;
}

void cli_open_standard_files(void)
{
    /* Open the wrong way round: what is written to a standard output that is closed must fail. */
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++)
        if (fcntl(file, F_GETFD) < 0 &&
            open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY) != file)
            exit(CLI_ENVIRONMENT);
}

bool cli_colour(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR");

    return isatty(fileno(out)) && !(no_colour && no_colour[0]);
}

unsigned cli_width(FILE *out)
{
    struct winsize size;

    return isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static void show(struct cli_progress *progress)
{
    double millions = (double)progress->done / 1e6;

    if (progress->total)
        fprintf(stderr, CLEAR_LINE "%s: %.1f of %.1f million operations (%.0f %%)", progress->what,
                millions, (double)progress->total / 1e6,
                100 * (double)progress->done / (double)progress->total);
    else
        fprintf(stderr, CLEAR_LINE "%s: %.1f million operations", progress->what, millions);
}

static size_t next(struct assay_reader *reader, const struct assay_op **ops)
{
    struct cli_progress *progress = (struct cli_progress *)reader;
    size_t count = progress->inner->next(progress->inner, ops);

    progress->done += count;
    if (progress->wanted) {
        uint64_t now = now_ns();
        if (now - progress->started_ns > SECOND && now - progress->shown_ns > SECOND / 5) {
            show(progress);
            progress->shown_ns = now;
        }
    }
    return count;
}

void cli_progress_init(struct cli_progress *progress, struct assay_reader *inner, const char *what,
                       uint64_t total)
{
    *progress = (struct cli_progress){
        .reader = {.setup = inner->setup, .next = next},
        .inner = inner,
        .what = what,
        .total = total,
        .started_ns = now_ns(),
        .wanted = isatty(STDERR_FILENO),
    };
}

void cli_progress_end(struct cli_progress *progress)
{
    if (progress->wanted && progress->shown_ns)
        fputs(CLEAR_LINE, stderr);
}
