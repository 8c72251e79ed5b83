/*
 * import_format.h - what import.c and a format offer each other; private to import*.c.
 *
 * A format is a function that takes a line and makes calls of it (assay/calls.h). Words, numbers,
 * threads and errors are the same for all, and here.
 */
#ifndef ASSAY_IMPORT_FORMAT_H
#define ASSAY_IMPORT_FORMAT_H

#include "assay/import.h"
#include "slots.h"

/* The first lines of a file that are not blank, cut. */
#define IMPORT_HEAD_LINES 64
#define IMPORT_HEAD_BYTES 160
struct import_head {
    char lines[IMPORT_HEAD_LINES][IMPORT_HEAD_BYTES];
    size_t count;
};

/* What a format's functions get. */
struct importer {
    const char *name; /* of the file */
    uint64_t line;    /* number of the line at hand */
    struct assay_calls *calls;
    struct assay_slots threads; /* ours by those of the file; a thread takes the place of a block */
    void *state;                /* of the format: state_bytes, zero at first */
    bool has_process;
    uint64_t process; /* the first one in the file */
    uint64_t time_ns; /* of the last call, where the format has times */
    struct assay_import_counts counts;
    struct assay_error *error;
};

struct import_format {
    const char *name;
    /* Whether a file that begins so is of this format. */
    bool (*recognises)(const struct import_head *head);
    size_t state_bytes;
    /* Takes a line, which it may cut, and makes at most ASSAY_CALLS_AT_ONCE calls of it. False: it
     * is wrong, and *error says why. */
    bool (*take)(struct importer *importer, char *line);
    /* After the last line; NULL: any end is right. */
    bool (*end)(struct importer *importer);
    /* Frees what *state holds; NULL: nothing. */
    void (*clear)(void *state);
};

extern const struct import_format import_rep, import_mtrace, import_heaptrack, import_valgrind,
    import_mozilla, import_android;

/* --- import_words.c --- */

/* Says what is wrong with the line at hand; returns false. */
__attribute__((format(printf, 2, 3))) bool import_fail(struct importer *importer,
                                                       const char *format, ...);

/* Cuts line into words between blanks; gives how many, at most room: the last one is then the rest. */
size_t import_cut(char *line, char **words, size_t room);
/* Passes over what stands at the beginning of *at, if it does. */
bool import_skip(const char **at, const char *what);
/* Takes the digits at *at; false if there are none, or too many. base is 10 or 16, without "0x". */
bool import_take_number(const char **at, unsigned base, uint64_t *number);
/* Takes an address: 0x and digits, #number, nil, (nil) or bare hexadecimal digits. */
bool import_take_address(const char **at, uint64_t *address);
/* The same of whole words. */
bool import_number(const char *word, unsigned base, uint64_t *number);
bool import_address(const char *word, uint64_t *address);

/* --- import.c --- */

/* The calls to come are of this thread of the file's. False: more threads than a stream can have. */
bool import_set_thread(struct importer *importer, uint64_t thread);
/* The thread has ended: another may have its number. */
void import_end_thread(struct importer *importer, uint64_t thread);
/* Whether the line is of the first process; others are counted and left out. */
bool import_is_process(struct importer *importer, uint64_t process);
/* The calls to come were made at that time; time does not go back. */
void import_set_time(struct importer *importer, uint64_t time_ns);

#endif
