/* reference_model.h - what the files of the reference share: reference.c does, reference_lines.c reads. */
#ifndef VMA_REFERENCE_MODEL_H
#define VMA_REFERENCE_MODEL_H

#include "reference.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct mini {
    uint64_t start, size;
    unsigned permission;
};

struct byte {
    uint64_t address;
    char value;
};

struct model {
    enum reference_break broken;
    bool has_arena, has_ended;
    uint64_t size;
    struct mini *minis; /* by address */
    size_t mini_count;
    struct byte *bytes; /* as they were written: the last one counts */
    size_t byte_count;
    FILE *out;
};

static inline bool is_broken(const struct model *model, enum reference_break rule)
{
    return model->broken == rule;
}

/* --- reference.c: the commands, whose numbers have been read --- */

void reference_alloc(struct model *model, uint64_t address, uint64_t size);
void reference_free(struct model *model, uint64_t address);
void reference_read(struct model *model, uint64_t address, uint64_t size);
/* Of `announced` bytes `size` have come. */
void reference_write(struct model *model, uint64_t address, const char *bytes, uint64_t size,
                     uint64_t announced);
void reference_protect(struct model *model, uint64_t address, unsigned permission);
void reference_pmap(struct model *model);
/* Index of the miniblock that holds address; mini_count if none does. */
size_t reference_holder(const struct model *model, uint64_t address);

#endif
