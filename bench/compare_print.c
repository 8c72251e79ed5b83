/* compare_print.c - two files side by side, and the trend of many. */
#include "compare.h"

#include "json.h"

#include <assert.h>
#include <glob.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SAME = 0, EXIT_CHANGED = 1, EXIT_BAD_WORD = 2, EXIT_WORLD = 3 };

/* Percent that B takes more, with a sign. */
static void add_percent(struct sheet *sheet, double ratio)
{
    if (isfinite(ratio) && ratio > 0)
        sheet_add(sheet, "%+.1f %%", 100 * (ratio - 1));
    else
        sheet_add(sheet, "-");
}

/* The same where a hundredth counts. */
static void add_fine_percent(struct sheet *sheet, double ratio)
{
    if (isfinite(ratio) && ratio > 0)
        sheet_add(sheet, "%+.2f %%", 100 * (ratio - 1));
    else
        sheet_add(sheet, "-");
}

static void add_interval(struct sheet *sheet, const struct interval *ratio)
{
    if (ratio->middle > 0)
        sheet_add(sheet, "%.3f..%.3f", ratio->low, ratio->high);
    else
        sheet_add(sheet, "-");
}

static void add_comparison(struct sheet *sheet, const struct comparison *one)
{
    sheet_add(sheet, "%s", one->a->workload);
    sheet_add(sheet, "%s", one->a->backend);
    sheet_add_number(sheet, sample_median(&one->a->ns), 2);
    sheet_add_number(sheet, one->b ? sample_median(&one->b->ns) : NAN, 2);
    if (one->is_counted) {
        add_fine_percent(sheet, one->ratio.middle);
        sheet_add(sheet, "%s", verdict_name(one->verdict));
        return;
    }
    add_percent(sheet, one->measured_ratio.middle);
    add_percent(sheet, one->ratio.middle);
    add_interval(sheet, &one->ratio);
    add_percent(sheet, one->ratio.middle > 0 ? 1 + one->noise : NAN);
    sheet_add(sheet, "%s", verdict_name(one->verdict));
}

static int print_sheet(const struct comparison *comparisons, size_t count,
                       const struct compare_options *options, FILE *out)
{
    static const char *const headings[] = {"workload", "backend",    "A ns/op>", "B ns/op>", "B/A>",
                                           "beside>",  "99 in 100>", "noise>",   "verdict"};
    static const char *const counted[] = {"workload",    "backend", "A instr/op>",
                                          "B instr/op>", "B/A>",    "verdict"};
    bool is_counted = count && comparisons[0].is_counted;
    struct sheet *sheet = is_counted ? sheet_open(counted, sizeof counted / sizeof *counted)
                                     : sheet_open(headings, sizeof headings / sizeof *headings);

    for (size_t i = 0; sheet && i < count; i++)
        add_comparison(sheet, &comparisons[i]);
    if (sheet)
        sheet_fit(sheet, options->width);
    return sheet ? sheet_close(sheet, options->form, out) : -1;
}

static void print_json(const struct comparison *comparisons, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct comparison *one = &comparisons[i];
        cJSON *line = json_row("comparison");
        cJSON_AddStringToObject(line, "workload", one->a->workload);
        cJSON_AddStringToObject(line, "backend", one->a->backend);
        cJSON_AddStringToObject(line, "verdict", verdict_name(one->verdict));
        if (one->ratio.middle > 0) {
            json_number(line, "ratio", one->ratio.middle);
            json_number(line, "ratio_low", one->ratio.low);
            json_number(line, "ratio_high", one->ratio.high);
            json_number(line, "measured_ratio", one->measured_ratio.middle);
            json_number(line, "measured_ratio_low", one->measured_ratio.low);
            json_number(line, "measured_ratio_high", one->measured_ratio.high);
            json_number(line, "noise", one->noise);
            cJSON_AddNumberToObject(line, "probability", one->probability);
        }
        json_print(out, line);
    }
}

static bool is_over(const struct comparison *one, double fail_over)
{
    return one->verdict == VERDICT_BROKEN ||
           (one->verdict == VERDICT_SLOWER && fail_over >= 0 && one->ratio.middle > 1 + fail_over);
}

/* The last line, for people. */
static void print_summary(const struct comparison *comparisons, size_t count, FILE *out)
{
    size_t counts[VERDICT_MISSING + 1] = {0};

    for (size_t i = 0; i < count; i++)
        counts[comparisons[i].verdict]++;
    fprintf(out, "%zu slower, %zu faster, %zu within the noise", counts[VERDICT_SLOWER],
            counts[VERDICT_FASTER], counts[VERDICT_NOISE]);
    for (enum verdict verdict = VERDICT_BROKEN; verdict <= VERDICT_MISSING; verdict++)
        if (counts[verdict])
            fprintf(out, ", %zu %s", counts[verdict], verdict_name(verdict));
    fputc('\n', out);
}

