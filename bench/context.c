/* context.c - asks the process, the kernel and the compiler where we are. */
#include "context.h"

#include "counters.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef ASSAY_BENCH_FLAGS
#error "the build says which flags it uses"
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER "address sanitizer"
#elif __has_feature(thread_sanitizer)
#define SANITIZER "thread sanitizer"
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZER "address sanitizer"
#elif defined(__SANITIZE_THREAD__)
#define SANITIZER "thread sanitizer"
#endif

/* The first line of a file that starts with key, what is behind it and ": "; "unknown" if none. */
static void look_up(const char *path, const char *key, char *value, size_t room)
{
    char line[300];
    FILE *file = fopen(path, "re");

    snprintf(value, room, "unknown");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        const char *start = line + strlen(key);
        start += strspn(start, " \t:");
        snprintf(value, room, "%.*s", (int)strcspn(start, "\n"), start);
        break;
    }
    fclose(file);
}

static void find_aslr(struct context *context)
{
    char value[24];

    look_up("/proc/sys/kernel/randomize_va_space", "", value, sizeof value);
    const char *word = strcmp(value, "0") == 0   ? "off"
                       : strcmp(value, "1") == 0 ? "partly"
                       : strcmp(value, "2") == 0 ? "on"
                                                 : "unknown";
    snprintf(context->aslr, sizeof context->aslr, "%s", word);
}

/* "always [madvise] never" -> "madvise" */
static void find_huge_pages(struct context *context)
{
    char value[100];

    look_up("/sys/kernel/mm/transparent_hugepage/enabled", "", value, sizeof value);
    const char *start = strchr(value, '[');
    start = start ? start + 1 : value;
    snprintf(context->huge_pages, sizeof context->huge_pages, "%.*s", (int)strcspn(start, "]"),
             start);
}

/* Which file the process's malloc comes from tells what stands in for the C library's. */
static void find_system(struct context *context)
{
#ifdef SANITIZER
    snprintf(context->system, sizeof context->system, "%s", SANITIZER);
#else
    Dl_info info = {0};
    void *function = dlsym(RTLD_DEFAULT, "malloc");

    if (!function || !dladdr(function, &info) || !info.dli_fname)
        snprintf(context->system, sizeof context->system, "unknown");
    else if (strstr(info.dli_fname, "/libc.so") || strstr(info.dli_fname, "/libc-"))
        snprintf(context->system, sizeof context->system, "glibc %s", gnu_get_libc_version());
    else
        snprintf(context->system, sizeof context->system, "%s", info.dli_fname);
#endif
}

bool context_is_sanitized(void)
{
#ifdef SANITIZER
    return true;
#else
    return false;
#endif
}

static void find_counters(struct context *context)
{
    struct counters counters;

    counters_open(&counters, hardware_events);
    counters_describe(&counters, hardware_events, context->counters, sizeof context->counters);
    counters_close(&counters);
}

void context_find(struct context *context)
{
    struct utsname name;

#if defined(__clang__)
    snprintf(context->compiler, sizeof context->compiler, "%s", __VERSION__);
#else
    snprintf(context->compiler, sizeof context->compiler, "gcc %s", __VERSION__);
#endif
    snprintf(context->flags, sizeof context->flags, "%s", ASSAY_BENCH_FLAGS);
    look_up("/proc/cpuinfo", "model name", context->cpu, sizeof context->cpu);
    if (uname(&name) == 0)
        snprintf(context->kernel, sizeof context->kernel, "%.40s %.60s", name.sysname,
                 name.release);
    else
        snprintf(context->kernel, sizeof context->kernel, "unknown");
    context->valgrind[0] = '\0';
    context->cpus = sysconf(_SC_NPROCESSORS_ONLN);
    context->page_size = sysconf(_SC_PAGESIZE);
    find_aslr(context);
    find_huge_pages(context);
    find_counters(context);
    find_system(context);
}
