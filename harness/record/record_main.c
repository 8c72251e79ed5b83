/*
 * record_main - records a program without the rest of the command line, for measuring the recorder
 * alone: [record] [--time] -o FILE -- PROGRAM ARGS. Ends with the program's status, or 2, or 3.
 */
#include "record.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_process(const struct assay_recording *process)
{
    fprintf(stderr,
            "%s: %llu calls, %llu operations, %u threads, peak %llu bytes in %llu blocks: %s\n",
            process->path, (unsigned long long)process->calls, (unsigned long long)process->ops,
            process->threads, (unsigned long long)process->peak_bytes,
            (unsigned long long)process->peak_blocks, process->command);
    if (process->refused)
        fprintf(stderr, "  %llu refused\n", (unsigned long long)process->refused);
    if (process->unknown_frees || process->unknown_reallocs)
        fprintf(stderr, "  %llu frees and %llu reallocs of blocks from before\n",
                (unsigned long long)process->unknown_frees,
                (unsigned long long)process->unknown_reallocs);
    if (process->missed_frees || process->unfinished)
        fprintf(stderr, "  %llu frees not seen, %llu calls not finished\n",
                (unsigned long long)process->missed_frees, (unsigned long long)process->unfinished);
}

int main(int argc, char **argv)
{
    struct assay_record_options options = {0};
    struct assay_record_result result;
    struct assay_error error;
    int i = 1;

    if (i < argc && strcmp(argv[i], "record") == 0)
        i++;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--time") == 0)
            options.time = true;
        else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            options.output = argv[++i];
        else
            break;
    if (i + 1 >= argc || strcmp(argv[i], "--") != 0 || !options.output) {
        fprintf(stderr, "usage: %s [--time] -o FILE -- PROGRAM ARGS...\n", argv[0]);
        return 2;
    }
    options.command = argv + i + 1;
    assay_status status = assay_record(&options, &result, &error);
    if (status != ASSAY_OK)
        fprintf(stderr, "%s: %s\n", argv[0], error.what);
    for (size_t p = 0; status == ASSAY_OK && p < result.count; p++)
        print_process(&result.processes[p]);
    int exit_status = status == ASSAY_OK ? assay_record_exit_status(&result) : 3;
    assay_record_clear(&result);
    return exit_status;
}
