/* posix_questions.h - the rooms that the questions of posix.c are made of. */
#ifndef ASSAY_POSIX_QUESTIONS_H
#define ASSAY_POSIX_QUESTIONS_H

#include "trial.h"

struct posix_question {
    const char *name;
    void (*run)(struct trial *trial);
    const char *needs; /* the function it is about */
    size_t offset;     /* of that function */
    bool is_custom;    /* no standard asks for it, though programs rely on it */
};

/* posix_threads.c */
void posix_threads_free_while_they_end(struct trial *trial);
void posix_children_of_many_threads(struct trial *trial);

#endif
