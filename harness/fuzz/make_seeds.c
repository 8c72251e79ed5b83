/*
 * make_seeds - turns readable seeds into the forms that fuzz targets read.
 *
 *     make_seeds FOLDER TEXT...
 *
 * TEXT being x.ops, writes FOLDER/bytes/x and FOLDER/trace/x. One seed that cannot be read or written ends it.
 */
#include "assay/bytes.h"
#include "assay/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3 };

static __attribute__((noreturn)) void stop(int code, const char *what)
{
    fprintf(stderr, "make_seeds: %s\n", what);
    exit(code);
}

static void read_stream(struct assay_stream *stream, const char *path)
{
    struct assay_input *input;
    struct assay_error error;

    if (assay_input_open(&input, path, ASSAY_ENCODING_TEXT, &error) != ASSAY_OK)
        stop(EXIT_ENVIRONMENT, error.what);
    if (assay_stream_collect(stream, assay_input_reader(input)) != ASSAY_OK)
        stop(EXIT_ENVIRONMENT, path);
    assay_input_close(input);
}

static void write_bytes(const struct assay_stream *stream, const char *path)
{
    size_t size = assay_bytes_encode(stream, NULL, 0);
    void *data = malloc(size);
    FILE *out = fopen(path, "wb");

    if (!data || !out)
        stop(EXIT_ENVIRONMENT, path);
    size = assay_bytes_encode(stream, data, size);
    if (fwrite(data, 1, size, out) != size || fclose(out) != 0)
        stop(EXIT_ENVIRONMENT, path);
    free(data);
}

static void write_trace(const struct assay_stream *stream, const char *path)
{
    struct assay_trace_writer *writer;
    struct assay_error error;

    if (assay_trace_create(&writer, path, &stream->setup, "seed", &error) != ASSAY_OK)
        stop(EXIT_ENVIRONMENT, error.what);
    assay_trace_append(writer, stream->ops, stream->count);
    if (assay_trace_finish(writer, NULL, &error) != ASSAY_OK)
        stop(EXIT_ENVIRONMENT, error.what);
}

/* FOLDER/FORM/NAME, NAME being the last part of path without its ending. */
static void make_path(char *out, size_t room, const char *folder, const char *form,
                      const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    int length = dot ? (int)(dot - name) : (int)strlen(name);

    if ((size_t)snprintf(out, room, "%s/%s/%.*s", folder, form, length, name) >= room)
        stop(EXIT_USAGE, "the path is too long");
}

static void make_folder(const char *folder, const char *form)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, form);
    if ((mkdir(folder, 0777) != 0 && errno != EEXIST) ||
        (mkdir(path, 0777) != 0 && errno != EEXIST))
        stop(EXIT_ENVIRONMENT, path);
}

int main(int argc, char **argv)
{
    char path[4096];

    if (argc < 2)
        stop(EXIT_USAGE, "expected a folder and texts");
    make_folder(argv[1], "bytes");
    make_folder(argv[1], "trace");
    for (int i = 2; i < argc; i++) {
        struct assay_stream stream = {0};
        read_stream(&stream, argv[i]);
        make_path(path, sizeof path, argv[1], "bytes", argv[i]);
        write_bytes(&stream, path);
        make_path(path, sizeof path, argv[1], "trace", argv[i]);
        write_trace(&stream, path);
        assay_stream_clear(&stream);
    }
    return 0;
}
