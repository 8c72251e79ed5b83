/* memory_file.c - an input as a file, for readers that take a path. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static char path[40];
    static int file = -1;

    if (file < 0) {
        file = memfd_create("input", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    FUZZ_EXPECT(file >= 0 && ftruncate(file, 0) == 0);
    FUZZ_EXPECT(pwrite(file, data, size, 0) == (ssize_t)size);
    return path;
}
