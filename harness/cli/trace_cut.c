/*
 * trace_cut.c - `assay trace cut`: windows of a stream that stand alone, as inputs of a fuzzer.
 *
 * A window begins with the blocks that were live before it and that it uses; those that only lie there are left out, for
 * a program has thousands. Slots are numbered anew, the lowest free one each time, as few as a byte of an input has.
 * Threads are left out: an input is run by one.
 */
#include "cli.h"
#include "fuzz.h"

#include "assay/bytes.h"
#include "assay/sizes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of heaps, where the stream has no limit of its own. */
#define LIMIT_UNIT ((uint64_t)4 << 10)
#define NONE UINT32_MAX

static const char *output_path = "";
static uint64_t op_count = 200, window_count = 8;
static enum assay_encoding from;

static const struct cli_option options[] = {
    {"output", CLI_TEXT, &output_path, "FOLDER", "where the windows go", 0, 0},
    {"windows", CLI_COUNT, &window_count, "N", "at most so many, spread evenly; default 8", 1,
     100000},
    {"count", CLI_COUNT, &op_count, "N", "operations of each; default 200", 1, 2000},
    CLI_ENCODING_OPTION("from", from),
    {0},
};

/* What is known of a slot of the whole stream. */
struct slot {
    struct assay_op made; /* what allocates its block as it is now; kind of FREE: none is live */
    uint32_t number;      /* in the window, if that is still its own */
};

/* A slot of the window. */
struct number {
    uint32_t owner; /* of the stream's slots, the last one in it; NONE: there was none */
    bool is_taken;
};

struct cut {
    const char *in; /* the stream's file */
    struct slot *slots;
    size_t room;
    struct assay_setup setup;             /* of the stream */
    struct assay_stream prologue, window; /* what is there when the window begins, and it */
    struct number *numbers;
    size_t number_room;
    uint64_t live_bytes, peak_bytes;
};

static bool grow_slots(struct cut *cut, uint32_t slot)
{
    size_t room = cut->room ? cut->room : 64;

    if (slot < cut->room)
        return true;
    while (room <= slot)
        room *= 2;
    struct slot *slots = realloc(cut->slots, room * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = cut->room; i < room; i++)
        slots[i] = (struct slot){.made.kind = ASSAY_OP_FREE, .number = NONE};
    cut->slots = slots;
    cut->room = room;
    return true;
}

static bool is_live(const struct slot *slot)
{
    return slot->made.kind != ASSAY_OP_FREE;
}

static uint64_t bytes_of(const struct assay_op *made)
{
    return made->kind == ASSAY_OP_FREE ? 0 : assay_op_bytes(made);
}

/* What the operation makes of its slot. */
static void follow(struct slot *slot, const struct assay_op *op)
{
    switch (op->kind) {
    case ASSAY_OP_ALLOC:
    case ASSAY_OP_ALLOC_ZEROED:
    case ASSAY_OP_ALLOC_ALIGNED:
        if (!is_live(slot))
            slot->made = *op;
        break;
    case ASSAY_OP_REALLOC:
        slot->made = (struct assay_op){.kind = ASSAY_OP_ALLOC, .size = op->size, .slot = op->slot};
        break;
    case ASSAY_OP_FREE:
        slot->made = (struct assay_op){.kind = ASSAY_OP_FREE};
        break;
    default:
        break;
    }
}

/* The lowest number that no block of the window is in, or that none has been in; false: no memory. */
static bool take_number(struct cut *cut, uint32_t owner, bool unused, uint32_t *number)
{
    for (*number = 0; *number < cut->number_room; ++*number)
        if (unused ? cut->numbers[*number].owner == NONE : !cut->numbers[*number].is_taken)
            break;
    if (*number == cut->number_room) {
        size_t room = cut->number_room ? 2 * cut->number_room : 32;
        struct number *numbers = realloc(cut->numbers, room * sizeof *numbers);
        if (!numbers)
            return false;
        for (size_t i = cut->number_room; i < room; i++)
            numbers[i] = (struct number){.owner = NONE};
        cut->numbers = numbers;
        cut->number_room = room;
    }
    cut->numbers[*number] = (struct number){.owner = owner, .is_taken = true};
    return true;
}

