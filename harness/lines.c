/*
 * lines.c - a text line by line.
 *
 *     data:  [ lines taken | at: lines to take, the last one perhaps not whole | end ... ]
 */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

struct assay_lines {
    struct assay_unpacker *unpacker;
    uint64_t number;
    size_t at, end;
    bool at_end; /* of the file */
    struct assay_error error;
    char data[ASSAY_LINE_MAX + 1];
};

assay_status assay_lines_open(struct assay_lines **lines, const struct assay_bytes_source *source,
                              struct assay_error *error)
{
    struct assay_lines *made = malloc(sizeof *made);

    *lines = NULL;
    if (!made) {
        assay_error_set(error, "no memory to read it");
        return ASSAY_NO_MEMORY;
    }
    made->number = 0;
    made->at = made->end = 0;
    made->at_end = false;
    made->error.what[0] = '\0';
    assay_status status = assay_unpack_open(&made->unpacker, source, error);
    if (status == ASSAY_OK)
        *lines = made;
    else
        free(made);
    return status;
}

/* Moves what is not taken to the front, and reads more behind it. */
static void read_more(struct assay_lines *lines)
{
    memmove(lines->data, lines->data + lines->at, lines->end - lines->at);
    lines->end -= lines->at;
    lines->at = 0;
    if (lines->end == ASSAY_LINE_MAX) {
        assay_error_set(&lines->error, "the line is longer than %zu KiB", ASSAY_LINE_MAX >> 10);
        return;
    }
    size_t count =
        assay_unpack_read(lines->unpacker, lines->data + lines->end, ASSAY_LINE_MAX - lines->end);
    lines->end += count;
    lines->at_end = count == 0;
    if (lines->at_end)
        lines->error = *assay_unpack_error(lines->unpacker);
}

/* The bytes [at, stop) as a string; at moves behind them and the newline at stop. */
static char *take(struct assay_lines *lines, size_t stop)
{
    char *line = lines->data + lines->at;
    size_t length = stop - lines->at;

    lines->at = stop < lines->end ? stop + 1 : stop;
    if (memchr(line, '\0', length)) {
        assay_error_set(&lines->error, "a zero byte: this is not a text");
        return NULL;
    }
    if (length && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
    return line;
}

char *assay_lines_next(struct assay_lines *lines)
{
    size_t searched = 0; /* bytes from at on without a newline */

    if (lines->error.what[0])
        return NULL;
    if (!lines->at_end || lines->at < lines->end)
        lines->number++;
    for (;;) {
        char *from = lines->data + lines->at;
        char *newline = memchr(from + searched, '\n', lines->end - lines->at - searched);
        if (newline)
            return take(lines, (size_t)(newline - lines->data));
        searched = lines->end - lines->at;
        if (lines->at_end)
            return searched ? take(lines, lines->end) : NULL;
        read_more(lines);
        if (lines->error.what[0])
            return NULL;
    }
}

uint64_t assay_lines_number(const struct assay_lines *lines)
{
    return lines->number;
}

const struct assay_error *assay_lines_error(const struct assay_lines *lines)
{
    return &lines->error;
}

void assay_lines_close(struct assay_lines *lines)
{
    if (!lines)
        return;
    assay_unpack_close(lines->unpacker);
    free(lines);
}
