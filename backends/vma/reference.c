/* reference.c - the language of `vma` as plainly as it can be said. */
#include "reference.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static const char *const names[] = {
    [REFERENCE_IS_RIGHT] = "right",
    [BREAK_END_EQUAL_TO_SIZE] = "end-equal-to-size",
    [BREAK_END_WRAPS] = "end-wraps",
    [BREAK_OVERLAP_BY_START] = "overlap-by-start",
    [BREAK_NO_MERGE_RIGHT] = "no-merge-right",
    [BREAK_FREE_INSIDE] = "free-inside",
    [BREAK_FREED_CONTENT_STAYS] = "freed-content-stays",
    [BREAK_READ_ENDS_AT_MINIBLOCK] = "read-ends-at-miniblock",
    [BREAK_READ_NEEDS_FIRST_ONLY] = "read-needs-first-only",
    [BREAK_ZEROS_ARE_PRINTED] = "zeros-are-printed",
    [BREAK_NO_NEWLINE_AFTER_EMPTY] = "no-newline-after-empty",
    [BREAK_WARNING_AFTER_CONTENT] = "warning-after-content",
    [BREAK_PAYLOAD_OF_LINE] = "payload-of-line",
    [BREAK_FAILED_WRITE_UNREAD] = "failed-write-unread",
    [BREAK_DENIED_WRITE_STARTS] = "denied-write-starts",
    [BREAK_PERMISSION_ADDS] = "permission-adds",
    [BREAK_PERMISSION_OF_BLOCK] = "permission-of-block",
    [BREAK_MERGE_SPREADS] = "merge-spreads",
    [BREAK_ONE_MESSAGE_A_LINE] = "one-message-a-line",
    [BREAK_EXTRA_WORDS_PASS] = "extra-words-pass",
    [BREAK_PMAP_LOWER_CASE] = "pmap-lower-case",
    [BREAK_PMAP_COUNTS_BLOCKS] = "pmap-counts-blocks",
    [BREAK_SECOND_ARENA_KEEPS] = "second-arena-keeps",
    [BREAK_ENDS_NOT] = "ends-not",
};

const char *reference_break_name(enum reference_break broken)
{
    return names[broken];
}

static bool is_broken(const struct model *model, enum reference_break rule)
{
    return model->broken == rule;
}

/* --- miniblocks --- */

/* Index of the one that holds address; mini_count if none does. */
static size_t holder(const struct model *model, uint64_t address)
{
    size_t i = 0;

    while (i < model->mini_count && !(address >= model->minis[i].start &&
                                      address - model->minis[i].start < model->minis[i].size))
        i++;
    return i;
}

static bool touches_next(const struct model *model, size_t i)
{
    return !is_broken(model, BREAK_NO_MERGE_RIGHT) && i + 1 < model->mini_count &&
           model->minis[i].start + model->minis[i].size == model->minis[i + 1].start;
}

/* The end of what a range from `address`, in miniblock i, may reach. */
static uint64_t reach(const struct model *model, size_t i)
{
    while (!is_broken(model, BREAK_READ_ENDS_AT_MINIBLOCK) && touches_next(model, i))
        i++;
    return model->minis[i].start + model->minis[i].size;
}

static const char *alloc_fault(const struct model *model, uint64_t address, uint64_t size)
{
    bool is_past = size > model->size - address;

    if (address >= model->size)
        return "The allocated address is outside the size of arena";
    if (is_broken(model, BREAK_END_WRAPS))
        is_past = address + size > model->size;
    if (is_broken(model, BREAK_END_EQUAL_TO_SIZE))
        is_past = size >= model->size - address;
    if (is_past)
        return "The end address is past the size of the arena";
    for (size_t i = 0; i < model->mini_count; i++) {
        const struct mini *mini = &model->minis[i];
        bool starts_in = address >= mini->start && address - mini->start < mini->size;
        bool holds_start = mini->start >= address && mini->start - address < size;
        if (starts_in || (holds_start && !is_broken(model, BREAK_OVERLAP_BY_START)))
            return "This zone was already allocated.";
    }
    return NULL;
}

static void do_alloc(struct model *model, uint64_t address, uint64_t size)
{
    const char *fault = alloc_fault(model, address, size);
    size_t at = 0;

    if (fault) {
        fprintf(model->out, "%s\n", fault);
        return;
    }
    while (at < model->mini_count && model->minis[at].start < address)
        at++;
    model->minis = realloc(model->minis, (model->mini_count + 1) * sizeof *model->minis);
    memmove(&model->minis[at + 1], &model->minis[at],
            (model->mini_count - at) * sizeof *model->minis);
    model->minis[at] = (struct mini){address, size, 6};
    model->mini_count++;
    if (is_broken(model, BREAK_MERGE_SPREADS) && at > 0 && touches_next(model, at - 1))
        model->minis[at].permission = model->minis[at - 1].permission;
}

