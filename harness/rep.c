/* rep.c - a stream as a trace of the malloc lab: each block has an id of its own. */
#include "assay/rep.h"

#include "assay/books.h"

#include <errno.h>
#include <string.h>

#define SIZE_MOST INT32_MAX

/* What a slot holds. A block that could not be written has no id, but keeps its slot. */
struct block {
    uint32_t size;
    bool is_live;
    bool has_id;
    uint64_t id;
};

struct writer {
    FILE *out;
    struct block *blocks;
    struct assay_rep_counts *counts;
    uint64_t live_bytes;
};

static void set_size(struct writer *writer, struct block *block, uint32_t size)
{
    writer->live_bytes += size;
    writer->live_bytes -= block->size;
    block->size = size;
    if (writer->counts->peak_bytes < writer->live_bytes)
        writer->counts->peak_bytes = writer->live_bytes;
}

static bool put(struct writer *writer, char letter, const struct block *block)
{
    writer->counts->ops++;
    return fprintf(writer->out, "%c %llu %u\n", letter, (unsigned long long)block->id,
                   block->size) > 0;
}

static bool write_request(struct writer *writer, const struct assay_op *op)
{
    struct block *block = &writer->blocks[op->slot];
    uint64_t size = assay_op_bytes(op);

    bool is_new = !block->is_live;
    if (!is_new && op->kind != ASSAY_OP_REALLOC)
        return true; /* a full slot: every consumer skips it */
    if (size > SIZE_MOST) {
        /* Refused in all likelihood; a block that is there stays as it was. */
        writer->counts->left_out++;
        block->is_live = true;
        return true;
    }
    if (!is_new && !block->has_id) {
        writer->counts->left_out++;
        return true;
    }
    if (is_new)
        *block = (struct block){.is_live = true, .has_id = true, .id = writer->counts->ids++};
    set_size(writer, block, (uint32_t)size);
    writer->counts->plain +=
        op->kind == ASSAY_OP_ALLOC_ZEROED || op->kind == ASSAY_OP_ALLOC_ALIGNED;
    return put(writer, op->kind == ASSAY_OP_REALLOC ? 'r' : 'a', block);
}

static bool write_free(struct writer *writer, const struct assay_op *op)
{
    struct block *block = &writer->blocks[op->slot];
    bool has_id = block->has_id;

    if (!block->is_live)
        return true;
    set_size(writer, block, 0);
    uint64_t id = block->id;
    *block = (struct block){.is_live = false};
    if (!has_id) {
        writer->counts->left_out++;
        return true;
    }
    writer->counts->ops++;
    return fprintf(writer->out, "f %llu\n", (unsigned long long)id) > 0;
}

static bool write_op(struct writer *writer, const struct assay_op *op)
{
    switch (op->kind) {
    case ASSAY_OP_ALLOC:
    case ASSAY_OP_ALLOC_ZEROED:
    case ASSAY_OP_ALLOC_ALIGNED:
    case ASSAY_OP_REALLOC:
        return write_request(writer, op);
    case ASSAY_OP_FREE:
        return write_free(writer, op);
    case ASSAY_OP_FREE_NULL:
        writer->counts->ops++;
        return fputs("f -1\n", writer->out) >= 0;
    default:
        writer->counts->left_out++;
        return true;
    }
}

static bool write_head(FILE *out, const struct assay_rep_counts *counts)
{
    return fprintf(out, "%llu\n%llu\n%llu\n1\n", (unsigned long long)counts->peak_bytes,
                   (unsigned long long)counts->ids, (unsigned long long)counts->ops) > 0;
}

static bool copy(FILE *out, FILE *body)
{
    char data[8192];
    size_t size;

    if (fflush(body) != 0 || fseek(body, 0, SEEK_SET) != 0)
        return false;
    while ((size = fread(data, 1, sizeof data, body)) != 0)
        if (fwrite(data, 1, size, out) != size)
            return false;
    return !ferror(body);
}

/* All that is left in reader. False: an error of errno, or of the reader. */
static bool write_all(struct writer *writer, FILE *out, struct assay_reader *reader)
{
    const struct assay_op *ops;
    size_t count;

    while ((count = reader->next(reader, &ops)) != 0)
        for (size_t i = 0; i < count; i++)
            if (!write_op(writer, &ops[i]))
                return false;
    return !reader->error.what[0] && write_head(out, writer->counts) && copy(out, writer->out);
}

assay_status assay_rep_write(FILE *out, struct assay_reader *reader,
                             struct assay_rep_counts *counts, struct assay_error *error)
{
    size_t bytes = ASSAY_SLOTS * sizeof(struct block);
    struct writer writer = {.counts = counts, .blocks = assay_books_open(bytes)};

    *counts = (struct assay_rep_counts){0};
    errno = 0;
    writer.out = writer.blocks ? tmpfile() : NULL;
    bool written = writer.out && write_all(&writer, out, reader);
    if (!written && reader->error.what[0])
        *error = reader->error;
    else if (!written)
        assay_error_set(error, "the trace cannot be written: %s",
                        errno ? strerror(errno) : "no memory");
    if (writer.out)
        fclose(writer.out);
    assay_books_close(writer.blocks, bytes);
    return written ? ASSAY_OK : ASSAY_INVALID;
}
