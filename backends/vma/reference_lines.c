/* reference_lines.c - the language of `vma` as plainly as it can be said: words, numbers, lines and payloads. */
#include "reference_model.h"

#include <stdlib.h>
#include <string.h>

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

static bool parse_number(const struct model *model, const char *word, uint64_t *number)
{
    *number = 0;
    if (!word[0])
        return false;
    for (; *word; word++) {
        uint64_t digit = (uint64_t)(*word - '0');
        bool is_long = *number > UINT64_MAX / 10 || *number * 10 > UINT64_MAX - digit;
        if (*word < '0' || *word > '9' || (is_long && !is_broken(model, BREAK_NUMBERS_WRAP)))
            return false;
        *number = *number * 10 + digit;
    }
    return true;
}

/* The flags in words[from ..], joined; false if they are not flags with a bar between any two. */
static bool parse_flags(const struct model *model, char **words, size_t from, size_t count,
                        unsigned *flags)
{
    static const char *const all[] = {"PROT_NONE", "PROT_READ", "PROT_WRITE", "PROT_EXEC"};
    static const unsigned values[] = {0, 4, 2, 1};
    bool wants_bar = false;

    *flags = 0;
    for (size_t i = from; i < count; i++) {
        const char *at = words[i];
        if (is_broken(model, BREAK_BARS_NEED_SPACES) && strlen(at) > 1 && strchr(at, '|'))
            return false;
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
        if (!model->has_arena || count < 3 || !parse_number(model, words[1], &a) ||
            !parse_flags(model, words, 2, count, &flags))
            return false;
        reference_protect(model, a, flags);
        return true;
    }
    while (i < 6 && strcmp(words[0], table[i].name) != 0)
        i++;
    if (i == 6 || count < table[i].words ||
        (count > table[i].words && !is_broken(model, BREAK_EXTRA_WORDS_PASS)))
        return false;
    if ((table[i].words > 1 && !parse_number(model, words[1], &a)) ||
        (table[i].words > 2 && !parse_number(model, words[2], &b)) || (i > 1 && !model->has_arena))
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
            return is_broken(model, BREAK_EMPTY_BLOCK_PASSES);
        reference_alloc(model, a, b);
        return true;
    case 3:
        reference_free(model, a);
        return true;
    case 4:
        reference_read(model, a, b);
        return true;
    default:
        reference_pmap(model);
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
    if (!model->has_arena || strcmp(word[0], "WRITE") != 0 || !parse_number(model, word[1], &a) ||
        !parse_number(model, word[2], &n))
        return 0;
    at += at < size; /* the one byte behind the number */
    while (is_broken(model, BREAK_PAYLOAD_IS_TRIMMED) && at < size && input[at] == ' ')
        at++;
    uint64_t announced = n;
    if (is_broken(model, BREAK_PAYLOAD_OF_LINE)) {
        const char *end = memchr(input + at, '\n', size - at);
        if (end && (uint64_t)(end - (input + at)) < n)
            n = (uint64_t)(end - (input + at));
    }
    if (n > size - at)
        n = size - at;
    reference_write(model, a, input + at, n, announced);
    if (is_broken(model, BREAK_FAILED_WRITE_UNREAD) &&
        reference_holder(model, a) == model->mini_count)
        return at;
    at += (size_t)n;
    while (is_broken(model, BREAK_REST_OF_LINE_DROPPED) && at < size && input[at] != '\n')
        at++;
    return at;
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
