/* api.c - the functions of mems.h, on one system of the process. */
#include "mems/mems.h"

#include "assay/os_pages.h"
#include "mems/print.h"

#include <inttypes.h>

static struct mems *system_of_process;

static const char no_system[] = "there is no system: mems_init() makes one";

void mems_init_pages(size_t page_size)
{
    const struct mems_setup setup = {.pages = assay_os_pages(),
                                     .page_size = page_size,
                                     .limit = SIZE_MAX,
                                     .first = MEMS_FIRST,
                                     .span = INT64_MAX};

    mems_finish();
    system_of_process = mems_open(&setup);
    if (!system_of_process)
        fprintf(stderr, "mems_init: no memory for pages of %zu bytes\n", page_size);
}

void(mems_init)(void)
{
    mems_init_pages(PAGE_SIZE);
}

void mems_finish(void)
{
    if (system_of_process)
        mems_close(system_of_process);
    system_of_process = NULL;
}

void *mems_malloc(size_t size)
{
    return system_of_process ? (void *)(uintptr_t)mems_take(system_of_process, size) : NULL;
}

void *mems_get(void *v_ptr)
{
    return system_of_process ? mems_place(system_of_process, (uintptr_t)v_ptr) : NULL;
}

void mems_free(void *v_ptr)
{
    if (!system_of_process)
        fprintf(stderr, "mems_free: %s\n", no_system);
    else if (mems_release(system_of_process, (uintptr_t)v_ptr) != ASSAY_OK)
        fprintf(stderr, "mems_free: no PROCESS begins at %" PRIuPTR "\n", (uintptr_t)v_ptr);
}

void mems_print_stats(void)
{
    if (system_of_process)
        mems_print(system_of_process, stdout);
    else
        fprintf(stderr, "mems_print_stats: %s\n", no_system);
}
