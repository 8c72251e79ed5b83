/* trace_stats.c - `assay trace stats`: what a stream is made of. Reads any length in bounded memory. */
#include "cli.h"
#include "json.h"

#include "assay/books.h"
#include "assay/distribution.h"
#include "assay/sizes.h"

#include <string.h>
#include <sys/stat.h>

#define SIZE_CLASSES 65 /* 0, then one for each power of two */

static enum assay_encoding encoding;
static bool json, distribution;
static const struct cli_option options[] = {
    CLI_ENCODING_OPTION("encoding", encoding),
    {"distribution", CLI_FLAG, &distribution, NULL,
     "how large blocks are and how long they live, for workloads", 0, 0},
    {"json", CLI_FLAG, &json, NULL, "one JSON object", 0, 0},
    {0},
};

struct slot {
    uint64_t size;
    uint16_t thread; /* that made the block */
    bool live;
};

struct stats {
    uint64_t ops, kinds[ASSAY_OP_KINDS];
    uint64_t classes[SIZE_CLASSES]; /* requests of [2^(i-1), 2^i) */
    uint64_t requests, requested_bytes;
    uint64_t live_blocks, live_bytes, peak_blocks, peak_bytes;
    uint64_t foreign_frees; /* freed by another thread than made the block */
    uint64_t elapsed_ns;
    uint32_t slots, threads;
    long long file_bytes;
};

static void count_request(struct stats *stats, uint64_t size)
{
    stats->requests++;
    stats->requested_bytes += size;
    stats->classes[size ? assay_floor_log2(size) + 1 : 0]++;
}

static void end_block(struct stats *stats, struct slot *slot)
{
    stats->live_blocks--;
    stats->live_bytes -= slot->size;
    slot->live = false;
}

static void begin_block(struct stats *stats, struct slot *slot, uint64_t size, uint16_t thread)
{
    *slot = (struct slot){.size = size, .thread = thread, .live = true};
    stats->live_blocks++;
    stats->live_bytes += size;
    if (stats->live_blocks > stats->peak_blocks)
        stats->peak_blocks = stats->live_blocks;
    if (stats->live_bytes > stats->peak_bytes)
        stats->peak_bytes = stats->live_bytes;
}

static void count_op(struct stats *stats, struct slot *slots, const struct assay_op *op)
{
    struct slot *slot = &slots[op->slot];
    uint64_t size = assay_op_bytes(op);

    stats->ops++;
    stats->kinds[op->kind]++;
    stats->elapsed_ns += op->delta_ns;
    if (op->thread >= stats->threads)
        stats->threads = op->thread + 1u;
    if (assay_op_shapes[op->kind].has_slot && op->slot >= stats->slots)
        stats->slots = op->slot + 1;
    switch (op->kind) {
    case ASSAY_OP_ALLOC:
    case ASSAY_OP_ALLOC_ZEROED:
    case ASSAY_OP_ALLOC_ALIGNED:
    case ASSAY_OP_REALLOC:
        count_request(stats, size);
        if (slot->live && op->kind != ASSAY_OP_REALLOC)
            break; /* a full slot: every consumer skips it */
        if (slot->live)
            end_block(stats, slot);
        /* What no allocator can serve is not live. */
        if (size <= PTRDIFF_MAX)
            begin_block(stats, slot, size, op->thread);
        break;
    case ASSAY_OP_FREE:
        if (!slot->live)
            break;
        stats->foreign_frees += slot->thread != op->thread;
        end_block(stats, slot);
        break;
    default:
        break;
    }
}

static void print_text(const struct stats *stats, const struct assay_trace_info *info, bool whole)
{
    if (!whole)
        puts("not all: what follows is of the operations that could be read");
    if (info)
        printf("origin: %s\n", info->origin[0] ? info->origin : "-");
    printf("operations: %llu\n", (unsigned long long)stats->ops);
    for (int kind = 0; kind < ASSAY_OP_KINDS; kind++)
        if (stats->kinds[kind])
            printf("  %-16s %12llu  %5.1f %%\n", assay_op_shapes[kind].name,
                   (unsigned long long)stats->kinds[kind],
                   100.0 * (double)stats->kinds[kind] / (double)stats->ops);
    printf("threads: %u\nslots: %u\n", stats->threads, stats->slots);
    printf("peak live: %llu bytes in %llu blocks at most\n", (unsigned long long)stats->peak_bytes,
           (unsigned long long)stats->peak_blocks);
    printf("live at the end: %llu bytes in %llu blocks\n", (unsigned long long)stats->live_bytes,
           (unsigned long long)stats->live_blocks);
    printf("freed by another thread: %llu\n", (unsigned long long)stats->foreign_frees);
    if (stats->elapsed_ns)
        printf("elapsed: %.9f s\n", (double)stats->elapsed_ns / 1e9);
    if (stats->ops && stats->file_bytes >= 0)
        printf("file: %lld bytes, %.3f bytes per operation\n", stats->file_bytes,
               (double)stats->file_bytes / (double)stats->ops);
    puts("requests by size:");
    for (int i = 0; i < SIZE_CLASSES; i++)
        if (stats->classes[i])
            printf("  %s %20llu  %12llu  %5.1f %%\n", i ? "below" : "is   ",
                   i == 64 ? (unsigned long long)UINT64_MAX
                   : i     ? 1ull << i
                           : 0,
                   (unsigned long long)stats->classes[i],
                   100.0 * (double)stats->classes[i] / (double)stats->requests);
}

