/*
 * changes: what a new generation changes, in words.
 *
 * Reads both generations while none can come into force; any worker.
 */
#ifndef FAIRLEAD_CHANGES_H
#define FAIRLEAD_CHANGES_H

#include "relay/generation.h"
#include "report.h"

struct changes {
    size_t listeners_added;
    size_t listeners_removed;
    size_t listeners_changed;
    size_t listeners_unchanged;
    size_t upstreams_unchanged;
};

/* One line for each listener and upstream that comes, goes or changes, one for the server's keys, one for what stays. */
void changes_describe(struct changes *changes, struct report *report, const struct generation *before,
                      const struct generation *after);

#endif
