/*
 * vma.h - a virtual memory arena: blocks, permissions and contents in a range of addresses that costs nothing.
 *
 *   address   0         100      150            400   450        1000
 *   arena     [         | A      | B     ]      | C   ]             )
 *                       \ block 1        /      \ block 2 /
 *
 * A *miniblock* is what one vma_alloc() made: a range with its own permission and content. A *block* is a maximal
 * run of miniblocks that touch. Blocks are not stored: they follow from the miniblocks.
 *
 * Addresses and sizes are in bytes, of the arena, never of the process. An arena may have up to 2^64 - 1 bytes;
 * memory is taken for miniblocks (1 KiB for the first, then at most 80 bytes each) and for what was written. Cost is O(log miniblocks)
 * besides the bytes that are moved, unless said otherwise. No arena is NULL where nothing is said, and no place for an
 * answer. An arena is one thread's at a time, and a forked child has a copy; nothing here
 * prints, exits, or has state outside the arena. VMA_NO_MEMORY means that nothing has changed.
 */
#ifndef VMA_H
#define VMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vma_arena;

enum vma_status {
    VMA_OK,
    VMA_OUTSIDE,     /* the address is not in the arena */
    VMA_PAST_END,    /* the range ends behind the arena */
    VMA_OVERLAP,     /* some of the range is allocated */
    VMA_BAD_ADDRESS, /* nothing begins there, or nothing is allocated there */
    VMA_DENIED,      /* a miniblock in the range lacks the permission */
    VMA_INVALID,     /* a size of 0 */
    VMA_NO_MEMORY,
};

/* What may be done to a miniblock, or-ed. */
enum { VMA_EXEC = 1, VMA_WRITE = 2, VMA_READ = 4 };

/* An empty arena of addresses [0, size); NULL without memory. The caller closes it. O(1). */
struct vma_arena *vma_open(uint64_t size);
/* Ends it with all it holds; NULL is allowed. O(miniblocks + what was written). */
void vma_close(struct vma_arena *arena);

/*
 * Makes [address, address + size) a miniblock, readable and writable, its content unwritten. VMA_INVALID,
 * VMA_OUTSIDE, VMA_PAST_END, VMA_OVERLAP, in this order.
 */
enum vma_status vma_alloc(struct vma_arena *arena, uint64_t address, uint64_t size);
/* Ends the miniblock that begins at address; VMA_BAD_ADDRESS if none does. */
enum vma_status vma_free(struct vma_arena *arena, uint64_t address);
/* Replaces the permission of the miniblock that begins at address, by what is a permission of its bits; VMA_BAD_ADDRESS
 * if none does. */
enum vma_status vma_protect(struct vma_arena *arena, uint64_t address, unsigned permission);

/*
 * How many of the `size` bytes from address on lie in its block, in *count: all that READ and WRITE move.
 * VMA_BAD_ADDRESS if the address is in none; VMA_DENIED if a miniblock that holds one of them lacks
 * `permission`, and then *granted is how many come before it. granted may be NULL. O(log + miniblocks in the range).
 */
enum vma_status vma_span(const struct vma_arena *arena, uint64_t address, uint64_t size,
                         unsigned permission, uint64_t *count, uint64_t *granted);
/*
 * Writes size bytes, all of them in one block, whatever the permissions: vma_span() knows both. VMA_NO_MEMORY may come
 * half way, and VMA_BAD_ADDRESS where the block ends before; then some were written.
 */
enum vma_status vma_write(struct vma_arena *arena, uint64_t address, const void *bytes,
                          size_t size);

/* A piece of content in memory. */
struct vma_piece {
    uint64_t address;
    const unsigned char *bytes;
    size_t size;
};
/* The first piece at or after address and before end; false if nothing was written there. */
bool vma_next_piece(const struct vma_arena *arena, uint64_t address, uint64_t end,
                    struct vma_piece *piece);

/* --- what there is --- */

struct vma_miniblock {
    uint64_t start, end;
    unsigned permission;
};
/* The first miniblock that begins at or after address; false behind the last. */
bool vma_next_miniblock(const struct vma_arena *arena, uint64_t address,
                        struct vma_miniblock *miniblock);

struct vma_block {
    uint64_t start, end;
    size_t miniblocks;
};
/* The first block that begins at or after address; false behind the last. O(its miniblocks + log). */
bool vma_next_block(const struct vma_arena *arena, uint64_t address, struct vma_block *block);

struct vma_totals {
    uint64_t size; /* of the arena */
    uint64_t allocated;
    size_t blocks;
    size_t miniblocks;
    size_t record_bytes;  /* of memory, for miniblocks */
    size_t content_bytes; /* of memory, for what was written */
};
void vma_totals(const struct vma_arena *arena, struct vma_totals *totals); /* O(1) */

/* What contradicts itself in the records of the arena, as a sentence; NULL: nothing. O(miniblocks). */
const char *vma_damage(const struct vma_arena *arena);

/* --- for allocators on top --- */

/* The lowest address, a multiple of align, from which size bytes are free; false: none, or align is no power of two. */
bool vma_find_gap(const struct vma_arena *arena, uint64_t size, uint64_t align, uint64_t *address);
/*
 * The content of the miniblock that begins at address, in one piece of memory that stays where it is until it is
 * freed; what was not written is 0. NULL without memory, or if none begins there.
 */
unsigned char *vma_pin(struct vma_arena *arena, uint64_t address);

#ifdef __cplusplus
}
#endif

#endif
