/*
 * course.c - a stream is run once for what it finds and where, and once more to draw the heap there.
 *
 * Everything that the child learns it puts into memory that it shares with us, at once: what it has not put there
 * when the heap ends it, nobody knew.
 */
#include "assay/course.h"

#include "assay/guard.h"

#define HANG_SECONDS 10
/* Of time on the clock, for a heap that sleeps. */
#define GUARD_SECONDS 600

/* What lies in shared memory, the arrays of the course behind it. */
struct record {
    struct assay_course course;
    assay_status status;
    struct assay_error error;
    bool at_end;
    uint64_t op;
};

struct job {
    const struct assay_backend *backend;
    const struct assay_stream *stream;
    const struct assay_course_options *options;
    struct record *record;
    bool draws;        /* the second time */
    const void *focus; /* of the finding, in the child that draws */
};

static size_t record_bytes(const struct assay_stream *stream)
{
    return sizeof(struct record) +
           stream->count * (sizeof(struct assay_course_step) + sizeof(uint32_t));
}

/* --- in the child --- */

/* The heap after the operation, before its pages are taken from under it. */
static void draw_after(void *ctx, const struct assay_finding *finding,
                       const struct assay_replay *replay)
{
    struct job *job = ctx;
    struct assay_course *course = &job->record->course;

    course->finding = *finding;
    course->finding.backend = job->backend->name;
    course->found = true;
    if (!job->draws)
        return;
    assay_picture_draw(&course->after, assay_replay_heap(replay), assay_replay_shadow(replay),
                       finding->has_block ? finding->block.start : job->focus);
    course->has_after = true;
}

/* Where the block of the operation lies, or of the finding at the end. */
static const void *focus_of(const struct assay_replay *replay, uint32_t number)
{
    const struct assay_shadow_slot *slot = assay_shadow_slot(assay_replay_shadow(replay), number);

    return slot->live ? slot->start : NULL;
}

static void draw_before(struct job *job, const struct assay_replay *replay)
{
    struct assay_course *course = &job->record->course;
    const struct assay_finding *finding = &course->finding;

    if (!job->draws || finding->at_end != job->record->at_end ||
        (!finding->at_end && finding->op != job->record->op))
        return;
    job->focus =
        focus_of(replay, finding->has_block ? finding->block.slot : finding->operation.slot);
    assay_picture_draw(&course->before, assay_replay_heap(replay), assay_replay_shadow(replay),
                       job->focus);
    course->has_before = true;
}

static void list_live(struct assay_course *course, const struct assay_replay *replay)
{
    struct assay_block block;
    const char *from = NULL;

    course->live = 0;
    while (assay_shadow_next(assay_replay_shadow(replay), from, &block)) {
        course->live_slots[course->live++] = block.slot;
        from = (const char *)block.start + 1;
    }
}

static void run_steps(struct job *job, struct assay_replay *replay)
{
    struct record *record = job->record;
    struct assay_course *course = &record->course;
    bool goes_on = true;

    for (size_t i = 0; goes_on && i < job->stream->count; i++) {
        const struct assay_op *op = &job->stream->ops[i];
        struct assay_course_step *step = &course->steps[i];
        record->op = i;
        course->count = i + 1;
        draw_before(job, replay);
        goes_on = assay_replay_step(replay, op, &step->answer);
        step->live = assay_shadow_slot(assay_replay_shadow(replay), op->slot)->live;
    }
    if (!assay_replay_heap(replay)->self)
        return; /* there is a finding */
    list_live(course, replay);
    record->at_end = true;
    record->op = course->count;
    draw_before(job, replay);
    assay_replay_end(replay);
}

