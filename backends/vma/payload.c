/*
 * payload.c - what WRITE brings: into the arena as it comes.
 *
 * What was announced decides how much of it counts and whether it is denied; but where the input ends early, what
 * came counts as announced. Then a write may be granted that would have been denied, so its first bytes are kept
 * until that is settled.
 */
#include "session_state.h"

#include <stdlib.h>
#include <string.h>

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void payload_begin(struct vma_session *session)
{
    struct payload *payload = &session->payload;
    const uint64_t *numbers = session->line.numbers;

    payload->address = numbers[0];
    payload->left = numbers[1];
    payload->came = 0;
    payload->count = payload->granted = 0;
    payload->status = vma_span(session->arena, payload->address, payload->left, VMA_WRITE,
                               &payload->count, &payload->granted);
    session->line = (struct line){0};
    session->in_payload = true;
}

static void store(struct vma_session *session, uint64_t offset, const void *bytes, uint64_t size)
{
    if (vma_write(session->arena, session->payload.address + offset, bytes, (size_t)size) != VMA_OK)
        session_fail(session);
}

/* Keeps the next bytes in case the input ends before the one that is denied. */
static void keep(struct vma_session *session, const char *bytes, size_t size)
{
    struct payload *payload = &session->payload;
    size_t needed = (size_t)payload->came + size;

    if (needed > payload->kept_room) {
        size_t room = needed > 2 * payload->kept_room ? needed : 2 * payload->kept_room;
        unsigned char *kept = realloc(payload->kept, room);
        if (!kept) {
            session_fail(session);
            return;
        }
        payload->kept = kept;
        payload->kept_room = room;
    }
    memcpy(payload->kept + payload->came, bytes, size);
}

size_t payload_feed(struct vma_session *session, const char *bytes, size_t size)
{
    struct payload *payload = &session->payload;
    size_t part = (size_t)least(payload->left, size);

    if (payload->status == VMA_OK && payload->came < payload->count)
        store(session, payload->came, bytes, least(part, payload->count - payload->came));
    else if (payload->status == VMA_DENIED && payload->came + part <= payload->granted)
        keep(session, bytes, part);
    payload->came += part;
    payload->left -= part;
    return part;
}

void payload_end(struct vma_session *session)
{
    struct payload *payload = &session->payload;
    bool is_denied = payload->status == VMA_DENIED && payload->came > payload->granted;

    session->in_payload = false;
    if (payload->status == VMA_BAD_ADDRESS) {
        session_say(session, "Invalid address for write.");
    } else if (is_denied) {
        session_say(session, "Invalid permissions for write.");
    } else {
        if (payload->status == VMA_DENIED)
            store(session, 0, payload->kept, payload->came);
        if (payload->came > payload->count)
            session_say(session,
                        "Warning: size was bigger than the block size. Writing %llu characters.",
                        (unsigned long long)payload->count);
    }
    free(payload->kept);
    payload->kept = NULL;
    payload->kept_room = 0;
}
