/* fuzz.h - what the files of `assay fuzz` share: the supervisor, its workers, what they find. */
#ifndef ASSAY_CLI_FUZZ_H
#define ASSAY_CLI_FUZZ_H

#include "assay/backend.h"
#include "assay/campaign.h"
#include "assay/error.h"

#include <stdatomic.h>

#define FUZZ_JOBS 64
/* Of larger blocks a campaign checks both ends only. */
#define FUZZ_CONTENT ((size_t)64 << 10)
/* So often a slice is begun anew after its worker died, before it is passed over. */
#define FUZZ_TRIES 3

/* What workers and their supervisor share. A slice is a campaign of about a second, known by its number. */
struct fuzz_worker {
    atomic_ullong slice; /* under way; it is not done before its finding is written */
    unsigned tries;      /* of that slice */
    atomic_bool has_slice;
    unsigned long long streams, ops, served, refused;
    unsigned long long known, unconfirmed, written; /* findings */
};

struct fuzz_shared {
    atomic_ullong next_slice;
    atomic_bool stop;
    atomic_ullong ignored;          /* bit (1 << check): known well enough */
    atomic_uint seen[ASSAY_CHECKS]; /* findings, by check */
    atomic_bool failed;             /* a worker cannot go on; error says why */
    struct assay_error error;
    struct fuzz_worker worker[FUZZ_JOBS];
};

struct fuzz {
    const char *spec;
    const struct assay_backend *backend;
    const char *options; /* of the backend */
    const char *folder;
    char name[64]; /* of the backend, as files are called */
    uint64_t seed;
    struct fuzz_shared *shared;
};

/* In a process of its own: runs slices until the supervisor says stop. */
void fuzz_work(const struct fuzz *fuzz, unsigned number);

enum fuzz_written { FUZZ_NEW, FUZZ_KNOWN, FUZZ_UNCONFIRMED, FUZZ_FAILED };
/*
 * Runs stream `number` again, reduces it, and writes it to FOLDER/BACKEND-CHECK-KINDS/, which is there whole or not
 * at all; the kinds are those of the reduced stream. KNOWN: it is there already. UNCONFIRMED: the stream finds nothing
 * this time.
 */
enum fuzz_written fuzz_write_finding(const struct fuzz *fuzz, uint64_t number,
                                     struct assay_error *error);
/* Removes what died while it wrote. */
void fuzz_tidy(const char *path);

#endif
