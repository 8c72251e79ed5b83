/*
 * log.h - the file of this process: numbers are taken and records written; part of the preloaded
 * library.
 *
 * Recording takes no lock, so that a signal handler may record while the code it interrupted is
 * doing the same. Growing the file takes one, with all signals blocked. Nothing here allocates.
 */
#ifndef ASSAY_RECORD_LOG_H
#define ASSAY_RECORD_LOG_H

#include "raw.h"

#include <stdbool.h>
#include <stddef.h>

#define ASSAY_LOG_PAGE 4096
#define ASSAY_LOG_LINE 64

/*
 * A page that the kernel gives to a forked child as zeros, however it forked: then limit is 0, and
 * the child starts a file of its own with its first record.
 */
struct assay_log {
    _Alignas(ASSAY_LOG_PAGE) _Atomic uint64_t next;  /* the number that the next record gets */
    _Alignas(ASSAY_LOG_LINE) _Atomic uint64_t limit; /* records the file has room for */
    unsigned char *_Atomic records;                  /* record 0; NULL: no file */
    bool has_time;
    _Atomic bool stopped;
    _Atomic bool busy; /* a thread starts or grows the file */
    _Alignas(ASSAY_LOG_LINE) _Atomic uint32_t threads;
    _Atomic int32_t thread_ids[ASSAY_RAW_THREADS]; /* kernel ids by our number */
};

_Static_assert(sizeof(struct assay_log) % ASSAY_LOG_PAGE == 0, "nothing else is on these pages");

extern struct assay_log assay_log;

/* Initial-exec, for the general model may allocate on first use. */
extern _Thread_local uint32_t assay_log_thread __attribute__((tls_model("initial-exec")));

/* Starts this process's file unless it has one. Keeps errno. */
void assay_log_start(void);
/* Makes room for record `number`; false: it is lost, and counted as such. Keeps errno. */
bool assay_log_grow(uint64_t number);
/* Numbers the calling thread, 1 .. ASSAY_RAW_THREADS - 1. */
uint32_t assay_log_number_thread(void);
uint64_t assay_log_time_ns(void);

/* Takes `count` numbers in a row and returns the first. */
static inline uint64_t assay_log_take(uint64_t count)
{
    return atomic_fetch_add(&assay_log.next, count);
}

/* Writes record `number`. */
static inline void assay_log_put(uint64_t number, enum assay_raw_kind kind, const void *address,
                                 uint64_t value)
{
    if (__builtin_expect(number >= atomic_load_explicit(&assay_log.limit, memory_order_acquire),
                         0) &&
        !assay_log_grow(number))
        return;
    uint32_t thread = assay_log_thread;
    if (__builtin_expect(thread == 0, 0))
        thread = assay_log_number_thread();

    unsigned char *records = atomic_load_explicit(&assay_log.records, memory_order_relaxed);
    struct assay_raw_record *record;
    if (__builtin_expect(assay_log.has_time, 0)) {
        struct assay_raw_timed_record *timed = (struct assay_raw_timed_record *)(void *)records;
        timed[number].time_ns = assay_log_time_ns();
        record = &timed[number].record;
    } else {
        record = (struct assay_raw_record *)(void *)records + number;
    }
    record->value = value;
    atomic_store_explicit(&record->what,
                          (uint64_t)(uintptr_t)address << ASSAY_RAW_ADDRESS_SHIFT |
                              thread << ASSAY_RAW_KIND_BITS | kind,
                          memory_order_release);
}

#endif
