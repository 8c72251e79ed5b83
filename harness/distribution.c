/*
 * distribution.c - fits a distribution to a stream, and draws from it. Its text: distribution_text.c.
 */
#include "distribution.h"

#include "assay/books.h"
#include "assay/histogram.h"
#include "assay/sizes.h"

#include <assert.h>
#include <stdlib.h>

/* Counts while a stream is read: how many in a bucket, between which values. */
struct counting {
    struct distribution_entry buckets[ASSAY_HISTOGRAM_BUCKETS];
    uint64_t stays;
};

struct slot {
    uint64_t size; /* 0: empty */
    uint64_t born; /* the request that made it, from 1 */
};

struct fitting {
    struct counting *sizes;
    struct counting *lives; /* by power of two of the size */
    struct slot *slots;
    uint64_t requests, live;
};

static void count(struct counting *counting, uint64_t value)
{
    struct distribution_entry *entry = &counting->buckets[assay_histogram_bucket(value)];

    if (entry->count == 0 || value < entry->low)
        entry->low = value;
    if (value > entry->high)
        entry->high = value;
    entry->count++;
}

static void end_block(struct fitting *fitting, struct slot *slot, uint64_t now)
{
    count(&fitting->lives[assay_floor_log2(slot->size)], now > slot->born ? now - slot->born : 1);
    slot->size = 0;
    fitting->live--;
}

static void begin_block(struct fitting *fitting, struct slot *slot, uint64_t size)
{
    fitting->requests++;
    count(fitting->sizes, size);
    *slot = (struct slot){size, fitting->requests};
    fitting->live++;
}

static void take(struct fitting *fitting, const struct assay_op *op)
{
    struct slot *slot = &fitting->slots[op->slot];
    size_t size = assay_op_bytes(op);

    switch ((enum assay_op_kind)op->kind) {
    case ASSAY_OP_ALLOC:
    case ASSAY_OP_ALLOC_ZEROED:
    case ASSAY_OP_ALLOC_ALIGNED:
    case ASSAY_OP_REALLOC:
        if (size > DISTRIBUTION_MOST || (slot->size && op->kind != ASSAY_OP_REALLOC))
            return;
        if (slot->size)
            end_block(fitting, slot, fitting->requests + 1);
        begin_block(fitting, slot, size ? size : 1);
        return;
    case ASSAY_OP_FREE:
        if (slot->size)
            end_block(fitting, slot, fitting->requests);
        return;
    default:
        return;
    }
}

assay_status distribution_append(struct distribution_table *table, uint64_t low, uint64_t high,
                                 uint64_t entries)
{
    struct distribution_entry *grown;

    if (table->count % 64 == 0) {
        grown = realloc(table->entries, (table->count + 64) * sizeof *grown);
        if (!grown)
            return ASSAY_NO_MEMORY;
        table->entries = grown;
    }
    table->total += entries;
    table->entries[table->count++] = (struct distribution_entry){low, high, entries, table->total};
    return ASSAY_OK;
}

static assay_status keep(struct distribution_table *table, const struct counting *counting)
{
    assay_status status = ASSAY_OK;

    for (unsigned i = 0; i < ASSAY_HISTOGRAM_BUCKETS && status == ASSAY_OK; i++) {
        const struct distribution_entry *entry = &counting->buckets[i];
        if (entry->count)
            status = distribution_append(table, entry->low, entry->high, entry->count);
    }
    if (status == ASSAY_OK && counting->stays)
        status = distribution_append(table, ASSAY_LIVES_ON, ASSAY_LIVES_ON, counting->stays);
    return status;
}

static assay_status keep_all(struct assay_distribution *distribution, struct fitting *fitting)
{
    for (uint32_t i = 0; i < ASSAY_SLOTS && fitting->live; i++)
        if (fitting->slots[i].size) {
            fitting->lives[assay_floor_log2(fitting->slots[i].size)].stays++;
            fitting->live--;
        }
    assay_status status = keep(&distribution->sizes, fitting->sizes);
    for (unsigned i = 0; i < DISTRIBUTION_CLASSES && status == ASSAY_OK; i++)
        status = keep(&distribution->lives[i], &fitting->lives[i]);
    return status;
}

static assay_status fit(struct assay_distribution *distribution, struct fitting *fitting,
                        struct assay_reader *reader, struct assay_error *error)
{
    const struct assay_op *ops;
    size_t n;

    while ((n = reader->next(reader, &ops)) != 0)
        for (size_t i = 0; i < n; i++)
            take(fitting, &ops[i]);
    if (reader->error.what[0]) {
        *error = reader->error;
        return ASSAY_CORRUPT;
    }
    if (fitting->requests == 0) {
        assay_error_set(error, "there is no request to fit a distribution to");
        return ASSAY_INVALID;
    }
    return keep_all(distribution, fitting);
}

assay_status assay_distribution_fit(struct assay_distribution **distribution,
                                    struct assay_reader *reader, struct assay_error *error)
{
    const size_t slots = ASSAY_SLOTS * sizeof(struct slot);
    struct fitting fitting = {
        .sizes = calloc(1, sizeof *fitting.sizes),
        .lives = calloc(DISTRIBUTION_CLASSES, sizeof *fitting.lives),
        .slots = assay_books_open(slots),
    };
    assay_status status = ASSAY_NO_MEMORY;

    assay_error_set(error, "no memory for a distribution");
    *distribution = calloc(1, sizeof **distribution);
    if (*distribution && fitting.sizes && fitting.lives && fitting.slots)
        status = fit(*distribution, &fitting, reader, error);
    if (status != ASSAY_OK) {
        assay_distribution_close(*distribution);
        *distribution = NULL;
    }
    assay_books_close(fitting.slots, slots);
    free(fitting.lives);
    free(fitting.sizes);
    return status;
}

void assay_distribution_close(struct assay_distribution *distribution)
{
    if (!distribution)
        return;
    free(distribution->sizes.entries);
    for (unsigned i = 0; i < DISTRIBUTION_CLASSES; i++)
        free(distribution->lives[i].entries);
    free(distribution);
}

/* The value that a random number stands for: an entry by its share, then even inside it. */
static uint64_t draw(const struct distribution_table *table, uint64_t random)
{
    uint64_t place = random % table->total, rest = random / table->total;
    size_t low = 0, high = table->count - 1;

    assert(table->count && "there is something to draw");
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->entries[middle].sum > place)
            high = middle;
        else
            low = middle + 1;
    }
    const struct distribution_entry *entry = &table->entries[low];

    return entry->low + rest % (entry->high - entry->low + 1);
}

uint64_t assay_distribution_size(const struct assay_distribution *distribution, uint64_t random)
{
    return draw(&distribution->sizes, random);
}

uint64_t assay_distribution_life(const struct assay_distribution *distribution, uint64_t size,
                                 uint64_t random)
{
    const struct distribution_table *table = &distribution->lives[assay_floor_log2(size)];

    return table->total ? draw(table, random) : 1;
}
