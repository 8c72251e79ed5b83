/* resident.c - what the kernel says about this process's memory. */
#include "resident.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The number behind `word` in /proc/self/status, in bytes; 0 if it is not to be had. */
static size_t status_bytes(const char *word)
{
    char line[256];
    size_t kib = 0;
    FILE *file = fopen("/proc/self/status", "re");

    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, word, strlen(word)) == 0 && sscanf(line + strlen(word), "%zu", &kib) == 1)
            break;
    fclose(file);
    return kib * 1024;
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
    return status_bytes("VmRSS:");
}

size_t resident_peak_bytes(void)
{
    return status_bytes("VmHWM:");
}
