/*
 * test_program_bugs - programs written about planted bugs fail on the allocator with the bug, and pass on the one
 * without it: for every check there is.
 *
 *     test_program_bugs [NAME...]      these mutants of the list in place of the chosen ones; "all": every one
 *     test_program_bugs seeds          those that a seed's own calls must tell
 *
 * A mutant of what is in a seed's library is told with the seed's own calls too, where these can.
 *
 * The bugs are real: not for builds with sanitizers, which would end at each of them.
 */
#include "assay/campaign.h"
#include "assay/course.h"
#include "assay/pages.h"
#include "assay/program.h"
#include "assay/reduce.h"
#include "assay/registry.h"
#include "assay/swarm.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

/* Of a campaign: nearly all mutants fall sooner. */
#define OPERATIONS 4000000
#define MOST_MUTANTS 1000
#define CONTENT ((size_t)64 << 10)
#define RECYCLED_BYTES ((size_t)64 << 20)

struct mutant {
    char name[64], base[64];
};

/* By the checks that see them in a campaign, all checks that there are among them. */
static const char *const chosen[] = {
#include "program_bugs.inc"
};

static const char *const told_by_seeds[] = {
#include "program_seeds.inc"
};

static struct mutant mutants[MOST_MUTANTS];
static size_t mutant_count;
static char **names;
static int name_count;
static char folder[] = "/tmp/assay-program-XXXXXX";

/* --- pages as a campaign gives them --- */

static struct assay_fence fence;
static struct assay_recycler recycler;

static void recycle(void *ctx)
{
    assay_recycler_reset(ctx);
}

static struct assay_replay_options replay_options(uint64_t number)
{
    struct assay_replay_options options = {.content_bytes = CONTENT};
    bool fenced = assay_campaign_is_fenced(number);

    options.pages = fenced ? &fence.source : &recycler.source;
    options.reset_pages = fenced ? assay_fence_reset : recycle;
    options.reset_ctx = fenced ? (void *)&fence : (void *)&recycler;
    return options;
}

/* --- programs --- */

static void list_mutants(void)
{
    FILE *list = fopen(MUTANTS "/list", "r");
    char line[1024];

    assert_non_null(list);
    while (mutant_count < MOST_MUTANTS && fgets(line, sizeof line, list))
        mutant_count += sscanf(line, "mutant\t%63[^\t]\t%63[^\t]", mutants[mutant_count].name,
                               mutants[mutant_count].base) == 2;
    fclose(list);
}

/* A shell's command; how it ended as the shell tells it: above 128 a signal. */
static int command(const char *format, ...)
{
    char line[8192];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    int ending = system(line);
    return WIFEXITED(ending) ? WEXITSTATUS(ending) : 255;
}

static void write_program(const char *path, const struct assay_backend *backend,
                          const char *library, const struct assay_stream *stream,
                          const struct assay_course *course, bool fenced)
{
    const struct assay_program_target target = {.calls = ASSAY_PROGRAM_PLUGIN,
                                                .library = library,
                                                .fenced = fenced,
                                                .content_bytes = CONTENT};
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_true(assay_program_write(out, backend, stream, course, &target));
    assert_int_equal(fclose(out), 0);
}

/* Whether the program's endings tell that it found a bug in one and none in the other. */
static bool is_told(int with, int without)
{
    return (with == 1 || with > 128) && without == 0; /* 128 and a signal */
}

/* False, with a line of why, if the program does not tell the mutant from its base. */
static bool tells_apart(const struct mutant *mutant, enum assay_check check)
{
    int built = command("cc -std=c11 -Wall -Wextra -Werror -Wno-unused-function -D_GNU_SOURCE "
                        "-I " INCLUDES " -o %s/program %s/program.c -ldl",
                        folder, folder);
    int with = built ? -1 : command("%s/program 2>%s/said", folder, folder);
    int without = built ? -1
                        : command("%s/program " MUTANTS "/%s.so >/dev/null 2>%s/base", folder,
                                  mutant->base, folder);
    if (without == 3) /* of another spelling: page-cache */
        without = command("%s/program " MUTANTS "/$(echo %s | tr - _).so >/dev/null 2>%s/base",
                          folder, mutant->base, folder);
    if (is_told(with, without))
        return true;
    print_message("%s (%s): compiles: %s, with the bug: %d, without: %d\n", mutant->name,
                  assay_check_name(check), built ? "no" : "yes", with, without);
    command("cp %s/program.c %s/%s.c; cat %s/said %s/base 1>&2", folder, folder, mutant->name,
            folder, folder);
    return false;
}

