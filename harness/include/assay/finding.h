/*
 * finding.h - what the harness says when an allocator broke a promise.
 */
#ifndef ASSAY_FINDING_H
#define ASSAY_FINDING_H

#include "assay/guard.h"
#include "assay/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each has a name, a sentence, and a planted bug that it alone, or it first, catches. */
enum assay_check {
    ASSAY_CHECK_OVERLAP,   /* a block shares bytes with a live one */
    ASSAY_CHECK_REGION,    /* a block lies outside what the heap has mapped */
    ASSAY_CHECK_ALIGNMENT, /* not aligned as declared, or as asked */
    ASSAY_CHECK_CONTENT,   /* a live block's bytes changed */
    ASSAY_CHECK_PREFIX,    /* realloc lost bytes */
    ASSAY_CHECK_ZEROING,   /* alloc_zeroed gave bytes that are not zero */
    ASSAY_CHECK_USABLE,    /* usable_size below the request */
    ASSAY_CHECK_REFUSAL,   /* refused although there was room */
    ASSAY_CHECK_HUGE,      /* served what cannot be: an overflowing product, more than the limit */
    ASSAY_CHECK_ROLLBACK,  /* a refused realloc harmed the old block */
    ASSAY_CHECK_EDGE,      /* an edge case (0, NULL) not answered as declared */
    ASSAY_CHECK_ERRNO,     /* errno not as declared after a refusal or a free */
    ASSAY_CHECK_FREE,      /* free of a live block was not ASSAY_OK */
    ASSAY_CHECK_MISUSE,    /* misuse not answered as claimed */
    ASSAY_CHECK_OVERRUN,   /* an overrun not reported as claimed */
    ASSAY_CHECK_SELF,      /* the backend's own check() reports damage */
    ASSAY_CHECK_WALK,      /* walk and shadow disagree, or extents do not tile */
    ASSAY_CHECK_STATS,     /* stats and shadow disagree */
    ASSAY_CHECK_OWNS,      /* owns() is wrong about a block */
    ASSAY_CHECK_LIMIT,     /* mapped more than the limit, or unmapped what was not mapped */
    ASSAY_CHECK_CONSERVATION, /* all freed, and the largest block does not fit again */
    ASSAY_CHECK_TRIM,         /* all freed, and pages are not back */
    ASSAY_CHECK_LEAK,         /* pages still mapped after destroy */
    ASSAY_CHECK_DRIFT,        /* the same operations again and again need more and more pages */
    ASSAY_CHECK_STEADY,       /* a refused request changed the heap */
    ASSAY_CHECK_SERVICE,      /* no service after page requests are served again */
    ASSAY_CHECK_DEAD,         /* nearly every request was refused */
    ASSAY_CHECK_HANG,         /* an operation did not come back */
    ASSAY_CHECK_CRASH,        /* an operation ended the process */
    ASSAY_CHECKS
};

/* "overlap", ...: as in reports, file names and options. */
const char *assay_check_name(enum assay_check check);
/* What the allocator must do, in one sentence. */
const char *assay_check_promise(enum assay_check check);
/* false if no check has this name. */
ASSAY_MUST_CHECK bool assay_check_parse(const char *name, enum assay_check *check);

/* A block as the shadow knows it. */
struct assay_block {
    uint64_t op; /* index of the operation that made it */
    uint32_t slot;
    size_t size;       /* asked for */
    size_t usable;     /* size, or what usable_size said */
    const void *start; /* resolved address: for drawings, never for transcripts */
};

struct assay_finding {
    enum assay_check check;
    const char *backend; /* its name */
    /* Index of the operation at which it was seen; at the end: how many there were. */
    uint64_t op;
    struct assay_op operation; /* the operation; all 0 at the end */
    bool at_end;               /* seen after the last operation */
    uint64_t seed;
    bool has_block, has_other;
    struct assay_block block; /* the block it is about */
    struct assay_block other; /* the second one, of an overlap */
    uint64_t ignored;         /* bit (1 << check): not to be told */
    char what[240];           /* one sentence without addresses and without a newline */
};

/*
 * Fills in check, block (NULL: none) and sentence, as printf would; there is no other block then.
 * Returns false, so that a check can return what this does; true if the check is to be ignored.
 */
__attribute__((cold, format(printf, 4, 5))) bool assay_finding_set(struct assay_finding *finding,
                                                                   enum assay_check check,
                                                                   const struct assay_block *block,
                                                                   const char *format, ...);

/* The same of a child that did not return: hang or crash, and how it ended. */
bool assay_finding_set_ending(struct assay_finding *finding,
                              const struct assay_guard_outcome *ending);

#ifdef __cplusplus
}
#endif

#endif
