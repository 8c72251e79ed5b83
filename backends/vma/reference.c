/* reference.c - the language of `vma` as plainly as it can be said: what each command does. */
#include "reference_model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [REFERENCE_IS_RIGHT] = "right",
    [BREAK_END_EQUAL_TO_SIZE] = "end-equal-to-size",
    [BREAK_END_WRAPS] = "end-wraps",
    [BREAK_OVERLAP_BY_START] = "overlap-by-start",
    [BREAK_NO_MERGE_RIGHT] = "no-merge-right",
    [BREAK_FREE_INSIDE] = "free-inside",
    [BREAK_FREED_CONTENT_STAYS] = "freed-content-stays",
    [BREAK_READ_ENDS_AT_MINIBLOCK] = "read-ends-at-miniblock",
    [BREAK_READ_NEEDS_FIRST_ONLY] = "read-needs-first-only",
    [BREAK_ZEROS_ARE_PRINTED] = "zeros-are-printed",
    [BREAK_NO_NEWLINE_AFTER_EMPTY] = "no-newline-after-empty",
    [BREAK_WARNING_AFTER_CONTENT] = "warning-after-content",
    [BREAK_PAYLOAD_OF_LINE] = "payload-of-line",
    [BREAK_FAILED_WRITE_UNREAD] = "failed-write-unread",
    [BREAK_DENIED_WRITE_STARTS] = "denied-write-starts",
    [BREAK_PERMISSION_ADDS] = "permission-adds",
    [BREAK_PERMISSION_OF_BLOCK] = "permission-of-block",
    [BREAK_MERGE_SPREADS] = "merge-spreads",
    [BREAK_ONE_MESSAGE_A_LINE] = "one-message-a-line",
    [BREAK_EXTRA_WORDS_PASS] = "extra-words-pass",
    [BREAK_PMAP_LOWER_CASE] = "pmap-lower-case",
    [BREAK_PMAP_COUNTS_BLOCKS] = "pmap-counts-blocks",
    [BREAK_SECOND_ARENA_KEEPS] = "second-arena-keeps",
    [BREAK_ENDS_NOT] = "ends-not",
    [BREAK_OVERLAP_BEFORE_END] = "overlap-before-end",
    [BREAK_FREE_TAKES_BLOCK] = "free-takes-block",
    [BREAK_WARNING_AND_DENIAL] = "warning-and-denial",
    [BREAK_PERMISSION_SPREADS] = "permission-spreads",
    [BREAK_EMPTY_BLOCK_PASSES] = "empty-block-passes",
    [BREAK_NUMBERS_WRAP] = "numbers-wrap",
    [BREAK_BARS_NEED_SPACES] = "bars-need-spaces",
    [BREAK_PAYLOAD_IS_TRIMMED] = "payload-is-trimmed",
    [BREAK_CUT_PAYLOAD_COUNTS_WHOLE] = "cut-payload-counts-whole",
    [BREAK_REST_OF_LINE_DROPPED] = "rest-of-line-dropped",
};

const char *reference_break_name(enum reference_break broken)
{
    return names[broken];
}

/* --- miniblocks --- */

size_t reference_holder(const struct model *model, uint64_t address)
{
    size_t i = 0;

    while (i < model->mini_count && !(address >= model->minis[i].start &&
                                      address - model->minis[i].start < model->minis[i].size))
        i++;
    return i;
}

static bool touches_next(const struct model *model, size_t i)
{
    return !is_broken(model, BREAK_NO_MERGE_RIGHT) && i + 1 < model->mini_count &&
           model->minis[i].start + model->minis[i].size == model->minis[i + 1].start;
}

/* The end of what a range from `address`, in miniblock i, may reach. */
static uint64_t reach(const struct model *model, size_t i)
{
    while (!is_broken(model, BREAK_READ_ENDS_AT_MINIBLOCK) && touches_next(model, i))
        i++;
    return model->minis[i].start + model->minis[i].size;
}

static const char *alloc_fault(const struct model *model, uint64_t address, uint64_t size)
{
    bool is_past = size > model->size - address;

    if (address >= model->size)
        return "The allocated address is outside the size of arena";
    if (is_broken(model, BREAK_END_WRAPS))
        is_past = address + size > model->size;
    if (is_broken(model, BREAK_END_EQUAL_TO_SIZE))
        is_past = size >= model->size - address;
    if (is_past && !is_broken(model, BREAK_OVERLAP_BEFORE_END))
        return "The end address is past the size of the arena";
    for (size_t i = 0; i < model->mini_count; i++) {
        const struct mini *mini = &model->minis[i];
        bool starts_in = address >= mini->start && address - mini->start < mini->size;
        bool holds_start = mini->start >= address && mini->start - address < size;
        if (starts_in || (holds_start && !is_broken(model, BREAK_OVERLAP_BY_START)))
            return "This zone was already allocated.";
    }
    return is_past ? "The end address is past the size of the arena" : NULL;
}

