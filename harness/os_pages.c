/* os_pages.c - pages from the system: mmap and munmap. */
#include "assay/os_pages.h"

#include "assay/sizes.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static void *map(void *ctx, size_t bytes, size_t align);
static void unmap(void *ctx, void *start, size_t bytes);

static struct assay_page_source os = {.map = map, .unmap = unmap};
static pthread_once_t asked_page_size = PTHREAD_ONCE_INIT;

static void ask_page_size(void)
{
    os.page_size = (size_t)sysconf(_SC_PAGESIZE);
}

const struct assay_page_source *assay_os_pages(void)
{
    pthread_once(&asked_page_size, ask_page_size);
    return &os;
}

/*  [ front | aligned bytes | back ]: an alignment above a page is cut out of a larger mapping. */
static void *map(void *ctx, size_t bytes, size_t align)
{
    (void)ctx;
    bytes = assay_align_up(bytes, os.page_size);
    size_t slack = align > os.page_size ? align - os.page_size : 0;
    size_t whole = assay_add(bytes, slack);
    if (bytes == 0 || whole > PTRDIFF_MAX)
        return NULL;
    int before = errno;
    char *start = mmap(NULL, whole, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    errno = before;
    if (start == MAP_FAILED)
        return NULL;
    size_t front = slack ? -(uintptr_t)start & (align - 1) : 0;
    if (front > 0)
        munmap(start, front);
    if (slack > front)
        munmap(start + front + bytes, slack - front);
    return start + front;
}

static void unmap(void *ctx, void *start, size_t bytes)
{
    int before = errno;

    (void)ctx;
    munmap(start, bytes);
    errno = before;
}
