/*
 * reference.h - MeMS as the exercise describes it, a list of lists, written for simplicity.
 *
 * It has no bytes behind its addresses; it says which address a request gets, and what mems_print_stats() prints.
 */
#ifndef ASSAY_MEMS_REFERENCE_H
#define ASSAY_MEMS_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct reference;

struct reference *reference_open(size_t page_size);
void reference_close(struct reference *reference);
/* 0 if refused. */
uint64_t reference_take(struct reference *reference, size_t size);
bool reference_release(struct reference *reference, uint64_t address);
/* The PROCESS around an address: its start, 0 for none. */
uint64_t reference_around(const struct reference *reference, uint64_t address, size_t *size);
void reference_print(const struct reference *reference, FILE *out);

#endif
