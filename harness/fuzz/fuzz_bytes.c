/* fuzz_bytes - any bytes decode to valid operations, at most one in four bytes, that encode again. */
#include "fuzz.h"

#include "assay/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_stream stream = {0}, back = {0};

    FUZZ_EXPECT(assay_bytes_decode(&stream, data, size) == ASSAY_OK);
    FUZZ_EXPECT(stream.count <= size / 4);
    for (size_t i = 0; i < stream.count; i++)
        FUZZ_EXPECT(assay_op_is_valid(&stream.ops[i]));
    size_t length = assay_bytes_encode(&stream, NULL, 0);
    uint8_t *encoded = malloc(length);
    FUZZ_EXPECT(encoded && assay_bytes_encode(&stream, encoded, length) == length);
    FUZZ_EXPECT(assay_bytes_decode(&back, encoded, length) == ASSAY_OK);
    FUZZ_EXPECT(assay_stream_equal(&stream, &back));
    free(encoded);
    assay_stream_clear(&stream);
    assay_stream_clear(&back);
    return 0;
}
