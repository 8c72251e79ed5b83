/*
 * output.c - files that commands write: under a temporary name until they are whole, so that no part is
 * ever taken for the whole.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 1000

static int cannot_write(const char *path, const char *why)
{
    return cli_fail(CLI_ENVIRONMENT, "cannot write %s: %s", path, why);
}

int cli_output_open(struct cli_output *output, const char *path)
{
    struct stat existing;
    int file = -1;

    *output = (struct cli_output){.path = path};
    if (stat(path, &existing) == 0 && !S_ISREG(existing.st_mode))
        return cannot_write(path, "it exists and is not a regular file");
    for (int i = 0; file < 0 && i < TRIES; i++) {
        free(output->temporary);
        if (asprintf(&output->temporary, "%s.%ld-%d.part", path, (long)getpid(), i) < 0) {
            output->temporary = NULL;
            return cannot_write(path, strerror(ENOMEM));
        }
        file = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno != EEXIST)
            break;
    }
    if (file >= 0 && (output->file = fdopen(file, "w")))
        return 0;
    int why = errno;
    if (file >= 0) {
        close(file);
        unlink(output->temporary);
    }
    free(output->temporary);
    return cannot_write(path, strerror(why));
}

/* 0, or why something could not be written. */
static int error_of(FILE *file)
{
    errno = 0;
    if (fflush(file) == 0 && !ferror(file))
        return 0;
    /* Nobody kept the reason of an earlier failure; one more byte fails for the same. */
    if (errno == 0 && write(fileno(file), "", 1) >= 0)
        errno = EIO;
    return errno;
}

int cli_output_close(struct cli_output *output, bool keep)
{
    int code = 0, why = error_of(output->file);

    if (fclose(output->file) != 0 && why == 0)
        why = errno;
    if (keep && why == 0 && rename(output->temporary, output->path) != 0)
        why = errno;
    if (keep && why)
        code = cannot_write(output->path, strerror(why));
    if (!keep || why)
        unlink(output->temporary);
    free(output->temporary);
    return code;
}
