/*
 * log_sink: the thread that writes the lines of the log to standard error or to a file.
 *
 * A disk that is full or a console that is frozen (a click into its window stops it) holds up this thread
 * only; lines wait in the queue of base/log.h meanwhile, and what finds no room there is counted. A line that
 * cannot be written is lost: the log says how many were as soon as it can write again.
 *
 * One sink per process, started and stopped on the main thread: log_sink_start -> log_sink_stop. Lines logged
 * before the start are written after it.
 */
#ifndef FAIRLEAD_HOST_LOG_SINK_H
#define FAIRLEAD_HOST_LOG_SINK_H

#include <stdbool.h>
#include <stdint.h>

/* `file` (UTF-8) is created or added to, and others may read, move or delete it meanwhile; NULL is standard
 * error. False with the system's error code: nothing was started. */
bool log_sink_start(const char *file, uint32_t *os_code);

/* Writes what is left, for LOG_FLUSH_TIMEOUT_MS at most, and ends the thread. False: some of it was not
 * written. */
bool log_sink_stop(void);

#endif
