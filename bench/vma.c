/*
 * vma - what commands on a virtual memory arena cost, and what they would in two linked lists.
 *
 *     vma_bench [--once]
 *
 * Blocks of 1 to 64 bytes stand at random multiples of 64, half of which are taken. A command takes or frees a random
 * place (40 %), or reads, writes 16 bytes, or changes the permission of a random miniblock (20 % each). First the
 * library at several numbers of live blocks, and the lists up to 10^4, for making them is quadratic; then the program's
 * session on the same commands as text, answers written to memory. CPU time, median of rounds, in turn.
 */
#include "session.h"
#include "vma_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PLACE 64
#define ROUNDS 7

enum kind { ALLOC, FREE, READ, WRITE, PROTECT };

struct command {
    enum kind kind;
    uint64_t address, size;
};

struct commands {
    struct command *at;
    size_t count;
    uint64_t arena;
};

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double processor_seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *need(void *memory)
{
    if (!memory) {
        fputs("vma_bench: no memory\n", stderr);
        exit(3);
    }
    return memory;
}

/* `live` blocks are made first; then `count` commands. */
static struct commands make(size_t live, size_t count)
{
    struct commands commands = {.arena = 2 * live * PLACE};
    uint8_t *sizes = need(calloc(2 * live, 1));
    uint64_t state = 88172645463325252u;

    commands.at = need(malloc((live + count) * sizeof *commands.at));
    for (size_t made = 0; made < live;) {
        uint64_t place = random_next(&state) % (2 * live);
        if (sizes[place])
            continue;
        sizes[place] = (uint8_t)(1 + random_next(&state) % PLACE);
        commands.at[made++] = (struct command){ALLOC, place * PLACE, sizes[place]};
    }
    commands.count = live;
    while (commands.count < live + count) {
        uint64_t place = random_next(&state) % (2 * live), what = random_next(&state) % 10;
        struct command *command = &commands.at[commands.count];
        command->address = place * PLACE;
        if (what < 4) {
            command->kind = sizes[place] ? FREE : ALLOC;
            sizes[place] = sizes[place] ? 0 : (uint8_t)(1 + random_next(&state) % PLACE);
            command->size = sizes[place];
        } else if (sizes[place]) {
            command->kind = (enum kind)(READ + (what - 4) / 2);
            command->size = 16;
        } else {
            continue;
        }
        commands.count++;
    }
    free(sizes);
    return commands;
}

static void run_library(const struct command *command, struct vma_arena *arena)
{
    struct vma_piece piece;
    uint64_t count;

    switch (command->kind) {
    case ALLOC:
        (void)vma_alloc(arena, command->address, command->size);
        break;
    case FREE:
        (void)vma_free(arena, command->address);
        break;
    case READ:
        if (vma_span(arena, command->address, command->size, VMA_READ, &count, NULL) == VMA_OK)
            (void)vma_next_piece(arena, command->address, command->address + count, &piece);
        break;
    case WRITE:
        if (vma_span(arena, command->address, command->size, VMA_WRITE, &count, NULL) == VMA_OK)
            (void)vma_write(arena, command->address, "sixteen bytes ..", (size_t)count);
        break;
    case PROTECT:
        (void)vma_protect(arena, command->address, VMA_READ | VMA_WRITE);
        break;
    }
}

static void run_list(const struct command *command, struct vma_list *list)
{
    if (command->kind == ALLOC)
        (void)vma_list_alloc(list, command->address, command->size);
    else if (command->kind == FREE)
        (void)vma_list_free(list, command->address);
    else
        (void)vma_list_span(list, command->address, command->size);
}

/* Seconds of all commands but the first `live`. */
static double time_library(const struct commands *commands, size_t live)
{
    struct vma_arena *arena = need(vma_open(commands->arena));

    for (size_t i = 0; i < live; i++)
        run_library(&commands->at[i], arena);
    double start = processor_seconds();
    for (size_t i = live; i < commands->count; i++)
        run_library(&commands->at[i], arena);
    double seconds = processor_seconds() - start;
    vma_close(arena);
    return seconds;
}

