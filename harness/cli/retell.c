/* retell.c - a backend as it was named, and what a program about it calls. */
#include "retell.h"

#include "cli.h"

#include "assay/program.h"

#include <stdlib.h>
#include <string.h>

static bool open_pages(struct assay_replay_options *replay, void *ctx)
{
    const struct retell *retell = ctx;

    return cli_pages_open(retell->pages, replay) == ASSAY_OK;
}

assay_status cli_retell_run(struct assay_course *course, const struct retell *retell,
                            const struct assay_stream *stream, struct assay_error *error)
{
    const struct assay_course_options options = {
        .replay = {.content_bytes = retell->content_bytes, .options = retell->options},
        .open_pages = open_pages,
        .open_ctx = (void *)(uintptr_t)retell,
        .hang_seconds = retell->hang_seconds,
    };

    return assay_course_run(course, retell->backend, stream, &options, error);
}

/* "dl:PATH:prefix" to both; paths become whole ones, for a program is started elsewhere. */
static void split_spec(const char *spec, struct assay_program_target *target, char **path,
                       char **prefix)
{
    const char *colon = strrchr(spec, ':');

    *prefix = NULL;
    target->calls = strncmp(spec, "dl:", 3) == 0 ? ASSAY_PROGRAM_MALLOC : ASSAY_PROGRAM_PLUGIN;
    const char *start = strchr(spec, ':') + 1;
    bool has_prefix = target->calls == ASSAY_PROGRAM_MALLOC && colon > start;
    char *plain = has_prefix ? strndup(start, (size_t)(colon - start)) : strdup(start);
    if (has_prefix)
        *prefix = strdup(colon + 1);
    char *whole = plain && strchr(plain, '/') ? realpath(plain, NULL) : NULL;
    *path = whole ? whole : plain;
    if (whole)
        free(plain);
    target->library = *path;
    target->prefix = *prefix;
}

bool cli_retell_has_api(const char *api)
{
    return !*api || strcmp(api, "malloc") == 0 || strcmp(api, "table") == 0 ||
           assay_program_has_seed(api);
}

/* What --api makes of what the backend has. */
static bool choose_calls(struct assay_program_target *target, const char *api,
                         struct assay_error *error)
{
    bool has_table = target->calls != ASSAY_PROGRAM_MALLOC;

    target->seed = api;
    if (assay_program_has_seed(api))
        target->calls = ASSAY_PROGRAM_SEED;
    if (strcmp(api, "table") == 0 && !has_table)
        assay_error_set(error, "a library for malloc has no table: take --api malloc");
    if (strcmp(api, "malloc") == 0 && has_table) {
        target->calls = ASSAY_PROGRAM_MALLOC;
        target->library = target->prefix = ""; /* preloaded, or linked: who knows */
    } else if (target->calls == ASSAY_PROGRAM_SEED) {
        target->library = target->prefix = "";
    }
    return !error->what[0];
}

bool cli_retell_program(FILE *out, const struct retell *retell, const char *api,
                        const struct assay_stream *stream, const struct assay_course *course,
                        struct assay_error *error)
{
    struct assay_program_target target = {
        .calls = ASSAY_PROGRAM_BACKEND,
        .options = retell->options,
        .fenced = strcmp(retell->pages, "recycled") != 0,
        .content_bytes = retell->content_bytes,
    };
    char *path = NULL, *prefix = NULL;

    if (strchr(retell->spec, ':'))
        split_spec(retell->spec, &target, &path, &prefix);
    else if (strcmp(retell->spec, "system") == 0)
        target.calls = ASSAY_PROGRAM_MALLOC;
    error->what[0] = '\0';
    bool written = choose_calls(&target, api, error) &&
                   assay_program_can_tell(&target, stream, course, error) &&
                   assay_program_write(out, retell->backend, stream, course, &target);
    free(path);
    free(prefix);
    return written;
}
