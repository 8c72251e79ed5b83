/* convert.c - raw records to operations: addresses become slots, threads small numbers. */
#include "convert.h"

#include "raw.h"
#include "slots.h"
#include "assay/sizes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)768 << 10)
#define BATCH 4096
#define NO_THREAD UINT16_MAX

/* One call, from one record or more. */
struct call {
    enum assay_raw_kind kind;
    uint64_t address;
    uint64_t value;
    uint64_t arg; /* of a record ARG before it */
    bool has_arg;
    uint64_t number;
};

/* A realloc whose end has not been read. */
struct flight {
    uint64_t number;
    uint64_t address;
    uint64_t size;
    uint32_t slot; /* ASSAY_NO_SLOT: of an unknown block */
};

struct converter {
    assay_convert_sink *sink;
    void *context;
    struct assay_recording *recording;
    struct assay_slots slots;
    struct assay_op ops[BATCH];
    size_t count;
    struct flight *flights;
    size_t flight_count, flight_room;
    uint16_t threads[ASSAY_RAW_THREADS]; /* ours by that of the file; NO_THREAD: not seen yet */
    uint16_t thread;                     /* of the record at hand */
    uint64_t time_ns;                    /* of the last operation */
    uint64_t delta_ns;                   /* of the next operation */
    uint64_t live_bytes, live_blocks;
    bool failed; /* no memory, or no slot */
};

static void flush(struct converter *converter)
{
    if (converter->count)
        converter->sink(converter->context, converter->ops, converter->count);
    converter->recording->ops += converter->count;
    converter->count = 0;
}

static void emit(struct converter *converter, enum assay_op_kind kind, uint32_t slot, uint64_t size,
                 uint64_t arg)
{
    if (converter->count == BATCH)
        flush(converter);
    converter->ops[converter->count++] = (struct assay_op){
        .kind = (uint8_t)kind,
        .slot = slot,
        .size = size,
        .arg = arg,
        .thread = converter->thread,
        .delta_ns = converter->delta_ns,
    };
    converter->delta_ns = 0;
}

/* --- which blocks are live --- */

static void set_live(struct converter *converter, uint32_t slot, uint64_t bytes)
{
    struct assay_recording *recording = converter->recording;

    converter->slots.sizes[slot] = bytes;
    converter->live_bytes = assay_add(converter->live_bytes, bytes);
    converter->live_blocks++;
    if (recording->peak_bytes < converter->live_bytes)
        recording->peak_bytes = converter->live_bytes;
    if (recording->peak_blocks < converter->live_blocks)
        recording->peak_blocks = converter->live_blocks;
}

static void set_dead(struct converter *converter, uint32_t slot)
{
    converter->live_bytes -= converter->slots.sizes[slot];
    converter->live_blocks--;
}

static uint32_t take_slot(struct converter *converter)
{
    uint32_t slot = assay_slots_take(&converter->slots);

    converter->failed |= slot == ASSAY_NO_SLOT;
    return slot;
}

static void free_slot(struct converter *converter, uint32_t slot)
{
    emit(converter, ASSAY_OP_FREE, slot, 0, 0);
    set_dead(converter, slot);
    assay_slots_give(&converter->slots, slot);
}

/* Lets slot, which is taken, stand for the block at address. */
static void bind(struct converter *converter, uint64_t address, uint32_t slot, uint64_t bytes)
{
    uint32_t other = assay_slots_unbind(&converter->slots, address);

    if (other != ASSAY_NO_SLOT) {
        free_slot(converter, other);
        converter->recording->missed_frees++;
    }
    set_live(converter, slot, bytes);
    converter->failed |= assay_slots_bind(&converter->slots, address, slot) != ASSAY_OK;
}

/* --- calls --- */