void reference_alloc(struct model *model, uint64_t address, uint64_t size)
{
    const char *fault = alloc_fault(model, address, size);
    size_t at = 0;

    if (fault) {
        fprintf(model->out, "%s\n", fault);
        return;
    }
    while (at < model->mini_count && model->minis[at].start < address)
        at++;
    model->minis = realloc(model->minis, (model->mini_count + 1) * sizeof *model->minis);
    memmove(&model->minis[at + 1], &model->minis[at],
            (model->mini_count - at) * sizeof *model->minis);
    model->minis[at] = (struct mini){address, size, 6};
    model->mini_count++;
    if (is_broken(model, BREAK_MERGE_SPREADS) && at > 0 && touches_next(model, at - 1))
        model->minis[at].permission = model->minis[at - 1].permission;
}

static void forget_bytes(struct model *model, const struct mini *mini)
{
    size_t kept = 0;

    for (size_t i = 0; i < model->byte_count; i++)
        if (model->bytes[i].address < mini->start ||
            model->bytes[i].address - mini->start >= mini->size)
            model->bytes[kept++] = model->bytes[i];
    model->byte_count = kept;
}

void reference_free(struct model *model, uint64_t address)
{
    size_t at = reference_holder(model, address);

    if (at == model->mini_count ||
        (model->minis[at].start != address && !is_broken(model, BREAK_FREE_INSIDE))) {
        fputs("Invalid address for free.\n", model->out);
        return;
    }
    if (!is_broken(model, BREAK_FREED_CONTENT_STAYS))
        forget_bytes(model, &model->minis[at]);
    bool goes_on = is_broken(model, BREAK_FREE_TAKES_BLOCK) && touches_next(model, at);
    model->mini_count--;
    memmove(&model->minis[at], &model->minis[at + 1],
            (model->mini_count - at) * sizeof *model->minis);
    if (goes_on)
        reference_free(model, model->minis[at].start);
}

/* --- reading and writing --- */

/* Whether every miniblock that holds one of the bytes has the permission. */
static bool is_granted(const struct model *model, uint64_t address, uint64_t size,
                       unsigned permission)
{
    size_t i = reference_holder(model, address);

    for (uint64_t end = address + size; i < model->mini_count && model->minis[i].start < end; i++) {
        if (!(model->minis[i].permission & permission))
            return false;
        if (is_broken(model, BREAK_READ_NEEDS_FIRST_ONLY))
            break;
    }
    return true;
}

static char byte_at(const struct model *model, uint64_t address)
{
    for (size_t i = model->byte_count; i-- > 0;)
        if (model->bytes[i].address == address)
            return model->bytes[i].value;
    return '\0';
}

/* Prints what was written in [address, end), which may be very long, by its written bytes alone. */
static void print_bytes(const struct model *model, uint64_t address, uint64_t end)
{
    while (address < end) {
        uint64_t next = end;
        for (size_t i = 0; i < model->byte_count; i++)
            if (model->bytes[i].address >= address && model->bytes[i].address < next)
                next = model->bytes[i].address;
        if (is_broken(model, BREAK_ZEROS_ARE_PRINTED) && next > address)
            fputc('\0', model->out);
        if (next == end)
            return;
        char value = byte_at(model, next);
        if (value != '\0' || is_broken(model, BREAK_ZEROS_ARE_PRINTED))
            fputc(value, model->out);
        address = next + 1;
    }
}

static void warn(const struct model *model, const char *doing, uint64_t count)
{
    fprintf(model->out,
            "Warning: size was bigger than the block size. %s %" PRIu64 " characters.\n", doing,
            count);
}

void reference_read(struct model *model, uint64_t address, uint64_t size)
{
    size_t i = reference_holder(model, address);
    bool is_late = is_broken(model, BREAK_WARNING_AFTER_CONTENT);

    if (i == model->mini_count) {
        fputs("Invalid address for read.\n", model->out);
        return;
    }
    uint64_t room = reach(model, i) - address, count = size < room ? size : room;
    if (count > 0 && !is_granted(model, address, count, 4)) {
        if (count < size && is_broken(model, BREAK_WARNING_AND_DENIAL))
            warn(model, "Reading", count);
        fputs("Invalid permissions for read.\n", model->out);
        return;
    }
    for (int turn = 0; turn < 2; turn++) {
        if (turn == is_late && count < size)
            warn(model, "Reading", count);
        if (turn != is_late)
            print_bytes(model, address, address + count);
    }
    if (count > 0 || !is_broken(model, BREAK_NO_NEWLINE_AFTER_EMPTY))
        fputc('\n', model->out);
}

