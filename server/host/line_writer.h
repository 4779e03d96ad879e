/*
 * line_writer: a thread that takes lines from a queue and writes them, to a rotating file or to standard error.
 *
 * Used twice by log_sink: for the log and for the session log. Only this thread touches the disk or the console; a write that takes long
 * holds up nothing but this writer. It writes in batches: what has come while it was writing, or within `linger_ms`.
 *
 * A line that cannot be written is counted, and `recovered` hears how many there were once a write works again.
 *
 * Ownership: struct line_writer is static, because a thread that hangs in a write outlives line_writer_stop; the strings given are
 * copied. ORDER: line_writer_start -> line_writer_change, any number of times -> line_writer_stop. THREADS: start and stop on the main
 * thread; change and wake any.
 */
#ifndef FAIRLEAD_HOST_LINE_WRITER_H
#define FAIRLEAD_HOST_LINE_WRITER_H

#include "base/limits.h"
#include "base/line_queue.h"
#include "host/rotating_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the owner adds. All run on the writer's thread; all but `take` may be NULL. */
struct line_writer_hooks {
    size_t (*take)(char line[LINE_BYTES], uint32_t *tag);          /* as log_take */
    bool (*wanted)(const char *line, size_t length, uint32_t tag); /* false: leave it out */
    void (*changed)(const char *file, const char *former); /* it writes there from now on; NULL: to no file */
    void (*refused)(const char *file, const char *kept,
                    uint32_t os_code);                  /* cannot be opened; `kept` stays */
    void (*failed)(const char *file, uint32_t os_code); /* a write failed, after one that had worked */
    void (*recovered)(const char *file, uint64_t lost); /* a write worked again */
};

struct line_writer_target {
    const char *file; /* UTF-8; NULL: no file */
    uint64_t rotate_bytes;
    uint32_t rotate_keep;
};

struct line_writer {
    struct line_writer_hooks hooks;
    uint32_t linger_ms;
    void *without_file; /* where lines go without a file: a handle, or NULL: nowhere */
    void *wake;
    void *urgent;
    void *thread;
    uint32_t stopping; /* atomic */
    uint32_t
        steps; /* atomic: raised by the thread when it began, and after each call that may have blocked */
    void *pending_lock; /* an SRWLOCK, so that this header needs no windows.h */
    struct line_writer_target *pending;

    /* The thread's own from here on. */
    char *name; /* of the file; NULL: none */
    struct rotating_file file;
    uint64_t unwritten; /* lines lost since the last write that worked */
    bool failing;
    char batch[LOG_BATCH_LINES * LINE_BYTES];
};

/* `writer` is zeroed but for `hooks`, `linger_ms` and `without_file`. Opens the file. False, with the system's code: nothing was
 * started. */
bool line_writer_start(struct line_writer *writer, const struct line_writer_target *target,
                       uint32_t *os_code);

/* What the queue calls when there is something to take. Also before the start and after the stop. */
void line_writer_wake(struct line_writer *writer, bool urgent);

/* Another file or size: what was queued before still goes to the former. False: no memory, nothing changes. */
bool line_writer_change(struct line_writer *writer, const struct line_writer_target *target);

/* Writes what is left and ends the thread; gives up when a write hangs for LOG_FLUSH_TIMEOUT_MS. False: not all was written. */
bool line_writer_stop(struct line_writer *writer);

#endif
