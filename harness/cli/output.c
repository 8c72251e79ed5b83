/*
 * output.c - files that commands write: without a name, or under a temporary one, until they are whole, so that
 * no part is ever taken for the whole.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 1000

static int cannot_write(const char *path, const char *why)
{
    return cli_fail(CLI_ENVIRONMENT, "cannot write %s: %s", path, why);
}

/* Opens or links the temporary name, for which a free one is tried: -1 with errno. */
static int with_free_name(struct cli_output *output, int (*make)(const struct cli_output *))
{
    int made = -1;

    for (int i = 0; made < 0 && i < TRIES; i++) {
        free(output->temporary);
        if (asprintf(&output->temporary, "%s.%ld-%d.part", output->path, (long)getpid(), i) < 0) {
            output->temporary = NULL;
            errno = ENOMEM;
            return -1;
        }
        made = make(output);
        if (made < 0 && errno != EEXIST)
            break;
    }
    if (made < 0) {
        int why = errno;
        free(output->temporary);
        output->temporary = NULL;
        errno = why;
    }
    return made;
}

static int create_named(const struct cli_output *output)
{
    return open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

static void path_of_file(int file, char *text, size_t room)
{
    snprintf(text, room, "/proc/self/fd/%d", file);
}

/* Of a file without a name nothing is left when we are killed; -1 where the file system or the machine has no such. */
static int create_nameless(const char *path)
{
    char *folder = strdup(path), link[40];
    int file = folder ? open(dirname(folder), O_TMPFILE | O_WRONLY | O_CLOEXEC, (mode_t)0666) : -1;

    free(folder);
    path_of_file(file, link, sizeof link);
    if (file < 0 || access(link, F_OK) == 0)
        return file;
    close(file);
    return -1;
}

static int link_nameless(const struct cli_output *output)
{
    char link[40];

    path_of_file(fileno(output->file), link, sizeof link);
    return linkat(AT_FDCWD, link, AT_FDCWD, output->temporary, AT_SYMLINK_FOLLOW);
}

static void drop_name(struct cli_output *output)
{
    if (output->temporary)
        unlink(output->temporary);
    free(output->temporary);
}

int cli_output_open(struct cli_output *output, const char *path)
{
    struct stat existing;

    *output = (struct cli_output){.path = path};
    if (stat(path, &existing) == 0 && !S_ISREG(existing.st_mode))
        return cannot_write(path, "it exists and is not a regular file");
    int file = create_nameless(path);
    if (file < 0)
        file = with_free_name(output, create_named);
    if (file >= 0 && (output->file = fdopen(file, "w")))
        return 0;
    int why = errno;
    if (file >= 0)
        close(file);
    drop_name(output);
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

    if (keep && why == 0 && !output->temporary && with_free_name(output, link_nameless) != 0)
        why = errno;
    if (fclose(output->file) != 0 && why == 0)
        why = errno;
    if (keep && why == 0 && rename(output->temporary, output->path) != 0)
        why = errno;
    if (keep && why)
        code = cannot_write(output->path, strerror(why));
    if (keep && why == 0)
        free(output->temporary);
    else
        drop_name(output);
    return code;
}