static void put_bytes(struct model *model, uint64_t address, const char *bytes, uint64_t count)
{
    model->bytes = realloc(model->bytes, (model->byte_count + count + 1) * sizeof *model->bytes);
    for (uint64_t i = 0; i < count; i++)
        model->bytes[model->byte_count++] = (struct byte){address + i, bytes[i]};
}

void reference_write(struct model *model, uint64_t address, const char *bytes, uint64_t size,
                     uint64_t announced)
{
    size_t i = reference_holder(model, address);

    if (i == model->mini_count) {
        fputs("Invalid address for write.\n", model->out);
        return;
    }
    uint64_t room = reach(model, i) - address, count = size < room ? size : room;
    if (count > 0 && !is_granted(model, address, count, 2)) {
        fputs("Invalid permissions for write.\n", model->out);
        uint64_t first = model->minis[i].start + model->minis[i].size - address;
        if (is_broken(model, BREAK_DENIED_WRITE_STARTS) && model->minis[i].permission & 2)
            put_bytes(model, address, bytes, first < count ? first : count);
        return;
    }
    if (count < size)
        warn(model, "Writing", count);
    if (is_broken(model, BREAK_CUT_PAYLOAD_COUNTS_WHOLE) && count == size && room < announced)
        warn(model, "Writing", room);
    put_bytes(model, address, bytes, count);
}

/* --- MPROTECT and PMAP --- */

void reference_protect(struct model *model, uint64_t address, unsigned permission)
{
    size_t i = reference_holder(model, address);

    if (i == model->mini_count ||
        (model->minis[i].start != address && !is_broken(model, BREAK_PERMISSION_OF_BLOCK))) {
        fputs("Invalid address for mprotect.\n", model->out);
        return;
    }
    if (is_broken(model, BREAK_PERMISSION_ADDS))
        permission |= model->minis[i].permission;
    model->minis[i].permission = permission;
    while (is_broken(model, BREAK_PERMISSION_SPREADS) && touches_next(model, i))
        model->minis[++i].permission = permission;
}

void reference_pmap(struct model *model)
{
    const char *hex = is_broken(model, BREAK_PMAP_LOWER_CASE) ? "0x%" PRIx64 : "0x%" PRIX64;
    uint64_t free_bytes = model->size;
    size_t blocks = 0, number = 0, block = 0;
    char a[32], b[32];

    for (size_t i = 0; i < model->mini_count; i++) {
        free_bytes -= model->minis[i].size;
        blocks += !touches_next(model, i);
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(a, sizeof a, hex, model->size);
    snprintf(b, sizeof b, hex, free_bytes);
    fprintf(model->out,
            "Total memory: %s bytes\nFree memory: %s bytes\nNumber of allocated blocks: %zu\n"
            "Number of allocated miniblocks: %zu\n",
            a, b, blocks, model->mini_count);
    for (size_t i = 0; i < model->mini_count; i++) {
        const struct mini *mini = &model->minis[i];
        if (i == 0 || !touches_next(model, i - 1)) {
            size_t last = i;
            while (touches_next(model, last))
                last++;
            snprintf(a, sizeof a, hex, mini->start);
            snprintf(b, sizeof b, hex, model->minis[last].start + model->minis[last].size);
            fprintf(model->out, "\nBlock %zu begin\nZone: %s - %s\n", ++block, a, b);
            if (!is_broken(model, BREAK_PMAP_COUNTS_BLOCKS))
                number = 0;
        }
        snprintf(a, sizeof a, hex, mini->start);
        snprintf(b, sizeof b, hex, mini->start + mini->size);
        fprintf(model->out, "Miniblock %zu:\t\t%s\t\t-\t\t%s\t\t| %c%c%c\n", ++number, a, b,
                mini->permission & 4 ? 'R' : '-', mini->permission & 2 ? 'W' : '-',
                mini->permission & 1 ? 'X' : '-');
        if (!touches_next(model, i))
            fprintf(model->out, "Block %zu end\n", block);
    }
#pragma GCC diagnostic pop
}
