/*
 * transcript.h - a hash of everything a heap answered, in order.
 *
 * Words are what was said, never an address, so that equal behaviour gives equal hashes on every
 * machine.
 */
#ifndef ASSAY_TRANSCRIPT_H
#define ASSAY_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_TRANSCRIPT_WORDS 128

/* Only `hash` and `count` need a start value: 0. */
struct assay_transcript {
    uint64_t hash;
    size_t count;
    uint64_t words[ASSAY_TRANSCRIPT_WORDS];
};

/* Takes the words collected so far into the hash. */
void assay_transcript_flush(struct assay_transcript *transcript);

static inline void assay_transcript_add(struct assay_transcript *transcript, uint64_t word)
{
    if (transcript->count == ASSAY_TRANSCRIPT_WORDS)
        assay_transcript_flush(transcript);
    transcript->words[transcript->count++] = word;
}

#ifdef __cplusplus
}
#endif

#endif
