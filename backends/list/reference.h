/*
 * reference.h - plain address-ordered first fit, written for simplicity: what test_list.c compares with.
 *
 * An array of extents by address, searched from the front. It knows the rules of list.c's head
 * comment and nothing of how they are carried out. Offsets are those of payloads, from the first block.
 */
#ifndef ASSAY_LIST_REFERENCE_H
#define ASSAY_LIST_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFERENCE_EXTENTS 8192
#define REFERENCE_NONE SIZE_MAX

struct reference {
    uintptr_t base; /* address of the first block, for alignments */
    size_t count;
    struct reference_extent {
        size_t start;
        size_t size;
        bool used;
    } extents[REFERENCE_EXTENTS];
};

void reference_init(struct reference *reference, uintptr_t base, size_t bytes);
/* The payload's offset, or REFERENCE_NONE. */
size_t reference_take(struct reference *reference, size_t align, size_t size);
void reference_release(struct reference *reference, size_t payload);
/* The new payload's offset, or REFERENCE_NONE with nothing changed. */
size_t reference_resize(struct reference *reference, size_t payload, size_t size);
size_t reference_usable(const struct reference *reference, size_t payload);
size_t reference_largest(const struct reference *reference);

#endif
