/*
 * diff_draw.c - a picture of a heap around one block, without an address in it.
 *
 *   walk     [meta][ s3 ][ free ][ s7 ][ free        ]
 *   shadow         [ s3 ]  ?     [ s7 ]                 where there is no walk, or no heap any more
 *                   rows: the focus and four on either side; bar: its whole mapping
 *
 * Three times through the heap: to find the focus, for the rows, and for the bar that they stand in.
 */
#include "assay/diff.h"

#include "assay/ranges.h"

#define ASIDE ((ASSAY_PICTURE_ROWS - 1) / 2)

struct piece {
    uintptr_t start;
    size_t bytes;
    enum assay_piece kind;
    const struct assay_block *block; /* that lies in it; NULL: none */
};

struct drawing {
    struct assay_picture *picture;
    const struct assay_heap *heap;
    const struct assay_shadow *shadow;
    uintptr_t place; /* of the focus; 0: the largest free extent */
    void (*take)(struct drawing *drawing, const struct piece *piece);
    uint64_t number; /* of the piece under way */
    uint64_t pieces;

    uint64_t focus; /* number of a piece */
    size_t focus_bytes;
    bool has_focus;
    uintptr_t low, high; /* what the bar shows */
};

/* --- through the heap --- */

static void pass(struct drawing *drawing, const struct piece *piece)
{
    drawing->take(drawing, piece);
    drawing->number++;
}

static bool visit(void *arg, const struct assay_extent *extent)
{
    static const enum assay_piece kinds[] = {[ASSAY_EXTENT_USED] = ASSAY_PIECE_USED,
                                             [ASSAY_EXTENT_FREE] = ASSAY_PIECE_FREE,
                                             [ASSAY_EXTENT_META] = ASSAY_PIECE_META};
    struct drawing *drawing = arg;
    struct assay_block block;
    struct piece piece = {(uintptr_t)extent->start, extent->bytes, ASSAY_PIECE_UNKNOWN, NULL};

    if ((unsigned)extent->kind <= ASSAY_EXTENT_META)
        piece.kind = kinds[extent->kind];
    if (piece.kind == ASSAY_PIECE_USED &&
        assay_shadow_next(drawing->shadow, extent->start, &block) &&
        (uintptr_t)block.start - piece.start < piece.bytes)
        piece.block = &block;
    pass(drawing, &piece);
    return true;
}

static void through_shadow(struct drawing *drawing)
{
    struct assay_block block;
    uintptr_t from = 0;

    while (assay_shadow_next(drawing->shadow, (const void *)from, &block)) {
        uintptr_t start = (uintptr_t)block.start;
        if (from != 0 && start > from) {
            const struct piece gap = {from, start - from, ASSAY_PIECE_UNKNOWN, NULL};
            pass(drawing, &gap);
        }
        const struct piece piece = {start, block.usable, ASSAY_PIECE_USED, &block};
        pass(drawing, &piece);
        from = start + (block.usable ? block.usable : 1);
    }
}

static void go_through(struct drawing *drawing,
                       void (*take)(struct drawing *, const struct piece *))
{
    const struct assay_heap *heap = drawing->heap;

    drawing->take = take;
    drawing->number = 0;
    if (!drawing->picture->is_walked)
        through_shadow(drawing);
    else if (heap->backend->walk(heap->self, visit, drawing) != ASSAY_OK)
        return; /* what it showed up to here is drawn */
}

/* --- looking for the focus --- */

static void look(struct drawing *drawing, const struct piece *piece)
{
    size_t bytes = piece->bytes ? piece->bytes : 1;
    bool is_it = drawing->place
                     ? drawing->place - piece->start < bytes
                     : piece->kind == ASSAY_PIECE_FREE && piece->bytes > drawing->focus_bytes;

    drawing->pieces++;
    if (!is_it)
        return;
    drawing->has_focus = true;
    drawing->focus = drawing->number;
    drawing->focus_bytes = piece->bytes;
}

/* --- drawing --- */

