/*
 * input.c - opens a stream from a file: of any of the three encodings, or of another tool's format.
 *
 * A trace is read from its file piece by piece; a text, a byte string, and a trace that comes through a
 * pipe are read whole first. What another tool wrote is read piece by piece wherever it comes from.
 */
#include "assay/input.h"

#include "assay/bytes.h"
#include "assay/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Enough for the head of a trace, and for a text's first comments to be passed over. */
#define GUESS_BYTES ((size_t)64 << 10)
#define STANDARD_INPUT "standard input"

struct assay_input {
    enum assay_encoding encoding;
    struct assay_trace_reader *trace;  /* NULL unless the encoding is TRACE */
    struct assay_import *import;       /* NULL unless another tool wrote it */
    struct assay_import_source source; /* of `import` */
    char *name;                        /* of `source` */
    bool is_regular;
    char *data; /* what `trace` or `import` reads from, if not a file */
    struct assay_stream stream;
    struct assay_stream_reader reader;
};

/* A file being opened. */
struct source {
    const char *path;
    const char *name; /* for errors */
    int file;
    char *data; /* the first `size` bytes of it */
    size_t size;
    bool is_regular;
    bool is_too_long; /* known beforehand; a pipe's end is not */
};

static const char *const words[] = {
    [ASSAY_ENCODING_TRACE] = "trace",
    [ASSAY_ENCODING_TEXT] = "text",
    [ASSAY_ENCODING_BYTES] = "bytes",
};

bool assay_encoding_parse(const char *word, enum assay_encoding *encoding)
{
    for (unsigned i = ASSAY_ENCODING_TRACE; i < ASSAY_ENCODINGS; i++) {
        if (strcmp(word, assay_encoding_name((enum assay_encoding)i)) == 0) {
            *encoding = (enum assay_encoding)i;
            return true;
        }
    }
    return false;
}

const char *assay_encoding_name(enum assay_encoding encoding)
{
    return encoding < ASSAY_ENCODING_IMPORTED
               ? words[encoding]
               : assay_import_name((enum assay_import_format)(encoding - ASSAY_ENCODING_IMPORTED));
}

/* --- reading files --- */

static assay_status open_source(struct source *source, const char *path, struct assay_error *error)
{
    struct stat status;
    bool is_input = strcmp(path, "-") == 0;

    *source = (struct source){.path = path, .name = is_input ? STANDARD_INPUT : path};
    source->file = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (source->file < 0 || fstat(source->file, &status) != 0) {
        assay_error_set(error, "cannot open %s: %s", source->name, strerror(errno));
        return ASSAY_INVALID;
    }
    if (S_ISDIR(status.st_mode)) {
        assay_error_set(error, "%s is a folder: expected a trace, a text (.ops) or a byte string",
                        source->name);
        return ASSAY_INVALID;
    }
    source->is_regular = S_ISREG(status.st_mode) && !is_input;
    source->is_too_long = S_ISREG(status.st_mode) && (size_t)status.st_size > ASSAY_INPUT_MAX;
    return ASSAY_OK;
}

static void close_source(struct source *source)
{
    if (source->file > STDIN_FILENO)
        close(source->file);
    free(source->data);
}

/* Reads on until `most` bytes are there or the file ends. */
static assay_status read_up_to(struct source *source, size_t most, struct assay_error *error)
{
    size_t room = source->size;

    while (source->size < most) {
        if (source->size == room) {
            room = room ? room * 2 : GUESS_BYTES;
            room = room < most ? room : most;
            char *data = realloc(source->data, room);
            if (!data) {
                assay_error_set(error, "out of memory reading %s", source->name);
                return ASSAY_NO_MEMORY;
            }
            source->data = data;
        }
        ssize_t got = read(source->file, source->data + source->size, room - source->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            assay_error_set(error, "cannot read %s: %s", source->name, strerror(errno));
            return ASSAY_INVALID;
        }
        if (got == 0)
            break;
        source->size += (size_t)got;
    }
    return ASSAY_OK;
}

static assay_status read_whole(struct source *source, struct assay_error *error)
{
    assay_status status =
        source->is_too_long ? ASSAY_OK : read_up_to(source, ASSAY_INPUT_MAX + 1, error);

    if (status == ASSAY_OK && (source->is_too_long || source->size > ASSAY_INPUT_MAX)) {
        assay_error_set(error, "%s is longer than %zu MiB: only a trace in a file may be",
                        source->name, ASSAY_INPUT_MAX >> 20);
        return ASSAY_INVALID;
    }
    return status;
}

static assay_status guess(const struct source *source, enum assay_encoding *encoding,
                          struct assay_error *error)
{
    enum assay_import_format format;

    if (source->size == 0)
        assay_error_set(error,
                        "%s is empty: expected a trace, or a text with its first line "
                        "'assay-ops 1'",
                        source->name);
    else if (assay_trace_recognises(source->data, source->size))
        *encoding = ASSAY_ENCODING_TRACE;
    else if (assay_text_recognises(source->data, source->size))
        *encoding = ASSAY_ENCODING_TEXT;
    else if (assay_import_recognise(source->data, source->size, &format))
        *encoding = (enum assay_encoding)(ASSAY_ENCODING_IMPORTED + format);
    else
        assay_error_set(error,
                        "%s is neither a trace nor a text that begins with 'assay-ops 1', nor a "
                        "known tool's: for a fuzzer's input say that its encoding is bytes",
                        source->name);
    return *encoding == ASSAY_ENCODING_GUESS ? ASSAY_INVALID : ASSAY_OK;
}

