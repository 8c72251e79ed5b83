/*
 * planted.h - a small correct allocator made for planting bugs, and the list of bugs.
 *
 *   segment:  [ segment | chunk | chunk | ... | chunk ]
 *   chunk:    [ header | asked bytes | guard ... ]   used
 *             [ header | ... ]                       free, in a list
 *
 * Boundary tags in both directions, first fit in a list of free chunks. The first segment holds the
 * heap as well. A table without GROWS maps its limit at create() and no more; one with GROWS maps
 * segments on demand, and with TRIMS gives back those that are empty.
 *
 * It favours being easy to check over speed: free() walks the chunks to know a block from
 * anything else. A bug is one line that asks has(heap, PLANT_...).
 */
#ifndef ASSAY_PLANTED_H
#define ASSAY_PLANTED_H

#include "assay/backend.h"

#define PLANTED_ALIGN 16
#define PLANTED_GUARD 8 /* bytes after each block that nobody may write */
#define PLANTED_GUARD_BYTE 0xA5
#define PLANTED_FREED_BYTE 0xDD

enum planted_bug {
    PLANT_NOTHING,
#define MUTANT(bug, kind, class, difficulty, story) PLANT_##bug,
#include "mutants.inc"
#undef MUTANT
    PLANTED_BUGS
};

/* A table with a bug behind it: create() finds the one through the other. */
struct planted {
    struct assay_backend backend;
    enum planted_bug bug;
};

/* What the table offers besides: see the head comment. */
enum planted_kind {
    PLANTED_REGION,      /* one region, answers misuse */
    PLANTED_GROWS,       /* the same, and grows and trims */
    PLANTED_KEEPS,       /* grows, and keeps its pages until destroy() */
    PLANTED_PLAIN,       /* one region; answers no questions and promises nothing on misuse */
    PLANTED_PLAIN_GROWS, /* the same, and grows, and keeps its pages until destroy() */
};

/* A table of this kind with this bug, PLANT_NOTHING for the correct one. */
struct planted planted_make(enum planted_kind kind, enum planted_bug bug);

/* --- between planted.c, planted_chunks.c and planted_audit.c --- */

struct segment {
    struct segment *next; /* by rising address */
    size_t bytes;
    size_t overhead; /* before the first chunk */
    size_t unused;
};

struct chunk {
    struct chunk *before; /* the lower neighbour; NULL for the first of a segment */
    struct segment *segment;
    size_t bytes; /* header included; the upper neighbour begins there */
    size_t asked; /* of a used one */
    size_t state;
    struct chunk *next_free;
    struct chunk *prev_free;
    size_t former_asked; /* before it last shrank in place; 0: it did not */
};

#define PLANTED_USED ((size_t)0x5553454400000000)
#define PLANTED_FREE ((size_t)0x4652454500000000)
#define PLANTED_HEADER sizeof(struct chunk)
#define PLANTED_MIN (PLANTED_HEADER + PLANTED_ALIGN)
_Static_assert(sizeof(struct chunk) % PLANTED_ALIGN == 0, "payload stays aligned");
_Static_assert(sizeof(struct segment) % PLANTED_ALIGN == 0, "chunks stay aligned");

struct planted_heap {
    struct segment first; /* at the start, for destroy() */
    const struct assay_backend *backend;
    const struct assay_page_source *pages;
    enum planted_bug bug;
    size_t limit;
    size_t created_bytes; /* mapped by create() */
    size_t mapped;
    struct segment *segments;
    struct chunk *free_list;
    size_t free_chunks;
    void *empty;     /* the block of 0 bytes that was made last */
    size_t calls;    /* of allocating functions, for bugs that come late */
    bool is_refused; /* a page request was refused at some time */
};

static inline bool has(const struct planted_heap *heap, enum planted_bug bug)
{
    return heap->bug == bug;
}

static inline unsigned char *planted_payload(const struct chunk *chunk)
{
    return (unsigned char *)(uintptr_t)chunk + PLANTED_HEADER;
}

static inline struct chunk *planted_at(void *address)
{
    return address;
}

struct chunk *planted_first(const struct segment *segment);
/* The upper neighbour; NULL for the last of a segment. */
struct chunk *planted_after(const struct chunk *chunk);
/* The used chunk whose bytes asked for hold address, or begin at it; NULL if none does. */
struct chunk *planted_find(const struct planted_heap *heap, const void *address);

void planted_link_free(struct planted_heap *heap, struct chunk *chunk);
void planted_unlink_free(struct planted_heap *heap, struct chunk *chunk);
/* Makes `bytes` of pages a segment of one free chunk, and the same from the page source. */
void planted_add_segment(struct planted_heap *heap, struct segment *segment, size_t bytes,
                         size_t overhead);
struct segment *planted_grow(struct planted_heap *heap, size_t bytes);
/* The size that the heap believes it was asked for, and the bytes of its chunk. */
size_t planted_size_taken(const struct planted_heap *heap, size_t size);
size_t planted_chunk_bytes(const struct planted_heap *heap, size_t size);
void planted_set_used(struct planted_heap *heap, struct chunk *chunk, size_t asked);
/* Cuts chunk after `bytes` if the rest can be a chunk; the rest is merged upwards and free. */
void planted_cut(struct planted_heap *heap, struct chunk *chunk, size_t bytes);
/* Makes a free chunk a block. */
void *planted_take(struct planted_heap *heap, struct chunk *chunk, size_t bytes, size_t asked);
struct chunk *planted_merge(struct planted_heap *heap, struct chunk *lower, struct chunk *upper);
/* Makes a used chunk free, merged with its neighbours, and gives empty segments back. */
void planted_release(struct planted_heap *heap, struct chunk *chunk);

bool planted_guard_is_whole(const struct planted_heap *heap, const struct chunk *chunk);

size_t planted_usable_size(void *self, const void *block);
bool planted_owns(void *self, const void *address);
assay_status planted_check(void *self, struct assay_damage *damage);
assay_status planted_walk(void *self, assay_visit_fn *visit, void *arg);
void planted_stats(void *self, struct assay_heap_stats *stats);

#endif
