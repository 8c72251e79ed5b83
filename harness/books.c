/* books.c - reserved mappings for the harness's own records. */
#include "assay/books.h"

#include "assay/sizes.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

/* Up to here writing zeros costs less than handing pages back and faulting them in again. */
#define WRITE_AT_MOST ((size_t)1 << 20)
#define PAGE 4096

void *assay_books_open(size_t bytes)
{
    void *book = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return book == MAP_FAILED ? NULL : book;
}

void assay_books_close(void *book, size_t bytes)
{
    if (book)
        munmap(book, bytes);
}

void assay_books_reset(void *book, size_t touched)
{
    size_t written = touched < WRITE_AT_MOST ? touched : WRITE_AT_MOST;

    memset(book, 0, written);
    if (touched > written) {
        int failed =
            madvise((char *)book + written, assay_align_up(touched - written, PAGE), MADV_DONTNEED);
        assert(!failed && "a book is private anonymous memory");
        (void)failed;
    }
}