/* --- opening --- */

static enum assay_import_format format_of(const struct assay_input *input)
{
    return (enum assay_import_format)(input->encoding - ASSAY_ENCODING_IMPORTED);
}

static assay_status open_trace(struct assay_input *input, struct source *source,
                               struct assay_error *error)
{
    if (source->is_regular)
        return assay_trace_open(&input->trace, source->path, error);
    assay_status status = read_whole(source, error);
    if (status != ASSAY_OK)
        return status;
    input->data = source->data;
    source->data = NULL;
    return assay_trace_open_memory(&input->trace, source->name, input->data, source->size, error);
}

/* Takes over the file and what was read of it. */
static assay_status open_import(struct assay_input *input, struct source *source,
                                struct assay_error *error)
{
    input->name = strdup(source->name);
    if (!input->name) {
        assay_error_set(error, "out of memory opening %s", source->name);
        return ASSAY_NO_MEMORY;
    }
    input->is_regular = source->is_regular;
    input->data = source->data;
    input->source =
        (struct assay_import_source){input->name, source->data, source->size, source->file};
    source->data = NULL;
    source->file = STDIN_FILENO; /* not to be closed */
    return assay_import_open(&input->import, format_of(input), &input->source, error);
}

static assay_status open_memory(struct assay_input *input, struct source *source,
                                struct assay_error *error)
{
    assay_status status = read_whole(source, error);

    if (status != ASSAY_OK)
        return status;
    if (input->encoding == ASSAY_ENCODING_TEXT) {
        status = assay_text_decode(&input->stream, source->name, source->data, source->size, error);
    } else {
        status = assay_bytes_decode(&input->stream, source->data, source->size);
        if (status != ASSAY_OK)
            assay_error_set(error, "out of memory decoding %s", source->name);
    }
    if (status == ASSAY_OK)
        assay_stream_reader_init(&input->reader, &input->stream);
    return status;
}

static assay_status open_input(struct assay_input *input, struct source *source,
                               struct assay_error *error)
{
    assay_status status = ASSAY_OK;

    if (input->encoding == ASSAY_ENCODING_GUESS) {
        status = read_up_to(source, GUESS_BYTES, error);
        if (status == ASSAY_OK)
            status = guess(source, &input->encoding, error);
    }
    if (status != ASSAY_OK)
        return status;
    if (input->encoding >= ASSAY_ENCODING_IMPORTED)
        return open_import(input, source, error);
    return input->encoding == ASSAY_ENCODING_TRACE ? open_trace(input, source, error)
                                                   : open_memory(input, source, error);
}

assay_status assay_input_open(struct assay_input **input, const char *path,
                              enum assay_encoding encoding, struct assay_error *error)
{
    struct source source;
    struct assay_input *made = calloc(1, sizeof *made);

    *input = NULL;
    if (!made) {
        assay_error_set(error, "out of memory opening %s", path);
        return ASSAY_NO_MEMORY;
    }
    made->encoding = encoding;
    assay_status status = open_source(&source, path, error);
    if (status == ASSAY_OK)
        status = open_input(made, &source, error);
    close_source(&source);
    if (status == ASSAY_OK)
        *input = made;
    else
        assay_input_close(made);
    return status;
}

struct assay_reader *assay_input_reader(struct assay_input *input)
{
    if (input->import)
        return assay_import_reader(input->import);
    return input->trace ? assay_trace_stream(input->trace) : &input->reader.reader;
}

/* All of it is read anew, from the file. */
static assay_status rewind_import(struct assay_input *input, struct assay_error *error)
{
    struct assay_import_source *source = &input->source;

    if (!input->is_regular || lseek(source->file, 0, SEEK_SET) != 0) {
        assay_error_set(error, "%s cannot be read again: write it to a file first", source->name);
        return ASSAY_UNSUPPORTED;
    }
    assay_import_close(input->import);
    source->first_size = 0;
    return assay_import_open(&input->import, format_of(input), source, error);
}

assay_status assay_input_rewind(struct assay_input *input, struct assay_error *error)
{
    if (input->import)
        return rewind_import(input, error);
    if (!input->trace) {
        assay_stream_reader_init(&input->reader, &input->stream);
        return ASSAY_OK;
    }
    assay_status status = assay_trace_seek(input->trace, 0);
    if (status != ASSAY_OK) {
        const char *why = assay_trace_stream(input->trace)->error.what;
        assay_error_set(error, "%s", *why ? why : "the trace has no first operation to go back to");
    }
    return status;
}

const struct assay_trace_info *assay_input_trace_info(const struct assay_input *input)
{
    return input->trace ? assay_trace_info(input->trace) : NULL;
}

bool assay_input_import_counts(const struct assay_input *input, struct assay_import_counts *counts)
{
    if (!input->import)
        return false;
    *counts = assay_import_counts(input->import);
    return true;
}

enum assay_encoding assay_input_encoding(const struct assay_input *input)
{
    return input->encoding;
}

void assay_input_close(struct assay_input *input)
{
    if (!input)
        return;
    assay_trace_close(input->trace);
    assay_import_close(input->import);
    free(input->name);
    if (input->source.file > STDIN_FILENO)
        close(input->source.file);
    assay_stream_clear(&input->stream);
    free(input->data);
    free(input);
}
