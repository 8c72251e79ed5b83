/*
 * mems - what mems_malloc, mems_get and mems_free cost at several numbers of live segments, and in two linked lists.
 *
 *     mems_bench [--once]
 *
 * Segments of 1 to 1999 bytes; before anything is timed each has been freed and taken anew several times over, so that
 * the holes are those of a system that has run for long. Then, again and again, BATCH random segments are freed,
 * as many are taken, and as many bytes anywhere in random ones are looked up; each of the three is timed alone. So is
 * what no lookup can be without: one read in a table of a cache line for each 4 KiB of addresses, at as many random
 * addresses. CPU time less what reading the clock takes, the median of rounds in turn, and the ratio to the fewest
 * segments.
 */
#include "mems/instance.h"
#include "mems/reference.h"

#include "assay/os_pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 32
#define ROUNDS 9
#define PAGE 4096

enum work { TAKE, PLACE, RELEASE, READ, WORKS };

struct line {
    uint64_t number[8];
};

/* One number of live segments, in a system or in lists. */
struct subject {
    size_t live;
    struct mems *mems;
    struct reference *lists;
    uint64_t *address;
    size_t *size;
    struct line *lines;
    size_t line_count;
    uint64_t random;
    double ns[WORKS][ROUNDS];
};

static volatile uintptr_t kept; /* what was looked up, so that it is */

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *need(void *memory)
{
    if (!memory) {
        fputs("mems_bench: no memory\n", stderr);
        exit(3);
    }
    return memory;
}

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double median(const double *numbers, size_t count)
{
    double sorted[ROUNDS];

    memcpy(sorted, numbers, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    return sorted[count / 2];
}

/* --- the three functions --- */

static uint64_t take(struct subject *subject, size_t size)
{
    return subject->mems ? mems_take(subject->mems, size) : reference_take(subject->lists, size);
}

static bool release(struct subject *subject, uint64_t address)
{
    return subject->mems ? mems_release(subject->mems, address) == ASSAY_OK
                         : reference_release(subject->lists, address);
}

static uintptr_t place(const struct subject *subject, uint64_t address)
{
    size_t size;

    return subject->mems ? (uintptr_t)mems_place(subject->mems, address)
                         : (uintptr_t)reference_around(subject->lists, address, &size);
}

static void must(bool done)
{
    if (done)
        return;
    fputs("mems_bench: a wrong answer: no numbers\n", stderr);
    exit(1);
}

/* --- work --- */

static size_t any_size(struct subject *subject)
{
    return 1 + random_next(&subject->random) % 1999;
}

static void open_subject(struct subject *subject, size_t live, bool in_lists)
{
    const struct mems_setup setup = {.pages = assay_os_pages(),
                                     .page_size = PAGE,
                                     .limit = SIZE_MAX,
                                     .first = MEMS_FIRST,
                                     .span = INT64_MAX};

    *subject = (struct subject){.live = live, .random = 88172645463325252u};
    subject->address = need(calloc(live, sizeof *subject->address));
    subject->size = need(calloc(live, sizeof *subject->size));
    if (in_lists)
        subject->lists = reference_open(PAGE);
    else
        subject->mems = need(mems_open(&setup));
    for (size_t i = 0; i < 5 * live; i++) {
        size_t which = i < live ? i : random_next(&subject->random) % live;
        must(i < live || release(subject, subject->address[which]));
        subject->size[which] = any_size(subject);
        must((subject->address[which] = take(subject, subject->size[which])) != 0);
    }
    for (size_t i = 0; i < live; i++) {
        size_t line = subject->address[i] / PAGE;
        subject->line_count = line < subject->line_count ? subject->line_count : line + 1;
    }
    size_t bytes = subject->line_count * sizeof *subject->lines;
    subject->lines = need(aligned_alloc(sizeof *subject->lines, bytes));
    memset(subject->lines, 1, bytes); /* zeroed pages would all be one page */
}

static void close_subject(struct subject *subject)
{
    if (subject->mems)
        mems_close(subject->mems);
    else
        reference_close(subject->lists);
    free(subject->lines);
    free(subject->address);
    free(subject->size);
}

/* Moves BATCH random segments to the front, so that none is in a batch twice. */
static void draw_batch(struct subject *subject)
{
    for (size_t i = 0; i < BATCH; i++) {
        size_t j = i + random_next(&subject->random) % (subject->live - i);
        uint64_t address = subject->address[i];
        size_t size = subject->size[i];
        subject->address[i] = subject->address[j];
        subject->size[i] = subject->size[j];
        subject->address[j] = address;
        subject->size[j] = size;
    }
}

static void run_batch(struct subject *subject, double ns[WORKS])
{
    uint64_t probe[BATCH];
    bool right = true;
    uintptr_t sum = 0;

    draw_batch(subject);
    for (size_t i = 0; i < BATCH; i++)
        probe[i] = subject->address[i] + random_next(&subject->random) % subject->size[i];
    double start = cpu_ns();
    for (size_t i = 0; i < BATCH; i++)
        sum += place(subject, probe[i]);
    ns[PLACE] += cpu_ns() - start;
    kept = sum;

    for (size_t i = 0; i < BATCH; i++)
        probe[i] = random_next(&subject->random) % subject->line_count;
    start = cpu_ns();
    for (size_t i = 0; i < BATCH; i++)
        sum += subject->lines[probe[i]].number[0];
    ns[READ] += cpu_ns() - start;
    kept = sum;

    draw_batch(subject);
    start = cpu_ns();
    for (size_t i = 0; i < BATCH; i++)
        right &= release(subject, subject->address[i]);
    ns[RELEASE] += cpu_ns() - start;

    for (size_t i = 0; i < BATCH; i++)
        subject->size[i] = any_size(subject);
    start = cpu_ns();
    for (size_t i = 0; i < BATCH; i++)
        right &= (subject->address[i] = take(subject, subject->size[i])) != 0;
    ns[TAKE] += cpu_ns() - start;
    must(right);
}

static void run_round(struct subject *subject, size_t batches, size_t round)
{
    double ns[WORKS] = {0}, clock = cpu_ns();

    for (size_t i = 0; i < batches; i++)
        (void)cpu_ns();
    clock = cpu_ns() - clock;
    for (size_t i = 0; i < batches; i++)
        run_batch(subject, ns);
    for (int work = 0; work < WORKS; work++)
        subject->ns[work][round] = (ns[work] - clock) / (double)(batches * BATCH);
}

/* Rows for `count` numbers of live segments, against the first of them. */
static void measure(const size_t *live, size_t count, bool in_lists, size_t batches, size_t rounds)
{
    struct subject *subjects = need(calloc(count, sizeof *subjects));

    for (size_t i = 0; i < count; i++)
        open_subject(&subjects[i], live[i], in_lists);
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            run_round(&subjects[i], batches, round);
    for (size_t i = 0; i < count; i++) {
        printf("%8s %8zu", in_lists ? "lists" : "mems", live[i]);
        for (int work = 0; work < WORKS; work++) {
            double ns = median(subjects[i].ns[work], rounds);
            printf("  %9.1f ns %6.2f", ns, ns / median(subjects[0].ns[work], rounds));
        }
        putchar('\n');
        close_subject(&subjects[i]);
    }
    free(subjects);
}

int main(int argc, char **argv)
{
    static const size_t live[] = {100, 1000, 10000, 100000, 1000000};
    bool once = argc > 1 && strcmp(argv[1], "--once") == 0;

    if (argc > 1 + once) {
        fputs("usage: mems_bench [--once]\n", stderr);
        return 2;
    }
    printf("%8s %8s  %12s %6s  %12s %6s  %12s %6s  %12s %6s\n", "", "live", "mems_malloc", "ratio",
           "mems_get", "ratio", "mems_free", "ratio", "one line", "ratio");
    measure(live, once ? 2 : 5, false, once ? 1 : 2000, once ? 1 : ROUNDS);
    measure(live, once ? 1 : 3, true, once ? 1 : 100, once ? 1 : 3);
    return 0;
}