static void allocate(struct converter *converter, enum assay_op_kind kind, uint64_t address,
                     uint64_t size, uint64_t arg)
{
    uint64_t bytes = kind == ASSAY_OP_ALLOC_ZEROED ? assay_multiply(size, arg) : size;
    uint32_t slot = take_slot(converter);

    if (converter->failed)
        return;
    if (address) {
        bind(converter, address, slot, bytes);
        emit(converter, kind, slot, size, arg);
    } else {
        converter->recording->refused++;
        emit(converter, kind, slot, size, arg);
        emit(converter, ASSAY_OP_FREE, slot, 0, 0);
        assay_slots_give(&converter->slots, slot);
    }
}

static void allocate_zeroed(struct converter *converter, const struct call *call)
{
    uint64_t size = call->has_arg ? call->value : (uint32_t)call->value;
    uint64_t count = call->has_arg ? call->arg : call->value >> 32;

    allocate(converter, ASSAY_OP_ALLOC_ZEROED, call->address, size, count);
}

/* What memalign() makes of it. */
static uint64_t round_to_power_of_two(uint64_t align)
{
    uint64_t most = UINT64_C(1) << 63;

    if (align <= 1)
        return 1;
    return align > most ? most : UINT64_C(2) << assay_floor_log2(align - 1);
}

static void allocate_aligned(struct converter *converter, const struct call *call)
{
    uint64_t align = call->has_arg ? round_to_power_of_two(call->arg)
                                   : UINT64_C(1) << (call->value >> ASSAY_RAW_ALIGN_SHIFT);
    uint64_t size =
        call->has_arg ? call->value : call->value & ((UINT64_C(1) << ASSAY_RAW_ALIGN_SHIFT) - 1);

    allocate(converter, ASSAY_OP_ALLOC_ALIGNED, call->address, size, align);
}

static void release(struct converter *converter, uint64_t address)
{
    uint32_t slot = assay_slots_unbind(&converter->slots, address);

    if (slot == ASSAY_NO_SLOT)
        converter->recording->unknown_frees++;
    else
        free_slot(converter, slot);
}

/* From here on the address may be another thread's block; the slot stays taken. */
static void begin_realloc(struct converter *converter, const struct call *call)
{
    if (converter->flight_count == converter->flight_room) {
        size_t room = converter->flight_room ? converter->flight_room * 2 : 64;
        struct flight *flights = realloc(converter->flights, room * sizeof *flights);
        converter->failed |= !flights;
        if (!flights)
            return;
        converter->flights = flights;
        converter->flight_room = room;
    }
    converter->flights[converter->flight_count++] = (struct flight){
        .number = call->number,
        .address = call->address,
        .size = call->value,
        .slot = assay_slots_unbind(&converter->slots, call->address),
    };
}

static void refuse_realloc(struct converter *converter, const struct flight *flight)
{
    if (flight->slot == ASSAY_NO_SLOT) {
        allocate(converter, ASSAY_OP_REALLOC, 0, flight->size, 0);
        return;
    }
    uint64_t before = converter->slots.sizes[flight->slot];
    converter->recording->refused++;
    emit(converter, ASSAY_OP_REALLOC, flight->slot, flight->size, 0);
    emit(converter, ASSAY_OP_REALLOC, flight->slot, before ? before : 1, 0);
    set_dead(converter, flight->slot);
    bind(converter, flight->address, flight->slot, before);
}

/* The C library's realloc(block, 0) frees; other ones answer with a small block. */
static void end_flight(struct converter *converter, const struct flight *flight, uint64_t address)
{
    uint64_t size = flight->size ? flight->size : 1;

    bool is_free = !address && flight->size == 0;
    if (flight->slot == ASSAY_NO_SLOT && is_free)
        converter->recording->unknown_frees++;
    else if (flight->slot == ASSAY_NO_SLOT)
        converter->recording->unknown_reallocs++;

    if (is_free) {
        if (flight->slot != ASSAY_NO_SLOT)
            free_slot(converter, flight->slot);
    } else if (!address) {
        refuse_realloc(converter, flight);
    } else if (flight->slot == ASSAY_NO_SLOT) {
        allocate(converter, ASSAY_OP_REALLOC, address, size, 0);
    } else {
        set_dead(converter, flight->slot);
        bind(converter, address, flight->slot, size);
        emit(converter, ASSAY_OP_REALLOC, flight->slot, size, 0);
    }
}

