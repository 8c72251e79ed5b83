/*
 * text.c - the stream as a person reads and writes it.
 *
 * A line is cut into words, the words are taken from left to right, and the table of shapes says
 * which words an operation needs.
 */
#include "assay/text.h"

#include "assay/nearest.h"
#include "assay/sizes.h"
#include "shown.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define MAGIC "assay-ops"
#define VERSION "1"
#define WORDS_MAX 8 /* more than any line has */

struct line {
    const char *name;
    size_t number;
    char text[ASSAY_TEXT_LINE + 1]; /* words end with zero bytes */
    const char *words[WORDS_MAX];
    size_t count;
    size_t next; /* the word to take */
    struct assay_error *error;
};

struct decoder {
    struct assay_stream *stream;
    bool has_version, has_limit, has_seed, has_op;
};

/* --- errors --- */

#define FAIL(line, ...) (fail(line, __VA_ARGS__), false)

__attribute__((format(printf, 2, 3))) static void fail(struct line *line, const char *format, ...)
{
    char what[sizeof line->error->what];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    assay_error_set(line->error, "%s:%zu: %s", line->name, line->number, what);
}

/* --- words --- */

bool assay_text_parse_size(const char *text, uint64_t *size)
{
    static const char units[] = "kmgt";
    uint64_t number = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (at == text)
        return false;
    const char *unit = *at ? strchr(units, tolower((unsigned char)*at)) : NULL;
    if (unit) {
        unsigned shift = 10 * (unsigned)(unit - units + 1);
        if (number > UINT64_MAX >> shift)
            return false;
        number <<= shift;
        at++;
        if (strcmp(at, "i") == 0 || strcmp(at, "iB") == 0)
            at += strlen(at);
    } else if (strcmp(at, "B") == 0) {
        at++;
    }
    *size = number;
    return *at == '\0';
}

/* Digits only, for what has no unit. */
static bool parse_number(const char *text, uint64_t *number)
{
    return text[strspn(text, "0123456789")] == '\0' && assay_text_parse_size(text, number);
}

/* The next word; NULL at the end of the line. */
static const char *take(struct line *line)
{
    return line->next < line->count ? line->words[line->next++] : NULL;
}

static bool take_slot(struct line *line, const char *usage, uint32_t *slot)
{
    const char *word = take(line);
    uint64_t number;

    if (!word)
        return FAIL(line, "the slot is missing: expected '%s'", usage);
    if (word[0] != 's' || !parse_number(word + 1, &number) || number >= ASSAY_SLOTS)
        return FAIL(line, "'%s' is not a slot: expected s0 to s%u, as in '%s'",
                    assay_shown(word).text, ASSAY_SLOTS - 1, usage);
    *slot = (uint32_t)number;
    return true;
}

/* Takes a number named `what`, from least to most, with a size's units unless plain. */
static bool take_value(struct line *line, const char *usage, const char *what, bool plain,
                       uint64_t least, uint64_t most, uint64_t *value)
{
    const char *word = take(line);

    if (!word)
        return FAIL(line, "the %s is missing: expected '%s'", what, usage);
    if (!(plain ? parse_number : assay_text_parse_size)(word, value))
        return FAIL(line, "'%s' is not a %s: expected a number up to %" PRIu64 "%s, as in '%s'",
                    assay_shown(word).text, what, most, plain ? "" : " such as 100, 64k or 2MiB",
                    usage);
    if (*value < least || *value > most)
        return FAIL(line, "%s %" PRIu64 " is out of range: expected %" PRIu64 " to %" PRIu64, what,
                    *value, least, most);
    return true;
}

static bool take_end(struct line *line, const char *usage)
{
    const char *word = take(line);

    if (word)
        return FAIL(line, "'%s' is too much: expected '%s' and no more", assay_shown(word).text,
                    usage);
    return true;
}

/* --- lines --- */

/* What the argument of a kind is called. */
static const char *argument_name(enum assay_op_kind kind)
{
    switch (kind) {
    case ASSAY_OP_ALLOC_ZEROED:
        return "count";
    case ASSAY_OP_ALLOC_ALIGNED:
        return "alignment";
    case ASSAY_OP_HAND_OVER:
        return "thread";
    case ASSAY_OP_FREE_FOREIGN:
        return "address number";
    case ASSAY_OP_OVERRUN:
    case ASSAY_OP_UNDERRUN:
    case ASSAY_OP_REFUSE_BEYOND:
        return "bytes";
    case ASSAY_OP_REFUSE_NEXT:
        return "requests";
    default:
        return "offset";
    }
}

/* "zeroed sN COUNT SIZE" */
static struct assay_shown usage_of(enum assay_op_kind kind)
{
    const struct assay_op_shape *shape = &assay_op_shapes[kind];
    struct assay_shown usage;
    char argument[ASSAY_SHOWN / 2];
    size_t i = 0;