static void forget_bytes(struct model *model, const struct mini *mini)
{
    size_t kept = 0;

    for (size_t i = 0; i < model->byte_count; i++)
        if (model->bytes[i].address < mini->start ||
            model->bytes[i].address - mini->start >= mini->size)
            model->bytes[kept++] = model->bytes[i];
    model->byte_count = kept;
}

static void do_free(struct model *model, uint64_t address)
{
    size_t at = holder(model, address);

    if (at == model->mini_count ||
        (model->minis[at].start != address && !is_broken(model, BREAK_FREE_INSIDE))) {
        fputs("Invalid address for free.\n", model->out);
        return;
    }
    if (!is_broken(model, BREAK_FREED_CONTENT_STAYS))
        forget_bytes(model, &model->minis[at]);
    model->mini_count--;
    memmove(&model->minis[at], &model->minis[at + 1],
            (model->mini_count - at) * sizeof *model->minis);
}

/* --- reading and writing --- */

/* Whether every miniblock that holds one of the bytes has the permission. */
static bool is_granted(const struct model *model, uint64_t address, uint64_t size,
                       unsigned permission)
{
    size_t i = holder(model, address);

    for (uint64_t end = address + size; i < model->mini_count && model->minis[i].start < end; i++) {
        if (!(model->minis[i].permission & permission))
            return false;
        if (is_broken(model, BREAK_READ_NEEDS_FIRST_ONLY))
            break;
    }
    return true;
}

static char byte_at(const struct model *model, uint64_t address)
{
    for (size_t i = model->byte_count; i-- > 0;)
        if (model->bytes[i].address == address)
            return model->bytes[i].value;
    return '\0';
}

/* Prints what was written in [address, end), which may be very long, by its written bytes alone. */
static void print_bytes(const struct model *model, uint64_t address, uint64_t end)
{
    while (address < end) {
        uint64_t next = end;
        for (size_t i = 0; i < model->byte_count; i++)
            if (model->bytes[i].address >= address && model->bytes[i].address < next)
                next = model->bytes[i].address;
        if (is_broken(model, BREAK_ZEROS_ARE_PRINTED) && next > address)
            fputc('\0', model->out);
        if (next == end)
            return;
        char value = byte_at(model, next);
        if (value != '\0' || is_broken(model, BREAK_ZEROS_ARE_PRINTED))
            fputc(value, model->out);
        address = next + 1;
    }
}

static void do_read(struct model *model, uint64_t address, uint64_t size)
{
    size_t i = holder(model, address);
    bool is_late = is_broken(model, BREAK_WARNING_AFTER_CONTENT);

    if (i == model->mini_count) {
        fputs("Invalid address for read.\n", model->out);
        return;
    }
    uint64_t room = reach(model, i) - address, count = size < room ? size : room;
    if (count > 0 && !is_granted(model, address, count, 4)) {
        fputs("Invalid permissions for read.\n", model->out);
        return;
    }
    for (int turn = 0; turn < 2; turn++) {
        if (turn == is_late && count < size)
            fprintf(model->out,
                    "Warning: size was bigger than the block size. Reading %" PRIu64
                    " characters.\n",
                    count);
        if (turn != is_late)
            print_bytes(model, address, address + count);
    }
    if (count > 0 || !is_broken(model, BREAK_NO_NEWLINE_AFTER_EMPTY))
        fputc('\n', model->out);
}

static void put_bytes(struct model *model, uint64_t address, const char *bytes, uint64_t count)
{
    model->bytes = realloc(model->bytes, (model->byte_count + count + 1) * sizeof *model->bytes);
    for (uint64_t i = 0; i < count; i++)
        model->bytes[model->byte_count++] = (struct byte){address + i, bytes[i]};
}

static void do_write(struct model *model, uint64_t address, const char *bytes, uint64_t size)
{
    size_t i = holder(model, address);

    if (i == model->mini_count) {
        fputs("Invalid address for write.\n", model->out);
        return;
    }
    uint64_t room = reach(model, i) - address, count = size < room ? size : room;
    if (count > 0 && !is_granted(model, address, count, 2)) {
        fputs("Invalid permissions for write.\n", model->out);
        uint64_t first = model->minis[i].start + model->minis[i].size - address;
        if (is_broken(model, BREAK_DENIED_WRITE_STARTS) && model->minis[i].permission & 2)
            put_bytes(model, address, bytes, first < count ? first : count);
        return;
    }
    if (count < size)
        fprintf(model->out,
                "Warning: size was bigger than the block size. Writing %" PRIu64 " characters.\n",
                count);
    put_bytes(model, address, bytes, count);
}

