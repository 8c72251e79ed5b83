/* fail.c - one line on standard error. */
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

int bench_fail(int status, const char *format, ...)
{
    va_list arguments;

    fputs("assay: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}
