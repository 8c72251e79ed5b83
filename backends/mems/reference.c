/* reference.c - MeMS as a list of lists. */
#include "reference.h"

#include <inttypes.h>
#include <stdlib.h>

struct segment {
    struct segment *previous, *next;
    uint64_t low;
    size_t size;
    bool is_hole;
};

struct node {
    struct node *next;
    uint64_t low;
    size_t size;
    struct segment *segments;
};

struct reference {
    size_t page_size;
    struct node *nodes;
};

static void *make(size_t bytes)
{
    void *made = calloc(1, bytes);

    if (!made)
        abort();
    return made;
}

struct reference *reference_open(size_t page_size)
{
    struct reference *reference = make(sizeof *reference);

    reference->page_size = page_size;
    return reference;
}

void reference_close(struct reference *reference)
{
    for (struct node *node = reference->nodes; node;) {
        struct node *next = node->next;
        for (struct segment *segment = node->segments; segment;) {
            struct segment *gone = segment;
            segment = segment->next;
            free(gone);
        }
        free(node);
        node = next;
    }
    free(reference);
}

/* The low part of a HOLE becomes a PROCESS, the rest a HOLE behind it. */
static uint64_t use(struct segment *hole, size_t size)
{
    if (hole->size > size) {
        struct segment *rest = make(sizeof *rest);
        *rest = (struct segment){hole, hole->next, hole->low + size, hole->size - size, true};
        if (rest->next)
            rest->next->previous = rest;
        hole->next = rest;
        hole->size = size;
    }
    hole->is_hole = false;
    return hole->low;
}

uint64_t reference_take(struct reference *reference, size_t size)
{
    struct node **at = &reference->nodes;
    uint64_t low = 1000;

    if (size == 0)
        return 0;
    for (; *at; at = &(*at)->next) {
        for (struct segment *segment = (*at)->segments; segment; segment = segment->next)
            if (segment->is_hole && segment->size >= size)
                return use(segment, size);
        low = (*at)->low + (*at)->size;
    }
    size_t pages = (size + reference->page_size - 1) / reference->page_size;
    *at = make(sizeof **at);
    (*at)->low = low;
    (*at)->size = pages * reference->page_size;
    (*at)->segments = make(sizeof *(*at)->segments);
    *(*at)->segments = (struct segment){NULL, NULL, low, (*at)->size, true};
    return use((*at)->segments, size);
}

/* Makes the HOLE behind a HOLE part of it. */
static void join(struct segment *hole)
{
    struct segment *next = hole->next;

    if (!next || !next->is_hole || !hole->is_hole)
        return;
    hole->size += next->size;
    hole->next = next->next;
    if (hole->next)
        hole->next->previous = hole;
    free(next);
}

bool reference_release(struct reference *reference, uint64_t address)
{
    for (struct node *node = reference->nodes; node; node = node->next) {
        for (struct segment *segment = node->segments; segment; segment = segment->next) {
            if (segment->low != address || segment->is_hole)
                continue;
            segment->is_hole = true;
            join(segment);
            if (segment->previous)
                join(segment->previous);
            return true;
        }
    }
    return false;
}

uint64_t reference_around(const struct reference *reference, uint64_t address, size_t *size)
{
    for (const struct node *node = reference->nodes; node; node = node->next) {
        for (const struct segment *segment = node->segments; segment; segment = segment->next) {
            if (address < segment->low || address >= segment->low + segment->size)
                continue;
            *size = segment->size;
            return segment->is_hole ? 0 : segment->low;
        }
    }
    return 0;
}

void reference_print(const struct reference *reference, FILE *out)
{
    size_t pages = 0, unused = 0, length = 0;

    fputs("----- MeMS SYSTEM STATS -----\n", out);
    for (const struct node *node = reference->nodes; node; node = node->next) {
        fprintf(out, "MAIN[%" PRIu64 ":%" PRIu64 "]->", node->low, node->low + node->size - 1);
        for (const struct segment *segment = node->segments; segment; segment = segment->next) {
            fprintf(out, " %s[%" PRIu64 ":%" PRIu64 "] <->", segment->is_hole ? "H" : "P",
                    segment->low, segment->low + segment->size - 1);
            unused += segment->is_hole ? segment->size : 0;
        }
        fputs(" NULL\n", out);
        pages += node->size / reference->page_size;
        length++;
    }
    fprintf(out, "Pages used:\t%zu\nSpace unused:\t%zu\nMain Chain Length:\t%zu\n", pages, unused,
            length);
    fputs("Sub-chain Length array: [", out);
    for (const struct node *node = reference->nodes; node; node = node->next) {
        size_t segments = 0;
        for (const struct segment *segment = node->segments; segment; segment = segment->next)
            segments++;
        fprintf(out, "%zu, ", segments);
    }
    fputs("]\n-----------------------------\n", out);
}
