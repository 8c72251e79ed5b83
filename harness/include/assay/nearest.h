/* nearest.h - "did you mean": the known word that a mistyped one is nearest to. Thread-safe. */
#ifndef ASSAY_NEAREST_H
#define ASSAY_NEAREST_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longer words are near to nothing. */
#define ASSAY_NEAREST_LENGTH 63

/*
 * The nearest of words[0 .. count) to `word`, the first among equals, or NULL if none is near.
 *
 * Counts letters put in, left out, replaced, and neighbours swapped, without regard to case. Near is at
 * most one such slip in three letters of the longer word, or `word` being the beginning of a
 * known one, three letters or more. O(count * length^2).
 */
const char *assay_nearest(const char *word, const char *const *words, size_t count);

#ifdef __cplusplus
}
#endif

#endif
