/* distribution_text.c - a distribution as a text, line by line. */
#include "distribution.h"

#include "assay/sizes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "assay-distribution 1"
/* So that sums of counts fit, whatever a file says. */
#define MOST_COUNT ((uint64_t)1 << 48)
#define MOST_LINES 200000

static void write_lives(const struct distribution_table *table, unsigned power, FILE *out)
{
    uint64_t low = UINT64_C(1) << power, high = 2 * low - 1;

    for (size_t i = 0; i < table->count; i++) {
        const struct distribution_entry *entry = &table->entries[i];
        if (entry->low == ASSAY_LIVES_ON)
            fprintf(out, "stay %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", low, high, entry->count);
        else
            fprintf(out, "life %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", low,
                    high, entry->low, entry->high, entry->count);
    }
}

void assay_distribution_write(const struct assay_distribution *distribution, FILE *out)
{
    fputs(HEAD "\n", out);
    for (size_t i = 0; i < distribution->sizes.count; i++) {
        const struct distribution_entry *entry = &distribution->sizes.entries[i];
        fprintf(out, "sizes %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", entry->low, entry->high,
                entry->count);
    }
    for (unsigned i = 0; i < DISTRIBUTION_CLASSES; i++)
        write_lives(&distribution->lives[i], i, out);
}

/* The decimal numbers of a line, to its end; -1 if there is anything else, or too many. */
static int read_numbers(char *text, uint64_t *numbers, int most)
{
    char *rest = NULL;
    int count = 0;

    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *end;
        errno = 0;
        if (count == most || word[0] < '0' || word[0] > '9')
            return -1;
        numbers[count++] = strtoull(word, &end, 10);
        if (*end || errno)
            return -1;
    }
    return count;
}

static bool is_class(uint64_t low, uint64_t high)
{
    return assay_is_power_of_two(low) && high == 2 * low - 1 && low <= DISTRIBUTION_MOST;
}

/* Values rise from line to line and counts are not 0: what drawing relies on. */
static const char *add(struct distribution_table *table, uint64_t low, uint64_t high,
                       uint64_t count)
{
    if (low > high || (table->count && table->entries[table->count - 1].high >= low))
        return "values do not rise";
    if (count == 0 || count > MOST_COUNT || table->total > MOST_COUNT)
        return "a count that cannot be";
    return distribution_append(table, low, high, count) == ASSAY_OK ? NULL : "no memory for it";
}

/* NULL, or what is wrong with the line. */
static const char *read_line(struct assay_distribution *distribution, char *line)
{
    uint64_t n[5];
    size_t length = strcspn(line, " ");
    int count = read_numbers(line + length, n, 5);

    if (length == 5 && strncmp(line, "sizes", 5) == 0 && count == 3)
        return n[0] == 0 || n[1] > DISTRIBUTION_MOST ? "a size that cannot be"
                                                     : add(&distribution->sizes, n[0], n[1], n[2]);
    bool is_life = length == 4 && strncmp(line, "life", 4) == 0 && count == 5;
    bool is_stay = length == 4 && strncmp(line, "stay", 4) == 0 && count == 3;
    if (!is_life && !is_stay)
        return "neither sizes, life nor stay with its numbers";
    if (!is_class(n[0], n[1]))
        return "sizes that are not those between two powers of two";
    struct distribution_table *table = &distribution->lives[assay_floor_log2(n[0])];
    if (is_stay)
        return add(table, ASSAY_LIVES_ON, ASSAY_LIVES_ON, n[2]);
    return n[2] == 0 || n[3] == ASSAY_LIVES_ON ? "a life that cannot be"
                                               : add(table, n[2], n[3], n[4]);
}

static assay_status read_lines(struct assay_distribution *distribution, FILE *file,
                               const char *path, struct assay_error *error)
{
    char line[200];
    unsigned number = 0;

    while (fgets(line, sizeof line, file)) {
        size_t length = strcspn(line, "\n");
        const char *wrong = NULL;
        if (++number > MOST_LINES || line[length] != '\n')
            wrong = "too long, or cut short";
        line[length] = '\0';
        if (!wrong && number == 1 && strcmp(line, HEAD) != 0)
            wrong = "not '" HEAD "', with which a distribution begins";
        else if (!wrong && number > 1)
            wrong = read_line(distribution, line);
        if (wrong) {
            assay_error_set(error, "%s:%u: %s", path, number, wrong);
            return ASSAY_INVALID;
        }
    }
    if (ferror(file) || distribution->sizes.total == 0) {
        assay_error_set(error, "%s is no distribution: assay trace stats --distribution makes one",
                        path);
        return ASSAY_INVALID;
    }
    return ASSAY_OK;
}

assay_status assay_distribution_read(struct assay_distribution **distribution, const char *path,
                                     struct assay_error *error)
{
    FILE *file = fopen(path, "re");

    *distribution = NULL;
    if (!file) {
        assay_error_set(error, "cannot open %s: %s", path, strerror(errno));
        return ASSAY_INVALID;
    }
    *distribution = calloc(1, sizeof **distribution);
    if (!*distribution)
        assay_error_set(error, "no memory for a distribution");
    assay_status status =
        *distribution ? read_lines(*distribution, file, path, error) : ASSAY_NO_MEMORY;
    fclose(file);
    if (status != ASSAY_OK) {
        assay_distribution_close(*distribution);
        *distribution = NULL;
    }
    return status;
}
