/*
 * score_list.c - reads the list of mutants.
 *
 * A first line "# assay mutants 1", then lines of words between tabs: "mutant NAME BASE CLASS DIFFICULTY STORY",
 * with NAME.so beside the list, and "control SPEC CHECKS STORY", where SPEC may be such a NAME too
 * and CHECKS are those that this backend is known to fail, or "-".
 */
#include "score.h"

#include "cli.h"

#include "assay/registry.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_HEAD "# assay mutants 1"
#define LIST_WORDS 6
#define LIST_MOST_BYTES (1 << 20)

static const char *const difficulties[] = {
    [SCORE_PLAIN] = "plain", [SCORE_MEDIUM] = "medium", [SCORE_HARD] = "hard"};

const char *score_difficulty_name(enum score_difficulty difficulty)
{
    return difficulties[difficulty];
}

static bool parse_difficulty(const char *word, enum score_difficulty *difficulty)
{
    for (unsigned i = 0; i < SCORE_DIFFICULTIES; i++) {
        if (strcmp(word, difficulties[i]) == 0) {
            *difficulty = (enum score_difficulty)i;
            return true;
        }
    }
    return false;
}

static bool parse_checks(char *words, uint64_t *checks)
{
    enum assay_check check;
    char *state = NULL;

    *checks = 0;
    if (strcmp(words, "-") == 0)
        return true;
    for (char *word = strtok_r(words, ",", &state); word; word = strtok_r(NULL, ",", &state)) {
        if (!assay_check_parse(word, &check))
            return false;
        *checks |= UINT64_C(1) << check;
    }
    return true;
}

/* Cuts a line at its tabs; returns how many words there are. */
static size_t cut(char *line, char *words[LIST_WORDS])
{
    size_t count = 0;

    while (line && count < LIST_WORDS) {
        words[count++] = line;
        line = strchr(line, '\t');
        if (line)
            *line++ = '\0';
    }
    return line ? LIST_WORDS + 1 : count;
}

static struct score_subject *add(struct score_list *list)
{
    struct score_subject *more =
        realloc(list->subjects, (list->count + 1) * sizeof *list->subjects);

    if (!more)
        return NULL;
    list->subjects = more;
    more[list->count] = (struct score_subject){.base = "", .class = "", .story = ""};
    return &more[list->count++];
}

/* "plugin:FOLDER/NAME.so", or the name itself where there is no such file. */
static char *spec_of(const char *folder, const char *name, bool is_file)
{
    size_t room = strlen(folder) + strlen(name) + sizeof "plugin:/.so";
    char *spec = malloc(room);

    if (!spec)
        return NULL;
    snprintf(spec, room, "plugin:%s/%s.so", folder, name);
    if (!is_file && access(spec + strlen("plugin:"), F_OK) != 0)
        memcpy(spec, name, strlen(name) + 1);
    return spec;
}

/* Returns what is wrong with the line, or NULL. */
static const char *read_line(struct score_list *list, const char *folder, char *line)
{
    char *words[LIST_WORDS];
    size_t count = cut(line, words);
    struct score_subject subject = {.base = "", .class = ""};

    if (count == 6 && strcmp(words[0], "mutant") == 0) {
        subject.base = words[2];
        subject.class = words[3];
        if (!parse_difficulty(words[4], &subject.difficulty))
            return "is neither plain nor medium nor hard";
        subject.story = words[5];
    } else if (count == 4 && strcmp(words[0], "control") == 0) {
        subject.is_control = true;
        if (!parse_checks(words[2], &subject.ignored))
            return "names a check that there is not";
        subject.story = words[3];
    } else {
        return "is neither a mutant nor of the control";
    }
    subject.name = words[1];
    subject.spec = spec_of(folder, subject.name, !subject.is_control);
    struct score_subject *place = subject.spec ? add(list) : NULL;
    if (!place) {
        free(subject.spec);
        return "is one too many for the memory there is";
    }
    *place = subject;
    return NULL;
}

/* Built in: they are correct, or it is a finding. */
static int add_backends(struct score_list *list)
{
    size_t count;
    const struct assay_backend *const *all = assay_registry_all(&count);

    for (size_t i = 0; i < count; i++) {
        struct score_subject *subject = add(list);
        char *spec = strdup(all[i]->name);
        if (!subject || !spec) {
            free(spec);
            return cli_fail(CLI_ENVIRONMENT, "no memory for the list of backends");
        }
        subject->name = subject->spec = spec;
        subject->story = all[i]->summary;
        subject->is_control = true;
    }
    return CLI_NOTHING;
}

static int read_text(struct score_list *list, const char *path)
{
    FILE *file = fopen(path, "r");

    if (!file)
        return cli_fail(CLI_USAGE,
                        "score: no list of mutants '%s': %s; name their folder by --mutants", path,
                        strerror(errno));
    list->text = malloc(LIST_MOST_BYTES + 1);
    size_t length = list->text ? fread(list->text, 1, LIST_MOST_BYTES + 1, file) : 0;
    fclose(file);
    if (!list->text)
        return cli_fail(CLI_ENVIRONMENT, "no memory for '%s'", path);
    if (length > LIST_MOST_BYTES)
        return cli_fail(CLI_USAGE, "score: '%s' is too long for a list of mutants", path);
    list->text[length] = '\0';
    if (strlen(list->text) != length ||
        strncmp(list->text, LIST_HEAD "\n", strlen(LIST_HEAD "\n")) != 0)
        return cli_fail(CLI_USAGE,
                        "score: '%s' is not a list of mutants: its first line is not "
                        "'" LIST_HEAD "'",
                        path);
    return CLI_NOTHING;
}

static int read_file(struct score_list *list, const char *folder)
{
    char path[PATH_MAX];
    unsigned number = 1;

    if ((size_t)snprintf(path, sizeof path, "%s/list", folder) >= sizeof path)
        return cli_fail(CLI_USAGE, "score: the name of the folder of mutants is too long");
    int code = read_text(list, path);
    if (code != CLI_NOTHING)
        return code;
    char *line = strchr(list->text, '\n') + 1;
    while (*line) {
        char *end = strchr(line, '\n');
        number++;
        if (end)
            *end = '\0';
        const char *wrong = line[0] && line[0] != '#' ? read_line(list, folder, line) : NULL;
        if (wrong)
            return cli_fail(CLI_USAGE, "score: %s:%u: the line %s", path, number, wrong);
        if (!end)
            break;
        line = end + 1;
    }
    return CLI_NOTHING;
}

/* As built, harness/cli and harness/tests/mutants/plugins; as installed, bin and lib/assay/mutants. */
static const char *find_folder(char *room)
{
    static const char *const places[] = {"../tests/mutants/plugins", "../lib/assay/mutants"};
    char program[PATH_MAX], candidate[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    if (length < 0)
        return NULL;
    program[length] = '\0';
    const char *folder = dirname(program);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(candidate, sizeof candidate, "%s/%s", folder, places[i]);
        if (realpath(candidate, room))
            return room;
    }
    return NULL;
}

int score_list_read(struct score_list *list, const char *folder)
{
    char room[PATH_MAX];

    *list = (struct score_list){0};
    if (!folder)
        folder = find_folder(room);
    if (!folder)
        return cli_fail(
            CLI_USAGE, "score: no mutants beside the program: build it without sanitizers, or name "
                       "their folder by --mutants");
    int code = read_file(list, folder);
    return code == CLI_NOTHING ? add_backends(list) : code;
}

void score_list_clear(struct score_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->subjects[i].spec);
    free(list->subjects);
    free(list->text);
    *list = (struct score_list){0};
}
