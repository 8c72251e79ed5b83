/* bytes_codes.c - the tables of the fuzzer's form: where real bugs sat, codes are many. */
#include "bytes_codes.h"

#include <stddef.h>

/* A quarter step between powers of two: 2^log, 1.25 * 2^log, 1.5 * 2^log, 1.75 * 2^log. */
#define QUARTER(log, step) ((UINT64_C(4) + (step)) << ((log)-2))
#define PAGE UINT64_C(4096)
#define FROM_END(n) (-(uint64_t)(n))

/*
 * The first byte of a size.     with the second byte
 *     0 .. 151   0              + 0 .. 255
 *   152 .. 191   0 .. 3         + 4 * (0 .. 255)
 *   192 .. 199   1 KiB .. 256 KiB, a doubling in 256 steps
 *   200 .. 215   128 .. 1792, powers of two and quarters      + -128 .. 127
 *   216 .. 223   2 KiB .. 256 KiB, powers of two              + -128 .. 127
 *   224 .. 227   1 .. 4 pages                                 + -128 .. 127
 *   228 .. 255   arenas and huge, below                       + -128 .. 127
 *
 * Three in four are small, as in programs, and for speed: the bytes of a block are written and read.
 */
#define SMALL(code)                                                                                \
    {                                                                                              \
        0, 0, 0                                                                                    \
    }
#define COARSE(code)                                                                               \
    {                                                                                              \
        (code) & 3, 2, 0                                                                           \
    }
#define MEDIUM(code)                                                                               \
    {                                                                                              \
        UINT64_C(1) << ((code)-182), (code)-190, 0                                                 \
    }
#define CLASS(code)                                                                                \
    {                                                                                              \
        QUARTER(7 + (((code)-200) >> 2), (code)&3), 0, 128                                         \
    }
#define POWER(code)                                                                                \
    {                                                                                              \
        UINT64_C(1) << ((code)-205), 0, 128                                                        \
    }
#define PAGES(code)                                                                                \
    {                                                                                              \
        ((code)-223) * PAGE, 0, 128                                                                \
    }

#define X4(row, code) row(code), row((code) + 1), row((code) + 2), row((code) + 3)
#define X8(row, code) X4(row, code), X4(row, (code) + 4)
#define X16(row, code) X8(row, code), X8(row, (code) + 8)
#define X64(row, code)                                                                             \
    X16(row, code), X16(row, (code) + 16), X16(row, (code) + 32), X16(row, (code) + 48)

const struct assay_size_row assay_size_rows[256] = {
    X64(SMALL, 0),
    X64(SMALL, 64),
    X16(SMALL, 128),
    X8(SMALL, 144),
    X8(COARSE, 152),
    X16(COARSE, 160),
    X16(COARSE, 176),
    X8(MEDIUM, 192),
    X16(CLASS, 200),
    X8(POWER, 216),
    X4(PAGES, 224),
    {6 * PAGE, 0, 128},
    {12 * PAGE, 0, 128},
    {24 * PAGE, 0, 128},
    {40 * PAGE, 0, 128},
    {UINT64_C(1) << 20, 0, 128},
    {UINT64_C(1) << 24, 16, 128},
    {UINT64_C(1) << 27, 20, 128},
    {UINT64_C(1) << 30, 0, 128},
    {UINT64_C(1) << 31, 0, 128},
    {UINT64_C(1) << 31, 0, 128},
    {UINT64_C(1) << 31, 12, 128},
    {UINT64_C(1) << 32, 0, 128},
    {UINT64_C(1) << 32, 0, 128},
    {UINT64_C(1) << 32, 12, 128},
    {UINT64_C(1) << 33, 0, 128},
    {UINT64_C(1) << 40, 0, 128},
    {UINT64_C(1) << 47, 0, 128},
    {UINT64_C(1) << 48, 0, 128},
    {UINT64_C(1) << 62, 0, 128},
    {UINT64_C(1) << 63, 0, 128},
    {UINT64_C(1) << 63, 0, 128},
    {UINT64_C(1) << 63, 12, 128},
    {FROM_END(128), 0, 128},
    {FROM_END(128), 0, 128},
    {FROM_END(128), 0, 128},
    {FROM_END(128), 0, 128},
    {FROM_END(128 * 4096), 12, 128},
    {FROM_END(128 * 4096), 12, 128},
};

