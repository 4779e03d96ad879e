/*
 * service_progress: what a service that starts or stops tells the service manager: a checkpoint and a wait hint.
 *
 * Whoever waits for a service gives up when the checkpoint has not risen within the hint. So it rises only while that is true: while
 * the time runs that the step was given (names being resolved, drain_timeout), and after that only when sessions end.
 * The hint is the time that is left, and some for cleaning up.
 *
 * Portable, without memory or system calls; the caller sees to it that one thread at a time uses it. Times in milliseconds of any
 * clock that does not go back.
 */
#ifndef FAIRLEAD_HOST_SERVICE_PROGRESS_H
#define FAIRLEAD_HOST_SERVICE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct service_progress {
    uint32_t checkpoint;  /* to be reported */
    uint32_t hint_ms;     /* likewise */
    uint32_t sessions;    /* at the last report */
    uint64_t deadline_ms; /* until then time passing is progress */
};

/* A step begins that takes `budget_ms` at most, and then the time it takes to clean up. */
void service_progress_begin(struct service_progress *progress, uint64_t now_ms, uint64_t budget_ms,
                            uint32_t sessions);

/* Time has passed. True: something has moved since the last report, which is to be reported. */
bool service_progress_tick(struct service_progress *progress, uint64_t now_ms, uint32_t sessions);

#endif
