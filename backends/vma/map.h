/* map.h - an arena drawn for a terminal of 80 columns. */
#ifndef VMA_MAP_H
#define VMA_MAP_H

#include "vma.h"

#include <stdio.h>

/* One bar for all of the arena, then a line for each miniblock of the first blocks. O(what it looks at). */
void vma_map_draw(const struct vma_arena *arena, FILE *out);

#endif
