/* spec.c - reads what a user wrote, by the parameters of the workload. */
#include "spec.h"

#include "assay/nearest.h"
#include "assay/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct assay_workload_parameter seed_parameter = {
    "seed", "1", "of random numbers", ASSAY_PARAMETER_NUMBER, 0, UINT64_MAX, NULL};

static const struct assay_workload *find_workload(const char *name, struct assay_error *error)
{
    size_t count;
    const struct assay_workload *const *all = assay_workload_all(&count);
    const char *names[64];

    assert(count <= sizeof names / sizeof *names);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
        names[i] = all[i]->name;
    }
    const char *near = assay_nearest(name, names, count);
    if (near)
        assay_error_set(error, "no workload called '%s' (did you mean '%s'?)", name, near);
    else
        assay_error_set(error, "no workload called '%s'", name);
    return NULL;
}

static const struct assay_workload_parameter *
find_parameter(const struct assay_workload *workload, const char *name, struct assay_error *error)
{
    const char *names[ASSAY_WORKLOAD_PARAMETERS + 1];
    size_t count = 0;

    for (; workload->parameters[count].name; count++) {
        if (strcmp(workload->parameters[count].name, name) == 0)
            return &workload->parameters[count];
        names[count] = workload->parameters[count].name;
    }
    names[count++] = seed_parameter.name;
    if (strcmp(seed_parameter.name, name) == 0)
        return &seed_parameter;
    const char *near = assay_nearest(name, names, count);
    if (near)
        assay_error_set(error, "%s has no parameter '%s' (did you mean '%s'?)", workload->name,
                        name, near);
    else
        assay_error_set(error, "%s has no parameter '%s'", workload->name, name);
    return NULL;
}

static bool parse_number(const struct assay_workload_parameter *parameter, const char *text,
                         uint64_t *number, struct assay_error *error)
{
    if (assay_text_parse_size(text, number) && *number >= parameter->min &&
        *number <= parameter->max)
        return true;
    assay_error_set(error, "%s wants a number from %" PRIu64 " to %" PRIu64 ", not '%.60s'",
                    parameter->name, parameter->min, parameter->max, text);
    return false;
}

/* The place of text among the words of the parameter. */
static bool parse_word(const struct assay_workload_parameter *parameter, const char *text,
                       unsigned *word, struct assay_error *error)
{
    size_t length = strlen(text);
    const char *next = parameter->words;

    for (*word = 0; length && *next; (*word)++) {
        size_t here = strcspn(next, " ");
        if (here == length && strncmp(next, text, length) == 0)
            return true;
        next += here + (next[here] == ' ');
    }
    assay_error_set(error, "%s wants one of: %s, not '%.60s'", parameter->name, parameter->words,
                    text);
    return false;
}

static bool parse_value(const struct assay_workload_parameter *parameter, const char *text,
                        union value *value, struct assay_error *error)
{
    switch (parameter->kind) {
    case ASSAY_PARAMETER_NUMBER:
        return parse_number(parameter, text, &value->number, error);
    case ASSAY_PARAMETER_SIZES:
        return sizes_parse(&value->sizes, text, error);
    case ASSAY_PARAMETER_WORD:
        return parse_word(parameter, text, &value->word, error);
    case ASSAY_PARAMETER_FILE:
        break;
    }
    value->path = text;
    return true;
}

/* What is said of each parameter; NULL: nothing. */
struct said {
    const char *values[ASSAY_WORKLOAD_PARAMETERS];
    const char *seed;
};

/* Takes "KEY=VALUE,KEY=VALUE" apart in place. */
static bool read_pairs(const struct assay_workload *workload, char *text, struct said *said,
                       struct assay_error *error)
{
    char *rest = NULL;

    for (char *pair = strtok_r(text, ",", &rest); pair; pair = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(pair, '=');
        if (!equals) {
            assay_error_set(error, "'%.60s' is not KEY=VALUE", pair);
            return false;
        }
        *equals = '\0';
        const struct assay_workload_parameter *parameter = find_parameter(workload, pair, error);
        if (!parameter)
            return false;
        const char **value = parameter == &seed_parameter
                                 ? &said->seed
                                 : &said->values[parameter - workload->parameters];
        if (*value) {
            assay_error_set(error, "%s is given twice", parameter->name);
            return false;
        }
        *value = equals + 1;
    }
    return true;
}

static bool parse_values(struct spec *spec, const struct said *said, struct assay_error *error)
{
    const struct assay_workload_parameter *parameters = spec->workload->parameters;

    for (size_t i = 0; parameters[i].name; i++) {
        const char *text = said->values[i] ? said->values[i] : parameters[i].value;
        if (!text) {
            assay_error_set(error, "%s wants %s=%s", spec->workload->name, parameters[i].name,
                            parameters[i].kind == ASSAY_PARAMETER_FILE ? "FILE" : "VALUE");
            return false;
        }
        if (!parse_value(&parameters[i], text, &spec->values[i], error))
            return false;
    }
    return parse_number(&seed_parameter, said->seed ? said->seed : seed_parameter.value,
                        &spec->seed, error);
}

assay_status spec_parse(struct spec *spec, const char *text, struct assay_error *error)
{
    struct said said = {{0}, NULL};

    *spec = (struct spec){0};
    if (strlen(text) >= SPEC_ROOM) {
        assay_error_set(error, "a workload of %zu characters is too long to be one", strlen(text));
        return ASSAY_INVALID;
    }
    memcpy(spec->text, text, strlen(text) + 1);
    char *colon = strchr(spec->text, ':');
    if (colon)
        *colon = '\0';
    spec->workload = find_workload(spec->text, error);
    if (spec->workload && (!colon || read_pairs(spec->workload, colon + 1, &said, error)) &&
        parse_values(spec, &said, error))
        return ASSAY_OK;
    if (spec->workload)
        spec_close(spec);
    return ASSAY_INVALID;
}

void spec_close(struct spec *spec)
{
    for (size_t i = 0; spec->workload->parameters[i].name; i++)
        if (spec->workload->parameters[i].kind == ASSAY_PARAMETER_SIZES)
            sizes_close(&spec->values[i].sizes);
}