static double time_list(const struct commands *commands, size_t live)
{
    struct vma_list *list = need(vma_list_open());

    for (size_t i = 0; i < live; i++)
        run_list(&commands->at[i], list);
    double start = processor_seconds();
    for (size_t i = live; i < commands->count; i++)
        run_list(&commands->at[i], list);
    double seconds = processor_seconds() - start;
    vma_list_close(list);
    return seconds;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double median(double *numbers, size_t count)
{
    qsort(numbers, count, sizeof *numbers, compare);
    return numbers[count / 2];
}

/* Commands over so many live blocks, and what one took in each round, in nanoseconds. */
struct row {
    size_t live;
    size_t list_count; /* commands for the lists; 0: too many */
    struct commands commands, few;
    double tree[ROUNDS], list[ROUNDS];
};

static void measure(struct row *rows, size_t row_count, size_t count, size_t rounds)
{
    for (size_t i = 0; i < row_count; i++) {
        rows[i].commands = make(rows[i].live, count);
        rows[i].few = make(rows[i].live, rows[i].list_count);
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < row_count; i++) {
            struct row *row = &rows[i];
            row->tree[round] = time_library(&row->commands, row->live) / (double)count * 1e9;
            if (row->list_count)
                row->list[round] = time_list(&row->few, row->live) / (double)row->list_count * 1e9;
        }
    }
}

static void print(struct row *rows, size_t row_count, size_t rounds)
{
    double first = median(rows[0].tree, rounds);

    for (size_t i = 0; i < row_count; i++) {
        struct row *row = &rows[i];
        double ours = median(row->tree, rounds), theirs = median(row->list, rounds);
        printf("%8zu live blocks: %6.0f ns/command, %.2f times the first", row->live, ours,
               ours / first);
        if (row->list_count)
            printf("; in two lists %.0f, %.0f times as much", theirs, theirs / ours);
        putchar('\n');
        free(row->commands.at);
        free(row->few.at);
    }
}

/* --- the program's language --- */

static bool count_output(void *ctx, const char *bytes, size_t size)
{
    (void)bytes;
    *(size_t *)ctx += size;
    return true;
}

static char *to_text(const struct commands *commands, size_t *size)
{
    char *text = NULL;
    FILE *out = need(open_memstream(&text, size));

    fprintf(out, "ALLOC_ARENA %" PRIu64 "\n", commands->arena);
    for (size_t i = 0; i < commands->count; i++) {
        const struct command *command = &commands->at[i];
        static const char *const words[] = {
            [ALLOC] = "ALLOC_BLOCK %" PRIu64 " %" PRIu64 "\n",
            [FREE] = "FREE_BLOCK %" PRIu64 "\n",
            [READ] = "READ %" PRIu64 " %" PRIu64 "\n",
            [WRITE] = "WRITE %" PRIu64 " %" PRIu64 " sixteen bytes ..\n",
            [PROTECT] = "MPROTECT %" PRIu64 " PROT_READ | PROT_WRITE\n"};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        fprintf(out, words[command->kind], command->address, command->size);
#pragma GCC diagnostic pop
    }
    fclose(out);
    return text;
}

static void measure_session(size_t live, size_t count)
{
    struct commands commands = make(live, count);
    size_t size = 0, output = 0;
    char *text = to_text(&commands, &size);
    struct vma_session *session = need(vma_session_open(count_output, &output));
    struct vma_totals totals;

    double start = processor_seconds();
    vma_session_feed(session, text, size);
    vma_totals(vma_session_arena(session), &totals);
    vma_session_flush(session);
    double seconds = processor_seconds() - start;
    printf("%zu commands as text over %zu live blocks: %.2f s, %zu bytes of answers\n",
           commands.count, totals.miniblocks, seconds, output);
    vma_session_close(session);
    free(text);
    free(commands.at);
}

int main(int argc, char **argv)
{
    bool once = argc > 1 && strcmp(argv[1], "--once") == 0;

    if (argc > 1 + once) {
        fputs("usage: vma_bench [--once]\n", stderr);
        return 2;
    }
    struct row rows[] = {{.live = 1000, .list_count = once ? 100 : 20000},
                         {.live = 10000, .list_count = once ? 0 : 2000},
                         {.live = 100000}};
    size_t row_count = once ? 1 : sizeof rows / sizeof *rows, rounds = once ? 1 : ROUNDS;
    measure(rows, row_count, once ? 1000 : 1000000, rounds);
    print(rows, row_count, rounds);
    for (size_t i = 0; i < row_count; i++)
        measure_session(rows[i].live, once ? 1000 : 1000000);
    if (!once)
        measure_session(50000, 1000000);
    return 0;
}
