/* streams.c - makes commands out of bytes: few addresses and few sizes, so that they meet. */
#include "streams.h"

#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- making --- */

struct maker {
    const uint8_t *choices;
    size_t left;
    char *text;
    size_t length, room;
};

static unsigned choose(struct maker *maker, unsigned sides)
{
    if (maker->left == 0)
        return 0;
    maker->left--;
    return *maker->choices++ % sides;
}

static void put(struct maker *maker, const char *word)
{
    for (; *word && maker->length < maker->room; word++)
        maker->text[maker->length++] = *word;
}

static void put_number(struct maker *maker, uint64_t number)
{
    char word[32];

    snprintf(word, sizeof word, "%" PRIu64 " ", number);
    put(maker, word);
}

/* Near the border of something, or anywhere in the first miniblocks. */
static uint64_t some_number(struct maker *maker)
{
    static const uint64_t rare[] = {0,    63,       64,         1000,           4095,      4096,
                                    4097, 1u << 31, UINT64_MAX, UINT64_MAX - 1, INT64_MAX, 8192};
    unsigned kind = choose(maker, 8);

    if (kind == 0)
        return rare[choose(maker, sizeof rare / sizeof *rare)];
    return kind < 3 ? choose(maker, 64) : choose(maker, 8) * 8;
}

static void put_payload(struct maker *maker, uint64_t announced)
{
    static const char letters[] = "abcXYZ \n\n0PMAP\n";
    unsigned whim = choose(maker, 16);
    uint64_t count = announced;

    if (whim == 0)
        count = choose(maker, 12);
    for (uint64_t i = 0; i < count && i < 80 && maker->length < maker->room; i++)
        maker->text[maker->length++] =
            whim == 1 ? '\0' : letters[choose(maker, sizeof letters - 1)];
}

static void put_write(struct maker *maker)
{
    uint64_t size = choose(maker, 3) ? choose(maker, 24) : some_number(maker);
    char word[32];

    put(maker, "WRITE ");
    put_number(maker, some_number(maker));
    snprintf(word, sizeof word, "%" PRIu64, size);
    put(maker, word);
    put(maker, choose(maker, 12) ? " " : "\n");
    put_payload(maker, size);
}

static void put_flags(struct maker *maker)
{
    static const char *const flags[] = {"PROT_READ", "PROT_WRITE", "PROT_EXEC", "PROT_NONE",
                                        "PROT_READ", "PROT_WRITE", "PROT_ALL",  ""};
    static const char *const bars[] = {" | ", " | ", "|", " |", "| ", " | ", " ", "||"};
    unsigned count = 1 + choose(maker, 3);

    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            put(maker, bars[choose(maker, 8)]);
        put(maker, flags[choose(maker, choose(maker, 8) ? 6 : 8)]);
    }
}

/* What a write does to two miniblocks that touch, one of which may be denied, or freed and made again. */
static void put_across(struct maker *maker)
{
    unsigned second = choose(maker, 3);

    put(maker, "ALLOC_BLOCK 8 8\nALLOC_BLOCK 16 8\n");
    if (second == 1)
        put(maker, "MPROTECT 16 PROT_READ\n");
    put(maker, "WRITE 12 8 abcdefgh\n");
    if (second == 2)
        put(maker, "FREE_BLOCK 8\nALLOC_BLOCK 8 8\n");
    if (choose(maker, 2))
        put(maker, "MPROTECT 16 PROT_NONE\n");
    put(maker, choose(maker, 2) ? "READ 8 8\n" : "READ 8 16");
}

/* Miniblocks all over the arena, more than a node of the tree has; some are freed again. */
static void put_many(struct maker *maker)
{
    unsigned step = 1 + choose(maker, 2), freed = 1 + choose(maker, 8);

    for (unsigned i = 0; i < 64; i += step) {
        put(maker, "ALLOC_BLOCK ");
        put_number(maker, i * 37 % 64);
        put(maker, "1\n");
    }
    for (unsigned i = 0; i < 64; i += freed) {
        put(maker, "FREE_BLOCK ");
        put_number(maker, i * 11 % 64);
        put(maker, "\n");
    }
}