static void end_realloc(struct converter *converter, const struct call *call)
{
    for (size_t i = converter->flight_count; i-- > 0;)
        if (converter->flights[i].number == call->value) {
            struct flight flight = converter->flights[i];
            converter->flights[i] = converter->flights[--converter->flight_count];
            end_flight(converter, &flight, call->address);
            return;
        }
    converter->recording->unfinished++; /* it began in the process before fork */
}

static void convert_call(struct converter *converter, const struct call *call)
{
    converter->recording->calls += call->kind != ASSAY_RAW_REALLOC_BEGIN;
    switch (call->kind) {
    case ASSAY_RAW_ALLOC:
        allocate(converter, ASSAY_OP_ALLOC, call->address, call->value, 0);
        break;
    case ASSAY_RAW_ZEROED:
        allocate_zeroed(converter, call);
        break;
    case ASSAY_RAW_ALIGNED:
        allocate_aligned(converter, call);
        break;
    case ASSAY_RAW_REALLOC_NULL:
        allocate(converter, call->value ? ASSAY_OP_REALLOC : ASSAY_OP_ALLOC, call->address,
                 call->value, 0);
        break;
    case ASSAY_RAW_REALLOC_BEGIN:
        begin_realloc(converter, call);
        break;
    case ASSAY_RAW_REALLOC_END:
        end_realloc(converter, call);
        break;
    case ASSAY_RAW_FREE:
        release(converter, call->address);
        break;
    case ASSAY_RAW_FREE_NULL:
        emit(converter, ASSAY_OP_FREE_NULL, 0, 0, 0);
        break;
    case ASSAY_RAW_NONE:
    case ASSAY_RAW_ARG:
        break;
    }
}

/* --- records --- */

static void set_thread(struct converter *converter, uint64_t what)
{
    uint64_t raw = what >> ASSAY_RAW_KIND_BITS & (ASSAY_RAW_THREADS - 1);

    if (converter->threads[raw] == NO_THREAD)
        converter->threads[raw] = (uint16_t)converter->recording->threads++;
    converter->thread = converter->threads[raw];
}

/* Clocks of two cores may differ by a little: time stands still then. */
static void set_time(struct converter *converter, uint64_t time_ns)
{
    if (converter->time_ns != 0 && time_ns > converter->time_ns)
        converter->delta_ns += time_ns - converter->time_ns;
    if (time_ns > converter->time_ns)
        converter->time_ns = time_ns;
}

struct raw_reader {
    int file;
    bool has_time;
    unsigned char *bytes;
    size_t length; /* of bytes */
    size_t at;
    int error;
};

