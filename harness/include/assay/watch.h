/*
 * watch.h - marks what a heap does during a replay, for whoever chooses inputs by it: fuzzers, and what makes corpora
 * small.
 *
 * Needs nothing of the backend, neither coverage nor sources; where it has a walk or a page source, there is more to
 * see. Addresses are only held against each other, so the same stream on the same heap has the same marks wherever
 * the heap lies. Costs some ten instructions for each operation. harness/doc/guidance.md has the table.
 */
#ifndef ASSAY_WATCH_H
#define ASSAY_WATCH_H

#include "assay/finding.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an operation made the heap do: one of these for each operation. */
enum assay_event {
    ASSAY_EVENT_OTHER, /* nothing below; also before the first operation */
    ASSAY_EVENT_FAULT, /* page requests are refused from here on, or not any more */
    ASSAY_EVENT_SKIPPED,
    ASSAY_EVENT_MISUSE, /* answered as promised */
    ASSAY_EVENT_REFUSED,
    ASSAY_EVENT_REFUSED_PAGES, /* and so did the page source */
    /* A block came: */
    ASSAY_EVENT_FRESH,       /* and pages were mapped for it */
    ASSAY_EVENT_REUSED,      /* where the last freed one began, with as much room */
    ASSAY_EVENT_REUSED_PART, /* with less: that one was split */
    ASSAY_EVENT_REUSED_MORE, /* with more: that one had merged */
    ASSAY_EVENT_FILLED,      /* no room is left on either side */
    ASSAY_EVENT_HIGH,        /* room below only */
    ASSAY_EVENT_LOW,         /* room above only */
    ASSAY_EVENT_AMID,        /* room on both sides */
    /* A block was resized: */
    ASSAY_EVENT_GROWN,  /* in place, usable bytes counted */
    ASSAY_EVENT_SHRUNK, /* in place */
    ASSAY_EVENT_KEPT,   /* in place, with as many usable bytes */
    ASSAY_EVENT_MOVED_UP,
    ASSAY_EVENT_MOVED_DOWN,
    ASSAY_EVENT_SLID, /* moved to where it overlaps its old place */
    /* A block was freed: */
    ASSAY_EVENT_FREED,        /* between two others */
    ASSAY_EVENT_MERGED_BELOW, /* with room below only, to merge with */
    ASSAY_EVENT_MERGED_ABOVE,
    ASSAY_EVENT_MERGED_BOTH,
    ASSAY_EVENT_EMPTIED,  /* the last one */
    ASSAY_EVENT_RETURNED, /* and pages went back */
    ASSAY_EVENTS
};

/* What there are marks for. Sizes and amounts are in log classes. How often is seen does not matter. */
enum assay_topic {
    ASSAY_TOPIC_FOLLOWS,    /* event after event */
    ASSAY_TOPIC_SIZES,      /* event, usable bytes of the block */
    ASSAY_TOPIC_KINDS,      /* kind of operation, event */
    ASSAY_TOPIC_CLASSES,    /* usable bytes of the block served before, and of this one */
    ASSAY_TOPIC_GRADES,     /* usable bytes of a block, four grades for each power of two */
    ASSAY_TOPIC_RESIZES,    /* event of a resize, usable bytes after in terms of before */
    ASSAY_TOPIC_NEIGHBOURS, /* room below a new block, room above it */
    ASSAY_TOPIC_ALIGNMENT, /* of an aligned block: bits of its address that are 0 above those that must be */
    ASSAY_TOPIC_FENCE, /* room between the end of a block and of its mapping */
    ASSAY_TOPIC_FILL, /* how full the heap is, in sixteenths of its limit: served there, refused there */
    ASSAY_TOPIC_ASKED,  /* size of a request that was refused, up to the end of the numbers */
    ASSAY_TOPIC_ROOM,   /* what is not in use, in terms of the request that was refused */
    ASSAY_TOPIC_STREAK, /* refusals in a row with plenty of room */
    ASSAY_TOPIC_PLACES, /* freed places of just the size that was refused */
    ASSAY_TOPIC_ROUNDS, /* rounds that repeated the one before them */
    ASSAY_TOPIC_SHAPES, /* free extents, bytes of the largest: at each audit of a heap with a walk */
    ASSAY_TOPIC_PAGES,  /* page requests served, given back, refused, in one operation */
    ASSAY_TOPIC_MAPPED, /* bytes mapped, at first and where that changed */
    ASSAY_TOPIC_FAILED, /* the check that failed */
    ASSAY_TOPICS
};

/* Classes of usable bytes, in the topics that are by size: SIZES is [event][class]. */
#define ASSAY_WATCH_CLASSES 16u

struct assay_topic_range {
    const char *name;
    unsigned first, count; /* of its marks */
};
extern const struct assay_topic_range assay_topics[ASSAY_TOPICS];

/* Of all topics, rounded up to whole cache lines. */
#define ASSAY_WATCH_MARKS 2496u

/* What watches one replay: its option `watch`. Zero-initialise but for marks. */
struct assay_watch {
    /* ASSAY_WATCH_MARKS of them, the caller's: 1 for what was seen. Cleared where a stream begins. */
    uint8_t *marks;

    /* Its own, of the stream under way. */
    enum assay_event event; /* of the last operation */
    unsigned last_class;    /* of the last block served */
    unsigned closest;       /* granules between neighbours: what a heap keeps between two blocks */
    bool was_live;          /* there was a block in the slot of the operation, before it */
    uintptr_t freed;        /* start of the last freed block; 0: none */
    size_t freed_bytes;     /* its usable bytes */
    uintptr_t start;        /* of that block */
    size_t usable;          /* of it */
    unsigned below, above;  /* granules free beside it */
    uint64_t served, refused; /* up to the operation */
    uint64_t skipped;
    uint64_t maps, unmaps, refusals;
};

/* Marks the check that ended a stream: for those who see crash and hang from outside the replay. */
void assay_watch_fail(struct assay_watch *watch, enum assay_check check);

#ifdef __cplusplus
}
#endif

#endif
