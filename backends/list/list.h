/*
 * list.h - the parts of the list allocator as its own files see them.
 *
 * Everything is reached by byte offsets from `struct assay_list`, so that the same bytes mean the same
 * list in every process that has the region mapped. A "block" here is a header and its payload.
 */
#ifndef ASSAY_LIST_H
#define ASSAY_LIST_H

#include "assay/backend.h"
#include "assay/sizes.h"

#include <stdatomic.h>

#define LIST_UNIT 16   /* every offset and every size of a block is a multiple of it */
#define LIST_HEADER 32 /* bytes before each payload */
#define LIST_BLOCK_MIN (LIST_HEADER + LIST_UNIT)

/* Blocks are counted in 32-bit units in the index. */
#define LIST_REGION_MAX ((size_t)LIST_UNIT << 32)

/* One leaf of the index covers 64 units, one bit each. */
#define LIST_LEAF_SHIFT 10
#define LIST_FAN_SHIFT 4
#define LIST_FAN (1u << LIST_FAN_SHIFT)
#define LIST_LEVELS_MAX 8

/* None is 0, so that a string's terminator written past a payload never goes unnoticed. */
enum list_status { LIST_USED = 0x5, LIST_FREE = 0xa, LIST_EDGE = 0xf };

/*
 * Immediately before each payload. The word that an overrun hits first is never 0 in its first
 * byte, and the word that an underrun hits first is the check.
 */
struct list_header {
    uint64_t size_status; /* whole block in bytes, and enum list_status in the low four bits */
    uint64_t next;        /* offsets of the headers on either side */
    uint64_t previous;
    uint64_t check; /* of the other three and of where this header is */
};
_Static_assert(sizeof(struct list_header) == LIST_HEADER, "exactly 32 bytes before each payload");
_Static_assert(LIST_HEADER % LIST_UNIT == 0 && LIST_UNIT % 16 == 0, "payload is 16-byte aligned");
_Static_assert((1 << LIST_LEAF_SHIFT) / LIST_UNIT == 64, "a leaf's bits are one word");

struct assay_list {
    struct list_header front; /* the edge that the first block's `previous` names */
    uint64_t key;             /* part of every check word; bound to the address of the region */
    uint64_t bytes;           /* from this struct to the end of the region */
    uint64_t first;           /* offset of the first block */
    uint64_t last;            /* offset of the edge behind the last block */
    uint64_t touched;         /* from here to `last`, all bytes are as the page source gave them */
    uint64_t used_blocks;
    uint64_t used_bytes; /* usable bytes in them */
    uint64_t checked;    /* whether free payloads are filled and verified */
    int64_t journal;     /* distance from here to a journal (journal.h), or 0 */
    uint32_t levels;
    uint32_t leaves;
    uint64_t level[LIST_LEVELS_MAX]; /* offsets; [0] has one entry for each leaf */
    uint64_t bits;                   /* offset; a word for each leaf */
};

/* --- headers --- */

static inline void *list_at(const struct assay_list *list, uint64_t offset)
{
    return (char *)(uintptr_t)list + offset;
}

static inline uint64_t list_offset(const struct assay_list *list, const void *address)
{
    return (uint64_t)((const char *)address - (const char *)list);
}

static inline uint64_t list_size(const struct list_header *header)
{
    return header->size_status & ~(uint64_t)(LIST_UNIT - 1);
}

static inline enum list_status list_status(const struct list_header *header)
{
    return (enum list_status)(header->size_status & (LIST_UNIT - 1));
}

static inline bool list_is_free(const struct list_header *header)
{
    return list_status(header) == LIST_FREE;
}

static inline uint64_t list_rotated(uint64_t word, unsigned by)
{
    return word << by | word >> (64 - by);
}

/*
 * A change of any one field changes the sum for certain, and so does moving the header; the product
 * with an odd number and the shift keep that. Several fields at once escape with a chance of about 2^-64.
 */
static inline uint64_t list_seal(const struct assay_list *list, uint64_t offset,
                                 const struct list_header *header)
{
    uint64_t sum = (list->key ^ offset) + header->size_status + list_rotated(header->next, 21) +
                   list_rotated(header->previous, 42);

    sum *= 0x9e3779b97f4a7c15u;
    return sum ^ sum >> 32;
}

/* Whether header is one that we wrote where it is. Nothing in it may be followed if not. */
static inline bool list_is_sound(const struct assay_list *list, const struct list_header *header)
{
    return header->check == list_seal(list, list_offset(list, header), header);
}

/* journal.c: keeps what header is now, for repair; with a journal only. */
void assay_list_log(const struct assay_list *list, const struct list_header *header);

/* The check word comes last, so that a header half written is known as such. */
static inline void list_write(const struct assay_list *list, struct list_header *header,
                              uint64_t size, enum list_status status, uint64_t next,
                              uint64_t previous)
{
    if (list->journal)
        assay_list_log(list, header);
    header->size_status = size | (uint64_t)status;
    header->next = next;
    header->previous = previous;
    atomic_signal_fence(memory_order_release);
    header->check = list_seal(list, list_offset(list, header), header);
    atomic_signal_fence(memory_order_release);
}

/* --- blocks.c: the list itself; payloads in and out --- */

/* Makes one free block of the zeroed memory[0 .. bytes); NULL if bytes cannot hold one. */
struct assay_list *assay_list_format(void *memory, size_t bytes, uint64_t seed, bool checked);
void *assay_list_take(struct assay_list *list, size_t align, size_t size);
assay_status assay_list_release(struct assay_list *list, void *payload);
/* Grows or shrinks where it is; false, with nothing changed, if it must move. */
bool assay_list_resize(struct assay_list *list, struct list_header *header, size_t size);
/*
 * The header of the live block at payload. *status is ASSAY_OK, or with NULL: ASSAY_INVALID if there is
 * no live block, ASSAY_CORRUPT if there is a block with a damaged header.
 */
struct list_header *assay_list_header(struct assay_list *list, const void *payload,
                                      assay_status *status);

/* --- list.c --- */

/* The list of a heap of assay_backend_list. */
struct assay_list *assay_list_of(void *self);

/* --- audit.c: reading the list without trusting it --- */

/* What is wrong with a header and its place behind `previous`, leaving the index aside; NULL if nothing is. */
const char *assay_list_fault(const struct assay_list *list, const struct list_header *header,
                             const struct list_header *previous);

assay_status assay_list_check(const struct assay_list *list, struct assay_damage *damage);
/* As walk() of backend.h; the first extent begins `lead` bytes before the list. */
assay_status assay_list_walk(const struct assay_list *list, size_t lead, assay_visit_fn *visit,
                             void *arg);
/*
 * The header of the block in which offset, at or behind list->first, lies, its own header included; NULL
 * if a damaged header is in the way. It may itself be damaged, if offset is where it starts.
 * O(blocks between it and the nearest free one below).
 */
struct list_header *assay_list_around(const struct assay_list *list, uint64_t offset);

/* Marks [from, to) as free payload, for a checked list. */
void assay_list_fill(struct assay_list *list, uint64_t from, uint64_t to);
/* Whether [from, to), as far as it was touched, is as fill left it. */
bool assay_list_is_filled(const struct assay_list *list, uint64_t from, uint64_t to);

#endif
