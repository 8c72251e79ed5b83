/*
 * import_heaptrack.c - heaptrack's data: numbers are hexadecimal, a letter says what a line is.
 *
 *     v 10400 3            versions: of heaptrack, of the file
 *     c 3e8                milliseconds since the start
 *     + 40 7 55ba94c3d1d0  raw, or of version 0: an allocation of 0x40 bytes, place 7, and its address
 *     - 55ba94c3d1d0       the block at that address ends
 *     a 40 7               interpreted: number 0, 1, 2, ... of the pairs of size and place
 *     + 0                  an allocation of pair 0
 *     - 0                  one of the blocks of pair 0 ends
 *
 * All other lines say where in the program things are. realloc is written as a free and an
 * allocation, calloc and memalign as allocations. Which block of a pair ends is not in interpreted data:
 * it is taken to be the one allocated last.
 */
#include "import_format.h"
#include "shown.h"
#include "assay/sizes.h"

#include <stdlib.h>
#include <string.h>

#define VERSION_MOST 3
#define NS_PER_MS 1000000
/* Most pairs; a large program has some ten thousands. */
#define PAIRS_MOST ((size_t)1 << 24)

struct pair {
    uint64_t size;
    uint64_t live; /* blocks */
};

struct heaptrack {
    bool has_version;
    struct pair *pairs; /* none: data is raw */
    size_t count, room;
};

static bool recognises(const struct import_head *head)
{
    const char *at = head->lines[0];
    uint64_t number;

    if (!import_skip(&at, "v ") || !import_take_number(&at, 16, &number))
        return false;
    return *at == '\0' || (import_skip(&at, " ") && import_number(at, 16, &number));
}

static bool bad_line(struct importer *importer, const char *expected)
{
    return import_fail(importer, "expected '%s', all in hexadecimal digits", expected);
}

static bool take_version(struct importer *importer, struct heaptrack *heaptrack, char *const *words,
                         size_t count)
{
    uint64_t tool, file = 0;

    if (count < 2 || strcmp(words[0], "v") != 0 || !import_number(words[1], 16, &tool) ||
        (count > 2 && !import_number(words[2], 16, &file)))
        return import_fail(importer, "heaptrack's data begins with 'v VERSION VERSION', not '%s'",
                           assay_shown(words[0]).text);
    heaptrack->has_version = true;
    return file <= VERSION_MOST ||
           import_fail(importer, "version %llu of heaptrack's data is not known: at most %d is",
                       (unsigned long long)file, VERSION_MOST);
}

static bool take_pair(struct importer *importer, struct heaptrack *heaptrack, char *const *words,
                      size_t count)
{
    struct pair pair = {0};

    if (count < 2 || !import_number(words[1], 16, &pair.size))
        return bad_line(importer, "a SIZE PLACE");
    if (heaptrack->count == PAIRS_MOST)
        return import_fail(importer, "more than %zu pairs of size and place", PAIRS_MOST);
    if (heaptrack->count == heaptrack->room) {
        size_t room = heaptrack->room ? heaptrack->room * 2 : 1024;
        struct pair *pairs = realloc(heaptrack->pairs, room * sizeof *pairs);
        if (!pairs)
            return import_fail(importer, "no memory for the pairs of size and place");
        heaptrack->pairs = pairs;
        heaptrack->room = room;
    }
    heaptrack->pairs[heaptrack->count++] = pair;
    return true;
}

/* Stands for an address: no two live blocks share it. */
static uint64_t address_of(size_t pair, uint64_t number)
{
    return (uint64_t)(pair + 1) << 32 | (number & UINT32_MAX);
}

static bool take_plus(struct importer *importer, struct heaptrack *heaptrack, char *const *words,
                      size_t count)
{
    uint64_t size, index, address;

    if (count >= 4) {
        if (!import_number(words[1], 16, &size) || !import_number(words[3], 16, &address))
            return bad_line(importer, "+ SIZE PLACE ADDRESS");
        assay_calls_alloc(importer->calls, ASSAY_OP_ALLOC, address, size, 0);
        return true;
    }
    if (count != 2 || !import_number(words[1], 16, &index))
        return bad_line(importer, "+ SIZE PLACE ADDRESS' or '+ NUMBER");
    if (index >= heaptrack->count)
        return import_fail(importer, "'+ %s', but there were only %zu lines 'a' before",
                           assay_shown(words[1]).text, heaptrack->count);
    struct pair *pair = &heaptrack->pairs[index];
    assay_calls_alloc(importer->calls, ASSAY_OP_ALLOC, address_of(index, pair->live++), pair->size,
                      0);
    return true;
}

static bool take_minus(struct importer *importer, struct heaptrack *heaptrack, char *const *words,
                       size_t count)
{
    uint64_t number;

    if (count < 2 || !import_number(words[1], 16, &number))
        return bad_line(importer, "- ADDRESS' or '- NUMBER");
    if (heaptrack->count == 0) {
        assay_calls_free(importer->calls, number);
        return true;
    }
    if (number >= heaptrack->count)
        return import_fail(importer, "'- %s', but there were only %zu lines 'a' before",
                           assay_shown(words[1]).text, heaptrack->count);
    struct pair *pair = &heaptrack->pairs[number];
    /* Without a block the address is none that was given, and the free is counted as unknown. */
    pair->live -= pair->live != 0;
    assay_calls_free(importer->calls, address_of(number, pair->live));
    return true;
}

static bool take(struct importer *importer, char *line)
{
    struct heaptrack *heaptrack = importer->state;
    char *words[5];
    uint64_t time;
    char letter = line[0];

    /* Names may be long and are not needed: no word of them is looked at. */
    if (heaptrack->has_version && (!letter || !strchr("+-ac", letter) || line[1] != ' ')) {
        importer->counts.unknown_lines +=
            letter && (!strchr("sitxXImRSA#", letter) || (line[1] && line[1] != ' '));
        return true;
    }
    size_t count = import_cut(line, words, 5);
    if (!heaptrack->has_version)
        return count == 0 || take_version(importer, heaptrack, words, count);
    switch (letter) {
    case '+':
        return take_plus(importer, heaptrack, words, count);
    case '-':
        return take_minus(importer, heaptrack, words, count);
    case 'a':
        return take_pair(importer, heaptrack, words, count);
    default:
        if (count < 2 || !import_number(words[1], 16, &time))
            return bad_line(importer, "c MILLISECONDS");
        import_set_time(importer, assay_multiply(time, NS_PER_MS));
        return true;
    }
}

static bool end(struct importer *importer)
{
    const struct heaptrack *heaptrack = importer->state;

    return heaptrack->has_version || import_fail(importer, "the file is empty");
}

static void clear(void *state)
{
    free(((struct heaptrack *)state)->pairs);
}

const struct import_format import_heaptrack = {
    .name = "heaptrack",
    .recognises = recognises,
    .state_bytes = sizeof(struct heaptrack),
    .take = take,
    .end = end,
    .clear = clear,
};
