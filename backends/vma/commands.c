/* commands.c - what each command does, and says. */
#include "session_state.h"

#include <string.h>

static const struct {
    const char *name;
    size_t numbers;
} commands[] = {
    [COMMAND_NONE] = {"", 0},
    [ALLOC_ARENA] = {"ALLOC_ARENA", 1},
    [DEALLOC_ARENA] = {"DEALLOC_ARENA", 0},
    [ALLOC_BLOCK] = {"ALLOC_BLOCK", 2},
    [FREE_BLOCK] = {"FREE_BLOCK", 1},
    [READ_RANGE] = {"READ", 2},
    [WRITE_RANGE] = {"WRITE", 2},
    [PMAP] = {"PMAP", 0},
    [MPROTECT] = {"MPROTECT", 1},
};

static bool is_word(const struct word *word, const char *name)
{
    return word->length == strlen(name) && memcmp(word->text, name, word->length) == 0;
}

enum command command_named(const struct word *word)
{
    for (unsigned i = ALLOC_ARENA; i <= MPROTECT; i++)
        if (is_word(word, commands[i].name))
            return (enum command)i;
    return COMMAND_NONE;
}

size_t command_numbers(enum command command)
{
    return commands[command].numbers;
}

bool command_flag(const struct word *word, unsigned *flag)
{
    static const struct {
        const char *name;
        unsigned flag;
    } flags[] = {
        {"PROT_NONE", 0},
        {"PROT_READ", VMA_READ},
        {"PROT_WRITE", VMA_WRITE},
        {"PROT_EXEC", VMA_EXEC},
    };

    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (is_word(word, flags[i].name)) {
            *flag = flags[i].flag;
            return true;
        }
    }
    return false;
}

/* --- one by one --- */

static void run_alloc_arena(struct vma_session *session, uint64_t size)
{
    struct vma_arena *arena = vma_open(size);

    if (!arena) {
        session_fail(session);
        return;
    }
    vma_close(session->arena);
    session->arena = arena;
}

static void run_alloc_block(struct vma_session *session, uint64_t address, uint64_t size)
{
    switch (vma_alloc(session->arena, address, size)) {
    case VMA_OUTSIDE:
        session_say(session, "The allocated address is outside the size of arena");
        break;
    case VMA_PAST_END:
        session_say(session, "The end address is past the size of the arena");
        break;
    case VMA_OVERLAP:
        session_say(session, "This zone was already allocated.");
        break;
    case VMA_NO_MEMORY:
        session_fail(session);
        break;
    default:
        break;
    }
}

/* What was not written is 0, and a byte of value 0 is not printed. */
static void print_content(struct vma_session *session, uint64_t address, uint64_t end)
{
    struct vma_piece piece;

    while (vma_next_piece(session->arena, address, end, &piece)) {
        const char *bytes = (const char *)piece.bytes, *last = bytes + piece.size;
        while (bytes < last) {
            size_t run = strnlen(bytes, (size_t)(last - bytes));
            session_put(session, bytes, run);
            bytes += run;
            while (bytes < last && *bytes == '\0')
                bytes++;
        }
        address = piece.address + piece.size;
    }
}

static void run_read(struct vma_session *session, uint64_t address, uint64_t size)
{
    uint64_t count;
    enum vma_status status = vma_span(session->arena, address, size, VMA_READ, &count, NULL);

    if (status == VMA_BAD_ADDRESS) {
        session_say(session, "Invalid address for read.");
        return;
    }
    if (status == VMA_DENIED) {
        session_say(session, "Invalid permissions for read.");
        return;
    }
    if (count < size)
        session_say(session,
                    "Warning: size was bigger than the block size. Reading %llu characters.",
                    (unsigned long long)count);
    print_content(session, address, address + count);
    session_put(session, "\n", 1);
}

static void run_pmap(struct vma_session *session)
{
    struct vma_miniblock mini;
    struct vma_totals totals;
    size_t block = 0, number = 0;
    uint64_t address = 0;

    vma_totals(session->arena, &totals);
    session_say(session, "Total memory: 0x%llX bytes", (unsigned long long)totals.size);
    session_say(session, "Free memory: 0x%llX bytes",
                (unsigned long long)(totals.size - totals.allocated));
    session_say(session, "Number of allocated blocks: %zu", totals.blocks);
    session_say(session, "Number of allocated miniblocks: %zu", totals.miniblocks);
    while (vma_next_miniblock(session->arena, address, &mini)) {
        struct vma_block of;
        if (number == 0 || mini.start != address) {
            if (number > 0)
                session_say(session, "Block %zu end", block);
            vma_next_block(session->arena, mini.start, &of);
            session_say(session, "\nBlock %zu begin", ++block);
            session_say(session, "Zone: 0x%llX - 0x%llX", (unsigned long long)of.start,
                        (unsigned long long)of.end);
            number = 0;
        }
        session_say(session, "Miniblock %zu:\t\t0x%llX\t\t-\t\t0x%llX\t\t| %c%c%c", ++number,
                    (unsigned long long)mini.start, (unsigned long long)mini.end,
                    mini.permission & VMA_READ ? 'R' : '-', mini.permission & VMA_WRITE ? 'W' : '-',
                    mini.permission & VMA_EXEC ? 'X' : '-');
        address = mini.end;
    }
    if (number > 0)
        session_say(session, "Block %zu end", block);
}

/* --- any --- */

/* Whether all that the command needs is there, and no more. */
static bool is_complete(const struct vma_session *session)
{
    const struct line *line = &session->line;
    size_t words = 1 + command_numbers(line->command);

    if (line->command == COMMAND_NONE || line->command == WRITE_RANGE || line->is_bad)
        return false;
    if (!session->arena && line->command != ALLOC_ARENA && line->command != DEALLOC_ARENA)
        return false;
    if (line->command == MPROTECT)
        return line->words > words && line->wants_bar;
    return line->words == words && !(line->command == ALLOC_BLOCK && line->numbers[1] == 0);
}

void command_run(struct vma_session *session)
{
    const struct line *line = &session->line;
    uint64_t first = line->numbers[0], second = line->numbers[1];

    if (!is_complete(session)) {
        for (size_t i = 0; i < line->words && session->state == VMA_SESSION_RUNS; i++)
            session_say(session, "Invalid command. Please try again.");
        return;
    }
    switch (line->command) {
    case ALLOC_ARENA:
        run_alloc_arena(session, first);
        break;
    case DEALLOC_ARENA:
        session->state = VMA_SESSION_ENDED;
        break;
    case ALLOC_BLOCK:
        run_alloc_block(session, first, second);
        break;
    case FREE_BLOCK:
        if (vma_free(session->arena, first) != VMA_OK)
            session_say(session, "Invalid address for free.");
        break;
    case READ_RANGE:
        run_read(session, first, second);
        break;
    case PMAP:
        run_pmap(session);
        break;
    case MPROTECT:
        if (vma_protect(session->arena, first, line->flags) != VMA_OK)
            session_say(session, "Invalid address for mprotect.");
        break;
    default:
        break;
    }
}
