/* conformance_tests.h - the table that conformance.c runs, and the rooms it is made of. */
#ifndef ASSAY_CONFORMANCE_TESTS_H
#define ASSAY_CONFORMANCE_TESTS_H

#include "trial.h"

struct conformance_test {
    const char *name;
    const char *needs; /* as in the result */
    void (*run)(struct trial *trial);
    size_t function;     /* offset in the table of the function it is about; 0: none */
    uint32_t capability; /* the promise it is about; 0: none */
    uint32_t setting;    /* without these capabilities the test can tell nothing */
    uint32_t unless;     /* with these capabilities it would expect too much */
    bool tried;          /* runs without the capability too, for COULD_CLAIM */
};

/* One part of the table for each part of backend.h. */
struct conformance_room {
    const struct conformance_test *tests;
    size_t count;
};
extern const struct conformance_room assay_conformance_life;      /* create, destroy */
extern const struct conformance_room assay_conformance_alloc;     /* allocation */
extern const struct conformance_room assay_conformance_questions; /* questions and audit */
extern const struct conformance_room assay_conformance_caps;      /* capabilities */
extern const struct conformance_room assay_conformance_threads;   /* THREAD_SAFE */
extern const struct conformance_room assay_conformance_crowds;    /* many blocks, and large ones */
extern const struct conformance_room assay_conformance_growth;    /* freed memory serves again */
extern const struct conformance_room assay_conformance_misuse;    /* what programs must not do */

#define CONFORMANCE_ROOM(tests)                                                                    \
    {                                                                                              \
        tests, sizeof(tests) / sizeof *(tests)                                                     \
    }

#endif