/* --- MPROTECT and PMAP --- */

static void do_protect(struct model *model, uint64_t address, unsigned permission)
{
    size_t i = holder(model, address);

    if (i == model->mini_count ||
        (model->minis[i].start != address && !is_broken(model, BREAK_PERMISSION_OF_BLOCK))) {
        fputs("Invalid address for mprotect.\n", model->out);
        return;
    }
    if (is_broken(model, BREAK_PERMISSION_ADDS))
        permission |= model->minis[i].permission;
    model->minis[i].permission = permission;
}

static void do_pmap(struct model *model)
{
    const char *hex = is_broken(model, BREAK_PMAP_LOWER_CASE) ? "0x%" PRIx64 : "0x%" PRIX64;
    uint64_t free_bytes = model->size;
    size_t blocks = 0, number = 0, block = 0;
    char a[32], b[32];

    for (size_t i = 0; i < model->mini_count; i++) {
        free_bytes -= model->minis[i].size;
        blocks += !touches_next(model, i);
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(a, sizeof a, hex, model->size);
    snprintf(b, sizeof b, hex, free_bytes);
    fprintf(model->out,
            "Total memory: %s bytes\nFree memory: %s bytes\nNumber of allocated blocks: %zu\n"
            "Number of allocated miniblocks: %zu\n",
            a, b, blocks, model->mini_count);
    for (size_t i = 0; i < model->mini_count; i++) {
        const struct mini *mini = &model->minis[i];
        if (i == 0 || !touches_next(model, i - 1)) {
            size_t last = i;
            while (touches_next(model, last))
                last++;
            snprintf(a, sizeof a, hex, mini->start);
            snprintf(b, sizeof b, hex, model->minis[last].start + model->minis[last].size);
            fprintf(model->out, "\nBlock %zu begin\nZone: %s - %s\n", ++block, a, b);
            if (!is_broken(model, BREAK_PMAP_COUNTS_BLOCKS))
                number = 0;
        }
        snprintf(a, sizeof a, hex, mini->start);
        snprintf(b, sizeof b, hex, mini->start + mini->size);
        fprintf(model->out, "Miniblock %zu:\t\t%s\t\t-\t\t%s\t\t| %c%c%c\n", ++number, a, b,
                mini->permission & 4 ? 'R' : '-', mini->permission & 2 ? 'W' : '-',
                mini->permission & 1 ? 'X' : '-');
        if (!touches_next(model, i))
            fprintf(model->out, "Block %zu end\n", block);
    }
#pragma GCC diagnostic pop
}

/* --- lines --- */

#define SPACES " \t\v\f\r"

/* Cuts a copy of a line into words; returns how many. */
static size_t cut(char *line, char ***words)
{
    size_t count = 0;
    char *state = NULL;

    *words = NULL;
    for (char *word = strtok_r(line, SPACES, &state); word; word = strtok_r(NULL, SPACES, &state)) {
        *words = realloc(*words, (count + 1) * sizeof **words);
        (*words)[count++] = word;
    }
    return count;
}

static bool parse_number(const char *word, uint64_t *number)
{
    *number = 0;
    if (!word[0])
        return false;
    for (; *word; word++) {
        uint64_t digit = (uint64_t)(*word - '0');
        if (*word < '0' || *word > '9' || *number > UINT64_MAX / 10 ||
            *number * 10 > UINT64_MAX - digit)
            return false;
        *number = *number * 10 + digit;
    }
    return true;
}

/* The flags in words[from ..], joined; false if they are not flags with a bar between any two. */
static bool parse_flags(char **words, size_t from, size_t count, unsigned *flags)
{
    static const char *const all[] = {"PROT_NONE", "PROT_READ", "PROT_WRITE", "PROT_EXEC"};
    static const unsigned values[] = {0, 4, 2, 1};
    bool wants_bar = false;

    *flags = 0;
    for (size_t i = from; i < count; i++) {
        const char *at = words[i];
        while (*at) {
            size_t length = strcspn(at, "|");
            if (length == 0) {
                if (!wants_bar)
                    return false;
                wants_bar = false;
                at++;
                continue;
            }
            size_t k = 0;
            while (k < 4 && !(strlen(all[k]) == length && strncmp(at, all[k], length) == 0))
                k++;
            if (k == 4 || wants_bar)
                return false;
            *flags |= values[k];
            wants_bar = true;
            at += length;
        }
    }
    return wants_bar;
}

/* Runs a line that is no WRITE; false if it is bad. */
static bool run_line(struct model *model, char **words, size_t count)
{
    static const struct {
        const char *name;
        size_t words;
    } table[] = {{"ALLOC_ARENA", 2}, {"DEALLOC_ARENA", 1}, {"ALLOC_BLOCK", 3},
                 {"FREE_BLOCK", 2},  {"READ", 3},          {"PMAP", 1}};
    uint64_t a = 0, b = 0;
    unsigned flags;
    size_t i = 0;

    if (strcmp(words[0], "MPROTECT") == 0) {
        if (!model->has_arena || count < 3 || !parse_number(words[1], &a) ||
            !parse_flags(words, 2, count, &flags))
            return false;
        do_protect(model, a, flags);
        return true;
    }
    while (i < 6 && strcmp(words[0], table[i].name) != 0)
        i++;
    if (i == 6 || count < table[i].words ||
        (count > table[i].words && !is_broken(model, BREAK_EXTRA_WORDS_PASS)))
        return false;
    if ((table[i].words > 1 && !parse_number(words[1], &a)) ||
        (table[i].words > 2 && !parse_number(words[2], &b)) || (i > 1 && !model->has_arena))
        return false;
    switch (i) {
    case 0:
        if (model->has_arena && is_broken(model, BREAK_SECOND_ARENA_KEEPS))
            return true;
        model->has_arena = true;
        model->size = a;
        model->mini_count = model->byte_count = 0;
        return true;
    case 1:
        model->has_ended = !is_broken(model, BREAK_ENDS_NOT);
        return true;
    case 2:
        if (b == 0)
            return false;
        do_alloc(model, a, b);
        return true;
    case 3:
        do_free(model, a);
        return true;
    case 4:
        do_read(model, a, b);
        return true;
    default:
        do_pmap(model);
        return true;
    }
}

/*
 * If a whole WRITE begins at input, runs it and returns how many bytes it took; else 0. Its three words stand on
 * one line.
 */
static size_t run_write(struct model *model, const char *input, size_t size)
{
    size_t at = 0;
    char word[3][32];
    uint64_t a, n;

    for (int i = 0; i < 3; i++) {
        size_t length = 0;
        while (at < size && input[at] != '\n' && memchr(SPACES, input[at], 5))
            at++;
        while (at < size && input[at] != '\n' && !memchr(SPACES, input[at], 5)) {
            /* Zeros in front of a number may be any number of digits. */
            if (i > 0 && length == 1 && word[i][0] == '0')
                length = 0;
            if (length + 1 < sizeof word[i])
                word[i][length++] = input[at];
            else
                word[i][0] = 'x';
            at++;
        }
        word[i][length] = '\0';
        if (memchr(word[i], '\0', length))
            return 0;
    }
    if (!model->has_arena || strcmp(word[0], "WRITE") != 0 || !parse_number(word[1], &a) ||
        !parse_number(word[2], &n))
        return 0;
    at += at < size; /* the one byte behind the number */
    if (is_broken(model, BREAK_PAYLOAD_OF_LINE)) {
        const char *end = memchr(input + at, '\n', size - at);
        if (end && (uint64_t)(end - (input + at)) < n)
            n = (uint64_t)(end - (input + at));
    }
    if (n > size - at)
        n = size - at;
    do_write(model, a, input + at, n);
    if (is_broken(model, BREAK_FAILED_WRITE_UNREAD) && holder(model, a) == model->mini_count)
        return at;
    return at + (size_t)n;
}

static size_t run_other(struct model *model, const char *input, size_t size)
{
    const char *end = memchr(input, '\n', size);
    size_t length = end ? (size_t)(end - input) : size;
    char *line = strndup("", 0), **words = NULL;

    line = realloc(line, length + 1);
    /* A byte of value 0 is part of a word like any other, and of no word that there is. */
    for (size_t i = 0; i < length; i++)
        line[i] = input[i] ? input[i] : '\1';
    line[length] = '\0';
    size_t count = cut(line, &words);
    if (count > 0 && !run_line(model, words, count)) {
        if (is_broken(model, BREAK_ONE_MESSAGE_A_LINE))
            count = 1;
        for (size_t i = 0; i < count; i++)
            fputs("Invalid command. Please try again.\n", model->out);
    }
    free(words);
    free(line);
    return length + (end != NULL);
}

char *reference_run(const char *input, size_t size, enum reference_break broken,
                    size_t *output_size)
{
    struct model model = {.broken = broken};
    char *output = NULL;

    model.out = open_memstream(&output, output_size);
    if (!model.out)
        return NULL;
    while (size > 0 && !model.has_ended) {
        size_t taken = run_write(&model, input, size);
        if (taken == 0)
            taken = run_other(&model, input, size);
        input += taken;
        size -= taken;
    }
    fclose(model.out);
    free(model.minis);
    free(model.bytes);
    return output;
}
