/*
 * fuzz_engine.c - what engines need around them: their programs, and the folders in which inputs and findings lie.
 *
 * CORPUS/ENGINE-BACKEND is the engine's own, as it keeps inputs; all else in CORPUS it is given to begin with. What ended
 * a target lies in FOLDER/BACKEND.artifacts until it has been taken in, so that whoever is killed, it is still there.
 */
#include "cli.h"
#include "fuzz.h"

#include "assay/guard.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct {
    const char *name, *program, *package;
} engines[FUZZ_ENGINES] = {
    [FUZZ_RANDOM] = {"random", NULL, NULL},
    [FUZZ_LIBFUZZER] = {"libfuzzer", "engine_libfuzzer", "libclang-rt-14-dev"},
    [FUZZ_AFLPP] = {"aflpp", "engine_aflpp", "afl++"},
};

bool fuzz_engine_parse(const char *word, enum fuzz_engine *engine)
{
    for (unsigned i = 0; i < FUZZ_ENGINES; i++)
        if (strcmp(word, engines[i].name) == 0) {
            *engine = (enum fuzz_engine)i;
            return true;
        }
    if (strcmp(word, "honggfuzz") == 0)
        cli_fail(CLI_USAGE,
                 "fuzz: no engine honggfuzz, for it is no Debian package: use libfuzzer or "
                 "aflpp, or run it on build/dev/harness/fuzz/fuzz_ops yourself");
    else
        cli_fail(CLI_USAGE, "fuzz: --engine wants random, libfuzzer or aflpp, not '%s'", word);
    return false;
}

const char *fuzz_engine_name(enum fuzz_engine engine)
{
    return engines[engine].name;
}

static bool is_on_path(const char *program)
{
    const char *from = getenv("PATH"), *end;
    char file[PATH_MAX];

    for (; from && *from; from = *end ? end + 1 : end) {
        end = strchrnul(from, ':');
        snprintf(file, sizeof file, "%.*s/%s", (int)(end - from), from, program);
        if (access(file, X_OK) == 0)
            return true;
    }
    return false;
}

/* Beside the program; as built, harness/cli and harness/fuzz; as installed, bin and lib. */
int fuzz_engine_find(struct fuzz *fuzz)
{
    static const char *const places[] = {"", "/../fuzz", "/../lib/assay"};
    const char *given = getenv("ASSAY_ENGINES"), *wanted = engines[fuzz->engine].program;
    char program[PATH_MAX] = "";

    if (fuzz->engine == FUZZ_RANDOM)
        return 0;
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0 || !strrchr(program, '/'))
        program[0] = '\0';
    else
        *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < (given ? 1 : sizeof places / sizeof *places); i++) {
        snprintf(fuzz->program, sizeof fuzz->program, "%s%s/%s", given ? given : program,
                 given ? "" : places[i], wanted);
        if (access(fuzz->program, X_OK) != 0)
            continue;
        if (fuzz->engine != FUZZ_AFLPP || is_on_path("afl-fuzz"))
            return 0;
        return cli_fail(
            CLI_ENVIRONMENT,
            "no afl-fuzz on the PATH, which --engine aflpp needs: install Debian's afl++");
    }
    return cli_fail(CLI_ENVIRONMENT,
                    "no %s in %s, which --engine %s needs: build assay where Debian's %s "
                    "is, or name its folder by ASSAY_ENGINES",
                    wanted, given ? given : program, engines[fuzz->engine].name,
                    engines[fuzz->engine].package);
}

/* --- what workers and targets share --- */

static int open_counts(struct fuzz *fuzz)
{
    for (unsigned i = 0; i < fuzz->jobs; i++) {
        int file = memfd_create("assay-fuzz-counts", MFD_CLOEXEC);
        if (file < 0 || ftruncate(file, sizeof(struct fuzz_counts)) != 0)
            return cli_fail(CLI_ENVIRONMENT, "no memory to share with engines");
        void *shared =
            mmap(NULL, sizeof(struct fuzz_counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared == MAP_FAILED)
            return cli_fail(CLI_ENVIRONMENT, "no memory to share with engines");
        fuzz->counts_file[i] = file;
        fuzz->counts[i] = shared;
    }
    return 0;
}

int fuzz_engine_open(struct fuzz *fuzz, const char *corpus)
{
    char lock[1200], way_out[1200];

    if (fuzz->engine == FUZZ_RANDOM)
        return 0;
    if (strlen(corpus[0] ? corpus : fuzz->folder) > 900)
        return cli_fail(CLI_USAGE, "fuzz: the path of the corpus is too long");
    if (corpus[0])
        snprintf(fuzz->corpus, sizeof fuzz->corpus, "%s", corpus);
    else
        snprintf(fuzz->corpus, sizeof fuzz->corpus, "%s/%s.corpus", fuzz->folder, fuzz->name);
    for (size_t end = strlen(fuzz->corpus); end > 1 && fuzz->corpus[end - 1] == '/'; end--)
        fuzz->corpus[end - 1] = '\0';
    snprintf(fuzz->kept, sizeof fuzz->kept, "%s/%s-%s", fuzz->corpus, engines[fuzz->engine].name,
             fuzz->name);
    snprintf(fuzz->artifacts, sizeof fuzz->artifacts, "%s/%s.artifacts", fuzz->folder, fuzz->name);
    snprintf(fuzz->seeds, sizeof fuzz->seeds, "%s/.part-%ld-seeds", fuzz->folder, (long)getpid());
    snprintf(lock, sizeof lock, "%s.lock", fuzz->kept);
    snprintf(way_out, sizeof way_out, "%s: use its --jobs, or another --corpus", fuzz->corpus);
    int code = fuzz_make_folder(fuzz->corpus, "--corpus");
    code = code ? code : fuzz_lock(lock, fuzz->spec, way_out);
    code = code ? code : fuzz_make_folder(fuzz->kept, "--corpus");
    code = code ? code : fuzz_make_folder(fuzz->artifacts, "--output");
    code = code ? code : open_counts(fuzz);
    return code ? code : fuzz_make_folder(fuzz->seeds, "--output");
}

void fuzz_engine_close(const struct fuzz *fuzz)
{
    if (fuzz->seeds[0])
        fuzz_remove_folder(fuzz->seeds);
    if (fuzz->artifacts[0] && rmdir(fuzz->artifacts) != 0 && errno != ENOENT)
        fprintf(stderr,
                "assay: some of what was found is left in %s: the next campaign takes it in\n",
                fuzz->artifacts);
}
