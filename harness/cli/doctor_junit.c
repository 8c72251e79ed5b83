/* doctor_junit.c - the rows of `assay doctor` as JUnit's XML, which continuous integration reads. */
#include "doctor.h"

/* Text between tags or quotes. What XML 1.0 has no way to say becomes a question mark. */
static void write_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char letter = (unsigned char)*text;
        if (letter == '<')
            fputs("&lt;", out);
        else if (letter == '>')
            fputs("&gt;", out);
        else if (letter == '&')
            fputs("&amp;", out);
        else if (letter == '"')
            fputs("&quot;", out);
        else
            fputc(letter < ' ' ? '?' : letter, out);
    }
}

static void write_attribute(FILE *out, const char *name, const char *text)
{
    fprintf(out, " %s=\"", name);
    write_escaped(out, text);
    fputc('"', out);
}

static void write_case(FILE *out, const struct doctor_report *report, const struct doctor_row *row)
{
    bool is_broken = row->verdict == ASSAY_BROKEN;

    fputs("    <testcase", out);
    write_attribute(out, "classname", report->spec);
    write_attribute(out, "name", row->promise);
    if (row->verdict == ASSAY_KEPT) {
        fputs("/>\n", out);
        return;
    }
    fprintf(out, ">\n      <%s", is_broken ? "failure" : "skipped");
    write_attribute(out, "message",
                    is_broken || row->why[0] ? row->why : doctor_verdict(row->verdict));
    if (is_broken) {
        fputc('>', out);
        write_escaped(out, row->repeat);
        fputs("</failure>\n    </testcase>\n", out);
    } else {
        fputs("/>\n    </testcase>\n", out);
    }
}

void doctor_write_junit(FILE *out, const struct doctor_report *const *reports, size_t count)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
    for (size_t i = 0; i < count; i++) {
        const struct doctor_report *report = reports[i];
        const unsigned *verdicts = report->verdicts;
        fputs("  <testsuite", out);
        write_attribute(out, "name", report->spec);
        fprintf(out, " tests=\"%zu\" failures=\"%u\" skipped=\"%u\">\n", report->count,
                verdicts[ASSAY_BROKEN], verdicts[ASSAY_NOT_CLAIMED] + verdicts[ASSAY_COULD_CLAIM]);
        for (size_t j = 0; j < report->count; j++)
            write_case(out, report, &report->rows[j]);
        fputs("  </testsuite>\n", out);
    }
    fputs("</testsuites>\n", out);
}
