/*
 * bytes_codes.h - what the one-byte codes of the fuzzer's form stand for, both ways. Only for bytes.c.
 *
 * The decoders look up tables, for they run for every operation of every input; the finders search,
 * and give false where no code stands for the value.
 */
#ifndef ASSAY_BYTES_CODES_H
#define ASSAY_BYTES_CODES_H

#include <stdbool.h>
#include <stdint.h>

/* base + (offset << shift), offset being a code from 0 .. 255, or from -128 .. 127 if flip is 128. */
struct assay_size_row {
    uint64_t base;
    uint8_t shift;
    uint8_t flip;
};
extern const struct assay_size_row assay_size_rows[256];
extern const uint64_t assay_pair_sizes[256];
extern const uint64_t assay_pair_deltas[8];
extern const uint64_t assay_counts[32];
extern const uint8_t assay_align_logs[32];

/* The last of assay_counts are not counts but rules: around the product that just overflows. */
enum { ASSAY_COUNT_OVERFLOWS = 29, ASSAY_COUNT_JUST_FITS, ASSAY_COUNT_WRAPS_SMALL };

/* Of alloc and realloc. */
static inline uint64_t size_of_codes(uint8_t a, uint8_t b)
{
    const struct assay_size_row *row = &assay_size_rows[a];
    uint64_t offset = (uint64_t)(b ^ row->flip) - row->flip;

    return row->base + (offset << row->shift);
}

/* Of zeroed and aligned, where b is shared: its low five bits are the count or the alignment. */
static inline uint64_t size_of_pair(uint8_t a, uint8_t b)
{
    return assay_pair_sizes[a] + assay_pair_deltas[b >> 5];
}

static inline uint64_t count_of_code(uint8_t b, uint64_t size)
{
    unsigned code = b & 31;

    if (code < ASSAY_COUNT_OVERFLOWS)
        return assay_counts[code];
    uint64_t fits = UINT64_MAX / (size ? size : 1);
    if (code == ASSAY_COUNT_JUST_FITS)
        return fits;
    return code == ASSAY_COUNT_OVERFLOWS ? fits + 1 : fits + 2;
}

static inline uint64_t align_of_code(uint8_t b)
{
    return UINT64_C(1) << assay_align_logs[b & 31];
}

/* Of misuse: bytes from the block's start or past its end, mostly few. */
static inline uint64_t offset_of_codes(uint8_t a, uint8_t b)
{
    return b < 192 ? a : (uint64_t)(b & 63) << 8 | a;
}

/* How many page requests are refused, mostly few. */
static inline uint64_t requests_of_codes(uint8_t a, uint8_t b)
{
    return b < 128 ? a & 7 : a;
}

/* How many bytes may still be mapped; one code in four lifts the bound. */
static inline uint64_t budget_of_codes(uint8_t a, uint8_t b)
{
    return b < 64 ? UINT64_MAX : (uint64_t)a << 10;
}

uint64_t assay_limit_of_code(uint8_t code);

bool assay_find_size(uint64_t size, uint8_t *a, uint8_t *b);
bool assay_find_zeroed(uint64_t size, uint64_t count, uint8_t *a, uint8_t *b);
bool assay_find_aligned(uint64_t size, uint64_t align, uint8_t *a, uint8_t *b);
bool assay_find_offset(uint64_t offset, uint8_t *a, uint8_t *b);
bool assay_find_requests(uint64_t requests, uint8_t *a, uint8_t *b);
bool assay_find_budget(uint64_t budget, uint8_t *a, uint8_t *b);
bool assay_find_limit(uint64_t limit, uint8_t *code);

#endif