    for (const char *at = argument_name(kind); *at; at++)
        argument[i++] = *at == ' ' ? '-' : (char)toupper((unsigned char)*at);
    argument[i] = '\0';
    snprintf(usage.text, sizeof usage.text, "%s%s%s%s%s", shape->name, shape->has_slot ? " sN" : "",
             shape->has_arg ? " " : "", shape->has_arg ? argument : "",
             shape->has_size ? " SIZE" : "");
    return usage;
}

static bool find_kind(struct line *line, const char *word, uint8_t *kind)
{
    const char *names[ASSAY_OP_KINDS];

    for (unsigned i = 0; i < ASSAY_OP_KINDS; i++) {
        names[i] = assay_op_shapes[i].name;
        if (strcmp(word, names[i]) == 0) {
            *kind = (uint8_t)i;
            return true;
        }
    }
    const char *nearest = assay_nearest(word, names, ASSAY_OP_KINDS);
    if (nearest)
        return FAIL(line, "'%s' is not an operation (did you mean '%s'?)", assay_shown(word).text,
                    nearest);
    return FAIL(line, "'%s' is not an operation: expected alloc, free, realloc or another of %s",
                assay_shown(word).text, "harness/doc/text.md");
}

/* [@THREAD] [+NANOSECONDS] */
static bool take_prefixes(struct line *line, struct assay_op *op)
{
    uint64_t number;
    const char *word = line->words[line->next];

    if (word[0] == '@') {
        if (!parse_number(word + 1, &number) || number >= ASSAY_THREADS)
            return FAIL(line, "'%s' is not a thread: expected @0 to @%u", assay_shown(word).text,
                        ASSAY_THREADS - 1);
        op->thread = (uint16_t)number;
        line->next++;
    }
    word = line->next < line->count ? line->words[line->next] : "";
    if (word[0] == '+') {
        if (!parse_number(word + 1, &op->delta_ns))
            return FAIL(line, "'%s' is not a time: expected + and nanoseconds, as in +250",
                        assay_shown(word).text);
        line->next++;
    }
    return true;
}

static bool decode_op(struct line *line, struct assay_op *op)
{
    *op = (struct assay_op){0};
    if (!take_prefixes(line, op))
        return false;
    const char *word = take(line);
    if (!word)
        return FAIL(line, "the operation is missing: expected one after '%s', as in '%s free s0'",
                    assay_shown(line->words[0]).text, assay_shown(line->words[0]).text);
    if (!find_kind(line, word, &op->kind))
        return false;
    const struct assay_op_shape *shape = &assay_op_shapes[op->kind];
    struct assay_shown usage = usage_of(op->kind);
    if (shape->has_slot && !take_slot(line, usage.text, &op->slot))
        return false;
    if (shape->has_arg && !take_value(line, usage.text, argument_name(op->kind), false,
                                      shape->arg_min, shape->arg_max, &op->arg))
        return false;
    if (shape->arg_is_power_of_two && !assay_is_power_of_two(op->arg))
        return FAIL(line, "alignment %" PRIu64 " is not a power of two", op->arg);
    if (shape->has_size &&
        !take_value(line, usage.text, "size", false, shape->size_min, shape->size_max, &op->size))
        return false;
    return take_end(line, usage.text);
}

/* A line "limit 64k" or "seed 42", once each and before the operations. */
static bool decode_setup(struct line *line, bool has_op, bool *seen, bool plain, uint64_t *value)
{
    const char *key = take(line);
    const char *usage = plain ? "seed NUMBER" : "limit SIZE";

    if (has_op)
        return FAIL(line, "'%s' belongs before the first operation", key);
    if (*seen)
        return FAIL(line, "'%s' is there twice", key);
    *seen = true;
    return take_value(line, usage, key, plain, 0, UINT64_MAX, value) && take_end(line, usage);
}

static bool decode_version(struct line *line)
{
    const char *word = take(line);

    if (strcmp(word, MAGIC) != 0)
        return FAIL(line, "'%s' where '%s %s' was expected: the first line of every .ops file",
                    assay_shown(word).text, MAGIC, VERSION);
    word = take(line);
    if (!word || strcmp(word, VERSION) != 0)
        return FAIL(line, "version '%s' of %s is not known: expected '%s %s'",
                    word ? assay_shown(word).text : "", MAGIC, MAGIC, VERSION);
    return take_end(line, MAGIC " " VERSION);
}

