/* transcript.c - hashes words in batches, each seeded with the hash of all before it. */
#include "assay/transcript.h"

#include <xxhash.h>

void assay_transcript_flush(struct assay_transcript *transcript)
{
    if (transcript->count == 0)
        return;
    transcript->hash = XXH3_64bits_withSeed(
        transcript->words, transcript->count * sizeof *transcript->words, transcript->hash);
    transcript->count = 0;
}
