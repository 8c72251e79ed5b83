/*
 * fuzz_import - any file, taken for any format, is refused with its line, or is operations that could have
 * been: no full slot is allocated into, no empty one freed, and a .rep made of them is one.
 *
 * Each input is read as every format; as the one it is recognised as twice, with the same result.
 */
#include "fuzz.h"

#include "assay/books.h"
#include "assay/import.h"
#include "assay/rep.h"

#include <string.h>

/* No input makes the target read more: a packed file may hold a great many. */
#define OPS_MAX ((size_t)1 << 18)

static void expect_sentence(const struct assay_error *error)
{
    FUZZ_EXPECT(strncmp(error->what, "input:", 6) == 0);
    FUZZ_EXPECT(strtoul(error->what + 6, NULL, 10) > 0);
    for (const char *at = error->what; *at; at++)
        FUZZ_EXPECT(*at >= ' ' && *at <= '~');
}

/* Appends what the file has, up to OPS_MAX; whether that is all, and no line is wrong. */
static bool collect(struct assay_stream *stream, enum assay_import_format format,
                    const uint8_t *data, size_t size)
{
    const struct assay_import_source source = {"input", data, size, -1};
    struct assay_import *import;
    struct assay_error error;
    const struct assay_op *ops;
    size_t count = 0;

    FUZZ_EXPECT(assay_import_open(&import, format, &source, &error) == ASSAY_OK);
    struct assay_reader *reader = assay_import_reader(import);
    while (stream->count < OPS_MAX && (count = reader->next(reader, &ops)) != 0)
        for (size_t i = 0; i < count; i++)
            FUZZ_EXPECT(assay_stream_append(stream, &ops[i]) == ASSAY_OK);
    bool is_whole = count == 0 && !reader->error.what[0];
    if (reader->error.what[0])
        expect_sentence(&reader->error);
    assay_import_close(import);
    return is_whole;
}

static void expect_possible(const struct assay_stream *stream)
{
    if (stream->count == 0)
        return;
    uint8_t *is_live = assay_books_open(ASSAY_SLOTS);
    FUZZ_EXPECT(is_live);
    for (size_t i = 0; i < stream->count; i++) {
        const struct assay_op *op = &stream->ops[i];
        FUZZ_EXPECT(assay_op_is_valid(op));
        if (op->kind == ASSAY_OP_FREE_NULL)
            continue;
        if (op->kind == ASSAY_OP_FREE)
            FUZZ_EXPECT(is_live[op->slot]);
        else if (op->kind != ASSAY_OP_REALLOC)
            FUZZ_EXPECT(!is_live[op->slot]);
        is_live[op->slot] = op->kind != ASSAY_OP_FREE;
    }
    assay_books_close(is_live, ASSAY_SLOTS);
}

static void expect_rep(const struct assay_stream *stream)
{
    struct assay_stream_reader memory;
    struct assay_stream back = {0};
    struct assay_rep_counts counts;
    struct assay_error error;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assay_stream_reader_init(&memory, stream);
    FUZZ_EXPECT(out && assay_rep_write(out, &memory.reader, &counts, &error) == ASSAY_OK);
    FUZZ_EXPECT(fclose(out) == 0);
    bool is_whole = collect(&back, ASSAY_IMPORT_REP, (const uint8_t *)text, size);
    FUZZ_EXPECT(is_whole || back.count >= OPS_MAX);
    FUZZ_EXPECT(back.count >= OPS_MAX || back.count == counts.ops);
    assay_stream_clear(&back);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum assay_import_format recognised = ASSAY_IMPORT_FORMATS;
    bool is_recognised = assay_import_recognise(data, size, &recognised);

    for (unsigned format = 0; format < ASSAY_IMPORT_FORMATS; format++) {
        struct assay_stream stream = {0}, again = {0};
        bool is_whole = collect(&stream, format, data, size);
        expect_possible(&stream);
        if (is_recognised && format == recognised) {
            FUZZ_EXPECT(collect(&again, format, data, size) == is_whole);
            FUZZ_EXPECT(assay_stream_equal(&stream, &again));
            expect_rep(&stream);
        }
        assay_stream_clear(&again);
        assay_stream_clear(&stream);
    }
    return 0;
}
