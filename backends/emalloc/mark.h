/*
 * mark.h - the mark around each block, and the bytes between its request and its end.
 *
 *   base+0   S        bytes of the whole block, marks included
 *   base+8   magic    a hash of base; its two low bits are the kind
 *   base+16  ........ what was asked for
 *            ~~~~~~~~ slack: a pattern made of the magic, up to MARK_GUARD bytes of it
 *   base+S-16 magic
 *   base+S-8  S
 *
 * The hash is one round of Knuth's MMIX generator as a function of the address; see emalloc/README.md. A byte of
 * the pattern is never 0, so that the terminator of a string that is one too long is seen.
 */
#ifndef ASSAY_EMALLOC_MARK_H
#define ASSAY_EMALLOC_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MARK_HEAD 16
#define MARK_BYTES 32 /* of both ends */
#define MARK_GUARD 32 /* bytes of slack that are filled and looked at, from the request on */

enum mark_kind { MARK_SMALL = 0, MARK_MEDIUM = 1, MARK_LARGE = 2 };

/* What is wrong with a mark. */
enum mark_fault { MARK_INTACT, MARK_HEADER, MARK_SLACK, MARK_FOOTER };

static inline uint64_t mark_magic(const void *base, enum mark_kind kind)
{
    uint64_t round = (uintptr_t)base * 6364136223846793005u % 1442695040888963407u;

    return (round & ~(uint64_t)3) | (uint64_t)kind;
}

static inline uint64_t mark_pattern(uint64_t magic)
{
    return (magic * 0x9e3779b97f4a7c15u) | 0x8080808080808080u;
}

/* Two words at once, as they are fetched and stored: a mark is read more often than anything else. */
typedef uint64_t mark_pair __attribute__((vector_size(16)));

static inline mark_pair mark_words(uint64_t first, uint64_t second)
{
    mark_pair words = {first, second};

    return words;
}

static inline void mark_put(char *at, mark_pair words)
{
    memcpy(at, &words, sizeof words);
}

static inline mark_pair mark_get(const char *at)
{
    mark_pair words;

    memcpy(&words, at, sizeof words);
    return words;
}

static inline bool mark_is_zero(mark_pair words)
{
    return (words[0] | words[1]) == 0;
}

/* The bytes of slack that are filled, of a block of `bytes` for a request of `size`. */
static inline size_t mark_slack(size_t bytes, size_t size)
{
    size_t slack = bytes - MARK_BYTES - size;

    return slack < MARK_GUARD ? slack : MARK_GUARD;
}

/*
 * Where the last two words of slack begin that are looked at: behind the first two, or there where there are no more.
 * Two words from `end` on lie in any block, for the footer is as long.
 */
static inline size_t mark_last(size_t slack)
{
    return (size_t)(slack > 16) << 4;
}

/*
 * Fills the slack from `end` on, in words, without a branch for sizes to mislead. What is too much lies in the
 * footer, which is written after it.
 */
static inline void mark_fill(char *end, size_t slack, uint64_t pattern)
{
    mark_pair words = mark_words(pattern, pattern);

    mark_put(end, words);
    mark_put(end + mark_last(slack), words);
}

/* Zero if the slack is as it was filled; again without a branch. What the footer has of the words is left out. */
static inline mark_pair mark_difference(const char *end, size_t slack, uint64_t pattern)
{
    /* From its middle - n on: n bytes to look at, then those that are not. */
    static const char cover[2 * MARK_GUARD] =
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    const char *covered = cover + MARK_GUARD - slack;
    size_t last = mark_last(slack);
    mark_pair words = mark_words(pattern, pattern);

    return ((mark_get(end) ^ words) & mark_get(covered)) |
           ((mark_get(end + last) ^ words) & mark_get(covered + last));
}

/* Marks the block of `bytes` at base for a request of `size`. The footer comes last: slack may run into it. */
static inline void mark_write(char *base, size_t bytes, size_t size, enum mark_kind kind)
{
    uint64_t magic = mark_magic(base, kind), pattern = mark_pattern(magic);

    mark_fill(base + MARK_HEAD + size, mark_slack(bytes, size), pattern);
    mark_put(base, mark_words(bytes, magic));
    mark_put(base + bytes - MARK_HEAD, mark_words(magic, bytes));
}

/* Whether the mark is as it was written. Only reads within `bytes`, which is known from elsewhere. */
static inline enum mark_fault mark_verify(const char *base, size_t bytes, size_t size,
                                          enum mark_kind kind)
{
    uint64_t magic = mark_magic(base, kind), pattern = mark_pattern(magic);
    mark_pair header = mark_get(base) ^ mark_words(bytes, magic);
    mark_pair slack = mark_difference(base + MARK_HEAD + size, mark_slack(bytes, size), pattern);
    mark_pair footer = mark_get(base + bytes - MARK_HEAD) ^ mark_words(magic, bytes);

    /* All three are fetched at once: a block that is freed is rarely in a cache. */
    if (mark_is_zero(header | slack | footer))
        return MARK_INTACT;
    return !mark_is_zero(header) ? MARK_HEADER : !mark_is_zero(slack) ? MARK_SLACK : MARK_FOOTER;
}

/* Nothing that looks like a mark stays behind. */
static inline void mark_wipe(char *base)
{
    mark_put(base, mark_words(0, 0));
}

#endif
