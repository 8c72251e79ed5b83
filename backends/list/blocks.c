/*
 * blocks.c - the list itself: blocks are split when they are taken and merged when they are released.
 *
 * Each change writes headers inside free space first, then the one header that makes them part of the
 * list, then the `previous` of the block behind, then the index. Walking forward by `next` is therefore
 * right between any two of them. Headers on both sides are verified before the first write, so that a
 * refusal has changed nothing. A list with a journal says in it what it is about to do, and a header half
 * written, an index half changed, are made whole by repair.c.
 */
#include "index.h"
#include "journal.h"

struct assay_list *assay_list_format(void *memory, size_t bytes, uint64_t seed, bool checked)
{
    struct assay_list *list = memory;
    size_t index = assay_align_up(sizeof *list, 64);
    size_t first = index + assay_list_index_bytes(bytes);

    bytes = assay_align_down(bytes, LIST_UNIT);
    if (bytes > LIST_REGION_MAX || first + LIST_BLOCK_MIN + LIST_HEADER > bytes)
        return NULL;
    list->key = (uint64_t)(uintptr_t)memory ^ seed * 0xff51afd7ed558ccdu;
    list->bytes = bytes;
    list->first = first;
    list->last = bytes - LIST_HEADER;
    list->touched = first + LIST_HEADER;
    list->checked = checked;
    list_write(list, &list->front, 0, LIST_EDGE, first, 0);
    list_write(list, list_at(list, list->last), 0, LIST_EDGE, 0, first);
    list_write(list, list_at(list, first), list->last - first, LIST_FREE, list->last, 0);
    assay_list_index_init(list, index, bytes - first);
    assay_list_index_insert(list, first, list->last - first);
    return list;
}

/*
 * The header at `next`, if it and `header` name each other and it is sound. `next` is where we believe
 * the block behind `header` to be.
 */
static struct list_header *behind(const struct assay_list *list, const struct list_header *header,
                                  uint64_t next)
{
    struct list_header *follower = list_at(list, next);

    if (header->next != next || !list_is_sound(list, follower) ||
        follower->previous != list_offset(list, header))
        return NULL;
    return follower;
}

/* The header in front of a sound one, likewise. The front edge is at offset 0. */
static struct list_header *ahead(const struct assay_list *list, const struct list_header *header)
{
    struct list_header *previous = list_at(list, header->previous);

    if (!list_is_sound(list, previous) || previous->next != list_offset(list, header))
        return NULL;
    return previous;
}

/* What is on the right of a sound header, verified. */
struct right {
    struct list_header *free;     /* the free neighbour, or NULL */
    uint64_t end;                 /* of it, or of the block itself */
    struct list_header *follower; /* the header at end; NULL if something is damaged */
};

static struct right look_right(const struct assay_list *list, const struct list_header *header)
{
    uint64_t next = header->next;
    struct right right = {NULL, next, NULL};

    if (!list_index_has(list, next)) {
        right.follower = behind(list, header, next);
        if (right.follower && list_is_free(right.follower))
            right.follower = NULL;
        return right;
    }
    right.end = next + list_index_size(list, next);
    if (right.end > list->last)
        return right;
    __builtin_prefetch(list_at(list, right.end), 1);
    right.free = behind(list, header, next);
    if (right.free && list_is_free(right.free))
        right.follower = behind(list, right.free, right.end);
    return right;
}

static void link_back(struct assay_list *list, struct list_header *header, uint64_t previous)
{
    list_write(list, header, list_size(header), list_status(header), header->next, previous);
}

/* A header that is part of a payload from now on must not pass for one. */
static void forget(struct assay_list *list, struct list_header *header)
{
    if (list->journal)
        assay_list_log(list, header);
    if (list->checked)
        assay_list_fill(list, list_offset(list, header), list_offset(list, header) + LIST_HEADER);
    else
        header->check = ~header->check;
}