static void count_bytes(struct cut *cut, uint64_t before, uint64_t after)
{
    cut->live_bytes -= before < cut->live_bytes ? before : cut->live_bytes;
    cut->live_bytes = assay_add(cut->live_bytes, after);
    if (cut->live_bytes > cut->peak_bytes)
        cut->peak_bytes = cut->live_bytes;
}

/* The slot's number in the window. A block from before it that is used now for the first time is allocated before it. */
static bool bring_in(struct cut *cut, uint32_t index)
{
    struct slot *slot = &cut->slots[index];
    struct assay_op made = slot->made;

    if (slot->number != NONE && cut->numbers[slot->number].owner == index)
        return true;
    if (!take_number(cut, index, is_live(slot), &slot->number))
        return false;
    if (!is_live(slot))
        return true;
    made.slot = slot->number;
    made.thread = 0;
    made.delta_ns = 0;
    count_bytes(cut, 0, bytes_of(&made));
    return assay_stream_append(&cut->prologue, &made) == ASSAY_OK;
}

static bool add(struct cut *cut, const struct assay_op *op)
{
    struct assay_op own = *op;

    own.delta_ns = 0;
    own.thread = 0;
    if (!assay_op_shapes[op->kind].has_slot)
        return assay_stream_append(&cut->window, &own) == ASSAY_OK;
    if (!bring_in(cut, op->slot))
        return false;
    struct slot *slot = &cut->slots[op->slot];
    own.slot = slot->number;
    const uint64_t before = bytes_of(&slot->made);
    follow(slot, op);
    count_bytes(cut, before, bytes_of(&slot->made));
    /* What was freed last can be freed twice, as long as nothing else is where it was. */
    cut->numbers[slot->number].is_taken = is_live(slot);
    return assay_stream_append(&cut->window, &own) == ASSAY_OK;
}

/* --- files --- */

static uint64_t limit_of(const struct cut *cut)
{
    /* Half full at its fullest, so that the heap has something to choose from, and little enough to run out. */
    uint64_t units = cut->peak_bytes / (LIMIT_UNIT / 2) + 2, most = FUZZ_LIMIT_MAX / LIMIT_UNIT;

    if (cut->setup.limit)
        return cut->setup.limit < FUZZ_LIMIT_MAX ? cut->setup.limit : FUZZ_LIMIT_MAX;
    return (units < most ? units : most) * LIMIT_UNIT;
}

/* NAME of FOLDER/NAME.ENDING. */
static const char *name_of(const char *path, int *length)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strchr(name + (*name != '\0'), '.');

    *length = dot ? (int)(dot - name) : (int)strlen(name);
    return name;
}

/* 0, or the exit code after having printed why not. */
static int write_bytes(const struct cut *cut, uint64_t first, const void *bytes, size_t size)
{
    struct cli_output output;
    char *path;
    int length;
    const char *name = name_of(cut->in, &length);

    if (asprintf(&path, "%s/%.*s-%" PRIu64 ".bytes", output_path, length, name, first) < 0)
        return cli_fail(CLI_ENVIRONMENT, "trace cut: no memory for a path");
    int code = cli_output_open(&output, path);
    if (code == 0) {
        fwrite(bytes, 1, size, output.file);
        code = cli_output_close(&output, true);
    }
    free(path);
    return code;
}

/* As much of it as an input has room for. */
static int write_window(struct cut *cut, uint64_t first)
{
    static unsigned char bytes[FUZZ_INPUT_MAX];
    struct assay_stream *whole = &cut->prologue;
    size_t size;

    for (size_t i = 0; i < cut->window.count; i++)
        if (assay_stream_append(whole, &cut->window.ops[i]) != ASSAY_OK)
            return cli_fail(CLI_ENVIRONMENT, "trace cut: no memory for a window");
    whole->setup = (struct assay_setup){.limit = limit_of(cut), .seed = cut->setup.seed};
    while ((size = assay_bytes_encode(whole, bytes, sizeof bytes)) > sizeof bytes)
        whole->count -= whole->count / 32 + 1;
    return write_bytes(cut, first, bytes, size);
}

