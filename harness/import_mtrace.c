/*
 * import_mtrace.c - what glibc's mtrace() writes to the file that MALLOC_TRACE names.
 *
 *     = Start
 *     @ ./program:[0x121c] + 0x563f2ab552a0 0xa      malloc and all its like; (nil) if refused
 *     @ ./program:[0x1231] < 0x563f2ab552a0          realloc: the block before,
 *     @ ./program:[0x1231] > 0x563f2ab554a0 0x3e8    and after
 *     @ ./program:[0x1364] ! 0x563f2ab55a00 0x2000   realloc, refused
 *     @ ./program:[0x12d7] - 0x563f2ab55b30          free
 *     = End
 *
 * The path may have blanks, so a line is read from its end. The two lines of a realloc are written
 * under one lock. calloc and memalign are not told apart from malloc, nor threads from one another.
 */
#include "import_format.h"
#include "shown.h"

#include <string.h>

struct mtrace {
    bool has_begun; /* a realloc, the second line of which has not come */
    struct assay_calls_realloc begun;
};

static bool recognises(const struct import_head *head)
{
    const char *line = head->lines[0];

    return strcmp(line, "= Start") == 0 || strncmp(line, "@ ", 2) == 0;
}

/* The last words of line, the last one first; gives how many there are, at most room. */
static size_t cut_from_end(char *line, char **words, size_t room)
{
    size_t count = 0;

    for (char *end = line + strlen(line); count < room;) {
        while (end > line && end[-1] == ' ')
            end--;
        if (end == line)
            break;
        *end = '\0';
        while (end > line && end[-1] != ' ')
            end--;
        words[count++] = end;
    }
    return count;
}

static bool take_one(struct importer *importer, char sign, const char *word)
{
    struct mtrace *mtrace = importer->state;
    uint64_t address;

    if (!import_address(word, &address))
        return import_fail(importer, "'%s' is not an address", assay_shown(word).text);
    if (sign == '-') {
        assay_calls_free(importer->calls, address);
        return true;
    }
    if (!address)
        return import_fail(importer, "realloc of a block at address 0");
    if (mtrace->has_begun)
        return import_fail(importer, "a second '<' with no '>' between");
    mtrace->begun = assay_calls_realloc_begin(importer->calls, address);
    mtrace->has_begun = true;
    return true;
}

static bool take_two(struct importer *importer, char sign, const char *word, const char *bytes)
{
    struct mtrace *mtrace = importer->state;
    uint64_t address, size;

    if (!import_address(word, &address))
        return import_fail(importer, "'%s' is not an address", assay_shown(word).text);
    if (!import_address(bytes, &size))
        return import_fail(importer, "'%s' is not a number of bytes", assay_shown(bytes).text);
    if (sign == '+') {
        assay_calls_alloc(importer->calls, ASSAY_OP_ALLOC, address, size, 0);
    } else if (sign == '!') {
        assay_calls_realloc(importer->calls, address, 0, size ? size : 1);
    } else if (mtrace->has_begun) {
        assay_calls_realloc_end(importer->calls, &mtrace->begun, address, size);
        mtrace->has_begun = false;
    } else {
        return import_fail(importer, "'>' with no '<' before it");
    }
    return true;
}

static bool is_sign(const char *word, const char *signs)
{
    return word[0] && word[1] == '\0' && strchr(signs, word[0]);
}

static bool take(struct importer *importer, char *line)
{
    char *words[3];

    if (line[0] == '=')
        return true; /* Start, End */
    size_t count = cut_from_end(line, words, 3);
    if (count == 0)
        return true;
    if (count >= 2 && is_sign(words[1], "-<"))
        return take_one(importer, words[1][0], words[0]);
    if (count == 3 && is_sign(words[2], "+>!"))
        return take_two(importer, words[2][0], words[1], words[0]);
    return import_fail(importer,
                       "expected a line that ends as '+ 0x1000 0x20' or '- 0x1000', not "
                       "'%s'",
                       assay_shown(words[0]).text);
}

const struct import_format import_mtrace = {
    .name = "mtrace",
    .recognises = recognises,
    .state_bytes = sizeof(struct mtrace),
    .take = take,
};
