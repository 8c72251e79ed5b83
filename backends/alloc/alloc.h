/*
 * alloc.h - first fit over a linked list, in memory that a process shares with those that it forks.
 *
 * The first call of a process reserves a region and its children have it at the same address: each gets
 * blocks of its own, and any of them may read, write, resize, and free the blocks of all others. A process
 * that is to share must come from a fork() after that first call; init_mutex() makes it early. One that
 * comes from a fork() before it has a region of its own.
 *
 * Payloads are aligned to 16 bytes, have 32 bytes of header in front, and are usable up to the size
 * that was asked for, rounded up to 16. Memory is taken from the system when it is first written to.
 *
 * Threads and processes: all functions but finish_mutex() may be called at any time from any of them. Whoever
 * is ended while it holds the lock (SIGKILL at any point) leaves the heap whole: the next caller
 * repairs it. In a signal handler that interrupted one of these functions, requests are refused (EDEADLK).
 * A process that is stopped (SIGSTOP) inside one stops the others until it goes on.
 *
 * Errors: errno is ENOMEM for what does not fit, ENOTRECOVERABLE if the heap's records were overwritten, so
 * that the call would have followed what is not its own, EDEADLK as above, and EINVAL for an address that is
 * no block: never one, freed already, inside one, another allocator's, or from before finish_mutex().
 * Nothing has changed then. It is left alone by what succeeds.
 *
 * The variable ALLOC_OPTIONS of the environment, read by the first call: "checked=1" fills what is freed and
 * verifies it when it is used again and in check_memory().
 *
 * Time: O(log n) for n blocks, and O(bytes) where payload is copied or cleared.
 */
#ifndef ALLOC_H
#define ALLOC_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the region if there is none. Doing it again does nothing. On failure sets errno. */
void init_mutex(void);

/*
 * Takes the region from this process; other processes keep theirs, with all blocks. The next call of any
 * function but this begins anew. No other thread may be inside a function of this header.
 */
void finish_mutex(void);

/* A block of at least size bytes, 0 as well; or NULL. */
void *allocate_memory(size_t size);

/* The same for count * size bytes, all zero; NULL as well if the product does not fit in a size_t. */
void *allocate_clear_memory(size_t count, size_t size);

/*
 * Makes the block at ptr size bytes large, where it is or elsewhere, with its content up to the smaller of
 * both sizes. NULL for ptr allocates. Size 0 frees, and gives NULL. On failure NULL, and the block stays.
 */
void *reallocate_memory(void *ptr, size_t size);

/* Ends a block. NULL does nothing. On failure nothing happens, and errno says why. */
void deallocate_memory(void *ptr);

struct memory_report {
    size_t reserved_bytes; /* the region */
    size_t used_blocks;
    size_t used_bytes;   /* usable ones in them */
    size_t largest_free; /* the largest request that would be served */
    size_t repairs;      /* how often someone was ended while it held the lock */
    /*
     * If one that was ended may have left a block to which nobody has the address: the last such block.
     * It can happen between the last step of an allocation and its return.
     */
    const void *orphan;
    const void *where; /* what is damaged; NULL if no single address is to blame */
    char what[120];    /* in which way, in one sentence; "" if nothing is */
};

/*
 * Looks at every header and every count. Fills *report and says whether the heap is sound; if not,
 * report->what says why. In a process without a heap all is 0, and sound. NULL for report only looks. O(n).
 * errno is as it may be.
 */
bool check_memory(struct memory_report *report);

#ifdef __cplusplus
}
#endif

#endif