/* The next whole record; NULL at the end or on an error. */
static const struct assay_raw_record *next_record(struct raw_reader *reader)
{
    size_t size =
        reader->has_time ? sizeof(struct assay_raw_timed_record) : sizeof(struct assay_raw_record);

    while (reader->length - reader->at < size) {
        memmove(reader->bytes, reader->bytes + reader->at, reader->length - reader->at);
        reader->length -= reader->at;
        reader->at = 0;
        ssize_t count =
            read(reader->file, reader->bytes + reader->length, READ_BYTES - reader->length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            reader->error = errno;
        if (count <= 0)
            return NULL;
        reader->length += (size_t)count;
    }
    const unsigned char *record = reader->bytes + reader->at;
    reader->at += size;
    return (const struct assay_raw_record *)(const void *)record;
}

static void convert_records(struct converter *converter, struct raw_reader *reader)
{
    const struct assay_raw_record *record;
    struct call call = {0};
    uint64_t gap = 0; /* records never written, since the last one that was */

    for (uint64_t number = 0; !converter->failed && (record = next_record(reader)); number++) {
        uint64_t what = atomic_load_explicit(&record->what, memory_order_relaxed);
        call.kind = (enum assay_raw_kind)(what & ((1u << ASSAY_RAW_KIND_BITS) - 1));
        call.address = what >> ASSAY_RAW_ADDRESS_SHIFT;
        call.value = record->value;
        call.number = number;
        if (call.kind == ASSAY_RAW_NONE) {
            gap++;
        } else {
            converter->recording->unfinished += gap;
            gap = 0;
        }
        if (call.kind == ASSAY_RAW_ARG) {
            call.arg = record->value;
            call.has_arg = true;
            continue;
        }
        if (call.kind != ASSAY_RAW_NONE) {
            set_thread(converter, what);
            if (reader->has_time)
                set_time(converter,
                         ((const struct assay_raw_timed_record *)(const void *)record)->time_ns);
            convert_call(converter, &call);
        }
        call.has_arg = false;
    }
    converter->recording->unfinished += converter->flight_count;
}

/* --- files --- */

/* Opens path behind its header, which fills in the head of *recording. -1 on failure. */
static int open_raw(const char *path, struct assay_recording *recording, struct assay_error *error)
{
    unsigned char page[ASSAY_RAW_HEADER_BYTES];
    struct assay_raw_header head;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0) {
        assay_error_set(error, "cannot read '%s': %s", path, strerror(errno));
        return -1;
    }
    ssize_t length = read(file, page, sizeof page);
    memcpy(&head, page, sizeof head);
    if (length != (ssize_t)sizeof page || head.version != ASSAY_RAW_VERSION ||
        memcmp(head.magic, ASSAY_RAW_MAGIC, sizeof head.magic) != 0) {
        assay_error_set(error, "'%s' is not what a recorded process writes", path);
        close(file);
        return -1;
    }
    *recording = (struct assay_recording){
        .pid = head.pid,
        .start_ns = head.start_ns,
        .stop_errno = atomic_load(&head.stop_errno),
        .lost = atomic_load(&head.lost),
        .has_time = head.has_time,
    };
    _Static_assert(sizeof recording->command == sizeof head.command, "all of it fits");
    memcpy(recording->command, head.command, sizeof head.command - 1);
    return file;
}

assay_status assay_convert_head(const char *path, struct assay_recording *recording,
                                struct assay_error *error)
{
    int file = open_raw(path, recording, error);

    if (file < 0)
        return ASSAY_INVALID;
    close(file);
    return ASSAY_OK;
}

static assay_status finish(struct converter *converter, const struct raw_reader *reader,
                           const char *path, struct assay_error *error)
{
    flush(converter);
    if (converter->failed && converter->slots.used == ASSAY_SLOTS) {
        assay_error_set(error, "'%.200s' had more than %u blocks at once, which no trace can name",
                        converter->recording->command, ASSAY_SLOTS);
        return ASSAY_UNSUPPORTED;
    }
    if (converter->failed) {
        assay_error_set(error, "no memory to convert the recording of '%.200s'",
                        converter->recording->command);
        return ASSAY_NO_MEMORY;
    }
    if (reader->error) {
        assay_error_set(error, "cannot read '%s': %s", path, strerror(reader->error));
        return ASSAY_INVALID;
    }
    return ASSAY_OK;
}

assay_status assay_convert(const char *path, assay_convert_sink *sink, void *context,
                           struct assay_recording *recording, struct assay_error *error)
{
    int file = open_raw(path, recording, error);
    if (file < 0)
        return ASSAY_INVALID;

    struct raw_reader reader = {.file = file, .has_time = recording->has_time};
    struct converter *converter = calloc(1, sizeof *converter);
    reader.bytes = malloc(READ_BYTES);
    assay_status status = ASSAY_NO_MEMORY;
    if (converter && reader.bytes) {
        converter->sink = sink;
        converter->context = context;
        converter->recording = recording;
        memset(converter->threads, 0xff, sizeof converter->threads);
        convert_records(converter, &reader);
        status = finish(converter, &reader, path, error);
        assay_slots_clear(&converter->slots);
        free(converter->flights);
    } else {
        assay_error_set(error, "no memory to convert '%s'", path);
    }
    free(reader.bytes);
    free(converter);
    close(file);
    return status;
}
