/*
 * mutator.c - libFuzzer's mutations of targets that eat streams, and its flags.
 *
 * libFuzzer asks for a crossover as often as for a mutation; of those, three in four are mutations too. Of the others one in
 * four stays plain: bytes reach what no edit of operations makes, such as codes that mean the same. The first of a process
 * are new streams all.
 */
#include "fuzz.h"

#include "assay/mutate.h"

#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t room, unsigned seed);

/* Whether a mutation is one of the first of this process. */
static bool is_fresh(void)
{
    static unsigned left = ASSAY_MUTATE_FRESH;

    return left && left--;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    if (is_fresh())
        return assay_mutate_renew(data, room, seed);
    if (seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, room);
    return assay_mutate(data, size, room, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t room, unsigned seed)
{
    if (is_fresh())
        return assay_mutate_renew(out, room, seed);
    if (seed % 4 == 0 || a_size > room)
        return assay_mutate_cross(a, a_size, b, b_size, out, room, seed);
    memcpy(out, a, a_size);
    return assay_mutate(out, a_size, room, seed);
}

/*
 * libFuzzer looks for each feature of an input in the list of those that are rare. It calls up to 255 inputs rare, which
 * are most of them where thousands of marks are made, and searching took half of its time.
 */
static char rare[] = "-entropic_feature_frequency_threshold=16";

void fuzz_add_flags(int *argc, char ***argv)
{
    char **more = calloc((size_t)*argc + 2, sizeof *more);

    if (!more)
        return; /* it is but slower */
    more[0] = (*argv)[0];
    more[1] = rare;
    memcpy(more + 2, *argv + 1, (size_t)*argc * sizeof *more); /* with the NULL at the end */
    *argv = more;
    *argc += 1;
}
