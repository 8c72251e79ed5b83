/* spawn.h - starts the program to be recorded, and waits for it and for all it started. */
#ifndef ASSAY_RECORD_SPAWN_H
#define ASSAY_RECORD_SPAWN_H

#include "record.h"

#include <sys/types.h>

/*
 * Finds the preload library: ASSAY_RECORD_ENV_LIBRARY, or libassay_record.so beside this program,
 * where the build puts it or where it is installed. path has `room` bytes.
 */
ASSAY_MUST_CHECK assay_status assay_spawn_find_library(char *path, size_t room,
                                                       struct assay_error *error);

/*
 * Runs command with library preloaded, its raw files going to directory, until all processes have
 * ended or a signal says to wait no longer. ASSAY_INVALID if it cannot be executed; then *pid is -1.
 */
ASSAY_MUST_CHECK assay_status assay_spawn(const struct assay_record_options *options,
                                          const char *library, const char *directory, pid_t *pid,
                                          int *wait_status, struct assay_error *error);

#endif