#define BYTE(code) (code)
#define GRAINS(code) (((code)-127) * UINT64_C(16))
#define QUARTERS(code) QUARTER(6 + (((code)-192) >> 2), (code)&3)
#define WHOLE_PAGES(code) (((code)-223) * (uint64_t)PAGE)
#define HIGH_POWERS(code) (UINT64_C(1) << (2 * (code)-449))

/* 0 .. 127; 16 .. 512 by 16; again; 64 .. 14 KiB by quarters; 1 .. 8 pages; 2^15 .. 2^29; huge. */
const uint64_t assay_pair_sizes[256] = {
    X64(BYTE, 0),         X64(BYTE, 64),        X16(GRAINS, 128),   X16(GRAINS, 144),
    X16(GRAINS, 128),     X16(GRAINS, 144),     X16(QUARTERS, 192), X16(QUARTERS, 208),
    X8(WHOLE_PAGES, 224), X8(HIGH_POWERS, 232), UINT64_C(1) << 31,  UINT64_C(1) << 32,
    UINT64_C(1) << 33,    UINT64_C(1) << 40,    UINT64_C(1) << 47,  UINT64_C(1) << 48,
    UINT64_C(1) << 61,    UINT64_C(1) << 62,    UINT64_C(1) << 63,  UINT64_C(3) << 62,
    FROM_END(1 << 20),    FROM_END(1 << 16),    FROM_END(4096),     FROM_END(256),
    FROM_END(64),         FROM_END(16),
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
static const uint64_t limits[31] = {
    64 * KIB, 64 * KIB, 64 * KIB, 64 * KIB, 64 * KIB, 64 * KIB, 64 * KIB, 64 * KIB,
    64 * KIB, 64 * KIB, 64 * KIB, 64 * KIB, 16 * KIB, 16 * KIB, 16 * KIB, 16 * KIB,
    16 * KIB, 16 * KIB, 20 * KIB, 20 * KIB, 24 * KIB, 24 * KIB, 32 * KIB, 32 * KIB,
    32 * KIB, 32 * KIB, 40 * KIB, 40 * KIB, 48 * KIB, 80 * KIB, 96 * KIB,
};
static const uint64_t limit_offsets[8] = {0, 0, 0, 0, FROM_END(1), FROM_END(8), 24, 2049};
/* Rare, for every run clears its arena. */
static const uint64_t large_limits[8] = {
    128 * KIB, 128 * KIB + 24, 160 * KIB, 192 * KIB, 256 * KIB, 384 * KIB, 512 * KIB, 1024 * KIB,
};

uint64_t assay_limit_of_code(uint8_t code)
{
    unsigned low = code & 31, high = code >> 5;

    if (code == 0)
        return 0;
    return low == 31 ? large_limits[high] : limits[low] + limit_offsets[high];
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

/* The next row that is like none before it: in between are SMALL and COARSE ones again. */
static inline unsigned next_row(unsigned row)
{
    return row == 0 ? 152 : row == 155 ? 192 : row + 1;
}

bool assay_find_size(uint64_t size, uint8_t *a, uint8_t *b)
{
    for (unsigned i = 0; i < 256; i = next_row(i)) {
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

/* The first place of `size` in the table of pairs, which begins with runs; 256 if there is none. */
static unsigned pair_of(uint64_t size)
{
    unsigned i = 192;

    if (size < 128)
        return (unsigned)size;
    if (size <= 512 && size % 16 == 0)
        return 127 + (unsigned)size / 16;
    while (i < 256 && assay_pair_sizes[i] != size)
        i++;
    return i;
}

/* The rest of b's bits and a; the low five bits of b are there. */
static bool find_pair_size(uint64_t size, uint8_t *a, uint8_t *b)
{
    for (unsigned delta = 0; delta < 8; delta++) {
        unsigned i = pair_of(size - assay_pair_deltas[delta]);
        if (i < 256) {
            *a = (uint8_t)i;
            *b = (uint8_t)(*b | delta << 5);
            return true;
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
    return offset < (size_t)64 * 256;
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
