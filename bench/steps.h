/*
 * steps.h - what of a workload is kept while a run of bench goes on, as JSON: names are not, for the command has them.
 */
#ifndef ASSAY_BENCH_STEPS_H
#define ASSAY_BENCH_STEPS_H

#include "scaling.h"

struct cJSON;

/* All that is measured on one workload. */
struct step {
    struct row *rows;
    size_t count;
    struct scaling *threads; /* NULL where no numbers of threads are asked for */
    size_t threads_count;
};

/* Adds all of them to an object. */
void step_write(struct cJSON *line, const struct step *step);
/*
 * Fills in rows and threads from what step_write() made of as many; spec, backend, path, and which row and how many
 * threads one is of are left alone. False where it cannot be that; then some are filled in.
 */
bool step_read(const struct step *step, const struct cJSON *line);

#endif
