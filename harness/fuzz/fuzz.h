/*
 * fuzz.h - what a fuzz target offers to libFuzzer, and to standalone.c in its place.
 *
 * One property for each target, in its first comment. Any input is valid; a broken property aborts.
 */
#ifndef ASSAY_FUZZ_FUZZ_H
#define ASSAY_FUZZ_FUZZ_H

#include "assay/op.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Optional, called once before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes a stream to path, a text in the folder of findings; false if that cannot be done. */
#define FUZZ_FINDINGS "findings"
bool fuzz_save(const char *path, const struct assay_stream *stream);

/*
 * Under an engine that `assay fuzz` started: the counts that both see (engine.h), NULL otherwise. fuzz_engine_begin()
 * counts an input that is about to run, and ends it by abort() where it does not end.
 */
struct fuzz_counts;
struct fuzz_counts *fuzz_engine_open(void);
void fuzz_engine_begin(void);
/* Where an engine wants to see so many marks of the input that is about to run; NULL where it finds them itself. */
__attribute__((weak)) uint8_t *fuzz_engine_marks(size_t count);

/*
 * Guidance beyond code coverage: a target keeps counters of its own in an array marked FUZZ_COUNTERS. libFuzzer takes
 * each for an edge of the program, and clears them before every input. fuzz_counters() says where they are, for an
 * engine that must be shown them: after an input those that are not 0 say what was seen in it.
 */
#define FUZZ_COUNTERS __attribute__((section("__libfuzzer_extra_counters"), used))
void fuzz_counters(uint8_t **at, size_t *count);
/* After an input: clears those that 255 inputs of this process have had, which are neither new nor rare any more. */
void fuzz_fade_counters(void);
/* Whether to: ASSAY_GUIDANCE=off, for comparison, says no. Ends the program if it says neither. */
bool fuzz_is_guided(void);
/* Flags for the engine before those that the user gave; NULL where it is no libFuzzer. */
__attribute__((weak)) void fuzz_add_flags(int *argc, char ***argv);

/* The path of a file that has these bytes until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* Ends the run as a failed one, with what should have held. */
#define FUZZ_EXPECT(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: expected: %s\n", __FILE__, __LINE__, #condition);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
