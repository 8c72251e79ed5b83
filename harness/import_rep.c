/*
 * import_rep.c - the traces of the malloc lab of "Computer Systems: A Programmer's Perspective".
 *
 *     20000        suggested heap size; in later files the weight
 *     3            how many ids
 *     8            how many operations
 *     1            weight; in later files the suggested heap size
 *     a 0 512      id 0 = malloc(512)
 *     r 0 640      id 0 = realloc(id 0, 640), or malloc(640) where id 0 is not live
 *     f 0          free(id 0); f -1: free(NULL)
 *
 * First and last number of the head are not used, so nobody needs to tell the two orders apart.
 * The two counts are promises: a file that breaks one was cut short or put together wrongly.
 */
#include "import_format.h"
#include "shown.h"

#include <string.h>

#define HEAD_NUMBERS 4
enum { IDS = 1, OPS = 2 }; /* of the head's numbers */

struct rep {
    uint64_t head[HEAD_NUMBERS];
    size_t head_count;
    uint64_t ops;
};

static bool recognises(const struct import_head *head)
{
    uint64_t number;

    if (head->count < HEAD_NUMBERS)
        return false;
    for (size_t i = 0; i < HEAD_NUMBERS; i++)
        if (head->lines[i][strspn(head->lines[i], "0123456789 \t")] != '\0')
            return false;
    if (head->count == HEAD_NUMBERS)
        return import_number(head->lines[OPS], 10, &number) && number == 0;
    return strchr("arf", head->lines[HEAD_NUMBERS][0]) && head->lines[HEAD_NUMBERS][1] == ' ';
}

static bool take_head(struct importer *importer, struct rep *rep, char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rep->head_count == HEAD_NUMBERS)
            return import_fail(importer, "'%s' stands behind the four numbers of the head",
                               assay_shown(words[i]).text);
        if (!import_number(words[i], 10, &rep->head[rep->head_count++]))
            return import_fail(importer,
                               "'%s' where the head has a number: heap size, ids, operations, "
                               "weight",
                               assay_shown(words[i]).text);
    }
    return true;
}

static bool take_id(struct importer *importer, const struct rep *rep, const char *word,
                    uint64_t *id)
{
    if (!import_number(word, 10, id))
        return import_fail(importer, "'%s' is not an id", assay_shown(word).text);
    return *id < rep->head[IDS] ||
           import_fail(importer, "id %llu, but the head promises %llu ids, from 0 on",
                       (unsigned long long)*id, (unsigned long long)rep->head[IDS]);
}

static bool take_request(struct importer *importer, const struct rep *rep, char *const *words)
{
    uint64_t id, size;

    if (!take_id(importer, rep, words[1], &id))
        return false;
    if (!import_number(words[2], 10, &size))
        return import_fail(importer, "'%s' is not a number of bytes", assay_shown(words[2]).text);
    /* Ids are addresses of a kind, but 0 is one of them. */
    bool is_live = assay_calls_is_live(importer->calls, id + 1);
    if (words[0][0] == 'a' && is_live)
        return import_fail(importer, "id %llu is allocated again before it is freed",
                           (unsigned long long)id);
    if (words[0][0] == 'a')
        assay_calls_alloc(importer->calls, ASSAY_OP_ALLOC, id + 1, size, 0);
    else
        assay_calls_realloc(importer->calls, is_live ? id + 1 : 0, size || !is_live ? id + 1 : 0,
                            size);
    return true;
}

static bool take_free(struct importer *importer, const struct rep *rep, const char *word)
{
    uint64_t id;

    if (strcmp(word, "-1") == 0) {
        assay_calls_free(importer->calls, 0);
        return true;
    }
    if (!take_id(importer, rep, word, &id))
        return false;
    if (!assay_calls_is_live(importer->calls, id + 1))
        return import_fail(importer, "id %llu is freed, but not allocated", (unsigned long long)id);
    assay_calls_free(importer->calls, id + 1);
    return true;
}

static bool take(struct importer *importer, char *line)
{
    struct rep *rep = importer->state;
    char *words[HEAD_NUMBERS + 1];
    size_t count = import_cut(line, words, HEAD_NUMBERS + 1);

    if (count == 0)
        return true;
    if (rep->head_count < HEAD_NUMBERS)
        return take_head(importer, rep, words, count);
    if (++rep->ops > rep->head[OPS])
        return import_fail(importer, "more operations than the %llu that the head promises",
                           (unsigned long long)rep->head[OPS]);
    if (count == 3 && (strcmp(words[0], "a") == 0 || strcmp(words[0], "r") == 0))
        return take_request(importer, rep, words);
    if (count == 2 && strcmp(words[0], "f") == 0)
        return take_free(importer, rep, words[1]);
    return import_fail(importer, "expected 'a ID BYTES', 'r ID BYTES' or 'f ID', not '%s'",
                       assay_shown(words[0]).text);
}

static bool end(struct importer *importer)
{
    const struct rep *rep = importer->state;

    if (rep->head_count < HEAD_NUMBERS)
        return import_fail(importer, "the file ends within the four numbers of its head");
    return rep->ops == rep->head[OPS] ||
           import_fail(importer, "the file ends after %llu operations, but the head promises %llu",
                       (unsigned long long)rep->ops, (unsigned long long)rep->head[OPS]);
}

const struct import_format import_rep = {
    .name = "rep",
    .recognises = recognises,
    .state_bytes = sizeof(struct rep),
    .take = take,
    .end = end,
};
