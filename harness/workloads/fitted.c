/*
 * fitted - blocks as large and as long-lived as those of a program, in any number.
 *
 * Stresses what that program stresses, without its recording: sizes and, for each magnitude of size,
 * lifetimes are drawn from what was counted in a stream (assay trace stats --distribution). What one
 * request has to do with the next is lost; what that was worth shows beside the recording itself. Origin:
 * the way of Zorn and Grunwald, Evaluating models of memory allocation, 1994.
 *
 * Deaths wait in a heap ordered by time, O(log live) an operation.
 */
#include "workloads.h"

#include <stdlib.h>

enum { FROM, REQUESTS };

struct death {
    uint64_t time;
    uint32_t slot;
};

/* A binary heap: the next death is deaths[0]. */
struct deaths {
    struct death *deaths;
    uint32_t count;
};

static bool is_sooner(const struct death *a, const struct death *b)
{
    return a->time != b->time ? a->time < b->time : a->slot < b->slot;
}

static void push(struct deaths *heap, struct death death)
{
    uint32_t i = heap->count++;

    for (; i > 0 && is_sooner(&death, &heap->deaths[(i - 1) / 2]); i = (i - 1) / 2)
        heap->deaths[i] = heap->deaths[(i - 1) / 2];
    heap->deaths[i] = death;
}

static struct death pop(struct deaths *heap)
{
    struct death next = heap->deaths[0], last = heap->deaths[--heap->count];
    uint32_t i = 0;

    for (uint32_t child; (child = 2 * i + 1) < heap->count; i = child) {
        if (child + 1 < heap->count && is_sooner(&heap->deaths[child + 1], &heap->deaths[child]))
            child++;
        if (!is_sooner(&heap->deaths[child], &last))
            break;
        heap->deaths[i] = heap->deaths[child];
    }
    heap->deaths[i] = last;
    return next;
}

/* What is live, and the slots that are empty again. */
struct house {
    struct deaths deaths;
    uint32_t *empty;
    uint32_t empties, used; /* slots from `used` on were never full */
};

static void end_one(struct making *making, struct house *house)
{
    uint32_t slot = pop(&house->deaths).slot;

    make_free(making, slot);
    house->empty[house->empties++] = slot;
}

static void begin_one(struct making *making, struct house *house,
                      const struct assay_distribution *distribution, uint64_t time)
{
    uint32_t slot = house->empties ? house->empty[--house->empties] : house->used++;
    uint64_t size = assay_distribution_size(distribution, dice_next(&making->dice));
    uint64_t life = assay_distribution_life(distribution, size, dice_next(&making->dice));

    make_alloc(making, slot, size);
    push(&house->deaths, (struct death){life > MOST_TIMES ? UINT64_MAX : time + life, slot});
}

/* `room` is for how many blocks there are slots: the one to die next makes place where they are full. */
static void run(struct making *making, const struct assay_distribution *distribution,
                struct house *house, uint32_t room)
{
    struct deaths *deaths = &house->deaths;

    for (uint64_t time = 1; time <= number(making, REQUESTS) && making_goes_on(making); time++) {
        while (deaths->count && (deaths->deaths[0].time <= time || deaths->count == room))
            end_one(making, house);
        begin_one(making, house, distribution, time);
    }
    while (deaths->count && making_goes_on(making))
        end_one(making, house);
}

static void make(struct making *making)
{
    uint64_t requests = number(making, REQUESTS);
    uint32_t room = requests < MOST_BLOCKS ? (uint32_t)requests : MOST_BLOCKS;
    struct assay_distribution *distribution;

    making->status =
        assay_distribution_read(&distribution, making->values[FROM].path, making->error);
    if (!making_goes_on(making))
        return;
    struct house house = {.deaths.deaths = make_room(making, room, sizeof(struct death)),
                          .empty = make_room(making, room, sizeof *house.empty)};
    if (house.deaths.deaths && house.empty)
        run(making, distribution, &house, room);
    free(house.deaths.deaths);
    free(house.empty);
    assay_distribution_close(distribution);
}

const struct assay_workload workload_fitted = {
    "fitted",
    "sizes and lifetimes as a program had them",
    {
        [FROM] = OF_FILE("from", "of assay trace stats --distribution"),
        [REQUESTS] = NUMBER("requests", "100000", 1, MOST_TIMES, "blocks in all"),
    },
    make,
};