/* A miniblock whose content is in pieces, written to here and there. */
static void put_large(struct maker *maker)
{
    unsigned writes = 1 + choose(maker, 4);

    put(maker, "ALLOC_ARENA 30000\nALLOC_BLOCK 5 20000\n");
    for (unsigned i = 0; i < writes; i++) {
        put(maker, "WRITE ");
        put_number(maker, choose(maker, 5) * 4096 + choose(maker, 8));
        put(maker, "6 large\n");
    }
    put(maker, choose(maker, 2) ? "\nREAD 5 20000\n" : "\nREAD 4096 4097\n");
}

static void put_command(struct maker *maker)
{
    static const char *const odd[] = {"PMAP ",
                                      "MPROTECT",
                                      "ALLOCK_BLOCK 1 1",
                                      "READ 8",
                                      "pmap",
                                      "\t FREE_BLOCK ",
                                      "READ 0 1x",
                                      "WRITE 0",
                                      "PMAP x",
                                      "ALLOC_ARENA",
                                      "  ",
                                      "READ -1 4",
                                      "READ 18446744073709551624 8"};

    switch (choose(maker, 14)) {
    case 0:
        if (choose(maker, 4)) {
            put(maker, "PMAP");
            break;
        }
        put(maker, "ALLOC_ARENA ");
        put_number(maker, choose(maker, 4) ? 64 : some_number(maker));
        break;
    case 1:
    case 2:
    case 3:
        put(maker, "ALLOC_BLOCK ");
        put_number(maker, some_number(maker));
        put_number(maker, choose(maker, 4) ? 8 : some_number(maker));
        break;
    case 4:
        put(maker, "FREE_BLOCK ");
        put_number(maker, some_number(maker));
        break;
    case 5:
    case 6:
        put_write(maker);
        break;
    case 7:
    case 8:
        put(maker, "READ ");
        put_number(maker, some_number(maker));
        put_number(maker, some_number(maker));
        break;
    case 9:
        put(maker, "MPROTECT ");
        put_number(maker, some_number(maker));
        put_flags(maker);
        break;
    case 10:
        switch (choose(maker, 6)) {
        case 0:
            put(maker, "DEALLOC_ARENA");
            break;
        case 1:
            put_many(maker);
            break;
        case 2:
            put_large(maker);
            break;
        default:
            break;
        }
        break;
    case 11:
        put_across(maker);
        break;
    default:
        put(maker, odd[choose(maker, sizeof odd / sizeof *odd)]);
        break;
    }
    put(maker, choose(maker, 40) ? "\n" : " ");
}

size_t streams_make(const uint8_t *choices, size_t count, char *text, size_t room)
{
    struct maker maker = {.choices = choices, .left = count, .text = text, .room = room};

    put(&maker, "ALLOC_ARENA 64\n");
    while (maker.left > 0 && maker.length < room)
        put_command(&maker);
    return maker.length;
}

/* --- comparing --- */

static bool write_stream(void *ctx, const char *bytes, size_t size)
{
    return fwrite(bytes, 1, size, ctx) == size;
}

char *streams_session(const char *input, size_t size, size_t piece, size_t *output_size)
{
    char *output = NULL;
    FILE *out = open_memstream(&output, output_size);
    struct vma_session *session = out ? vma_session_open(write_stream, out) : NULL;

    if (session) {
        while (size > 0) {
            size_t part = size < piece ? size : piece;
            if (!vma_session_feed(session, input, part))
                break;
            input += part;
            size -= part;
        }
        vma_session_end(session);
        vma_session_close(session);
    }
    if (out)
        fclose(out);
    return output;
}

static void tell(const char *what, const char *text, size_t size)
{
    printf("--- %s, %zu bytes\n", what, size);
    fwrite(text, 1, size, stdout);
}

bool streams_agree(const char *input, size_t size, size_t piece, enum reference_break broken,
                   bool tells)
{
    size_t said_size = 0, right_size = 0;
    char *said = streams_session(input, size, piece, &said_size);
    char *right = reference_run(input, size, broken, &right_size);
    bool agree = said && right && said_size == right_size && memcmp(said, right, said_size) == 0;

    if (!agree && tells) {
        tell("input", input, size);
        tell("session", said ? said : "", said_size);
        tell("reference", right ? right : "", right_size);
    }
    free(said);
    free(right);
    return agree;
}
