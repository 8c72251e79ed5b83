/* corpus.h - what the files of `assay corpus` share: the inputs of folders. */
#ifndef ASSAY_CLI_CORPUS_H
#define ASSAY_CLI_CORPUS_H

#include "assay/op.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An input as a fuzzer's bytes, whatever it was in. */
struct corpus_input {
    char *path;
    unsigned char *bytes;
    size_t size;
    uint64_t hash;      /* of the bytes */
    bool is_regression; /* something was found by it once, or is kept for that */
    char check[32];     /* by its name; "": not known */
};

struct corpus {
    struct corpus_input *inputs; /* by rising size, then hash: no two alike */
    size_t count, room;
    uint64_t files;     /* that were inputs */
    uint64_t left_out;  /* files that are none, each told in a line */
    const char *but;    /* a folder that is passed over, as its path would be told; NULL: none */
    bool is_unreadable; /* at least one could not be read, told in a line */
};

/*
 * Adds what there is below the folders, of which the last is NULL. Hidden files, and what fuzzers keep beside their
 * inputs, are passed over. False: no memory, told in a line.
 */
bool corpus_collect(struct corpus *corpus, char *const *folders, uint64_t most_bytes);
/* Sorts, and leaves one of those with the same bytes: a regression rather than another. */
void corpus_sort(struct corpus *corpus);
void corpus_clear(struct corpus *corpus);

#endif
