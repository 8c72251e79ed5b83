/* fuzz_text - any text is refused with a sentence and its line, or is valid operations that print back. */
#include "fuzz.h"

#include "assay/text.h"

#include <string.h>

static void expect_sentence(const struct assay_error *error)
{
    FUZZ_EXPECT(strncmp(error->what, "input:", 6) == 0);
    FUZZ_EXPECT(strtoul(error->what + 6, NULL, 10) > 0);
    for (const char *at = error->what; *at; at++)
        FUZZ_EXPECT(*at >= ' ' && *at <= '~');
}

static void expect_prints_back(const struct assay_stream *stream)
{
    struct assay_stream back = {0};
    struct assay_error error;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    FUZZ_EXPECT(out && assay_text_write_setup(out, &stream->setup));
    for (size_t i = 0; i < stream->count; i++)
        FUZZ_EXPECT(assay_text_write_op(out, &stream->ops[i]));
    FUZZ_EXPECT(fclose(out) == 0);
    FUZZ_EXPECT(assay_text_recognises(text, size));
    FUZZ_EXPECT(assay_text_decode(&back, "printed", text, size, &error) == ASSAY_OK);
    FUZZ_EXPECT(assay_stream_equal(stream, &back));
    assay_stream_clear(&back);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_stream stream = {0};
    struct assay_error error = {""};

    if (assay_text_decode(&stream, "input", (const char *)data, size, &error) != ASSAY_OK) {
        expect_sentence(&error);
        FUZZ_EXPECT(stream.count == 0 && !stream.ops);
        return 0;
    }
    FUZZ_EXPECT(assay_text_recognises(data, size));
    for (size_t i = 0; i < stream.count; i++)
        FUZZ_EXPECT(assay_op_is_valid(&stream.ops[i]));
    expect_prints_back(&stream);
    assay_stream_clear(&stream);
    return 0;
}
