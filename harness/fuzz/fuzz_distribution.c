/*
 * fuzz_distribution - any file is refused with its line, or is a distribution: what is drawn from it is a size and a
 * life that can be, and written and read again it draws the same.
 */
#include "fuzz.h"

#include "assay/distribution.h"

#include <string.h>

#define DRAWS 64
#define SIZE_MOST ((uint64_t)1 << 40)

/* Odd multiples go all over the range. */
static uint64_t random_number(unsigned draw)
{
    return draw == 0 ? 0 : draw == 1 ? UINT64_MAX : draw * UINT64_C(0x9e3779b97f4a7c15);
}

static void expect_same(const struct assay_distribution *a, const struct assay_distribution *b)
{
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        uint64_t random = random_number(draw), size = assay_distribution_size(a, random);
        uint64_t life = assay_distribution_life(a, size, random);
        FUZZ_EXPECT(size >= 1 && size <= SIZE_MOST && life >= 1);
        FUZZ_EXPECT(assay_distribution_size(b, random) == size);
        FUZZ_EXPECT(assay_distribution_life(b, size, random) == life);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_distribution *distribution, *again;
    const char *path = fuzz_file(data, size);
    struct assay_error error = {{0}};

    if (assay_distribution_read(&distribution, path, &error) != ASSAY_OK) {
        FUZZ_EXPECT(!distribution && strstr(error.what, path));
        return 0;
    }
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    FUZZ_EXPECT(out);
    assay_distribution_write(distribution, out);
    FUZZ_EXPECT(fclose(out) == 0);
    path = fuzz_file((const uint8_t *)text, length);
    FUZZ_EXPECT(assay_distribution_read(&again, path, &error) == ASSAY_OK);
    expect_same(distribution, again);
    assay_distribution_close(again);
    assay_distribution_close(distribution);
    free(text);
    return 0;
}