static assay_status decode_line(struct decoder *decoder, struct line *line)
{
    struct assay_setup *setup = &decoder->stream->setup;
    bool good;

    if (!decoder->has_version) {
        good = decoder->has_version = decode_version(line);
    } else if (strcmp(line->words[0], "limit") == 0) {
        good = decode_setup(line, decoder->has_op, &decoder->has_limit, false, &setup->limit);
    } else if (strcmp(line->words[0], "seed") == 0) {
        good = decode_setup(line, decoder->has_op, &decoder->has_seed, true, &setup->seed);
    } else {
        struct assay_op op;
        good = decoder->has_op = decode_op(line, &op);
        if (good && assay_stream_append(decoder->stream, &op) != ASSAY_OK) {
            fail(line, "out of memory after %zu operations", decoder->stream->count);
            return ASSAY_NO_MEMORY;
        }
    }
    return good ? ASSAY_OK : ASSAY_INVALID;
}

/* Copies a line without comment and cuts it into words; false if it is not text. */
static bool cut(struct line *line, const char *text, size_t length)
{
    if (memchr(text, '\0', length))
        return FAIL(line, "a zero byte: this is not a text (a trace or a byte string perhaps)");
    if (length >= ASSAY_TEXT_LINE)
        return FAIL(line, "the line is longer than %d bytes", ASSAY_TEXT_LINE);
    const char *comment = memchr(text, '#', length);
    if (comment)
        length = (size_t)(comment - text);
    memcpy(line->text, text, length);
    line->text[length] = '\0';
    line->count = line->next = 0;
    for (char *at = line->text; *(at += strspn(at, " \t\r")) && line->count < WORDS_MAX;) {
        line->words[line->count++] = at;
        at += strcspn(at, " \t\r");
        if (*at)
            *at++ = '\0';
    }
    return true;
}

assay_status assay_text_decode(struct assay_stream *stream, const char *name, const char *text,
                               size_t size, struct assay_error *error)
{
    struct decoder decoder = {.stream = stream};
    struct line line = {.name = name, .error = error};
    assay_status status = ASSAY_OK;

    for (size_t from = 0; from < size && status == ASSAY_OK;) {
        const char *newline = memchr(text + from, '\n', size - from);
        size_t length = newline ? (size_t)(newline - (text + from)) : size - from;
        line.number++;
        if (!cut(&line, text + from, length))
            status = ASSAY_INVALID;
        else if (line.count)
            status = decode_line(&decoder, &line);
        from += length + 1;
    }
    if (status == ASSAY_OK && !decoder.has_version) {
        line.number++;
        fail(&line, "the text is empty: expected '%s %s' as its first line", MAGIC, VERSION);
        status = ASSAY_INVALID;
    }
    if (status != ASSAY_OK)
        assay_stream_clear(stream);
    return status;
}

bool assay_text_recognises(const void *data, size_t size)
{
    const char *at = data, *end = at + size;

    while (at < end) {
        if (*at == '#') {
            const char *newline = memchr(at, '\n', (size_t)(end - at));
            at = newline ? newline + 1 : end;
        } else if (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n') {
            at++;
        } else {
            return (size_t)(end - at) >= strlen(MAGIC) && memcmp(at, MAGIC, strlen(MAGIC)) == 0;
        }
    }
    return false;
}

/* --- writing --- */

int assay_text_print_op(char *line, size_t room, const struct assay_op *op)
{
    const struct assay_op_shape *shape = &assay_op_shapes[op->kind];
    char thread[16] = "", delta[32] = "", slot[16] = "", arg[32] = "", size[32] = "";

    if (op->thread)
        snprintf(thread, sizeof thread, "@%u ", (unsigned)op->thread);
    if (op->delta_ns)
        snprintf(delta, sizeof delta, "+%" PRIu64 " ", op->delta_ns);
    if (shape->has_slot)
        snprintf(slot, sizeof slot, " s%" PRIu32, op->slot);
    if (shape->has_arg)
        snprintf(arg, sizeof arg, " %" PRIu64, op->arg);
    if (shape->has_size)
        snprintf(size, sizeof size, " %" PRIu64, op->size);
    return snprintf(line, room, "%s%s%s%s%s%s", thread, delta, shape->name, slot, arg, size);
}

bool assay_text_write_setup(FILE *out, const struct assay_setup *setup)
{
    if (fprintf(out, "%s %s\n", MAGIC, VERSION) < 0)
        return false;
    if (setup->limit && fprintf(out, "limit %" PRIu64 "\n", setup->limit) < 0)
        return false;
    return !setup->seed || fprintf(out, "seed %" PRIu64 "\n", setup->seed) >= 0;
}

bool assay_text_write_op(FILE *out, const struct assay_op *op)
{
    char line[ASSAY_TEXT_LINE];
    int length = assay_text_print_op(line, sizeof line - 1, op);

    line[length++] = '\n';
    return fwrite(line, 1, (size_t)length, out) == (size_t)length;
}
