/*
 * lock.h - the lock of a heap: one atomic exchange to take it, a plain store to give it back.
 *
 * It is held for tens of nanoseconds, or for a call that maps pages. Who must wait looks again some times, then
 * lets others run, so that a holder without a processor is not kept from getting one. A POSIX mutex would take
 * twice the time where nobody waits.
 */
#ifndef ASSAY_EMALLOC_LOCK_H
#define ASSAY_EMALLOC_LOCK_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/single_threaded.h>

#define LOCK_LOOKS 100 /* before others are let run */

/* All zero is a free lock. */
struct emalloc_lock {
    atomic_bool held;
};

/* Apart, as are the other ways that are rarely gone: they would cost each call the registers that they need. */
static __attribute__((noinline)) void lock_wait(struct emalloc_lock *lock)
{
    for (unsigned looks = 0; atomic_load_explicit(&lock->held, memory_order_relaxed); looks++)
        if (looks >= LOCK_LOOKS)
            sched_yield();
}

static inline void lock_take(struct emalloc_lock *lock)
{
    while (atomic_exchange_explicit(&lock->held, true, memory_order_acquire))
        lock_wait(lock);
}

static inline void lock_give(struct emalloc_lock *lock)
{
    atomic_store_explicit(&lock->held, false, memory_order_release);
}

/*
 * A process that has only one thread needs no lock, and cannot get another one between these two. Whether it was
 * taken must be known to whoever gives it back: the last of several threads may end in between.
 */
static inline bool lock_enter(struct emalloc_lock *lock)
{
    if (__libc_single_threaded)
        return false;
    lock_take(lock);
    return true;
}

static inline void lock_leave(struct emalloc_lock *lock, bool taken)
{
    if (taken)
        lock_give(lock);
}

#endif
