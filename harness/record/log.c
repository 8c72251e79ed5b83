/* log.c - starts, grows and stops the file of this process. See raw.h for what is in it. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FIRST_BYTES ((uint64_t)64 << 10) /* the file's first size */
#define MOST_BYTES ((uint64_t)1 << 20)   /* the most it grows by at once */
/* Address space for records, tried from the largest on; pages behind the file's end cost nothing. */
#define RESERVE_MOST ((size_t)1 << 36)
#define RESERVE_LEAST ((size_t)1 << 24)
#define ENVIRONMENT_BYTES ((size_t)8 << 20)
#define PATH_BYTES 4096

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

struct assay_log assay_log;
_Thread_local uint32_t assay_log_thread __attribute__((tls_model("initial-exec")));

/* What the environment said when this program was started; survives fork. */
static struct {
    bool is_read;
    bool has_time;
    char directory[PATH_BYTES - 64]; /* "": not recorded */
} settings;

/*
 * Raw system calls: the C library's open() and pwrite() are points where a thread may be
 * cancelled, which must not happen inside malloc().
 */
static int open_file(const char *path, int flags)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static void close_file(int file)
{
    syscall(SYS_close, file);
}

static size_t read_file(const char *path, char *to, size_t room)
{
    int file = open_file(path, O_RDONLY);
    size_t length = 0;

    if (file < 0)
        return 0;
    while (length < room) {
        ssize_t count = syscall(SYS_read, file, to + length, room - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        length += (size_t)count;
    }
    close_file(file);
    return length;
}

/* The loader allocates before the C library knows the environment, so the kernel is asked. */
static void read_settings(void)
{
    static const char directory[] = ASSAY_RAW_ENV_DIRECTORY "=";
    static const char time[] = ASSAY_RAW_ENV_TIME "=1";
    char *environment = mmap(NULL, ENVIRONMENT_BYTES, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (environment == MAP_FAILED)
        return;
    size_t length = read_file("/proc/self/environ", environment, ENVIRONMENT_BYTES - 1);
    for (size_t i = 0; i < length; i += strlen(environment + i) + 1) {
        const char *entry = environment + i;
        if (strncmp(entry, directory, sizeof directory - 1) == 0 &&
            strlen(entry) - (sizeof directory - 1) < sizeof settings.directory)
            memcpy(settings.directory, entry + sizeof directory - 1,
                   strlen(entry) - (sizeof directory - 1) + 1);
        if (strcmp(entry, time) == 0)
            settings.has_time = true;
    }
    munmap(environment, ENVIRONMENT_BYTES);
    settings.is_read = true;
}

static size_t append_number(char *to, uint64_t number)
{
    char digits[20];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    for (size_t i = 0; i < count; i++)
        to[i] = digits[count - 1 - i];
    return count;
}

/* DIRECTORY/PID.IMAGE; snprintf may allocate. */
static void file_path(char path[PATH_BYTES], int32_t pid, uint32_t image)
{
    size_t length = strlen(settings.directory);

    memcpy(path, settings.directory, length);
    path[length++] = '/';
    length += append_number(path + length, (uint64_t)pid);
    path[length++] = '.';
    length += append_number(path + length, image);
    path[length] = '\0';
}

static struct assay_raw_header *header(void)
{
    unsigned char *records = atomic_load(&assay_log.records);
    return records ? (struct assay_raw_header *)(void *)(records - ASSAY_RAW_HEADER_BYTES) : NULL;
}

/* Says in the control file that this process has no file. Where that fails too, nobody can know. */
static void tell_failure(int why)
{
    char path[PATH_BYTES];
    size_t length = strlen(settings.directory);

    memcpy(path, settings.directory, length);
    memcpy(path + length, "/" ASSAY_RAW_CONTROL, sizeof "/" ASSAY_RAW_CONTROL);
    int file = open_file(path, O_RDWR);
    if (file < 0)
        return;
    struct assay_raw_control *control =
        mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close_file(file);
    if (control == MAP_FAILED)
        return;
    atomic_store(&control->failed_errno, why);
    atomic_fetch_add(&control->failed, 1);
    munmap(control, sizeof *control);
}

static void stop(int why)
{
    atomic_store(&assay_log.stopped, true);
    if (header())
        atomic_store(&header()->stop_errno, why);
    else
        tell_failure(why);
}

/*
 * Writes zeros from byte `from` to byte `to` of the file: a full disk is an error here instead of a
 * SIGBUS when the record is written. Twice to ten times as fast as fallocate(), whose blocks the
 * kernel turns from unwritten to written one page at a time. 0 or an errno.
 */
static int reserve_disk(int file, uint64_t from, uint64_t to)
{
    static char zeros[256 << 10];
    struct rlimit most;

    /* The kernel would answer a file that is too long with SIGXFSZ. */
    if (getrlimit(RLIMIT_FSIZE, &most) == 0 && to > most.rlim_cur)
        return EFBIG;
    while (from < to) {
        size_t count = to - from < sizeof zeros ? (size_t)(to - from) : sizeof zeros;
        ssize_t written = syscall(SYS_pwrite64, file, zeros, count, from);
        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0)
            from += (uint64_t)written;
    }
    return 0;
}

static size_t record_bytes(void)
{
    return settings.has_time ? sizeof(struct assay_raw_timed_record)
                             : sizeof(struct assay_raw_record);
}

/* Fills at most `room` bytes with the words of the command line, each behind a space. */
static void describe_command(char *to, size_t room)
{
    size_t length = read_file("/proc/self/cmdline", to, room - 1);

    while (length > 0 && to[length - 1] == '\0')
        length--;
    for (size_t i = 0; i < length; i++)
        if (to[i] == '\0' || to[i] == '\n')
            to[i] = ' ';
    to[length] = '\0';
}

static void write_header(struct assay_raw_header *to, uint32_t image, size_t bytes)
{
    memcpy(to->magic, ASSAY_RAW_MAGIC, sizeof to->magic);
    to->version = ASSAY_RAW_VERSION;
    to->has_time = settings.has_time;
    to->pid = getpid();
    to->image = image;
    to->room = (bytes - ASSAY_RAW_HEADER_BYTES) / record_bytes();
    to->start_ns = assay_log_time_ns();
    describe_command(to->command, sizeof to->command);
}

/* Maps the file with room to grow in; NULL if there is no address space. */
static unsigned char *map_file(int file, size_t *bytes)
{
    struct rlimit space;
    size_t most = RESERVE_MOST;

    /* Where address space is short most of it is the program's. */
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
        while (most > RESERVE_LEAST && most > space.rlim_cur / 16)
            most /= 2;
    for (*bytes = most; *bytes >= RESERVE_LEAST; *bytes /= 2) {
        void *start =
            mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
        if (start != MAP_FAILED)
            return start;
    }
    return NULL;
}

/* Creates this image's file under the first free name; a program before exec had the same pid. */
static int create_file(char path[PATH_BYTES], uint32_t *image)
{
    for (*image = 0;; ++*image) {
        file_path(path, getpid(), *image);
        int file = open_file(path, O_RDWR | O_CREAT | O_EXCL);
        if (file >= 0 || errno != EEXIST)
            return file;
    }
}

/* Opens the file and publishes it; 0 or an errno. */
static int start_file(void)
{
    char path[PATH_BYTES];
    uint32_t image;
    size_t bytes;

    if (madvise(&assay_log, sizeof assay_log, MADV_WIPEONFORK) != 0)
        return errno;
    int file = create_file(path, &image);
    if (file < 0)
        return errno;
    int why = reserve_disk(file, 0, FIRST_BYTES);
    unsigned char *start = why == 0 ? map_file(file, &bytes) : NULL;
    close_file(file);
    if (!start) {
        syscall(SYS_unlinkat, AT_FDCWD, path, 0);
        return why ? why : ENOMEM;
    }
    write_header((struct assay_raw_header *)(void *)start, image, bytes);
    assay_log.has_time = settings.has_time;
    assay_log_thread = 0; /* numbers of the process before fork are not ours */
    atomic_store(&assay_log.records, start + ASSAY_RAW_HEADER_BYTES);
    atomic_store(&assay_log.limit, (FIRST_BYTES - ASSAY_RAW_HEADER_BYTES) / record_bytes());
    return 0;
}

static uint64_t bytes_of(uint64_t records)
{
    return ASSAY_RAW_HEADER_BYTES + records * record_bytes();
}

/* Doubles the file, by MOST_BYTES at most; 0 or an errno. */
static int extend(void)
{
    char path[PATH_BYTES];
    uint64_t end = bytes_of(atomic_load(&assay_log.limit));
    uint64_t from = (end + ASSAY_LOG_PAGE - 1) / ASSAY_LOG_PAGE * ASSAY_LOG_PAGE;
    uint64_t to = from + (from < MOST_BYTES ? from : MOST_BYTES);
    uint64_t limit = (to - ASSAY_RAW_HEADER_BYTES) / record_bytes();

    if (limit > header()->room)
        return EFBIG;
    /* Not getpid(): after vfork the child lives in its parent's memory, and records there. */
    file_path(path, header()->pid, header()->image);
    /* By name each time: a descriptor kept open could be closed or replaced by the program. */
    int file = open_file(path, O_RDWR);
    if (file < 0)
        return errno;
    int why = reserve_disk(file, from, to);
    close_file(file);
    if (why)
        return why;
    /* One call instead of a fault for each page; where the kernel lacks it, faults do the same. */
    unsigned char *start = atomic_load(&assay_log.records) - ASSAY_RAW_HEADER_BYTES;
    madvise(start + from, to - from, MADV_POPULATE_WRITE);
    /* Full pages need not count as the program's; a thread still writing there faults them in. */
    if (from >= 3 * MOST_BYTES)
        madvise(start + from - 3 * MOST_BYTES, MOST_BYTES, MADV_DONTNEED);
    atomic_store(&assay_log.limit, limit);
    return 0;
}

/* With every signal blocked no handler can wait for the code it interrupted. */
static void lock(uint64_t *mask)
{
    static const struct timespec moment = {.tv_nsec = 20000};
    uint64_t all = UINT64_MAX;

    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, mask, sizeof *mask);
    while (atomic_exchange(&assay_log.busy, true))
        syscall(SYS_nanosleep, &moment, NULL);
}

