/* lines.c - where segments begin within 4 KiB of addresses. */
#include "mems/lines.h"

#include "assay/sizes.h"

#include <assert.h>

_Static_assert(sizeof(struct mems_line) == 64, "a line is a cache line");

static uint64_t index_of(const struct mems_lines *lines, uint64_t address)
{
    return (address - lines->first) / MEMS_LINE_SPAN;
}

static unsigned table_of(uint64_t index)
{
    return index < MEMS_FIRST_LINES
               ? 0
               : assay_floor_log2(index) - assay_floor_log2(MEMS_FIRST_LINES) + 1;
}

unsigned mems_lines_table(const struct mems_lines *lines, uint64_t address)
{
    return table_of(index_of(lines, address));
}

static struct mems_line *line_at(const struct mems_lines *lines, uint64_t address)
{
    uint64_t index = index_of(lines, address);
    unsigned table = table_of(index);

    if (table >= lines->tables || !lines->table[table])
        return NULL;
    return lines->table[table] + (table > 0 ? index - mems_table_lines(table) : index);
}

/* 0 is no mark; the lowest bit says whether it is that of a PROCESS. */
static int16_t mark_of(const struct mems_lines *lines, uint64_t address, bool is_process)
{
    return (int16_t)((address - lines->first) % MEMS_LINE_SPAN * 2 + 2 + is_process);
}

void mems_lines_fetch(const struct mems_lines *lines, uint64_t address)
{
    const struct mems_line *line = line_at(lines, address);

    if (line)
        __builtin_prefetch(line);
}

enum mems_line_answer mems_lines_ask(const struct mems_lines *lines, uint64_t address,
                                     uint64_t *place)
{
    const struct mems_line *line = line_at(lines, address);
    int16_t bound = mark_of(lines, address, true), last = 0;

    if (!line || line->is_over)
        return MEMS_LINE_UNKNOWN;
    for (unsigned i = 0; i < MEMS_LINE_MARKS; i++) { /* all of them: no branch to be guessed */
        int16_t mark = line->mark[i] <= bound ? line->mark[i] : 0;
        last = mark > last ? mark : last;
    }
    *place = address + line->shift;
    if (last == 0)
        return MEMS_LINE_UNKNOWN;
    return last & 1 ? MEMS_LINE_PROCESS : MEMS_LINE_HOLE;
}

/* Which mark is that of the segment that begins at an address, whatever it is. */
static unsigned find(const struct mems_lines *lines, const struct mems_line *line, uint64_t address)
{
    int16_t hole = mark_of(lines, address, false);

    for (unsigned i = 0; i < MEMS_LINE_MARKS; i++)
        if ((line->mark[i] & ~1) == hole)
            return i;
    return MEMS_LINE_MARKS;
}

void mems_lines_put(struct mems_lines *lines, const struct mems_entry *segment)
{
    struct mems_line *line = line_at(lines, segment->key);

    if (!line)
        return;
    if (line->count == MEMS_LINE_MARKS)
        line->is_over = true;
    if (!line->is_over)
        line->mark[line->count] = mark_of(lines, segment->key, segment->room < 0);
    line->shift = segment->value - segment->key;
    line->count++;
}

void mems_lines_set(struct mems_lines *lines, uint64_t address, bool is_process)
{
    struct mems_line *line = line_at(lines, address);

    if (!line || line->is_over)
        return;
    unsigned at = find(lines, line, address);
    assert(at < MEMS_LINE_MARKS && "all that begin here have a mark");
    line->mark[at] = mark_of(lines, address, is_process);
}

/* Writes the marks of a line anew. */
static void fill(struct mems_lines *lines, struct mems_line *line, uint64_t address,
                 const struct mems_tree *segments)
{
    uint64_t start = address - (address - lines->first) % MEMS_LINE_SPAN;
    struct mems_entry segment = {.key = start - 1};

    *line = (struct mems_line){.shift = line->shift};
    while (mems_tree_after(segments, segment.key, &segment) && segment.key - start < MEMS_LINE_SPAN)
        mems_lines_put(lines, &segment);
}

void mems_lines_drop(struct mems_lines *lines, uint64_t address, const struct mems_tree *segments)
{
    struct mems_line *line = line_at(lines, address);

    if (!line)
        return;
    if (line->is_over) {
        if (--line->count <= MEMS_LINE_MARKS / 2)
            fill(lines, line, address, segments);
        return;
    }
    unsigned at = find(lines, line, address);
    assert(at < MEMS_LINE_MARKS && "all that begin here have a mark");
    line->count--;
    line->mark[at] = line->mark[line->count];
    line->mark[line->count] = 0;
}

/* Whether a line has the right mark for a segment that begins in it. */
static bool has_mark(const struct mems_lines *lines, const struct mems_line *line,
                     const struct mems_entry *segment)
{
    unsigned at = find(lines, line, segment->key);

    return at < MEMS_LINE_MARKS &&
           line->mark[at] == mark_of(lines, segment->key, segment->room < 0) &&
           segment->key + line->shift == segment->value;
}

bool mems_lines_agree(const struct mems_lines *lines, const struct mems_tree *segments,
                      struct mems_entry *where)
{
    const struct mems_line *line = NULL;
    size_t count = 0;

    *where = (struct mems_entry){.key = 0};
    while (mems_tree_after(segments, where->key, where)) {
        const struct mems_line *its = line_at(lines, where->key);
        if (its != line && line && line->count != count)
            return false;
        count = its == line ? count + 1 : 1;
        line = its;
        if (line && !line->is_over && !has_mark(lines, line, where))
            return false;
    }
    return !line || line->count == count;
}
