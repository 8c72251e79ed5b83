/* error.c - one sentence of failure. */
#include "assay/error.h"

#include <stdarg.h>
#include <stdio.h>

void assay_error_set(struct assay_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->what, sizeof error->what, format, arguments);
    va_end(arguments);
}
