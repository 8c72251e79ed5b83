/* bytes_codes.c - the tables of the fuzzer's form: where real bugs sat, codes are many. */
#include "bytes_codes.h"

#include <stddef.h>

/* A quarter step between powers of two: 2^log, 1.25 * 2^log, 1.5 * 2^log, 1.75 * 2^log. */
#define QUARTER(log, step) ((UINT64_C(4) + (step)) << ((log)-2))
#define PAGE UINT64_C(4096)
#define FROM_END(n) (-(uint64_t)(n))

/*
 * The first byte of a size.     with the second byte
 *     0 ..  63   0              + 0 .. 255
 *    64 .. 127   0 .. 15        + 16 * (0 .. 255)
 *   128 .. 159   1 KiB .. 224 KiB, log-uniform: a quarter of a doubling in 256 steps
 *   160 .. 207   128 .. 448 KiB, powers of two and quarters   + -128 .. 127
 *   208 .. 223   1 .. 16 pages                                + -128 .. 127
 *   224 .. 239   32 KiB .. 512 KiB by 32 KiB                  + -128 .. 127
 *   240 .. 255   huge, below
 */
#define LOG_OF(code) (10 + (((code)-128) >> 2))
#define SMALL(code)                                                                                \
    {                                                                                              \
        0, 0, 0                                                                                    \
    }
#define COARSE(code)                                                                               \
    {                                                                                              \
        (code) & 15, 4, 0                                                                          \
    }
#define MEDIUM(code)                                                                               \
    {                                                                                              \
        QUARTER(LOG_OF(code), (code)&3), LOG_OF(code) - 10, 0                                      \
    }
#define CLASS(code)                                                                                \
    {                                                                                              \
        QUARTER(7 + (((code)-160) >> 2), (code)&3), 0, 128                                         \
    }
#define PAGES(code)                                                                                \
    {                                                                                              \
        ((code)-207) * PAGE, 0, 128                                                                \
    }
#define ARENAS(code)                                                                               \
    {                                                                                              \
        ((code)-223) * 8 * PAGE, 0, 128                                                            \
    }

#define X4(row, code) row(code), row((code) + 1), row((code) + 2), row((code) + 3)
#define X16(row, code) X4(row, code), X4(row, (code) + 4), X4(row, (code) + 8), X4(row, (code) + 12)
#define X64(row, code)                                                                             \
    X16(row, code), X16(row, (code) + 16), X16(row, (code) + 32), X16(row, (code) + 48)

const struct assay_size_row assay_size_rows[256] = {
    X64(SMALL, 0),
    X64(COARSE, 64),
    X16(MEDIUM, 128),
    X16(MEDIUM, 144),
    X16(CLASS, 160),
    X16(CLASS, 176),
    X16(CLASS, 192),
    X16(PAGES, 208),
    X16(ARENAS, 224),
    {UINT64_C(1) << 24, 16, 128},
    {UINT64_C(1) << 27, 20, 128},
    {UINT64_C(1) << 30, 0, 128},
    {UINT64_C(1) << 31, 0, 128},
    {UINT64_C(1) << 31, 12, 128},
    {UINT64_C(1) << 32, 0, 128},
    {UINT64_C(1) << 32, 12, 128},
    {UINT64_C(1) << 33, 0, 128},
    {UINT64_C(1) << 40, 0, 128},
    {UINT64_C(1) << 47, 0, 128},
    {UINT64_C(1) << 48, 0, 128},
    {UINT64_C(1) << 62, 0, 128},
    {UINT64_C(1) << 63, 0, 128},
    {UINT64_C(1) << 63, 12, 128},
    {FROM_END(128), 0, 128},
    {FROM_END(128 * 4096), 12, 128},
};

#define BYTE(code) (code)
#define GRAINS(code) ((code)-63) * 16
#define QUARTERS(code) QUARTER(6 + (((code)-128) >> 2), (code)&3)
#define WHOLE_PAGES(code) ((code)-191) * PAGE
#define POWERS(code) UINT64_C(1) << ((code)-204)

/* 0 .. 63; 16 .. 1024 by 16; 64 .. 3.5 MiB by quarters; 1 .. 32 pages; 2^20 .. 2^35; huge. */
const uint64_t assay_pair_sizes[256] = {
    X64(BYTE, 0),          X64(GRAINS, 64),   X64(QUARTERS, 128), X16(WHOLE_PAGES, 192),
    X16(WHOLE_PAGES, 208), X16(POWERS, 224),  UINT64_C(1) << 36,  UINT64_C(1) << 40,
    UINT64_C(1) << 46,     UINT64_C(1) << 47, UINT64_C(1) << 48,  UINT64_C(1) << 56,
    UINT64_C(1) << 61,     UINT64_C(1) << 62, UINT64_C(1) << 63,  UINT64_C(3) << 62,
    FROM_END(1 << 20),     FROM_END(1 << 16), FROM_END(4096),     FROM_END(256),
    FROM_END(64),          FROM_END(16),
};