/* --- programs with a seed's calls --- */

/* Whose library the allocator is in; NULL: of none. */
static const char *seed_of(const char *base)
{
    static const struct {
        const char *base, *seed;
    } seeds[] = {
        {"emalloc", "emalloc"},    {"buddy", "emalloc"}, {"pool", "emalloc"},
        {"mmap-large", "emalloc"}, {"list", "alloc"},    {"mems", "mems"},
        {"region", "region"},      {"vma", "vma"},
    };

    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        if (strcmp(base, seeds[i].base) == 0)
            return seeds[i].seed;
    return NULL;
}

/* Whether a program with the seed's calls tells its library with the mutant's change from the one without. */
static bool seed_tells_apart(const struct mutant *mutant, const char *seed)
{
    const char *name = mutant->name;
    int built = command("cc -std=c11 -Wall -Wextra -Werror -Wno-unused-function -D_GNU_SOURCE "
                        "-I " ROOT "/backends/%s -c -o %s/seed.o %s/seed.c",
                        seed, folder, folder);
    int changed = command("cc -std=c11 -O1 -w -D_GNU_SOURCE -I " INCLUDES " -I " TREES
                          "/%s/backends -I " ROOT "/backends -o %s/with %s/seed.o "
                          "$(sed -n 's|^+++ b/\\(.*[.]c\\).*|" TREES "/%s/\\1|p' " ROOT
                          "/harness/tests/mutants/diffs/%s.diff) " BACKENDS "/%s/lib%s.a -lpthread",
                          name, folder, folder, name, name, seed, seed);
    int plain = command("cc -o %s/without %s/seed.o " BACKENDS "/%s/lib%s.a -lpthread", folder,
                        folder, seed, seed);
    int with = command("%s/with >/dev/null 2>%s/said", folder, folder);
    int without = command("%s/without >/dev/null 2>%s/base", folder, folder);

    if (built || plain)
        fail_msg("%s: a program with the calls of %s is not built", name, seed);
    return !changed && is_told(with, without); /* what is changed may be in the table only */
}

