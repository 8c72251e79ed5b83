/* shown.h - a word of somebody else's file, made fit for a sentence. */
#ifndef ASSAY_SHOWN_H
#define ASSAY_SHOWN_H

#define ASSAY_SHOWN 40 /* most characters of a word that an error repeats */

struct assay_shown {
    char text[2 * ASSAY_SHOWN];
};

/* A word fit to print: cut where long, and with a dot for what no terminal should get. */
struct assay_shown assay_shown(const char *word);

#endif
