/*
 * standalone.c - runs a fuzz target on files, without libFuzzer and with any compiler.
 *
 *     fuzz_bytes [-runs=0] FILE-OR-FOLDER...
 *
 * A folder stands for the files in it, in the order of their names. -runs=0 is taken and means nothing,
 * so that one command line serves both builds. A failing input is the last one named on standard error.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static __attribute__((noreturn)) void stop(int code, const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(code);
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;

    if (!file || fstat(fileno(file), &status) != 0)
        stop(EXIT_ENVIRONMENT, path, strerror(errno));
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size ? size : 1);
    if (!data)
        stop(EXIT_ENVIRONMENT, path, "out of memory");
    if (fread(data, 1, size, file) != size)
        stop(EXIT_ENVIRONMENT, path, "cannot be read");
    fclose(file);
    fprintf(stderr, "running: %s\n", path);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Runs a file, or the files of a folder and of those in it; returns how many. */
static size_t run(const char *path)
{
    struct stat status;
    struct dirent **entries;
    size_t files = 0;

    if (stat(path, &status) != 0)
        stop(EXIT_ENVIRONMENT, path, strerror(errno));
    if (!S_ISDIR(status.st_mode)) {
        run_file(path);
        return 1;
    }
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0)
        stop(EXIT_ENVIRONMENT, path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char *inner = NULL;
        if (asprintf(&inner, "%s/%s", path, entries[i]->d_name) < 0)
            stop(EXIT_ENVIRONMENT, path, "out of memory");
        files += run(inner);
        free(inner);
        free(entries[i]);
    }
    free(entries);
    return files;
}

int main(int argc, char **argv)
{
    size_t files = 0;

    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-runs=0") == 0)
            continue;
        if (argv[i][0] == '-')
            stop(EXIT_USAGE, argv[i],
                 "this build only replays files and folders; the fuzz preset has libFuzzer");
        files += run(argv[i]);
    }
    printf("%zu inputs, nothing found\n", files);
    return 0;
}