static void run(void *arg, volatile uint64_t *progress)
{
    struct job *job = arg;
    struct record *record = job->record;
    struct assay_replay_options options = job->options->replay;
    struct assay_replay_result result;

    (void)progress;
    options.progress = NULL;
    options.transcript = false;
    options.check_interval = 0;
    options.tell = draw_after;
    options.tell_ctx = job;
    record->status = ASSAY_NO_MEMORY;
    assay_error_set(&record->error, "no memory for the pages and the books of the shadow");
    if (job->options->open_pages && !job->options->open_pages(&options, job->options->open_ctx))
        return;
    struct assay_replay *replay = assay_replay_open(job->backend, &options);
    if (!replay)
        return;
    assay_guard_memory(ASSAY_GUARD_MEMORY);
    assay_guard_limit(job->options->hang_seconds ? job->options->hang_seconds : HANG_SECONDS);
    record->at_end = false;
    record->op = 0;
    record->status = assay_replay_begin(replay, &job->stream->setup, &result, &record->error);
    if (record->status != ASSAY_OK)
        return;
    record->course.heap_limit = assay_replay_heap(replay)->limit;
    run_steps(job, replay);
}

/* --- in the parent --- */

/* A child that did not come back, at what it was doing. */
static void describe(const struct job *job, const struct assay_guard_outcome *ending)
{
    const struct record *record = job->record;
    struct assay_course *course = &job->record->course;
    struct assay_finding *finding = &course->finding;

    *finding = (struct assay_finding){.backend = job->backend->name,
                                      .op = record->op,
                                      .seed = job->stream->setup.seed,
                                      .at_end = record->at_end};
    if (!record->at_end && record->op < job->stream->count)
        finding->operation = job->stream->ops[record->op];
    course->found = true;
    assay_finding_set_ending(finding, ending);
}

static assay_status run_once(struct job *job, struct assay_error *error)
{
    struct assay_guard_outcome ending;
    struct record *record = job->record;

    record->status = ASSAY_OK;
    if (assay_guard_run(run, job, GUARD_SECONDS, true, &ending) != ASSAY_OK) {
        assay_error_set(error, "cannot start a child process");
        return ASSAY_NO_MEMORY;
    }
    if (ending.ending == ASSAY_ENDED) {
        if (record->status != ASSAY_OK)
            *error = record->error;
        return record->status;
    }
    /* What was found and broke while it was drawn is found all the same. */
    if (!job->draws && !record->course.found)
        describe(job, &ending);
    return ASSAY_OK;
}

assay_status assay_course_run(struct assay_course *course, const struct assay_backend *backend,
                              const struct assay_stream *stream,
                              const struct assay_course_options *options, struct assay_error *error)
{
    struct job job = {.backend = backend, .stream = stream, .options = options};

    *course = (struct assay_course){.found = false};
    if (stream->count > ASSAY_COURSE_OPS) {
        assay_error_set(error,
                        "%zu operations are too many to tell, at most %d can be: assay "
                        "reduce makes them fewer",
                        stream->count, ASSAY_COURSE_OPS);
        return ASSAY_INVALID;
    }
    job.record = assay_guard_shared(record_bytes(stream));
    if (!job.record) {
        assay_error_set(error, "no memory to share with a child process");
        return ASSAY_NO_MEMORY;
    }
    job.record->course.steps = (void *)(job.record + 1);
    job.record->course.live_slots = (void *)(job.record->course.steps + stream->count);
    assay_status status = run_once(&job, error);
    if (status == ASSAY_OK && job.record->course.found) {
        const struct assay_finding finding = job.record->course.finding;
        job.draws = true;
        status = run_once(&job, error);
        job.record->course.finding = finding;
    }
    *course = job.record->course;
    if (status != ASSAY_OK) {
        assay_guard_unshare(job.record, record_bytes(stream));
        *course = (struct assay_course){.found = false};
    }
    course->shared = status == ASSAY_OK ? job.record : NULL;
    course->shared_bytes = record_bytes(stream);
    return status;
}

void assay_course_clear(struct assay_course *course)
{
    if (course->shared)
        assay_guard_unshare(course->shared, course->shared_bytes);
    *course = (struct assay_course){.found = false};
}
