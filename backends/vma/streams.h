/* streams.h - inputs for comparing the program with the reference, and the comparison. For tests. */
#ifndef VMA_STREAMS_H
#define VMA_STREAMS_H

#include "reference.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Writes commands into text[0 .. room) by what choices[0 .. count) say: each byte decides the next word. Any bytes do.
 * Returns how long the text is.
 */
size_t streams_make(const uint8_t *choices, size_t count, char *text, size_t room);

/* Output of a session that is fed in pieces of at most `piece` bytes; to be freed, NULL without memory. */
char *streams_session(const char *input, size_t size, size_t piece, size_t *output_size);

/* Whether session and reference say the same; prints where they part if told to. */
bool streams_agree(const char *input, size_t size, size_t piece, enum reference_break broken,
                   bool tells);

#endif
