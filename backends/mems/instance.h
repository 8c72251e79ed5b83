/*
 * instance.h - one MeMS system: segments behind virtual addresses, without globals.
 *
 *   virtual    1000                5095 5096                        13287
 *   main       [ mapping of a page     ][ mapping of two pages           ]
 *   segments   [ PROCESS | HOLE        ][ PROCESS           | HOLE       ]
 *
 * Addresses rise with each mapping, so first fit over the main chain and then over its sub-chains is first fit by
 * address. All segments of all mappings stand in one tree; whether two neighbours lie in one mapping is asked
 * of a second tree, of the mappings by where they are in memory. Segments tile the addresses from the first
 * to the last, and no two HOLEs of a mapping touch.
 *
 * A chunk of records is a mapping like others, with nothing at its address 0. The first one holds the system itself.
 * Lines (lines.h) say in a table once more what most lookups ask of the tree.
 *
 * Sizes and addresses are in bytes. Not thread-safe. O(log n) of the segments where nothing else is said.
 */
#ifndef ASSAY_MEMS_INSTANCE_H
#define ASSAY_MEMS_INSTANCE_H

#include "assay/backend.h"
#include "mems/lines.h"
#include "mems/tree.h"

/* Where the seed's addresses begin. */
#define MEMS_FIRST 1000

struct mems_setup {
    const struct assay_page_source *pages; /* outlives the system */
    size_t
        page_size;  /* mappings are multiples of it, and of the page source's where that differs */
    size_t limit;   /* most bytes mapped at once, records included */
    uint64_t first; /* of the virtual addresses, not 0 */
    uint64_t span;  /* how many addresses there are at most */
};

struct mems_chunk {
    struct mems_chunk *next;
    size_t bytes;
};

struct mems {
    struct mems_chunk chunk; /* the first; the others follow */
    struct mems_setup setup;
    struct mems_tree segments; /* by virtual address; the value is where the bytes are */
    struct mems_tree
        mappings; /* by place in memory; the value is the virtual address, 0: records */
    struct mems_stock stock;
    struct mems_lines lines; /* says the same as the segments, sooner */
    size_t most_segments;    /* that there were at a time */
    uint64_t end;            /* the virtual address of the next mapping */
    size_t mapped_bytes;
    size_t process_bytes;
    size_t processes;
};

/* NULL if the limit or the page source refuses, or page_size is 0. */
struct mems *mems_open(const struct mems_setup *setup);
/* Unmaps everything. */
void mems_close(struct mems *mems);

/*
 * A segment of just `size` bytes: its address, or 0 with nothing changed. Where no record can be had for what is left
 * of the first hole that is large enough, for want of pages, the next one that needs none.
 */
uint64_t mems_take(struct mems *mems, size_t size);
/* Ends the PROCESS that begins at `address`; ASSAY_INVALID with nothing changed if none does. */
ASSAY_MUST_CHECK assay_status mems_release(struct mems *mems, uint64_t address);

/* The PROCESS around `address`: key is its start, value where its bytes are, room minus its size. */
bool mems_around(const struct mems *mems, uint64_t address, struct mems_entry *process);
/* Where the byte of a virtual address is; NULL if it lies in no PROCESS. */
void *mems_place(const struct mems *mems, uint64_t address);

/* Whether a segment is the first of its mapping, whose bytes then are in *bytes. */
bool mems_opens_mapping(const struct mems *mems, const struct mems_entry *segment, uint64_t *bytes);
/* What a mapping of so many bytes takes from the page source. */
size_t mems_whole_pages(const struct mems *mems, size_t bytes);
/* The bytes of a table of lines behind the first; SIZE_MAX if the page size would more than double them. */
size_t mems_table_bytes(const struct mems *mems, unsigned table);

/* --- audit.c --- */

/* Whether an address in memory lies in a PROCESS. */
bool mems_owns(const struct mems *mems, const void *place);
/* Holds all records against each other. O(n log n). */
ASSAY_MUST_CHECK assay_status mems_check(const struct mems *mems, struct assay_damage *damage);
/* All mappings by rising place, each with its segments. O(n log n). */
void mems_walk(const struct mems *mems, assay_visit_fn *visit, void *arg);

#endif
