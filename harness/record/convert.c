/* convert.c - raw records to operations: addresses become slots, threads small numbers. */
#include "convert.h"

#include "raw.h"
#include "assay/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)768 << 10)
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
    uint64_t size;
    struct assay_calls_realloc realloc;
};

struct converter {
    struct assay_calls *calls;
    assay_convert_sink *sink;
    void *context;
    struct assay_recording *recording;
    struct flight *flights;
    size_t flight_count, flight_room;
    uint16_t threads[ASSAY_RAW_THREADS]; /* ours by that of the file; NO_THREAD: not seen yet */
    uint64_t time_ns;                    /* of the last operation */
    bool failed;                         /* no memory for a flight */
};

static void flush(struct converter *converter)
{
    const struct assay_op *ops;
    size_t count = assay_calls_ops(converter->calls, &ops);

    if (count)
        converter->sink(converter->context, ops, count);
    converter->recording->ops += count;
}

/* --- calls --- */

static void allocate_zeroed(struct converter *converter, const struct call *call)
{
    uint64_t size = call->has_arg ? call->value : (uint32_t)call->value;
    uint64_t count = call->has_arg ? call->arg : call->value >> 32;

    assay_calls_alloc(converter->calls, ASSAY_OP_ALLOC_ZEROED, call->address, size, count);
}

static void allocate_aligned(struct converter *converter, const struct call *call)
{
    uint64_t align =
        call->has_arg ? call->arg : UINT64_C(1) << (call->value >> ASSAY_RAW_ALIGN_SHIFT);
    uint64_t size =
        call->has_arg ? call->value : call->value & ((UINT64_C(1) << ASSAY_RAW_ALIGN_SHIFT) - 1);

    assay_calls_alloc(converter->calls, ASSAY_OP_ALLOC_ALIGNED, call->address, size, align);
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
        .size = call->value,
        .realloc = assay_calls_realloc_begin(converter->calls, call->address),
    };
}

static void end_realloc(struct converter *converter, const struct call *call)
{
    for (size_t i = converter->flight_count; i-- > 0;)
        if (converter->flights[i].number == call->value) {
            struct flight flight = converter->flights[i];
            converter->flights[i] = converter->flights[--converter->flight_count];
            assay_calls_realloc_end(converter->calls, &flight.realloc, call->address, flight.size);
            return;
        }
    converter->recording->unfinished++; /* it began in the process before fork */
}

static void convert_call(struct converter *converter, const struct call *call)
{
    struct assay_calls *calls = converter->calls;

    converter->recording->calls += call->kind != ASSAY_RAW_REALLOC_BEGIN;
    switch (call->kind) {
    case ASSAY_RAW_ALLOC:
        assay_calls_alloc(calls, ASSAY_OP_ALLOC, call->address, call->value, 0);
        break;
    case ASSAY_RAW_ZEROED:
        allocate_zeroed(converter, call);
        break;
    case ASSAY_RAW_ALIGNED:
        allocate_aligned(converter, call);
        break;
    case ASSAY_RAW_REALLOC_NULL:
        assay_calls_realloc(calls, 0, call->address, call->value);
        break;
    case ASSAY_RAW_REALLOC_BEGIN:
        begin_realloc(converter, call);
        break;
    case ASSAY_RAW_REALLOC_END:
        end_realloc(converter, call);
        break;
    case ASSAY_RAW_FREE:
        assay_calls_free(calls, call->address);
        break;
    case ASSAY_RAW_FREE_NULL:
        assay_calls_free(calls, 0);
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
    assay_calls_set_thread(converter->calls, converter->threads[raw]);
}

/* Clocks of two cores may differ by a little: time stands still then. */
static void set_time(struct converter *converter, uint64_t time_ns)
{
    if (converter->time_ns != 0 && time_ns > converter->time_ns)
        assay_calls_pass(converter->calls, time_ns - converter->time_ns);
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

static bool has_failed(const struct converter *converter)
{
    return converter->failed || assay_calls_status(converter->calls) != ASSAY_OK;
}

static void convert_records(struct converter *converter, struct raw_reader *reader)
{
    const struct assay_raw_record *record;
    struct call call = {0};
    uint64_t gap = 0; /* records never written, since the last one that was */

    for (uint64_t number = 0; !has_failed(converter) && (record = next_record(reader)); number++) {
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
            if (assay_calls_is_full(converter->calls))
                flush(converter);
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
    const struct assay_calls_counts *counts = assay_calls_counts(converter->calls);

    flush(converter);
    converter->recording->refused = counts->refused;
    converter->recording->unknown_frees = counts->unknown_frees;
    converter->recording->unknown_reallocs = counts->unknown_reallocs;
    converter->recording->missed_frees = counts->missed_frees;
    converter->recording->peak_bytes = counts->peak_bytes;
    converter->recording->peak_blocks = counts->peak_blocks;
    if (assay_calls_status(converter->calls) == ASSAY_UNSUPPORTED) {
        assay_error_set(error, "'%.200s' had more than %u blocks at once, which no trace can name",
                        converter->recording->command, ASSAY_SLOTS);
        return ASSAY_UNSUPPORTED;
    }
    if (has_failed(converter)) {
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
    struct converter converter = {
        .calls = assay_calls_open(), .sink = sink, .context = context, .recording = recording};
    reader.bytes = malloc(READ_BYTES);
    assay_status status = ASSAY_NO_MEMORY;
    if (converter.calls && reader.bytes) {
        memset(converter.threads, 0xff, sizeof converter.threads);
        convert_records(&converter, &reader);
        status = finish(&converter, &reader, path, error);
    } else {
        assay_error_set(error, "no memory to convert '%s'", path);
    }
    free(converter.flights);
    assay_calls_close(converter.calls);
    free(reader.bytes);
    close(file);
    return status;
}
