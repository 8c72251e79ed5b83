/*
 * session_state.h - what the files of a session share: session.c reads words and lines, payload.c what WRITE brings,
 * commands.c answers.
 */
#ifndef VMA_SESSION_STATE_H
#define VMA_SESSION_STATE_H

#include "session.h"

#define WORD_ROOM 16 /* longer than every word of the language */
#define OUTPUT_ROOM ((size_t)1 << 16)

enum command {
    COMMAND_NONE,
    ALLOC_ARENA,
    DEALLOC_ARENA,
    ALLOC_BLOCK,
    FREE_BLOCK,
    READ_RANGE,
    WRITE_RANGE,
    PMAP,
    MPROTECT,
};

/* The word under way. */
struct word {
    char text[WORD_ROOM]; /* its first characters */
    size_t length;
    uint64_t number;
    bool is_number; /* digits alone that fit 64 bits */
};

/* The line under way. */
struct line {
    enum command command;
    uint64_t numbers[2];
    size_t words; /* that have ended */
    bool is_bad;
    /* Of MPROTECT, whose flags may have no spaces between them. */
    unsigned flags;
    bool wants_bar; /* the last thing was a flag */
};

/* The payload under way. */
struct payload {
    uint64_t address;
    uint64_t left;    /* bytes to come */
    uint64_t came;    /* bytes that have come */
    uint64_t count;   /* of what is announced, how much lies in the block */
    uint64_t granted; /* of those, before the first that may not be written */
    enum vma_status status;
    unsigned char *kept; /* came, while it is not known whether the write is denied */
    size_t kept_room;
};

struct vma_session {
    struct vma_arena *arena;
    enum vma_session_state state;
    bool in_payload;
    bool in_word; /* it may be a '|' alone, of which nothing is kept */
    struct word word;
    struct line line;
    struct payload payload;
    vma_sink *sink;
    void *ctx;
    size_t waiting;
    char output[OUTPUT_ROOM];
};

/* --- session.c --- */

void session_put(struct vma_session *session, const char *bytes, size_t size);
/* A line of output, as printf makes it, of at most some hundred characters. */
__attribute__((format(printf, 2, 3))) void session_say(struct vma_session *session,
                                                       const char *format, ...);
/* Where memory has ended, so has the session. */
void session_fail(struct vma_session *session);

/* --- commands.c --- */

/* Runs the line: all but WRITE, which is complete before its line is. Bad lines too. */
void command_run(struct vma_session *session);
/* The numbers that a command takes. */
size_t command_numbers(enum command command);
enum command command_named(const struct word *word);
/* A flag by its name; false if there is none. */
bool command_flag(const struct word *word, unsigned *flag);

/* --- payload.c --- */

void payload_begin(struct vma_session *session);
/* Takes some of bytes[0 .. size); returns how many. */
size_t payload_feed(struct vma_session *session, const char *bytes, size_t size);
/* All has come, or all there is. */
void payload_end(struct vma_session *session);

#endif
