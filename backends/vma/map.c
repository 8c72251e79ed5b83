/*
 * map.c - draws an arena.
 *
 *   arena of 0x3E8 bytes, 0x96 of them in 2 blocks of 3 miniblocks
 *   0x0 |#######::............................................| 0x3E8
 *
 *   block 1  0x0 - 0x64
 *     RW-  |====----------------|  0x0 - 0x32
 *     R--  |--------------------|  0x32 - 0x64
 *
 * In the first bar '#' is all allocated, ':' some, '.' none; in the others '=' has content other than 0.
 */
#include "map.h"

#define ARENA_CELLS 56
#define MINI_CELLS 32
#define MOST_LINES 200

/* The part of [start, start + size) that cell `number` of `cells` stands for: never empty, perhaps shared. */
struct cell {
    uint64_t start, end;
};

static struct cell cell_of(uint64_t start, uint64_t size, unsigned number, unsigned cells)
{
    uint64_t step = size / cells, rest = size % cells;
    struct cell cell = {start + step * number + rest * number / cells,
                        start + step * (number + 1) + rest * (number + 1) / cells};

    if (cell.start == cell.end)
        cell.end++;
    return cell;
}

static uint64_t allocated_in(const struct vma_arena *arena, struct cell cell)
{
    struct vma_miniblock mini;
    uint64_t sum = 0, count;

    /* What begins before the cell, and reaches into it. */
    if (vma_span(arena, cell.start, cell.end - cell.start, 0, &count, NULL) == VMA_OK) {
        sum += count;
        cell.start += count;
    }
    while (cell.start < cell.end && vma_next_miniblock(arena, cell.start, &mini) &&
           mini.start < cell.end) {
        uint64_t end = mini.end < cell.end ? mini.end : cell.end;
        sum += end - mini.start;
        cell.start = end;
    }
    return sum;
}

static bool has_content(const struct vma_arena *arena, struct cell cell)
{
    struct vma_piece piece;

    while (vma_next_piece(arena, cell.start, cell.end, &piece)) {
        for (size_t i = 0; i < piece.size; i++)
            if (piece.bytes[i])
                return true;
        cell.start = piece.address + piece.size;
    }
    return false;
}

static void draw_arena(const struct vma_arena *arena, const struct vma_totals *totals, FILE *out)
{
    char bar[ARENA_CELLS + 1] = "";

    for (unsigned i = 0; i < ARENA_CELLS && totals->size; i++) {
        struct cell cell = cell_of(0, totals->size, i, ARENA_CELLS);
        uint64_t sum = allocated_in(arena, cell);
        bar[i] = '.';
        if (sum > 0)
            bar[i] = sum == cell.end - cell.start ? '#' : ':';
    }
    fprintf(out, "arena of 0x%llX bytes, 0x%llX of them in %zu blocks of %zu miniblocks\n",
            (unsigned long long)totals->size, (unsigned long long)totals->allocated, totals->blocks,
            totals->miniblocks);
    fprintf(out, "|%s|\n", bar);
}

static void draw_miniblock(const struct vma_arena *arena, const struct vma_miniblock *mini,
                           FILE *out)
{
    char bar[MINI_CELLS + 1] = "";

    for (unsigned i = 0; i < MINI_CELLS; i++)
        bar[i] = has_content(arena, cell_of(mini->start, mini->end - mini->start, i, MINI_CELLS))
                     ? '='
                     : '-';
    fprintf(out, "  %c%c%c |%s| 0x%llX - 0x%llX\n", mini->permission & VMA_READ ? 'R' : '-',
            mini->permission & VMA_WRITE ? 'W' : '-', mini->permission & VMA_EXEC ? 'X' : '-', bar,
            (unsigned long long)mini->start, (unsigned long long)mini->end);
}

void vma_map_draw(const struct vma_arena *arena, FILE *out)
{
    struct vma_miniblock mini;
    struct vma_block block;
    struct vma_totals totals;
    uint64_t address = 0;
    size_t number = 0, lines = 0;

    vma_totals(arena, &totals);
    draw_arena(arena, &totals, out);
    while (lines < MOST_LINES && vma_next_miniblock(arena, address, &mini)) {
        if ((number == 0 || mini.start != address) && vma_next_block(arena, mini.start, &block))
            fprintf(out, "\nblock %zu  0x%llX - 0x%llX\n", ++number,
                    (unsigned long long)block.start, (unsigned long long)block.end);
        draw_miniblock(arena, &mini, out);
        address = mini.end;
        lines++;
    }
    if (lines < totals.miniblocks)
        fprintf(out, "\n... and %zu miniblocks more\n", totals.miniblocks - lines);
}
