/*
 * settings.c - what the private copy of jemalloc is set to, whatever the user's environment says.
 *
 * The same stream must give the same addresses: nothing depends on time (no decay), on the thread (one
 * automatic arena, which heaps do not use, and no thread caches) or on a random offset (cache_oblivious
 * places large blocks at one). retain and dss are off so that arenas get memory from their hooks alone.
 */
#include "private.h"

#include <sys/types.h>

extern bool assay_je_opt_cache_oblivious;
char *assay_jemalloc_getenv(const char *name);
ssize_t assay_jemalloc_readlink(const char *path, char *text, size_t room);

const char *je_malloc_conf = "abort_conf:true,narenas:1,tcache:false,dirty_decay_ms:-1,"
                             "muzzy_decay_ms:0,retain:false,dss:disabled,oversize_threshold:0,"
                             "background_thread:false";

/* This version has no key for it. */
bool assay_je_opt_cache_oblivious = false;

/* Stands in for secure_getenv: MALLOC_CONF is not for this copy. */
char *assay_jemalloc_getenv(const char *name)
{
    (void)name;
    return NULL;
}

/* Stands in for readlink: /etc/malloc.conf is not for this copy. */
ssize_t assay_jemalloc_readlink(const char *path, char *text, size_t room)
{
    (void)path;
    (void)text;
    (void)room;
    return -1;
}
