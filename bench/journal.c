/* journal.c - steps as JSON Lines, appended one by one. */
#include "journal.h"

#include "fail.h"
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bool take_step(const cJSON *line, journal_find *find, void *arg)
{
    const cJSON *part = cJSON_GetObjectItemCaseSensitive(line, "part");
    const cJSON *round = cJSON_GetObjectItemCaseSensitive(line, "round");

    if (strcmp(json_text_of(line, "kind"), "step") != 0 || !cJSON_IsNumber(part) ||
        !cJSON_IsNumber(round) || !(part->valuedouble >= 0 && part->valuedouble < 1e9))
        return false;
    const struct step *step = find(arg, (size_t)part->valuedouble, round->valueint);
    return step && step_read(step, line);
}

/* Reads what there is, and puts the file's end where the last whole line ends. */
static int read_steps(struct journal *journal, const char *run, journal_find *find, void *arg)
{
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    off_t whole = 0;
    int status = 0;

    while (status == 0 && (length = getline(&text, &room, journal->file)) > 0 &&
           text[length - 1] == '\n') {
        cJSON *line = cJSON_Parse(text);
        if (whole == 0 && strcmp(json_text_of(line, "run"), run) != 0)
            status = bench_fail(EXIT_USAGE,
                                "%s is of another command, build or machine: repeat that command, "
                                "or remove the file",
                                journal->path);
        else if (whole != 0 && !take_step(line, find, arg))
            status = bench_fail(EXIT_USAGE, "%s has a line that cannot be: remove the file",
                                journal->path);
        journal->known += whole != 0;
        whole += length;
        cJSON_Delete(line);
    }
    free(text);
    if (status == 0 && (ftruncate(fileno(journal->file), whole) != 0 ||
                        fseeko(journal->file, whole, SEEK_SET) != 0))
        status =
            bench_fail(EXIT_ENVIRONMENT, "cannot write %s: %s", journal->path, strerror(errno));
    return status;
}

/* A file that cannot even begin is not left behind. */
static int write_head(struct journal *journal, const char *run)
{
    cJSON *line = json_row("begun");

    cJSON_AddStringToObject(line, "run", run);
    json_print(journal->file, line);
    if (fflush(journal->file) == 0)
        return 0;
    int why = errno;
    unlink(journal->path);
    return bench_fail(EXIT_ENVIRONMENT, "cannot write %s: %s", journal->path, strerror(why));
}

int journal_open(struct journal *journal, const char *path, const char *run, journal_find *find,
                 void *arg)
{
    FILE *file = fopen(path, "a+e");

    *journal = (struct journal){.path = path};
    if (!file)
        return bench_fail(EXIT_ENVIRONMENT, "cannot write %s: %s", path, strerror(errno));
    journal->file = file;
    int status = 0;
    if (flock(fileno(file), LOCK_EX | LOCK_NB) != 0)
        status = bench_fail(EXIT_ENVIRONMENT, "%s is being written by another run", path);
    rewind(file);
    if (status == 0)
        status = read_steps(journal, run, find, arg);
    if (status == 0 && ftello(file) == 0)
        status = write_head(journal, run);
    if (status != 0) {
        fclose(file);
        journal->file = NULL;
    }
    return status;
}

void journal_step(struct journal *journal, size_t part, int round, const struct step *step)
{
    if (!journal->file || step->count == 0)
        return;
    cJSON *line = json_row("step");
    cJSON_AddNumberToObject(line, "part", (double)part);
    cJSON_AddNumberToObject(line, "round", round);
    step_write(line, step);
    json_print(journal->file, line);
    fflush(journal->file);
}

int journal_close(struct journal *journal)
{
    int status = 0;

    if (!journal->file)
        return 0;
    bool is_whole = !ferror(journal->file);
    if (fclose(journal->file) != 0 || !is_whole)
        status = bench_fail(EXIT_ENVIRONMENT, "cannot write %s", journal->path);
    journal->file = NULL;
    return status;
}