/* The end of what was ever given out or holds a header. */
static void touch_to(struct assay_list *list, uint64_t end)
{
    if (end > list->touched)
        list->touched = end;
}

/* Bytes of the block that holds a payload of size bytes; SIZE_MAX where that does not fit. */
static size_t block_bytes(size_t size)
{
    return assay_add(assay_align_up(size ? size : 1, LIST_UNIT), LIST_HEADER);
}

/*
 * Takes `bytes` of the sound free block `header` of `size` bytes, from `gap` bytes behind its start.
 *
 *   [ ---------- free ---------- ][ N ]  =>  [ gap, free ][ used ][ rest, free ][ N ]
 */
static void *carve(struct assay_list *list, struct list_header *header, uint64_t size, uint64_t gap,
                   uint64_t bytes)
{
    uint64_t offset = list_offset(list, header);
    uint64_t start = offset + gap;
    uint64_t room = size - gap;
    uint64_t next = offset + size;
    uint64_t previous = header->previous;
    struct list_header *follower = behind(list, header, next);

    if (!follower)
        return NULL;
    if (room - bytes < LIST_BLOCK_MIN)
        bytes = room;
    uint64_t rest = start + bytes;
    uint64_t written = bytes < room ? rest + LIST_HEADER : rest;
    if (list->checked && !assay_list_is_filled(list, offset + LIST_HEADER, written))
        return NULL;
    list_begin(list, LIST_TAKE, start, bytes, written);
    if (list->checked && start > list->touched)
        assay_list_fill(list, list->touched, start);

    if (bytes < room)
        list_write(list, list_at(list, rest), room - bytes, LIST_FREE, next, start);
    if (gap) {
        list_write(list, list_at(list, start), bytes, LIST_USED, rest, offset);
        list_write(list, header, gap, LIST_FREE, start, previous);
    } else {
        list_write(list, header, bytes, LIST_USED, rest, previous);
    }
    if (gap || bytes < room)
        link_back(list, follower, bytes < room ? rest : start);

    if (gap)
        assay_list_index_resize(list, offset, gap);
    if (bytes == room && !gap)
        assay_list_index_remove(list, offset);
    else if (bytes < room && gap)
        assay_list_index_insert(list, rest, room - bytes);
    else if (bytes < room)
        assay_list_index_move(list, offset, rest, room - bytes);
    list->used_blocks++;
    list->used_bytes += bytes - LIST_HEADER;
    touch_to(list, written);
    list_end(list);
    return list_at(list, start + LIST_HEADER);
}

/* How far behind the start of a free block its first fitting aligned block is; SIZE_MAX: nowhere. */
static uint64_t aligned_gap(const struct list_header *header, uint64_t size, size_t align,
                            size_t bytes)
{
    uintptr_t payload = (uintptr_t)header + LIST_HEADER;
    size_t gap = -payload & (align - 1);

    while (gap && gap < LIST_BLOCK_MIN)
        gap = assay_add(gap, align);
    return assay_add(gap, bytes) <= size ? gap : SIZE_MAX;
}

void *assay_list_take(struct assay_list *list, size_t align, size_t size)
{
    size_t bytes = block_bytes(size);
    uint64_t from = list->first;

    if (bytes > list->bytes)
        return NULL;
    while (from < list->last) {
        struct list_found found = assay_list_index_find(list, from, bytes);
        if (!found.offset || found.size < bytes || found.size > list->last - found.offset)
            return NULL;
        struct list_header *header = list_at(list, found.offset);
        from = found.offset + found.size;
        __builtin_prefetch(header, 1);
        __builtin_prefetch(list_at(list, from), 1);
        __builtin_prefetch(list_at(list, found.offset + bytes), 1);
        uint64_t gap = align > LIST_UNIT ? aligned_gap(header, found.size, align, bytes) : 0;
        if (gap == SIZE_MAX)
            continue;
        if (header->size_status != (found.size | LIST_FREE) || !list_is_sound(list, header))
            return NULL;
        return carve(list, header, found.size, gap, bytes);
    }
    return NULL;
}

