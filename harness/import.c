/* import.c - a file of any format, line by line, as a reader of operations. */
#include "assay/import.h"

#include "assay/sizes.h"
#include "import_format.h"
#include "lines.h"

#include <stdlib.h>
#include <string.h>

struct assay_import {
    struct assay_reader reader;
    const struct import_format *format;
    struct assay_lines *lines;
    struct importer importer;
    struct assay_error failure; /* told by the reader once all before it has been given */
    bool has_ended;
};

static const struct import_format *const formats[ASSAY_IMPORT_FORMATS] = {
    [ASSAY_IMPORT_REP] = &import_rep,
    [ASSAY_IMPORT_MTRACE] = &import_mtrace,
    [ASSAY_IMPORT_HEAPTRACK] = &import_heaptrack,
    [ASSAY_IMPORT_VALGRIND] = &import_valgrind,
    [ASSAY_IMPORT_MOZILLA] = &import_mozilla,
    [ASSAY_IMPORT_ANDROID] = &import_android,
};

/* A log may begin with what the program printed, so the least particular is asked last. */
static const enum assay_import_format order[ASSAY_IMPORT_FORMATS] = {
    ASSAY_IMPORT_HEAPTRACK, ASSAY_IMPORT_MTRACE, ASSAY_IMPORT_ANDROID,
    ASSAY_IMPORT_MOZILLA,   ASSAY_IMPORT_REP,    ASSAY_IMPORT_VALGRIND,
};

const char *assay_import_name(enum assay_import_format format)
{
    return formats[format]->name;
}

/* --- recognising --- */

/* Takes the first lines of data; where it ends in the middle, or is damaged, it takes fewer. */
static bool read_head(struct import_head *head, const void *data, size_t size)
{
    const struct assay_bytes_source source = {.first = data, .first_size = size, .file = -1};
    struct assay_lines *lines;
    struct assay_error error;
    const char *line;

    head->count = 0;
    if (assay_lines_open(&lines, &source, &error) != ASSAY_OK)
        return false;
    while (head->count < IMPORT_HEAD_LINES && (line = assay_lines_next(lines))) {
        size_t length = strnlen(line, IMPORT_HEAD_BYTES - 1);
        if (line[strspn(line, " \t")] == '\0')
            continue;
        memcpy(head->lines[head->count], line, length);
        head->lines[head->count++][length] = '\0';
    }
    assay_lines_close(lines);
    return head->count != 0;
}

bool assay_import_recognise(const void *data, size_t size, enum assay_import_format *format)
{
    struct import_head head;

    if (!read_head(&head, data, size))
        return false;
    for (size_t i = 0; i < ASSAY_IMPORT_FORMATS; i++) {
        if (formats[order[i]]->recognises(&head)) {
            *format = order[i];
            return true;
        }
    }
    return false;
}

/* --- what is the same for all formats --- */

bool import_set_thread(struct importer *importer, uint64_t thread)
{
    if (thread == UINT64_MAX)
        return import_fail(importer, "%llu is no thread", (unsigned long long)thread);
    uint32_t known = assay_slots_find(&importer->threads, thread + 1);
    if (known == ASSAY_NO_SLOT) {
        known = assay_slots_take(&importer->threads);
        if (known != ASSAY_NO_SLOT && known >= ASSAY_THREADS)
            return import_fail(importer, "more than %u threads, which no stream can name",
                               ASSAY_THREADS);
        if (known == ASSAY_NO_SLOT ||
            assay_slots_bind(&importer->threads, thread + 1, known) != ASSAY_OK)
            return import_fail(importer, "no memory for the threads");
    }
    assay_calls_set_thread(importer->calls, (uint16_t)known);
    return true;
}

void import_end_thread(struct importer *importer, uint64_t thread)
{
    uint32_t known = assay_slots_unbind(&importer->threads, thread + 1);

    if (known != ASSAY_NO_SLOT)
        assay_slots_give(&importer->threads, known);
}

bool import_is_process(struct importer *importer, uint64_t process)
{
    if (!importer->has_process)
        importer->process = process;
    importer->has_process = true;
    importer->counts.other_processes += process != importer->process;
    return process == importer->process;
}

void import_set_time(struct importer *importer, uint64_t time_ns)
{
    if (importer->time_ns != 0 && time_ns > importer->time_ns)
        assay_calls_pass(importer->calls, time_ns - importer->time_ns);
    if (time_ns > importer->time_ns)
        importer->time_ns = time_ns;
}

/* --- reading --- */

static bool has_failed(struct assay_import *import)
{
    assay_status status = assay_calls_status(import->importer.calls);

    if (import->failure.what[0])
        return true;
    if (status == ASSAY_UNSUPPORTED)
        import_fail(&import->importer, "more than %u blocks at once, which no stream can name",
                    ASSAY_SLOTS);
    else if (status != ASSAY_OK)
        import_fail(&import->importer, "no memory for the blocks");
    return status != ASSAY_OK;
}

/* The line after the last one taken; false at the end, which may be a wrong one. */
static bool take_line(struct assay_import *import)
{
    struct importer *importer = &import->importer;
    char *line = assay_lines_next(import->lines);
    const struct assay_error *error = assay_lines_error(import->lines);

    importer->line = assay_lines_number(import->lines);
    if (line)
        return import->format->take(importer, line);
    if (error->what[0])
        return import_fail(importer, "%s", error->what);
    import->has_ended = true;
    if (import->format->end)
        import->format->end(importer);
    return false;
}

static size_t next(struct assay_reader *reader, const struct assay_op **ops)
{
    struct assay_import *import = (struct assay_import *)reader;

    while (!import->has_ended && !has_failed(import) &&
           !assay_calls_is_full(import->importer.calls) && take_line(import))
        continue;
    size_t count = assay_calls_ops(import->importer.calls, ops);
    if (count == 0)
        reader->error = import->failure;
    return count;
}

assay_status assay_import_open(struct assay_import **import, enum assay_import_format format,
                               const struct assay_import_source *source, struct assay_error *error)
{
    const struct assay_bytes_source bytes = {source->first, source->first_size, source->file};
    struct assay_import *made = calloc(1, sizeof *made);

    *import = NULL;
    assay_error_set(error, "no memory to read %s", source->name);
    if (!made)
        return ASSAY_NO_MEMORY;
    made->reader.next = next;
    made->format = formats[format];
    made->importer.name = source->name;
    made->importer.error = &made->failure;
    made->importer.calls = assay_calls_open();
    made->importer.state = calloc(1, made->format->state_bytes + 1);
    if (!made->importer.calls || !made->importer.state ||
        assay_lines_open(&made->lines, &bytes, error) != ASSAY_OK) {
        assay_import_close(made);
        return ASSAY_NO_MEMORY;
    }
    error->what[0] = '\0';
    *import = made;
    return ASSAY_OK;
}

struct assay_reader *assay_import_reader(struct assay_import *import)
{
    return &import->reader;
}

struct assay_import_counts assay_import_counts(const struct assay_import *import)
{
    struct assay_import_counts counts = import->importer.counts;

    counts.calls = *assay_calls_counts(import->importer.calls);
    return counts;
}

void assay_import_close(struct assay_import *import)
{
    if (!import)
        return;
    if (import->importer.state && import->format->clear)
        import->format->clear(import->importer.state);
    free(import->importer.state);
    assay_slots_clear(&import->importer.threads);
    assay_calls_close(import->importer.calls);
    assay_lines_close(import->lines);
    free(import);
}