static void unlock(const uint64_t *mask)
{
    atomic_store(&assay_log.busy, false);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, sizeof *mask);
}

static void start_locked(void)
{
    if (!settings.is_read)
        read_settings();
    if (settings.directory[0] == '\0') {
        atomic_store(&assay_log.stopped, true);
        return;
    }
    int why = start_file();
    if (why)
        stop(why);
}

void assay_log_start(void)
{
    int saved = errno;
    uint64_t mask;

    lock(&mask);
    if (!atomic_load(&assay_log.records) && !atomic_load(&assay_log.stopped))
        start_locked();
    unlock(&mask);
    errno = saved;
}

static void grow_until(uint64_t number)
{
    uint64_t mask;

    lock(&mask);
    if (!atomic_load(&assay_log.records) && !atomic_load(&assay_log.stopped))
        start_locked();
    while (number >= atomic_load(&assay_log.limit) && !atomic_load(&assay_log.stopped)) {
        int why = extend();
        if (why)
            stop(why);
    }
    unlock(&mask);
}

bool assay_log_grow(uint64_t number)
{
    int saved = errno;

    if (!atomic_load(&assay_log.stopped))
        grow_until(number);
    bool has_room = number < atomic_load(&assay_log.limit);
    if (!has_room && header())
        atomic_fetch_add(&header()->lost, 1);
    errno = saved;
    return has_room;
}

/* A number whose thread has ended; the last one, shared, if all are in use. */
static uint32_t reuse_number(int32_t id)
{
    for (uint32_t i = 1; i < ASSAY_RAW_THREADS; i++) {
        int32_t other = atomic_load(&assay_log.thread_ids[i]);
        if (syscall(SYS_tgkill, header()->pid, other, 0) != 0 &&
            atomic_compare_exchange_strong(&assay_log.thread_ids[i], &other, id))
            return i;
    }
    return ASSAY_RAW_THREADS - 1;
}

uint32_t assay_log_number_thread(void)
{
    int saved = errno;
    int32_t id = (int32_t)syscall(SYS_gettid);
    uint32_t number = atomic_load(&assay_log.threads) < ASSAY_RAW_THREADS - 1
                          ? atomic_fetch_add(&assay_log.threads, 1) + 1
                          : ASSAY_RAW_THREADS;

    if (number < ASSAY_RAW_THREADS)
        atomic_store(&assay_log.thread_ids[number], id);
    else
        number = reuse_number(id);
    assay_log_thread = number;
    errno = saved;
    return number;
}

uint64_t assay_log_time_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