/* Tells of a stream that finds the mutant, with the calls of its seed if they can. */
static bool tell_by_seed(const struct mutant *mutant, const struct assay_backend *backend,
                         const struct assay_stream *stream, const struct assay_course *course)
{
    const struct assay_program_target target = {
        .calls = ASSAY_PROGRAM_SEED, .seed = seed_of(mutant->base), .content_bytes = CONTENT};
    struct assay_error error = {""};
    char path[4096];

    if (!target.seed || names == (char **)(uintptr_t)chosen)
        return false;
    if (!assay_program_can_tell(&target, stream, course, &error)) {
        print_message("%s: %s\n", mutant->name, error.what);
        return false;
    }
    snprintf(path, sizeof path, "%s/seed.c", folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(assay_program_write(out, backend, stream, course, &target));
    assert_int_equal(fclose(out), 0);
    bool told = seed_tells_apart(mutant, target.seed);
    print_message("%-14s %s: the calls of %s %s\n", assay_check_name(course->finding.check),
                  mutant->name, target.seed, told ? "tell it" : "do not");
    return told;
}

/* --- mutants --- */

/* The shortest stream that finds the mutant; false if there is none. */
static bool find_stream(const struct assay_backend *backend, struct assay_stream *stream,
                        uint64_t *number)
{
    const struct assay_campaign_options campaign = {.seed = 1, .most_ops = OPERATIONS};
    struct assay_campaign_result found;
    struct assay_reduce_result reduced;
    struct assay_error error = {""};

    assert_int_equal(assay_campaign_run(backend, &campaign, &found, &error), ASSAY_OK);
    if (!found.found)
        return false;
    *number = found.stream;
    const struct assay_reduce_options options = {.replay = replay_options(*number)};
    assert_int_equal(assay_swarm_stream(stream, *number), ASSAY_OK);
    assert_int_equal(assay_reduce(backend, stream, &options, &reduced, &error), ASSAY_OK);
    return reduced.found;
}

/* The check that the program of a mutant is about; CHECKS if the program is wrong, or there is none. *by_seed: whether
 * one with a seed's calls tells it too. */
static enum assay_check tell(const struct mutant *mutant, bool *by_seed)
{
    const struct assay_backend *backend;
    struct assay_stream stream = {0};
    struct assay_course course = {.found = false};
    struct assay_error error = {""};
    enum assay_check check = ASSAY_CHECKS;
    char spec[4096], path[4096];
    uint64_t number;

    snprintf(spec, sizeof spec, "plugin:" MUTANTS "/%s.so", mutant->name);
    snprintf(path, sizeof path, "%s/program.c", folder);
    assert_int_equal(assay_registry_find(spec, &backend, &error), ASSAY_OK);
    if (!find_stream(backend, &stream, &number)) {
        print_message("%s: not found here\n", mutant->name);
        assay_stream_clear(&stream);
        return check;
    }
    const struct assay_course_options options = {.replay = replay_options(number),
                                                 .hang_seconds = 2};
    if (assay_course_run(&course, backend, &stream, &options, &error) != ASSAY_OK)
        fail_msg("%s", error.what);
    if (course.found) {
        write_program(path, backend, spec + strlen("plugin:"), &stream, &course,
                      assay_campaign_is_fenced(number));
        if (tells_apart(mutant, course.finding.check))
            check = course.finding.check;
        *by_seed = tell_by_seed(mutant, backend, &stream, &course);
    } else {
        print_message("%s: the course finds nothing\n", mutant->name);
    }
    assay_course_clear(&course);
    assay_stream_clear(&stream);
    return check;
}

static bool is_wanted(const char *name)
{
    if (name_count == 1 && strcmp(names[0], "all") == 0)
        return true;
    for (int i = 0; i < name_count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void test_programs_fail_with_the_bug_and_pass_without_it(void **state)
{
    bool seen[ASSAY_CHECKS + 1] = {false};
    size_t told = 0, told_by_seed = 0, wanted = 0;

    (void)state;
    list_mutants();
    for (size_t i = 0; i < mutant_count; i++) {
        if (!is_wanted(mutants[i].name))
            continue;
        bool by_seed = false;
        enum assay_check check = tell(&mutants[i], &by_seed);
        seen[check] = true;
        wanted++;
        told_by_seed += by_seed;
        told += check != ASSAY_CHECKS;
        if (check != ASSAY_CHECKS)
            print_message("%-14s %s\n", assay_check_name(check), mutants[i].name);
    }
    print_message("%zu of %zu programs tell the bug\n", told, wanted);
    for (unsigned check = 0; check < ASSAY_CHECKS; check++)
        if (!seen[check])
            print_message("no program about: %s\n", assay_check_name((enum assay_check)check));
    if (names == (char **)(uintptr_t)told_by_seeds)
        assert_int_equal(told_by_seed, wanted);
    if (names != (char **)(uintptr_t)chosen)
        return;
    assert_int_equal(told, wanted);
    for (unsigned check = 0; check < ASSAY_CHECKS; check++)
        assert_true(seen[check]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_fail_with_the_bug_and_pass_without_it),
    };

    if (argc == 2 && strcmp(argv[1], "seeds") == 0) {
        names = (char **)(uintptr_t)told_by_seeds;
        name_count = (int)(sizeof told_by_seeds / sizeof *told_by_seeds);
    } else {
        names = argc > 1 ? argv + 1 : (char **)(uintptr_t)chosen;
        name_count = argc > 1 ? argc - 1 : (int)(sizeof chosen / sizeof *chosen);
    }
    if (!mkdtemp(folder) || assay_fence_open(&fence) != ASSAY_OK ||
        assay_recycler_open(&recycler, RECYCLED_BYTES, NULL) != ASSAY_OK)
        return 3;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!failed)
        command("rm -r %s", folder);
    return failed;
}