const uint64_t assay_pair_deltas[8] = {
    0, 1, FROM_END(1), 8, FROM_END(8), 16, FROM_END(16), FROM_END(32),
};

const uint64_t assay_counts[32] = {
    1,
    0,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    15,
    16,
    17,
    31,
    64,
    100,
    255,
    256,
    1000,
    4096,
    65536,
    UINT64_C(1) << 31,
    UINT64_C(1) << 32,
    UINT64_C(1) << 63,
    UINT64_MAX,
};

/* 1 .. 2^20 each once, the usual ones again, then beyond. */
const uint8_t assay_align_logs[32] = {
    4,  0,  1,  2,  3,  5, 6, 7, 8, 9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 3, 4, 5, 6, 12, 12, 13, 24, 31, 32, 63,
};

#define KIB UINT64_C(1024)
static const uint64_t limits[32] = {
    64 * KIB, 64 * KIB, 64 * KIB,  64 * KIB,  64 * KIB,  64 * KIB,  64 * KIB,  64 * KIB,
    64 * KIB, 64 * KIB, 64 * KIB,  64 * KIB,  16 * KIB,  16 * KIB,  16 * KIB,  16 * KIB,
    20 * KIB, 24 * KIB, 32 * KIB,  32 * KIB,  32 * KIB,  32 * KIB,  40 * KIB,  48 * KIB,
    96 * KIB, 96 * KIB, 128 * KIB, 128 * KIB, 160 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB,
};
static const uint64_t limit_offsets[8] = {0, 0, 0, 0, FROM_END(1), FROM_END(8), 24, 2049};

uint64_t assay_limit_of_code(uint8_t code)
{
    return code ? limits[code & 31] + limit_offsets[code >> 5] : 0;
}

bool assay_find_limit(uint64_t limit, uint8_t *code)
{
    for (unsigned i = 0; i < 256; i++) {
        if (assay_limit_of_code((uint8_t)i) == limit) {
            *code = (uint8_t)i;
            return true;
        }
    }
    return false;
}

bool assay_find_size(uint64_t size, uint8_t *a, uint8_t *b)
{
    for (unsigned i = 0; i < 256; i++) {
        const struct assay_size_row *row = &assay_size_rows[i];
        uint64_t lowest = row->base - ((uint64_t)row->flip << row->shift);
        uint64_t steps = (size - lowest) >> row->shift;
        uint8_t offset = (uint8_t)(steps ^ row->flip);
        if (steps < 256 && size_of_codes((uint8_t)i, offset) == size) {
            *a = (uint8_t)i;
            *b = offset;
            return true;
        }
    }
    return false;
}

/* The rest of b's bits and a; the low five bits of b are there. */
static bool find_pair_size(uint64_t size, uint8_t *a, uint8_t *b)
{
    for (unsigned delta = 0; delta < 8; delta++) {
        for (unsigned i = 0; i < 256; i++) {
            if (assay_pair_sizes[i] + assay_pair_deltas[delta] == size) {
                *a = (uint8_t)i;
                *b = (uint8_t)(*b | delta << 5);
                return true;
            }
        }
    }
    return false;
}

bool assay_find_zeroed(uint64_t size, uint64_t count, uint8_t *a, uint8_t *b)
{
    for (uint8_t code = 0; code < 32; code++) {
        if (count_of_code(code, size) == count) {
            *b = code;
            return find_pair_size(size, a, b);
        }
    }
    return false;
}

bool assay_find_aligned(uint64_t size, uint64_t align, uint8_t *a, uint8_t *b)
{
    for (uint8_t code = 0; code < 32; code++) {
        if (align_of_code(code) == align) {
            *b = code;
            return find_pair_size(size, a, b);
        }
    }
    return false;
}

bool assay_find_offset(uint64_t offset, uint8_t *a, uint8_t *b)
{
    *a = (uint8_t)offset;
    *b = (uint8_t)(offset < 256 ? 0 : 192 | offset >> 8);
    return offset < 64 * 256;
}

bool assay_find_requests(uint64_t requests, uint8_t *a, uint8_t *b)
{
    *a = (uint8_t)requests;
    *b = requests < 8 ? 0 : 128;
    return requests < 256;
}

bool assay_find_budget(uint64_t budget, uint8_t *a, uint8_t *b)
{
    *a = budget == UINT64_MAX ? 0 : (uint8_t)(budget >> 10);
    *b = budget == UINT64_MAX ? 0 : 64;
    return budget_of_codes(*a, *b) == budget;
}