static void warn_of_builds(const struct results *a, const struct results *b)
{
    if (a->build && b->build && strcmp(a->build, b->build) != 0)
        fprintf(stderr, "assay: not alike: %s was made by %s, %s by %s\n", a->path, a->build,
                b->path, b->build);
}

static int compare_and_print(const struct results *a, const struct results *b,
                             const struct compare_options *options, FILE *out)
{
    struct comparison *comparisons = calloc(a->count, sizeof *comparisons);
    int status = EXIT_SAME;

    bool is_done = comparisons && compare_results(a, b, comparisons) == 0;
    if (is_done && options->json)
        print_json(comparisons, a->count, out);
    else if (is_done)
        is_done = print_sheet(comparisons, a->count, options, out) == 0;
    if (!is_done)
        status = EXIT_WORLD;
    for (size_t i = 0; status != EXIT_WORLD && i < a->count; i++)
        if (is_over(&comparisons[i], options->fail_over))
            status = EXIT_CHANGED;
    if (status != EXIT_WORLD && !options->json && options->form == SHEET_TABLE)
        print_summary(comparisons, a->count, out);
    free(comparisons);
    return status;
}

/* Instructions say nothing beside times. */
static bool are_alike(const struct results *a, const struct results *b, struct assay_error *error)
{
    if (a->is_counted == b->is_counted)
        return true;
    assay_error_set(error, "%s has instructions of bench --stable, %s has times",
                    a->is_counted ? a->path : b->path, a->is_counted ? b->path : a->path);
    return false;
}

int compare_files(const char *a, const char *b, const struct compare_options *options, FILE *out,
                  struct assay_error *error)
{
    struct results first, second;

    if (results_read(&first, a, error) != ASSAY_OK)
        return EXIT_WORLD;
    if (results_read(&second, b, error) != ASSAY_OK) {
        results_close(&first);
        return EXIT_WORLD;
    }
    int status = EXIT_BAD_WORD;
    if (are_alike(&first, &second, error)) {
        warn_of_builds(&first, &second);
        status = results_add_totals(&first, &second) == 0
                     ? compare_and_print(&first, &second, options, out)
                     : EXIT_WORLD;
    }
    if (status == EXIT_WORLD)
        assay_error_set(error, "no memory to compare %s with %s", a, b);
    results_close(&first);
    results_close(&second);
    return status;
}

/* --- many --- */

/* Two columns name a row, two say what came of it. */
#define TREND_MOST (SHEET_COLUMNS - 4)

