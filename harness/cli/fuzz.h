/* fuzz.h - what the files of `assay fuzz` share: the supervisor, its workers, what they find. */
#ifndef ASSAY_CLI_FUZZ_H
#define ASSAY_CLI_FUZZ_H

#include "engine.h"

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
    unsigned long long corpus, features;            /* as an engine counts them */
};

struct fuzz_shared {
    atomic_ullong next_slice;
    atomic_bool stop;
    atomic_bool has_seeds;          /* what an engine begins with is there */
    atomic_ullong ignored;          /* bit (1 << check): known well enough */
    atomic_uint seen[ASSAY_CHECKS]; /* findings, by check */
    atomic_bool failed;             /* a worker cannot go on; error says why */
    struct assay_error error;
    struct fuzz_worker worker[FUZZ_JOBS];
};

/* What chooses the streams. */
enum fuzz_engine { FUZZ_RANDOM, FUZZ_LIBFUZZER, FUZZ_AFLPP, FUZZ_ENGINES };

struct fuzz {
    const char *spec;
    const struct assay_backend *backend;
    const char *options; /* of the backend */
    const char *folder;
    char name[64]; /* of the backend, as files are called */
    uint64_t seed;
    unsigned jobs;
    struct fuzz_shared *shared;
    enum fuzz_engine engine;
    /* The rest is an engine's; not of FUZZ_RANDOM. */
    char program[4200];   /* the target with the engine in it, or under it */
    char corpus[1024];    /* folder of all inputs */
    char kept[1100];      /* in it: what this engine keeps of this backend */
    char seeds[1100];     /* inputs to begin with, for this process's life */
    char artifacts[1100]; /* folder of inputs by which something was found, until that is written */
    int counts_file[FUZZ_JOBS];
    struct fuzz_counts *counts[FUZZ_JOBS]; /* of each worker's target */
};

/* --- folders --- */

/* "plugin:/tmp/My.so" is "my": what files of a campaign are called. */
void fuzz_set_name(struct fuzz *fuzz);
/* Makes it where it is not there. These give 0, or the exit code after having printed why not. */
int fuzz_make_folder(const char *path, const char *option);
/* For the life of this process; `way_out` ends the sentence of who comes second. */
int fuzz_lock(const char *path, const char *what, const char *way_out);
int fuzz_open_folder(const struct fuzz *fuzz);
/* The first slice that is not done. */
int fuzz_load_progress(struct fuzz *fuzz);
int fuzz_save_progress(const struct fuzz *fuzz);

/* --- engines --- */

/* False after a line that names those there are. */
bool fuzz_engine_parse(const char *word, enum fuzz_engine *engine);
const char *fuzz_engine_name(enum fuzz_engine engine);
/* Where the engine's program is. */
int fuzz_engine_find(struct fuzz *fuzz);
/* Makes what workers need: folders, counts. "": a corpus in the folder of findings. */
int fuzz_engine_open(struct fuzz *fuzz, const char *corpus);
void fuzz_engine_close(const struct fuzz *fuzz);
/* A worker's part: runs the engine until it ends or all do, and takes in what it found; false: cannot go on. */
bool fuzz_engine_run(const struct fuzz *fuzz, unsigned number);
/* Which check *stream fails on a heap that an engine has; false if none, or if that cannot be told. */
bool fuzz_fails(const struct fuzz *fuzz, const struct assay_stream *stream,
                enum assay_check *check);
/* Takes in what lies in fuzz->artifacts for a worker; false after fuzz_fail(). */
bool fuzz_take_artifacts(const struct fuzz *fuzz, unsigned number);
/* Moves there what AFL++ put beside its queue; `ended`: it writes no more. */
bool fuzz_move_crashes(const struct fuzz *fuzz, unsigned number, bool ended);
/* Fills fuzz->seeds with what there is in fuzz->corpus, and some random streams: for that, engines wait. */
int fuzz_make_seeds(struct fuzz *fuzz);
/* Takes an input out of what an engine reads, so that it does not end it each time; false with errno. */
bool fuzz_drop_seed(const struct fuzz *fuzz, const void *bytes, size_t size);

/* --- workers --- */

/* In a process of its own: runs slices until the supervisor says stop. */
void fuzz_work(const struct fuzz *fuzz, unsigned number);
/* Ends the campaign with this reason. */
void fuzz_fail(struct fuzz_shared *shared, const struct assay_error *error);
void fuzz_fail_with(const struct fuzz *fuzz, const char *what, const char *why);
/* Writes down what *whole finds, of this check, and counts it; FAILED after fuzz_fail(). */
enum fuzz_written { FUZZ_NEW, FUZZ_KNOWN, FUZZ_UNCONFIRMED, FUZZ_FAILED };
enum fuzz_written fuzz_take(const struct fuzz *fuzz, unsigned number,
                            const struct assay_stream *whole, enum assay_check check,
                            const char *pages);
/*
 * Runs *whole again on such pages (as --pages has them), reduces it, and writes it to FOLDER/BACKEND-CHECK-KINDS/, which
 * is there whole or not at all; the kinds are those of the reduced stream. KNOWN: it is there already. UNCONFIRMED: the
 * stream finds nothing this time.
 */
enum fuzz_written fuzz_write_finding(const struct fuzz *fuzz, const struct assay_stream *whole,
                                     const char *pages, struct assay_error *error);
/* With the files in it. */
void fuzz_remove_folder(const char *path);
/* Removes what died while it wrote. */
void fuzz_tidy(const char *path);

#endif
