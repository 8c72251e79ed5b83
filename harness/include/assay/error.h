/*
 * error.h - why the world said no, in one sentence for a person.
 *
 * A function that can fail on outside input takes a `struct assay_error *` (never NULL), fills it
 * in only when it fails, and returns a status. The sentence names the thing and the way out, starts
 * with a small letter, and has neither a newline nor a full stop.
 */
#ifndef ASSAY_ERROR_H
#define ASSAY_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

struct assay_error {
    char what[320]; /* "" when nothing failed */
};

/* Fills in *error as printf would; longer text is cut at the end. */
__attribute__((format(printf, 2, 3))) void assay_error_set(struct assay_error *error,
                                                           const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif
