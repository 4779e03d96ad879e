/*
 * log_sink: where the lines go: the log to standard error or to a file, the session log to its file, events to the Event Log.
 *
 * Each of the two logs has a thread of its own (host/line_writer.h), so that neither a frozen console nor a full or blocked disk holds up
 * anything but that log: lines wait in its queue meanwhile, and what finds no room there is counted. A line that cannot be
 * written is lost; the log says how many were as soon as it can write again.
 *
 * One sink per process, started and stopped on the main thread: log_sink_start -> log_sink_configure, any number of times ->
 * log_sink_stop. Lines logged before the start are written after it. Strings of the options are copied.
 */
#ifndef FAIRLEAD_HOST_LOG_SINK_H
#define FAIRLEAD_HOST_LOG_SINK_H

#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called on the log's thread for each line that log_event wrote; `text` without time and level. It may block: the log waits. */
typedef void log_event_writer(enum event event, enum log_level level, const char *text);

struct log_sink_options {
    const char *file;               /* UTF-8; NULL: standard error */
    uint64_t rotate_bytes;          /* of either file; 0: they grow for ever */
    uint32_t rotate_keep;           /* older files of each kept; 1 at least where rotate_bytes is not 0 */
    const char *session_file;       /* NULL: no session log */
    log_event_writer *event_writer; /* NULL: events are only lines; configure leaves it as it is */
};

/* Files are created or added to, with the last folder of their path if need be, and others may read, move or delete them
 * meanwhile. False: nothing was started, and `*os_code` is the system's reason; log_sink_check names the file. */
bool log_sink_start(const struct log_sink_options *options, uint32_t *os_code);

/* Whether the files can be opened, before a new configuration is applied. What was created for it is removed again. False: `why`
 * is a sentence that names the key and the file, without line break. Any thread but a worker: it uses the disk. */
bool log_sink_check(const struct log_sink_options *options, char *why, size_t why_bytes);

/* Other files or sizes, from now on: what was logged before still goes to the former file. Does not wait for the disk; a file that then
 * cannot be opened is an error in the log, and the former one stays. Between start and stop, any thread. */
void log_sink_configure(const struct log_sink_options *options);

/* Writes what is left and ends the threads. As long as lines are being written it waits; a write that hangs for
 * LOG_FLUSH_TIMEOUT_MS is given up. False: some lines were not written. */
bool log_sink_stop(void);

#endif
