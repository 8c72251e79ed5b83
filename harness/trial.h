/*
 * trial.h - one conformance test while it runs: its heap, its blocks, its verdict.
 *
 * A trial lives in a child process of its own, so the first broken promise writes down what was
 * seen and ends the process: tests read as straight lines.
 */
#ifndef ASSAY_TRIAL_H
#define ASSAY_TRIAL_H

#include "assay/c_functions.h"
#include "assay/conformance.h"
#include "assay/heap.h"

/* Enough for a few hundred blocks of any ordinary kind; raised to what the backend needs. */
#define TRIAL_LIMIT ((size_t)8 << 20)
/* The most blocks a trial remembers at once. */
#define TRIAL_BLOCKS ((size_t)1 << 15)
#define TRIAL_THREADS 4

struct trial_block {
    void *handle; /* what the backend returned */
    unsigned char *bytes;
    size_t size;
    uint64_t mark; /* what the pattern in its bytes is made of */
};

struct trial {
    const struct assay_backend *backend;       /* NULL: it is about functions */
    const struct assay_c_functions *functions; /* NULL: it is about a backend */
    struct assay_conformance_result *result;   /* shared with the parent */
    bool claimed;                              /* false: only tried, to see whether it could be */
    struct assay_heap heap;
    struct trial_block *blocks;
    size_t count;
    uint64_t marks;
    uint64_t random;
};

/*
 * Runs a test in a child process, with backend or functions, and claimed, set; the verdict goes to *result, whose
 * names are set. A crash, a hang and an exit are verdicts too. ASSAY_NO_MEMORY if no child process is to be had.
 */
ASSAY_MUST_CHECK assay_status trial_run(struct trial *trial, void (*run)(struct trial *trial),
                                        struct assay_conformance_result *result);

/* Writes the verdict and ends the process: BROKEN, or NOT_CLAIMED where nothing was promised. */
__attribute__((noreturn, format(printf, 2, 3))) void trial_broken(struct trial *trial,
                                                                  const char *format, ...);

/* The same where the question cannot be put, or not be answered: nothing is promised, and why is said. */
__attribute__((noreturn)) void trial_not_asked(struct trial *trial, const char *why);

#define EXPECT(trial, condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            trial_broken(trial, __VA_ARGS__);                                                      \
    } while (0)

/* Opens trial->heap with TRIAL_LIMIT, or as much as the backend needs. */
void trial_open(struct trial *trial);
/* Ends the heap and creates it anew on the same meter; the blocks are forgotten. */
void trial_reopen(struct trial *trial);
/* Checks and frees every block, and ends the heap. */
void trial_close(struct trial *trial);

/* The steps below remember blocks, fill them with a pattern, and check it before they go. */

/*
 * Takes in what an allocating function returned: NULL gives NULL, a block is checked for the
 * declared alignment and filled. The result is valid until the next block goes.
 */
struct trial_block *trial_take(struct trial *trial, void *handle, size_t size);
/* size, or the largest request that the backend serves at all, if that is less. */
size_t trial_fits(const struct trial *trial, size_t size);
/* The same through alloc(), with as much of size as the backend serves at all. */
struct trial_block *trial_alloc(struct trial *trial, size_t size);
/* alloc() of a small block that no sound heap of TRIAL_LIMIT may refuse. */
struct trial_block *trial_must_alloc(struct trial *trial, size_t size);
/* Checks blocks[index] and frees it; the last block takes its place. */
void trial_free(struct trial *trial, size_t index);
void trial_free_all(struct trial *trial);
/* Forgets blocks[index] without calling the backend. */
void trial_forget(struct trial *trial, size_t index);
/* Reallocs blocks[index]; false if refused. Expects the content to be kept either way. */
bool trial_realloc(struct trial *trial, size_t index, size_t size);
/* Expects the bytes of every block to be what was written. */
void trial_verify(struct trial *trial);
/* Expects check(), where it is offered, to report nothing. */
void trial_check(struct trial *trial);
/* Allocates blocks of `size`, or as much as fits, until one is refused; at most what the limit holds. */
void trial_fill_up(struct trial *trial, size_t size);
/* Random alloc and free; at most 400 blocks stay. */
void trial_churn(struct trial *trial, unsigned operations);
/* A few calls of every allocating function that the backend offers, and a block of 0 bytes. */
void trial_use_all(struct trial *trial);

/* Fills and checks bytes by a mark; of more than 8 KiB only both ends. */
void trial_write(unsigned char *bytes, size_t size, uint64_t mark);
bool trial_holds(const unsigned char *bytes, size_t size, uint64_t mark);

/* Runs run(members + i * stride) for each i below count, at most TRIAL_THREADS, in threads at the same time; all have ended. */
void trial_run_threads(struct trial *trial, unsigned count, void *(*run)(void *member),
                       void *members, size_t stride);

/* Whether most of the processor time that a test may take has gone, so that one that repeats itself has to end. */
bool trial_has_taken_long(void);

uint64_t trial_random(struct trial *trial);
/* Whether the backend's memory is all in the meter, so that it can be counted and refused. */
bool trial_is_metered(const struct trial *trial);

#endif
