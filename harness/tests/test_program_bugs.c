/*
 * test_program_bugs - programs written about planted bugs fail on the allocator with the bug, and pass on the one
 * without it: for every check there is.
 *
 *     test_program_bugs [NAME...]      these mutants of the list in place of the chosen ones; "all": every one
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
#define OPERATIONS 1000000
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
    bool fails = with == 1 || with > 128; /* 128 and a signal */

    if (fails && without == 0)
        return true;
    print_message("%s (%s): compiles: %s, with the bug: %d, without: %d\n", mutant->name,
                  assay_check_name(check), built ? "no" : "yes", with, without);
    command("cp %s/program.c %s/%s.c; cat %s/said %s/base 1>&2", folder, folder, mutant->name,
            folder, folder);
    return false;
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

/* The check that the program of a mutant is about; CHECKS if the program is wrong, or there is none. */
static enum assay_check tell(const struct mutant *mutant)
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
    size_t told = 0, wanted = 0;

    (void)state;
    list_mutants();
    for (size_t i = 0; i < mutant_count; i++) {
        if (!is_wanted(mutants[i].name))
            continue;
        enum assay_check check = tell(&mutants[i]);
        seen[check] = true;
        wanted++;
        told += check != ASSAY_CHECKS;
        if (check != ASSAY_CHECKS)
            print_message("%-14s %s\n", assay_check_name(check), mutants[i].name);
    }
    print_message("%zu of %zu programs tell the bug\n", told, wanted);
    for (unsigned check = 0; check < ASSAY_CHECKS; check++)
        if (!seen[check])
            print_message("no program about: %s\n", assay_check_name((enum assay_check)check));
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

    names = argc > 1 ? argv + 1 : (char **)(uintptr_t)chosen;
    name_count = argc > 1 ? argc - 1 : (int)(sizeof chosen / sizeof *chosen);
    if (!mkdtemp(folder) || assay_fence_open(&fence) != ASSAY_OK ||
        assay_recycler_open(&recycler, RECYCLED_BYTES, NULL) != ASSAY_OK)
        return 3;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (!failed)
        command("rm -r %s", folder);
    return failed;
}
