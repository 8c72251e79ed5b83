/* main.c - the program `vma`: commands from a file or standard input, answers to standard output. */
#include "map.h"
#include "session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#define INPUT_ROOM ((size_t)1 << 16)
#define PROMPT "vma> "

enum { EXIT_FINE = 0, EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static const char usage[] =
    "usage: vma [--map] [FILE]\n"
    "\n"
    "Runs the commands of FILE, or of standard input, on a virtual memory arena.\n"
    "\n"
    "  ALLOC_ARENA SIZE               an empty arena of addresses 0 to SIZE\n"
    "  ALLOC_BLOCK ADDRESS SIZE       a miniblock; those that touch are one block\n"
    "  FREE_BLOCK ADDRESS             ends the miniblock that begins there\n"
    "  WRITE ADDRESS SIZE BYTES       SIZE bytes as they are, newlines too\n"
    "  READ ADDRESS SIZE              what was written, and a newline\n"
    "  MPROTECT ADDRESS FLAG|FLAG...  PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC\n"
    "  PMAP                           all blocks and miniblocks\n"
    "  DEALLOC_ARENA                  ends the program\n"
    "\n"
    "  --map                          draws the arena when the input has ended\n"
    "  --help                         this text\n";

static int fail(int code, const char *what, const char *why)
{
    fprintf(stderr, "vma: %s%s%s\n", what, why ? ": " : "", why ? why : "");
    return code;
}

/* A reader that has gone wants no more: that is no error. */
static bool write_all(void *ctx, const char *bytes, size_t size)
{
    int *error = ctx;

    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            *error = errno;
            return false;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static void prompt(struct vma_session *session)
{
    vma_session_flush(session);
    if (vma_session_is_idle(session) && write(STDOUT_FILENO, PROMPT, strlen(PROMPT)) < 0)
        return; /* the next answer will fail as well */
}

/* Feeds all of the input. Returns 0 or an error number. */
static int run(struct vma_session *session, int input)
{
    static char bytes[INPUT_ROOM];
    bool is_interactive = isatty(input) && isatty(STDOUT_FILENO);
    ssize_t size;

    do {
        if (is_interactive)
            prompt(session);
        size = read(input, bytes, sizeof bytes);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return errno;
    } while (size > 0 && vma_session_feed(session, bytes, (size_t)size));
    if (size == 0 && is_interactive)
        fputc('\n', stderr);
    return 0;
}

static int finish(struct vma_session *session, int input_error, int output_error)
{
    enum vma_session_state state = vma_session_state(session);

    if (output_error && output_error != EPIPE)
        return fail(EXIT_ENVIRONMENT, "cannot write to standard output", strerror(output_error));
    if (state == VMA_SESSION_NO_MEMORY)
        return fail(EXIT_ENVIRONMENT, "there is no memory for the arena", NULL);
    if (input_error)
        return fail(EXIT_ENVIRONMENT, "cannot read the commands", strerror(input_error));
    return EXIT_FINE;
}

static int simulate(int input, bool draws)
{
    int output_error = 0;
    struct vma_session *session = vma_session_open(write_all, &output_error);

    if (!session)
        return fail(EXIT_ENVIRONMENT, "there is no memory to begin with", NULL);
    int input_error = run(session, input);
    vma_session_end(session);
    if (draws && vma_session_arena(session) && !output_error) {
        vma_map_draw(vma_session_arena(session), stdout);
        if (fflush(stdout) != 0)
            output_error = errno;
    }
    int code = finish(session, input_error, output_error);
    vma_session_close(session);
    return code;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    bool draws = false, only_operands = false;
    int input = STDIN_FILENO;

    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i++) {
        if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0') {
            if (path)
                return fail(EXIT_USAGE, "takes one file, and got one more", argv[i]);
            path = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return fputs(usage, stdout) < 0 || fflush(stdout) != 0 ? EXIT_ENVIRONMENT : EXIT_FINE;
        } else if (strcmp(argv[i], "--map") == 0) {
            draws = true;
        } else {
            return fail(EXIT_USAGE, "there is no such option; see vma --help", argv[i]);
        }
    }
    if (path && strcmp(path, "-") != 0) {
        input = open(path, O_RDONLY | O_CLOEXEC);
        if (input < 0)
            return fail(EXIT_ENVIRONMENT, path, strerror(errno));
    }
    return simulate(input, draws);
}
