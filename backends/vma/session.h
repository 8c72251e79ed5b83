/*
 * session.h - the language of the program `vma`: commands in, answers out, whatever pieces the input comes in.
 *
 * Memory does not grow with the input: of a line no more is kept than the word under way, and what is written goes
 * to the arena as it comes. One thread at a time.
 */
#ifndef VMA_SESSION_H
#define VMA_SESSION_H

#include "vma.h"

struct vma_session;

/* Takes output; false ends the session. */
typedef bool vma_sink(void *ctx, const char *bytes, size_t size);

/* Without an arena, and with room for its own output; NULL without memory. */
struct vma_session *vma_session_open(vma_sink *sink, void *ctx);
void vma_session_close(struct vma_session *session);

/* Takes the next bytes of input; false once no more are wanted: see below why. */
bool vma_session_feed(struct vma_session *session, const char *bytes, size_t size);
/* The input has ended: a line that was begun is a line, a payload that was begun is all there is of it. */
void vma_session_end(struct vma_session *session);
/* Hands the sink what is waiting for it. */
void vma_session_flush(struct vma_session *session);

enum vma_session_state {
    VMA_SESSION_RUNS,
    VMA_SESSION_ENDED,     /* by DEALLOC_ARENA, or vma_session_end() */
    VMA_SESSION_NO_MEMORY, /* for a block, or for what is to be written */
    VMA_SESSION_UNHEARD,   /* the sink wants no more */
};
enum vma_session_state vma_session_state(const struct vma_session *session);
/* The arena, or NULL while there is none. */
const struct vma_arena *vma_session_arena(const struct vma_session *session);
/* Whether the next byte begins a command: time for a prompt. */
bool vma_session_is_idle(const struct vma_session *session);

#endif
