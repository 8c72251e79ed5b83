/*
 * test_stage.h - a small heap in which every neighbourhood occurs, what is done to it, and what it looks like then.
 */
#ifndef ASSAY_ALLOC_TEST_STAGE_H
#define ASSAY_ALLOC_TEST_STAGE_H

#include "shared.h"

#include <stdbool.h>
#include <stddef.h>

#define BLOCKS 10
#define SIZE 208 /* of each block, usable */

extern const struct assay_backend assay_backend_alloc;
static const struct assay_backend *const alloc = &assay_backend_alloc;

/*  [ 0 | - | 2 | - | 4 | 5 | - | 7 | 8 | 9 | free ... ]  */
struct stage {
    struct shared_heap *heap;
    char *block[BLOCKS]; /* NULL where a hole is */
};

/* In memory that children share. */
void set_stage(struct stage *stage, const char *options);
void strike_stage(struct stage *stage);

/* --- what is done to it --- */

enum act { TAKE, ALIGNED, ZEROED, GIVE, RESIZE };

struct scene {
    enum act act;
    int victim; /* the block it is done to, or -1 */
    size_t size;
};

#define SCENES 20
extern const struct scene scenes[SCENES];

/* Gives the block that the call gave. */
char *play(struct stage *stage, const struct scene *scene);

/* --- what it looks like --- */

struct layout {
    unsigned count;
    struct assay_extent extents[32]; /* `start` relative to the heap */
};

void look(const struct stage *stage, struct layout *layout);
bool same(const struct layout *a, const struct layout *b);

/* What a scene makes of the heap when nobody is killed. */
struct plot {
    struct layout before, after, taken_back; /* the last: after, and its result freed */
    size_t result; /* distance of the block it gives from the heap, or 0 */
    bool gives_a_new_block;
    unsigned long points;
    size_t largest; /* free, when nothing is used */
};

void rehearse(struct plot *plot, const struct scene *scene, const char *options);

#endif