static void add_row(struct drawing *drawing, const struct piece *piece)
{
    struct assay_picture *picture = drawing->picture;
    struct assay_picture_row *row = &picture->row[picture->rows];
    size_t offset;

    picture->has_mapping =
        drawing->heap->self && assay_meter_locate(&drawing->heap->meter, (const void *)piece->start,
                                                  &row->mapping, &offset);
    if (picture->rows == 0)
        drawing->low = piece->start;
    drawing->high = piece->start + piece->bytes;
    row->offset = picture->has_mapping ? offset : piece->start - drawing->low;
    row->piece = piece->kind;
    row->bytes = piece->bytes;
    row->is_focus = drawing->has_focus && drawing->number == drawing->focus;
    row->has_block = piece->block != NULL;
    row->slot = piece->block ? piece->block->slot : 0;
    picture->rows++;
}

/* Of the focus and what lies around it; at an end of the heap more of the other side. */
static void draw_rows(struct drawing *drawing, const struct piece *piece)
{
    uint64_t first = drawing->focus > ASIDE ? drawing->focus - ASIDE : 0;

    if (first + ASSAY_PICTURE_ROWS > drawing->pieces)
        first = drawing->pieces > ASSAY_PICTURE_ROWS ? drawing->pieces - ASSAY_PICTURE_ROWS : 0;
    if (drawing->number >= first && drawing->picture->rows < ASSAY_PICTURE_ROWS)
        add_row(drawing, piece);
}

/* The whole mapping of the first row, where one is known. */
static void set_window(struct drawing *drawing)
{
    struct assay_range range;

    if (drawing->picture->has_mapping &&
        assay_ranges_find(drawing->heap->meter.mappings, drawing->low, &range)) {
        drawing->low = range.start;
        drawing->high = range.end;
    }
}

static char letter(const struct drawing *drawing, const struct piece *piece)
{
    if (drawing->place && drawing->has_focus && drawing->number == drawing->focus)
        return 'X';
    if (piece->kind == ASSAY_PIECE_USED)
        return '#';
    if (piece->kind == ASSAY_PIECE_META)
        return 'm';
    return piece->kind == ASSAY_PIECE_FREE ? '.' : ' ';
}

/* Of several pieces in one place the most telling is shown. */
static bool outranks(char one, char other)
{
    static const char order[] = " .m#X";
    unsigned rank_one = 0, rank_other = 0;

    for (unsigned i = 0; order[i]; i++) {
        rank_one = order[i] == one ? i : rank_one;
        rank_other = order[i] == other ? i : rank_other;
    }
    return rank_one > rank_other;
}

static unsigned place_in_bar(const struct drawing *drawing, uintptr_t address)
{
    double share = (double)(address - drawing->low) / (double)(drawing->high - drawing->low);

    return (unsigned)(share * ASSAY_PICTURE_BAR);
}

static void draw_bar(struct drawing *drawing, const struct piece *piece)
{
    char *bar = drawing->picture->bar, drawn = letter(drawing, piece);

    if (piece->bytes == 0 || piece->start < drawing->low || piece->start >= drawing->high)
        return;
    uintptr_t last = piece->start + piece->bytes - 1;
    unsigned end = place_in_bar(drawing, last < drawing->high ? last : drawing->high - 1);
    for (unsigned i = place_in_bar(drawing, piece->start); i <= end && i < ASSAY_PICTURE_BAR; i++)
        if (outranks(drawn, bar[i]))
            bar[i] = drawn;
}

void assay_picture_draw(struct assay_picture *picture, const struct assay_heap *heap,
                        const struct assay_shadow *shadow, const void *focus)
{
    struct drawing drawing = {
        .picture = picture, .heap = heap, .shadow = shadow, .place = (uintptr_t)focus};

    *picture = (struct assay_picture){
        .is_walked = heap->self && heap->backend->walk,
        .mapped_bytes = heap->meter.mapped_bytes,
        .blocks = assay_shadow_count(shadow),
    };
    go_through(&drawing, look);
    if (picture->is_walked &&
        drawing.pieces == 0) { /* it has one, but not with this configuration */
        picture->is_walked = false;
        go_through(&drawing, look);
    }
    go_through(&drawing, draw_rows);
    if (picture->rows == 0)
        return;
    set_window(&drawing);
    for (unsigned i = 0; i < ASSAY_PICTURE_BAR; i++)
        picture->bar[i] = ' ';
    go_through(&drawing, draw_bar);
}
