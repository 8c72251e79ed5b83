/* fuzz_vma - the program `vma` says what the reference says, whatever it reads and in whatever pieces. */
#include "fuzz.h"

#include "streams.h"

#define TEXT_ROOM 8192

/* The first byte says whether the others are choices of commands or the text itself, and how it is cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[TEXT_ROOM];

    if (size == 0 || size > TEXT_ROOM)
        return 0;
    size_t piece = data[0] & 1 ? TEXT_ROOM : 1 + (data[0] >> 2);
    if (data[0] & 2)
        FUZZ_EXPECT(
            streams_agree((const char *)data + 1, size - 1, piece, REFERENCE_IS_RIGHT, true));
    else
        FUZZ_EXPECT(streams_agree(text, streams_make(data + 1, size - 1, text, sizeof text), piece,
                                  REFERENCE_IS_RIGHT, true));
    return 0;
}
