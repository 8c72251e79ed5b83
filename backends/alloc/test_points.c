/* test_points.c - what the compiler calls before each store, in place of the thread sanitizer. */
#include "test_points.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static unsigned long passed, chosen;
static int signal_there;

void kill_at_point(unsigned long n)
{
    chosen = n ? passed + n : 0;
    signal_there = SIGKILL;
}

void stop_at_point(unsigned long n)
{
    chosen = passed + n;
    signal_there = SIGSTOP;
}

unsigned long points_passed(void)
{
    return passed;
}

static void point(void)
{
    if (++passed == chosen)
        kill(getpid(), signal_there);
}

/* The names are the compilers'. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c) */
#define POINT(name)                                                                                \
    void __tsan_##name(void *address);                                                             \
    void __tsan_##name(void *address)                                                              \
    {                                                                                              \
        (void)address;                                                                             \
        point();                                                                                   \
    }
#define NO_POINT(name)                                                                             \
    void __tsan_##name(void *address);                                                             \
    void __tsan_##name(void *address)                                                              \
    {                                                                                              \
        (void)address;                                                                             \
    }

POINT(write1)
POINT(write2)
POINT(write4)
POINT(write8)
POINT(write16)
POINT(unaligned_write2)
POINT(unaligned_write4)
POINT(unaligned_write8)
POINT(unaligned_write16)
POINT(read_write1)
POINT(read_write2)
POINT(read_write4)
POINT(read_write8)
POINT(func_entry)
NO_POINT(read1)
NO_POINT(read2)
NO_POINT(read4)
NO_POINT(read8)
NO_POINT(read16)
NO_POINT(unaligned_read2)
NO_POINT(unaligned_read4)
NO_POINT(unaligned_read8)
NO_POINT(unaligned_read16)

void __tsan_write_range(void *address, unsigned long bytes);
void __tsan_write_range(void *address, unsigned long bytes)
{
    (void)address;
    (void)bytes;
    point();
}

void __tsan_read_range(void *address, unsigned long bytes);
void __tsan_read_range(void *address, unsigned long bytes)
{
    (void)address;
    (void)bytes;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
    point();
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
    (void)order;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
int __real_pthread_mutex_lock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock)
{
    int error = __real_pthread_mutex_lock(lock);

    point();
    return error;
}

int __real_pthread_mutex_unlock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock)
{
    point();
    return __real_pthread_mutex_unlock(lock);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c) */