static void begin_window(struct cut *cut)
{
    cut->window.count = cut->prologue.count = 0;
    for (size_t i = 0; i < cut->number_room; i++)
        cut->numbers[i] = (struct number){.owner = NONE};
    cut->live_bytes = cut->peak_bytes = 0;
}

/* Where the stream is, and the window that is open there. */
struct place {
    uint64_t index, every, first, written;
    bool is_open;
};

/* One operation: it belongs to a window, or only changes what is live. 0, or the exit code. */
static int pass(struct cut *cut, struct place *place, const struct assay_op *op)
{
    const bool has_slot = assay_op_shapes[op->kind].has_slot;
    int code = 0;

    if (has_slot && !grow_slots(cut, op->slot))
        return cli_fail(CLI_ENVIRONMENT, "trace cut: no memory for the slots");
    if (!place->is_open && place->index % place->every == 0 && place->written < window_count) {
        begin_window(cut);
        place->first = place->index;
        place->is_open = true;
    }
    if (place->is_open && !add(cut, op))
        return cli_fail(CLI_ENVIRONMENT, "trace cut: no memory for a window");
    if (!place->is_open && has_slot)
        follow(&cut->slots[op->slot], op);
    if (place->is_open && cut->window.count == op_count) {
        code = write_window(cut, place->first);
        place->is_open = false;
        place->written++;
    }
    place->index++;
    return code;
}

/* What could be read is cut, even if the file then turns out to be damaged. */
static int cut_all(struct cut *cut, struct assay_reader *reader, uint64_t every)
{
    struct place place = {.every = every};
    const struct assay_op *ops;
    size_t count;
    int code = 0;

    cut->setup = reader->setup;
    while (code == 0 && (count = reader->next(reader, &ops)) != 0)
        for (size_t i = 0; code == 0 && i < count; i++)
            code = pass(cut, &place, &ops[i]);
    if (code == 0 && place.is_open) {
        code = write_window(cut, place.first);
        place.written++;
    }
    if (code)
        return code;
    printf("%s: %" PRIu64 " operations, %" PRIu64 " windows\n", cut->in, place.index,
           place.written);
    return reader->error.what[0] ? cli_fail(CLI_ENVIRONMENT, "%s", reader->error.what) : 0;
}

static int cut_file(const char *in)
{
    struct cut cut = {.in = in};
    struct assay_input *input;
    struct assay_error error;

    if (assay_input_open(&input, in, from, &error) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    const uint64_t total = cli_total_ops(input), spread = total / window_count;
    int code = cut_all(&cut, assay_input_reader(input), spread > op_count ? spread : op_count);
    assay_input_close(input);
    assay_stream_clear(&cut.window);
    assay_stream_clear(&cut.prologue);
    free(cut.slots);
    free(cut.numbers);
    return code;
}

/* Windows are called after their files: two of one name would take each other's place. */
static int same_names(int count, char *const *paths)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++) {
            int one, other;
            const char *name = name_of(paths[i], &one), *earlier = name_of(paths[j], &other);
            if (one == other && strncmp(name, earlier, (size_t)one) == 0)
                return cli_fail(CLI_USAGE, "trace cut: %s and %s have one name: give each a folder",
                                paths[j], paths[i]);
        }
    return 0;
}

static int run_command(int argc, char **argv)
{
    int code, first = cli_parse(&cli_trace_cut_command, argc, argv, &code);

    if (first < 0)
        return code;
    if (!output_path[0])
        return cli_fail(CLI_USAGE, "trace cut: say where they go: --output FOLDER");
    if (first == argc)
        return cli_fail(CLI_USAGE, "trace cut: say which files");
    code = same_names(argc - first, argv + first);
    if (code)
        return code;
    code = fuzz_make_folder(output_path, "--output");
    for (; code == 0 && first < argc; first++)
        code = cut_file(argv[first]);
    return code;
}

const struct cli_command cli_trace_cut_command = {
    "trace cut", "writes windows of streams that stand alone, as inputs of fuzzers", "FILE...",
    options, run_command};