static void print_json(const struct stats *stats, const char *path,
                       const struct assay_trace_info *info, bool whole)
{
    cJSON *row = json_row("stats");

    cJSON_AddStringToObject(row, "stream", path);
    if (info)
        cJSON_AddStringToObject(row, "origin", info->origin);
    cJSON_AddBoolToObject(row, "whole", whole);
    json_count(row, "operations", stats->ops);
    cJSON *kinds = cJSON_AddObjectToObject(row, "kinds");
    for (int kind = 0; kind < ASSAY_OP_KINDS; kind++)
        if (stats->kinds[kind])
            json_count(kinds, assay_op_shapes[kind].name, stats->kinds[kind]);
    cJSON_AddNumberToObject(row, "threads", stats->threads);
    cJSON_AddNumberToObject(row, "slots", stats->slots);
    json_count(row, "peak_live_bytes", stats->peak_bytes);
    json_count(row, "peak_live_blocks", stats->peak_blocks);
    json_count(row, "freed_by_another_thread", stats->foreign_frees);
    json_count(row, "elapsed_ns", stats->elapsed_ns);
    cJSON_AddNumberToObject(row, "file_bytes", (double)stats->file_bytes);
    json_print(stdout, row);
}

/* Reads the stream to its end, or as far as it can be read. */
static void count_all(struct stats *stats, struct slot *slots, struct assay_input *input)
{
    const struct assay_trace_info *info = assay_input_trace_info(input);
    struct cli_progress progress;
    const struct assay_op *ops;
    size_t count;

    cli_progress_init(&progress, assay_input_reader(input), "counting",
                      info && info->is_whole ? info->ops : 0);
    while ((count = progress.reader.next(&progress.reader, &ops)) != 0)
        for (size_t i = 0; i < count; i++)
            count_op(stats, slots, &ops[i]);
    cli_progress_end(&progress);
}

static int count_and_print(struct assay_input *input, const char *path)
{
    struct stats stats = {.file_bytes = -1};
    struct stat file;
    struct slot *slots = assay_books_open(ASSAY_SLOTS * sizeof *slots);

    if (!slots)
        return cli_fail(CLI_ENVIRONMENT, "no memory for the slots");
    if (stat(path, &file) == 0 && S_ISREG(file.st_mode))
        stats.file_bytes = (long long)file.st_size;
    count_all(&stats, slots, input);
    assay_books_close(slots, ASSAY_SLOTS * sizeof *slots);

    const struct assay_error *error = &assay_input_reader(input)->error;
    if (json)
        print_json(&stats, path, assay_input_trace_info(input), !error->what[0]);
    else
        print_text(&stats, assay_input_trace_info(input), !error->what[0]);
    return error->what[0] ? cli_fail(CLI_ENVIRONMENT, "%s", error->what) : CLI_NOTHING;
}

/* A text that workloads take: sizes=@FILE, fitted:from=FILE. */
static int fit_and_print(struct assay_input *input)
{
    struct assay_distribution *fitted;
    struct assay_error error;

    if (assay_distribution_fit(&fitted, assay_input_reader(input), &error) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    assay_distribution_write(fitted, stdout);
    assay_distribution_close(fitted);
    return CLI_NOTHING;
}

static int run_command(int argc, char **argv)
{
    struct assay_input *input;
    struct assay_error error;
    int code, operand = cli_parse(&cli_trace_stats_command, argc, argv, &code);

    if (operand < 0)
        return code;
    if (argc - operand != 1)
        return cli_fail(CLI_USAGE, "trace stats: takes one file, but got %d", argc - operand);
    if (json && distribution)
        return cli_fail(CLI_USAGE, "trace stats: --distribution is a text, without --json");
    if (assay_input_open(&input, argv[operand], encoding, &error) != ASSAY_OK)
        return cli_fail(CLI_ENVIRONMENT, "%s", error.what);
    code = distribution ? fit_and_print(input) : count_and_print(input, argv[operand]);
    assay_input_close(input);
    return code;
}

const struct cli_command cli_trace_stats_command = {
    "trace stats", "counts operations, sizes, live bytes and threads of a stream", "FILE", options,
    run_command};
