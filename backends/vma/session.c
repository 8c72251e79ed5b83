/* session.c - cuts input into words, lines and payloads, and gathers output. */
#include "session_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vma_session *vma_session_open(vma_sink *sink, void *ctx)
{
    struct vma_session *session = calloc(1, sizeof *session);

    if (session) {
        session->sink = sink;
        session->ctx = ctx;
        session->word.is_number = true;
    }
    return session;
}

void vma_session_close(struct vma_session *session)
{
    if (!session)
        return;
    vma_close(session->arena);
    free(session->payload.kept);
    free(session);
}

enum vma_session_state vma_session_state(const struct vma_session *session)
{
    return session->state;
}

const struct vma_arena *vma_session_arena(const struct vma_session *session)
{
    return session->arena;
}

bool vma_session_is_idle(const struct vma_session *session)
{
    return session->state == VMA_SESSION_RUNS && !session->in_payload && session->line.words == 0 &&
           !session->in_word;
}

/* --- output --- */

void vma_session_flush(struct vma_session *session)
{
    if (session->waiting > 0 && session->state != VMA_SESSION_UNHEARD &&
        !session->sink(session->ctx, session->output, session->waiting))
        session->state = VMA_SESSION_UNHEARD;
    session->waiting = 0;
}

void session_put(struct vma_session *session, const char *bytes, size_t size)
{
    while (size > 0) {
        size_t room = sizeof session->output - session->waiting;
        size_t part = size < room ? size : room;
        memcpy(session->output + session->waiting, bytes, part);
        session->waiting += part;
        bytes += part;
        size -= part;
        if (session->waiting == sizeof session->output)
            vma_session_flush(session);
    }
}

void session_say(struct vma_session *session, const char *format, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    session_put(session, line, (size_t)length);
    session_put(session, "\n", 1);
}

void session_fail(struct vma_session *session)
{
    if (session->state == VMA_SESSION_RUNS)
        session->state = VMA_SESSION_NO_MEMORY;
}

/* --- words --- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void word_clear(struct word *word)
{
    word->length = 0;
    word->number = 0;
    word->is_number = true;
}

static void word_add(struct word *word, char c)
{
    unsigned digit = (unsigned)(unsigned char)c - '0';

    if (word->length < WORD_ROOM)
        word->text[word->length] = c;
    word->length++;
    if (digit > 9 || word->number > (UINT64_MAX - digit) / 10)
        word->is_number = false;
    else
        word->number = 10 * word->number + digit;
}

/* A name among the flags of MPROTECT has ended. */
static void end_flag(struct vma_session *session)
{
    struct line *line = &session->line;
    unsigned flag = 0;

    if (session->word.length == 0)
        return;
    if (line->wants_bar || !command_flag(&session->word, &flag))
        line->is_bad = true;
    line->flags |= flag;
    line->wants_bar = true;
    word_clear(&session->word);
}

static void take_bar(struct vma_session *session)
{
    end_flag(session);
    if (!session->line.wants_bar)
        session->line.is_bad = true;
    session->line.wants_bar = false;
}

static bool is_in_flags(const struct line *line)
{
    return line->command == MPROTECT && line->words > 1;
}

static void end_word(struct vma_session *session)
{
    struct line *line = &session->line;
    const struct word *word = &session->word;

    if (line->words == 0)
        line->command = command_named(word);
    else if (is_in_flags(line))
        end_flag(session);
    else if (line->words > command_numbers(line->command) || !word->is_number)
        line->is_bad = true;
    else
        line->numbers[line->words - 1] = word->number;
    line->words++;
    word_clear(&session->word);
}

/* --- lines --- */

static void end_line(struct vma_session *session)
{
    if (session->line.words > 0)
        command_run(session);
    session->line = (struct line){0};
}

/* Whether WRITE, its address and its size have just ended, and the payload comes. */
static bool brings_payload(const struct vma_session *session)
{
    const struct line *line = &session->line;

    return line->command == WRITE_RANGE && line->words == 3 && !line->is_bad && session->arena;
}

static void feed_character(struct vma_session *session, char c)
{
    if (!is_space(c)) {
        session->in_word = true;
        if (c == '|' && is_in_flags(&session->line))
            take_bar(session);
        else
            word_add(&session->word, c);
        return;
    }
    if (session->in_word)
        end_word(session);
    session->in_word = false;
    if (brings_payload(session))
        payload_begin(session);
    else if (c == '\n')
        end_line(session);
}

bool vma_session_feed(struct vma_session *session, const char *bytes, size_t size)
{
    while (size > 0 && session->state == VMA_SESSION_RUNS) {
        size_t taken = 1;
        if (session->in_payload)
            taken = payload_feed(session, bytes, size);
        else
            feed_character(session, *bytes);
        bytes += taken;
        size -= taken;
        if (session->in_payload && session->payload.left == 0)
            payload_end(session);
    }
    return session->state == VMA_SESSION_RUNS;
}

void vma_session_end(struct vma_session *session)
{
    if (session->state == VMA_SESSION_RUNS && !session->in_payload)
        vma_session_feed(session, "\n", 1);
    if (session->state == VMA_SESSION_RUNS && session->in_payload)
        payload_end(session);
    vma_session_flush(session);
    if (session->state == VMA_SESSION_RUNS)
        session->state = VMA_SESSION_ENDED;
}
