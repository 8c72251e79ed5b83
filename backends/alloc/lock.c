/*
 * lock.c - a lock that outlives its holder.
 *
 * The kernel tells the next one to take it that its holder was ended; what that one was doing is in the journal.
 * Between the two there is one gap that no order of stores can close: a caller that has given the
 * lock back, or is about to, has the block, and the journal must not take it away any more. One that is ended
 * before it could keep the address somewhere leaves an orphan.
 */
#include "shared.h"

#include <errno.h>

bool assay_shared_open(struct shared_heap *heap)
{
    pthread_mutexattr_t kind;

    if (pthread_mutexattr_init(&kind) != 0)
        return false;
    bool made = pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED) == 0 &&
                pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST) == 0 &&
                pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK) == 0 &&
                pthread_mutex_init(&heap->lock, &kind) == 0;
    pthread_mutexattr_destroy(&kind);
    return made;
}

bool assay_shared_enter(struct shared_heap *heap)
{
    int error = pthread_mutex_lock(&heap->lock);

    if (error == EOWNERDEAD) {
        if (heap->journal.granted)
            heap->leaving = 0; /* the repair takes it back */
        else if (heap->leaving)
            heap->orphan = heap->leaving;
        if (assay_list_repair(assay_list_of(shared_list(heap))) != ASSAY_OK) {
            pthread_mutex_unlock(&heap->lock); /* not consistent: ENOTRECOVERABLE from now on */
            errno = ENOTRECOVERABLE;
            return false;
        }
        heap->repairs++;
        error = pthread_mutex_consistent(&heap->lock);
    }
    if (error) {
        errno = error;
        return false;
    }
    heap->leaving = 0;
    return true;
}

void *assay_shared_leave(struct shared_heap *heap, void *block)
{
    heap->leaving = (uintptr_t)block;
    atomic_signal_fence(memory_order_seq_cst);
    heap->journal.granted = 0;
    pthread_mutex_unlock(&heap->lock);
    return block;
}
