/* resident.c - what the kernel says about this process's memory. */
#include "resident.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int resident_open(void)
{
    return open("/proc/self/status", O_RDONLY | O_CLOEXEC);
}

/* The number behind `word`, in bytes; 0 if it is not to be had. */
static size_t read_bytes(int file, const char *word)
{
    char text[4096];
    ssize_t length = file >= 0 ? pread(file, text, sizeof text - 1, 0) : -1;

    if (length <= 0)
        return 0;
    text[length] = '\0';
    const char *found = strstr(text, word);
    return found ? strtoul(found + strlen(word), NULL, 10) * 1024 : 0;
}

static size_t status_bytes(const char *word)
{
    int file = resident_open();
    size_t bytes = read_bytes(file, word);

    if (file >= 0)
        close(file);
    return bytes;
}

size_t resident_read(int file)
{
    return read_bytes(file, "\nVmRSS:");
}

bool resident_reset_peak(void)
{
    int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    bool done = file >= 0 && write(file, "5", 1) == 1;

    if (file >= 0)
        close(file);
    return done;
}

size_t resident_bytes(void)
{
    return status_bytes("\nVmRSS:");
}

size_t resident_peak_bytes(void)
{
    return status_bytes("\nVmHWM:");
}
