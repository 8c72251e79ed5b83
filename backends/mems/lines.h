/*
 * lines.h - what lies at a virtual address, from one cache line for each 4 KiB of addresses.
 *
 *   addresses   [ 1000 P | 1400 H | 1900 P           ...    5095 ]
 *   line        [ place - address | 3 | 0 P | 400 H | 900 P | -  ... ]     where segments begin, in no order
 *
 * Segments tile the addresses, so the last one that begins before an address is the one around it: if it begins in
 * the same 4 KiB, the line says what it is and where its bytes are. Else, and where more segments begin than a line
 * holds, the line does not know, and its user asks elsewhere. So nothing here is ever in the way of a request.
 *
 * Lines stand in tables, each as large as all before it; a table that could not be had when addresses reached it
 * is never made, for it would not know what began there before.
 */
#ifndef ASSAY_MEMS_LINES_H
#define ASSAY_MEMS_LINES_H

#include "mems/tree.h"

#define MEMS_LINE_SPAN 4096 /* addresses of a line; mappings begin and end with one */
#define MEMS_LINE_MARKS 24
#define MEMS_FIRST_LINES 64 /* in table 0, and in table 1 */
#define MEMS_TABLES 48

struct mems_line {
    uint64_t shift; /* from addresses to places, for all of them lie in one mapping */
    uint16_t count; /* of segments that begin here */
    bool is_over;   /* there were more than marks; those say nothing */
    int16_t mark[MEMS_LINE_MARKS];
};

struct mems_lines {
    uint64_t first;
    unsigned tables;                      /* that have been decided about; 0: there will be none */
    struct mems_line *table[MEMS_TABLES]; /* NULL: could not be had */
};

/* How many lines a table has. */
static inline size_t mems_table_lines(unsigned table)
{
    return (size_t)MEMS_FIRST_LINES << (table > 0 ? table - 1 : 0);
}

/* The table in which the line of an address is, or would be. */
unsigned mems_lines_table(const struct mems_lines *lines, uint64_t address);

/* Fetches the line of an address, for what comes soon. */
void mems_lines_fetch(const struct mems_lines *lines, uint64_t address);

enum mems_line_answer { MEMS_LINE_UNKNOWN, MEMS_LINE_HOLE, MEMS_LINE_PROCESS };
/* What lies at an address; of a PROCESS also where. O(1). */
enum mems_line_answer mems_lines_ask(const struct mems_lines *lines, uint64_t address,
                                     uint64_t *place);

/* To be told of each change of a segment, after the tree of them was. O(1) on average, times that of the tree. */
void mems_lines_put(struct mems_lines *lines, const struct mems_entry *segment);
void mems_lines_set(struct mems_lines *lines, uint64_t address, bool is_process);
void mems_lines_drop(struct mems_lines *lines, uint64_t address, const struct mems_tree *segments);

/* Whether the lines say of all segments what the tree does; *where is the segment of which they do not. O(n). */
bool mems_lines_agree(const struct mems_lines *lines, const struct mems_tree *segments,
                      struct mems_entry *where);

#endif
