/*
 * reference.h - the language of `vma` once more, written to be easy to believe: arrays, and loops over them.
 *
 * Takes all input at once, and answers with all output. For tests: quadratic in everything.
 */
#ifndef VMA_REFERENCE_H
#define VMA_REFERENCE_H

#include <stddef.h>

/* One rule broken at a time: what the comparison with the program must notice. */
enum reference_break {
    REFERENCE_IS_RIGHT,
    BREAK_END_EQUAL_TO_SIZE,      /* a block may not end where the arena does */
    BREAK_END_WRAPS,              /* address + size wraps around */
    BREAK_OVERLAP_BY_START,       /* an overlap is seen by the start alone */
    BREAK_NO_MERGE_RIGHT,         /* a block does not touch the one behind it */
    BREAK_FREE_INSIDE,            /* any address of a miniblock frees it */
    BREAK_FREED_CONTENT_STAYS,    /* what was written is there again after free and alloc */
    BREAK_READ_ENDS_AT_MINIBLOCK, /* a read does not cross into the next miniblock */
    BREAK_READ_NEEDS_FIRST_ONLY,  /* the permission of the first miniblock is enough */
    BREAK_ZEROS_ARE_PRINTED,      /* bytes of value 0 are printed */
    BREAK_NO_NEWLINE_AFTER_EMPTY, /* a read of nothing prints no newline */
    BREAK_WARNING_AFTER_CONTENT,  /* the warning comes behind what was read */
    BREAK_PAYLOAD_OF_LINE,        /* a payload ends with its line */
    BREAK_FAILED_WRITE_UNREAD,    /* the payload of a write that fails is taken for commands */
    BREAK_DENIED_WRITE_STARTS, /* a denied write changes the bytes before the one that is denied */
    BREAK_PERMISSION_ADDS,     /* MPROTECT adds to the permission */
    BREAK_PERMISSION_OF_BLOCK, /* MPROTECT takes any address in a miniblock */
    BREAK_MERGE_SPREADS,       /* a new miniblock has the permission of the one before it */
    BREAK_ONE_MESSAGE_A_LINE,  /* a bad line is told once */
    BREAK_EXTRA_WORDS_PASS,    /* what follows a whole command is ignored */
    BREAK_PMAP_LOWER_CASE,     /* hexadecimal digits are small */
    BREAK_PMAP_COUNTS_BLOCKS,  /* miniblocks are counted on from block to block */
    BREAK_SECOND_ARENA_KEEPS,  /* a second ALLOC_ARENA changes nothing */
    BREAK_ENDS_NOT,            /* what follows DEALLOC_ARENA is run */
    BREAK_OVERLAP_BEFORE_END,  /* overlap is looked for before the end of the arena */
    BREAK_FREE_TAKES_BLOCK,    /* what touches from behind is freed too */
    BREAK_WARNING_AND_DENIAL,  /* a denied read warns first */
    BREAK_PERMISSION_SPREADS,  /* MPROTECT goes on to the end of the block */
    BREAK_EMPTY_BLOCK_PASSES,  /* a block of 0 bytes is no bad command */
    BREAK_NUMBERS_WRAP,        /* a number of more than 64 bits is taken */
    BREAK_BARS_NEED_SPACES,    /* A|B is a bad flag */
    BREAK_PAYLOAD_IS_TRIMMED,  /* all spaces before a payload are skipped */
    BREAK_CUT_PAYLOAD_COUNTS_WHOLE, /* what was announced decides on a warning, not what came */
    BREAK_REST_OF_LINE_DROPPED,     /* what follows a payload on its line is ignored */
    REFERENCE_BREAKS
};

const char *reference_break_name(enum reference_break broken);
/* The output for this input, in memory to be freed; NULL without memory. */
char *reference_run(const char *input, size_t size, enum reference_break broken,
                    size_t *output_size);

#endif
