/* mutate.c - mutation and crossover of the fuzzer's form, by edits of its operations, now and then by a new stream. */
#include "assay/mutate.h"

#include "assay/bytes.h"
#include "assay/swarm.h"

#include "dice.h"

#define UNIT 4 /* the head, and every record */
#define EDITS_MAX 4
/* One mutation in so many is a new stream: most bugs fall to one of the first. */
#define RENEWAL_RARITY 4
/* A new stream's heap is no larger, if that can be had in so many draws: fuzz targets do not run it. */
#define LIMIT_MAX ((uint64_t)256 << 10)
#define RENEWAL_DRAWS 4
/* And one of those in so many has fenced pages in fuzz targets, which take system calls. */
#define FENCED_RARITY 8

/* Writes *stream; a cut lies between records. */
static size_t encode_within(const struct assay_stream *stream, uint8_t *data, size_t room)
{
    size_t whole = room - room % UNIT;
    size_t length = assay_bytes_encode(stream, data, whole);

    return length < whole ? length : whole;
}

/* Habits of hundreds of operations, to which no way of single edits leads. */
static assay_status renew(struct assay_stream *stream, struct dice *dice, size_t most)
{
    assay_status status = ASSAY_OK;
    unsigned draws = 0;

    do
        status = assay_swarm_start(stream, dice_next(dice), most);
    while (status == ASSAY_OK && stream->setup.limit > LIMIT_MAX && ++draws < RENEWAL_DRAWS);

    /* Has a place in the head, and is odd where pages are to be fenced. */
    stream->setup.seed =
        (stream->setup.seed & (UINT16_MAX - 1)) | dice_once_in(dice, FENCED_RARITY);
    return status;
}

static assay_status edit(struct assay_stream *stream, struct dice *dice)
{
    assay_status status = ASSAY_OK;

    if (dice_once_in(dice, 2))
        stream->setup.seed &= ~UINT64_C(1);
    for (uint64_t left = dice_between(dice, 1, EDITS_MAX); left && status == ASSAY_OK; left--) {
        enum assay_edit edit = (enum assay_edit)dice_roll(dice, ASSAY_EDITS);
        status = assay_mutate_edit(stream, edit, dice_next(dice));
    }
    return status;
}

size_t assay_mutate(uint8_t *data, size_t size, size_t room, uint64_t seed)
{
    struct dice dice = {seed};
    struct assay_stream stream = {0};
    assay_status status = assay_bytes_decode(&stream, data, size);

    if (status == ASSAY_OK)
        status = dice_once_in(&dice, RENEWAL_RARITY) ? renew(&stream, &dice, room / UNIT)
                                                     : edit(&stream, &dice);
    if (status == ASSAY_OK)
        size = encode_within(&stream, data, room);
    assay_stream_clear(&stream);
    return size;
}

size_t assay_mutate_renew(uint8_t *data, size_t room, uint64_t seed)
{
    struct dice dice = {seed};
    struct assay_stream stream = {0};
    size_t length = 0;

    if (renew(&stream, &dice, room / UNIT) == ASSAY_OK)
        length = encode_within(&stream, data, room);
    assay_stream_clear(&stream);
    return length;
}

size_t assay_mutate_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                          uint8_t *out, size_t room, uint64_t seed)
{
    struct dice dice = {seed};
    struct assay_stream first = {0}, second = {0};
    size_t length = 0;
    assay_status status = assay_bytes_decode(&first, a, a_size);

    if (status == ASSAY_OK)
        status = assay_bytes_decode(&second, b, b_size);
    if (status == ASSAY_OK) {
        first.count = dice_roll(&dice, first.count + 1);
        for (size_t i = dice_roll(&dice, second.count + 1); i < second.count && status == ASSAY_OK;
             i++)
            status = assay_stream_append(&first, &second.ops[i]);
    }
    if (status == ASSAY_OK)
        length = encode_within(&first, out, room);
    assay_stream_clear(&first);
    assay_stream_clear(&second);
    return length;
}