struct list_header *assay_list_header(struct assay_list *list, const void *payload,
                                      assay_status *status)
{
    uintptr_t distance = (uintptr_t)payload - (uintptr_t)list;

    *status = ASSAY_INVALID;
    if (distance % LIST_UNIT || distance < list->first + LIST_HEADER || distance >= list->last)
        return NULL;
    uint64_t offset = distance - LIST_HEADER;
    struct list_header *header = list_at(list, offset);
    if (list_is_sound(list, header)) {
        if (list_status(header) != LIST_USED)
            return NULL;
        *status = ASSAY_OK;
        return header;
    }
    /* Either there is no block, or its header was overwritten: the blocks around it know. */
    const struct list_header *around = assay_list_around(list, offset);
    if (!around || around == header)
        *status = ASSAY_CORRUPT;
    return NULL;
}

assay_status assay_list_release(struct assay_list *list, void *payload)
{
    assay_status status;
    struct list_header *header = assay_list_header(list, payload, &status);

    if (!header)
        return status;
    uint64_t offset = list_offset(list, header);
    uint64_t bytes = list_size(header);
    uint64_t start = offset;
    bool left = header->previous && list_index_has(list, header->previous);
    struct list_header *previous = ahead(list, header);
    struct right right = look_right(list, header);
    if (!previous || !right.follower || list_is_free(previous) != left)
        return ASSAY_CORRUPT;

    list_begin(list, LIST_RELEASE, offset, 0, 0);
    if (list->checked)
        assay_list_fill(list, offset + LIST_HEADER, offset + bytes);
    if (left) {
        start = header->previous;
        list_write(list, previous, right.end - start, LIST_FREE, right.end, previous->previous);
    } else {
        list_write(list, header, right.end - start, LIST_FREE, right.end, header->previous);
    }
    if (left || right.free)
        link_back(list, right.follower, start);
    if (left)
        forget(list, header);
    if (right.free) {
        assay_list_index_remove(list, list_offset(list, right.free));
        forget(list, right.free);
    }
    if (left)
        assay_list_index_resize(list, start, right.end - start);
    else
        assay_list_index_insert(list, start, right.end - start);
    list->used_blocks--;
    list->used_bytes -= bytes - LIST_HEADER;
    list_end(list);
    return ASSAY_OK;
}

bool assay_list_resize(struct assay_list *list, struct list_header *header, size_t size)
{
    size_t bytes = block_bytes(size);
    uint64_t offset = list_offset(list, header);
    uint64_t before = list_size(header);
    struct right right = look_right(list, header);
    uint64_t room = right.end - offset;

    if (!right.follower || bytes > room)
        return false;
    if (room - bytes < LIST_BLOCK_MIN)
        bytes = room;
    if (bytes == before)
        return true;
    uint64_t rest = offset + bytes;
    uint64_t written = bytes < room ? rest + LIST_HEADER : rest;
    if (list->checked && bytes > before &&
        !assay_list_is_filled(list, offset + before + LIST_HEADER, written))
        return false;
    list_begin(list, LIST_RESIZE, offset, bytes, written);
    if (list->checked && bytes < before)
        assay_list_fill(list, rest, offset + before);

    /* The neighbour leaves the index while its header is still what the index knows. */
    if (right.free) {
        assay_list_index_remove(list, list_offset(list, right.free));
        forget(list, right.free);
    }
    if (bytes < room)
        list_write(list, list_at(list, rest), room - bytes, LIST_FREE, right.end, offset);
    list_write(list, header, bytes, LIST_USED, rest, header->previous);
    link_back(list, right.follower, bytes < room ? rest : offset);
    if (bytes < room)
        assay_list_index_insert(list, rest, room - bytes);
    list->used_bytes += bytes - before;
    touch_to(list, written);
    list_end(list);
    return true;
}