/* What is not in the trend and why, as one line. */
struct left_out {
    FILE *file; /* to memory; NULL: nothing yet */
    char *text;
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void leave_out(struct left_out *left_out,
                                                            const char *format, ...)
{
    va_list arguments;
    const char *before = left_out->file ? "; " : "";

    if (!left_out->file)
        left_out->file = open_memstream(&left_out->text, &left_out->length);
    if (!left_out->file)
        return;
    fputs(before, left_out->file);
    va_start(arguments, format);
    vfprintf(left_out->file, format, arguments);
    va_end(arguments);
}

/* To standard error, once. */
static void left_out_say(struct left_out *left_out)
{
    if (!left_out->file)
        return;
    if (fclose(left_out->file) == 0)
        fprintf(stderr, "assay: left out of the trend: %s\n", left_out->text);
    free(left_out->text);
    *left_out = (struct left_out){.file = NULL};
}

/* Time over that of `system` in the same file; of `system` itself, in nanoseconds. */
static double trend_value(const struct results *run, const char *workload, const char *backend)
{
    const struct result *row = results_find(run, workload, backend);
    const struct result *system = results_find(run, workload, "system");
    double ns = row && row->passed ? sample_median(&row->ns) : NAN;

    if (!system || row == system)
        return ns;
    return ns / sample_median(&system->ns);
}

static void add_trend(struct sheet *sheet, const struct results *const *runs, size_t count,
                      const struct comparison *change)
{
    sheet_add(sheet, "%s", change->a->workload);
    sheet_add(sheet, "%s", change->a->backend);
    for (size_t i = 0; i < count; i++)
        sheet_add_number(sheet, trend_value(runs[i], change->a->workload, change->a->backend), 3);
    add_percent(sheet, change->ratio.middle);
    sheet_add(sheet, "%s", verdict_name(change->verdict));
}

/* "runs/2026-11-01.json" -> "2026-11-01>" */
static void heading_of(const struct results *run, char *text, size_t room)
{
    const char *slash = strrchr(run->path, '/'), *base = slash ? slash + 1 : run->path;
    const char *dot = strrchr(base, '.');

    snprintf(text, room, "%.*s>", dot ? (int)(dot - base) : (int)strlen(base), base);
}

/* The first run and the last `shown` - 1 ones. NULL: no memory. */
static struct sheet *trend_sheet(const struct results *runs, size_t count, size_t shown,
                                 const struct comparison *changes)
{
    const char *headings[SHEET_COLUMNS] = {"workload", "backend"};
    char names[TREND_MOST][80];
    const struct results *chosen[TREND_MOST];

    for (size_t i = 0; i < shown; i++) {
        chosen[i] = &runs[i ? count - shown + i : 0];
        heading_of(chosen[i], names[i], sizeof names[i]);
        headings[2 + i] = names[i];
    }
    headings[2 + shown] = "last/first>";
    headings[3 + shown] = "verdict";
    struct sheet *sheet = sheet_open(headings, shown + 4);
    for (size_t i = 0; sheet && i < runs[0].count; i++)
        add_trend(sheet, chosen, shown, &changes[i]);
    return sheet;
}

/* As many columns as there is room for; those between are left out. */
static int print_trend(const struct results *runs, size_t count, const struct comparison *changes,
                       const struct compare_options *options, struct left_out *left_out, FILE *out)
{
    size_t shown = count, width = options->form == SHEET_TABLE ? options->width : 0;
    struct sheet *sheet = trend_sheet(runs, count, shown, changes);

    while (sheet && width && sheet_width(sheet) > width && shown > 2) {
        sheet_free(sheet);
        sheet = trend_sheet(runs, count, --shown, changes);
    }
    if (shown < count)
        leave_out(left_out,
                  "of %s and %zu after it there are no columns, for the terminal is narrow",
                  runs[1].path, count - shown - 1);
    left_out_say(left_out);
    return sheet ? sheet_close(sheet, options->form, out) : -1;
}

static int compare_trend(const struct results *runs, size_t count,
                         const struct compare_options *options, struct left_out *left_out,
                         FILE *out)
{
    const struct results *first = &runs[0], *last = &runs[count - 1];

    assert(first->count && "a file without rows is not read");
    struct comparison *changes = calloc(first->count, sizeof *changes);
    int status = EXIT_SAME;

    bool is_done = changes && compare_results(first, last, changes) == 0;
    if (is_done && options->json) {
        left_out_say(left_out);
        print_json(changes, first->count, out);
    } else if (is_done) {
        is_done = print_trend(runs, count, changes, options, left_out, out) == 0;
    }
    if (!is_done)
        status = EXIT_WORLD;
    for (size_t i = 0; status != EXIT_WORLD && i < first->count; i++)
        if (is_over(&changes[i], options->fail_over))
            status = EXIT_CHANGED;
    free(changes);
    return status;
}

static const char *unit_of(const struct results *run)
{
    return run->is_counted ? "instructions of bench --stable" : "times";
}

/*
 * Reads the newest files, as many as there are columns, to the end of `runs`; gives how many. Older ones that cannot
 * be read, or are of something else than the newest, are left out. 0, with *error: the newest cannot be read.
 */
static size_t read_newest(struct results runs[TREND_MOST], char *const *paths, size_t count,
                          struct left_out *left_out, struct assay_error *error)
{
    const struct results *newest = &runs[TREND_MOST - 1];
    size_t read = 0, left = count;

    for (; left && read < TREND_MOST; left--) {
        struct results *run = &runs[TREND_MOST - 1 - read];
        if (results_read(run, paths[left - 1], error) != ASSAY_OK) {
            if (read == 0)
                return 0;
            leave_out(left_out, "%s", error->what);
            *error = (struct assay_error){""};
        } else if (run->is_counted != newest->is_counted) {
            leave_out(left_out, "%s has %s, the newest has %s", run->path, unit_of(run),
                      unit_of(newest));
            results_close(run);
        } else {
            read++;
        }
    }
    if (left)
        leave_out(left_out, "of %zu files before %s there are no columns", left,
                  runs[TREND_MOST - read].path);
    return read;
}

static int read_and_compare(char *const *paths, size_t count, const struct compare_options *options,
                            FILE *out, struct assay_error *error)
{
    struct results room[TREND_MOST] = {{0}};
    struct left_out left_out = {.file = NULL};
    size_t read = read_newest(room, paths, count, &left_out, error);
    const struct results *runs = &room[TREND_MOST - read];
    int status = EXIT_WORLD;

    if (read == 1)
        assay_error_set(error, "no file but %s can be compared", runs[0].path);
    for (size_t i = 1; i < read; i++)
        warn_of_builds(&runs[i - 1], &runs[i]);
    if (read > 1) {
        status = compare_trend(runs, read, options, &left_out, out);
        if (status == EXIT_WORLD)
            assay_error_set(error, "no memory for a trend");
    }
    left_out_say(&left_out);
    for (size_t i = 0; i < read; i++)
        results_close(&room[TREND_MOST - 1 - i]);
    return status;
}

int compare_folder(const char *folder, const struct compare_options *options, FILE *out,
                   struct assay_error *error)
{
    char pattern[4096];
    glob_t found = {0};
    int status = EXIT_WORLD;

    snprintf(pattern, sizeof pattern, "%s/*.json", folder);
    if (glob(pattern, 0, NULL, &found) != 0 || found.gl_pathc < 2)
        assay_error_set(error, "%s has less than two files *.json: no trend", folder);
    else
        status = read_and_compare(found.gl_pathv, found.gl_pathc, options, out, error);
    globfree(&found);
    return status;
}
