/* json.h - results as JSON Lines: one object a line, each with the number of its schema. */
#ifndef ASSAY_CLI_JSON_H
#define ASSAY_CLI_JSON_H

#include <cjson/cJSON.h>
#include <stdio.h>

/* Keys are only ever added under one number. */
#define CLI_JSON_SCHEMA 1

/* A new object with its schema number; ends the process with a sentence if there is no memory. */
cJSON *cli_json_row(void);
/* Prints the object as one line and frees it. */
void cli_json_print(FILE *out, cJSON *row);

#endif
