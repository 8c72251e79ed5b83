/*
 * json.h - results as JSON Lines: one object a line, each with the number of its schema and its kind.
 *
 * For programs only: all that needs memory ends the process with a sentence where there is none.
 */
#ifndef ASSAY_JSON_JSON_H
#define ASSAY_JSON_JSON_H

#include "assay/diff.h"
#include "assay/finding.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

/* Keys are only ever added under one number. */
#define JSON_SCHEMA 1

/* A new object, of a "replay", a "finding", ...: what tells lines of one output apart. */
cJSON *json_row(const char *kind);
/* A whole number, exact where a double would not be. */
void json_count(cJSON *row, const char *key, uint64_t number);
/* null if it is not a number. */
void json_number(cJSON *row, const char *key, double number);
/* What a line that was read has under a key; "" or 0 if it has no such text or number. */
const char *json_text_of(const cJSON *object, const char *key);
double json_number_of(const cJSON *object, const char *key);
/* Prints the object as one line and frees it. */
void json_print(FILE *out, cJSON *row);

/* The finding as a line of its own; repeat is the command that repeats it, or NULL. */
void json_finding(FILE *out, const struct assay_finding *finding, const char *repeat);
/* The same for where heaps part. */
void json_parting(FILE *out, const struct assay_parting *parting, const char *repeat);

#endif
