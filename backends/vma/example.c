/* example.c - two miniblocks that touch are one block, with a permission each. */
#include <stdio.h>
#include <string.h>
#include <vma.h>

int main(void)
{
    struct vma_arena *arena =
        vma_open((uint64_t)1 << 63); /* costs nothing until it is written to */
    struct vma_piece piece;
    struct vma_block block;
    uint64_t count;

    if (!arena || vma_alloc(arena, 1000, 8) != VMA_OK || vma_alloc(arena, 1008, 8) != VMA_OK)
        return 1;
    if (vma_alloc(arena, 1015, 1) != VMA_OVERLAP || vma_free(arena, 1001) != VMA_BAD_ADDRESS)
        return 1;
    if (!vma_next_block(arena, 0, &block) || block.miniblocks != 2 || block.end != 1016)
        return 1;

    /* A write goes across both, as far as the block does. */
    if (vma_span(arena, 1004, 100, VMA_WRITE, &count, NULL) != VMA_OK || count != 12)
        return 1;
    if (vma_write(arena, 1004, "twelve bytes", count) != VMA_OK)
        return 1;
    if (vma_protect(arena, 1008, VMA_READ) != VMA_OK ||
        vma_span(arena, 1004, 12, VMA_WRITE, &count, NULL) != VMA_DENIED)
        return 1;
    for (uint64_t at = 1004; vma_next_piece(arena, at, 1016, &piece);
         at = piece.address + piece.size)
        printf("%.*s", (int)piece.size, (const char *)piece.bytes);
    putchar('\n');
    vma_close(arena);
    return 0;
}
