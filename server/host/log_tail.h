/*
 * log_tail: the last lines of a log, for a service that did not start.
 */
#ifndef FAIRLEAD_HOST_LOG_TAIL_H
#define FAIRLEAD_HOST_LOG_TAIL_H

/* Prints the last LOG_TAIL_LINES lines to standard error; a file that cannot be read has none. The lines are the log's own, so they
 * are safe for a terminal. */
void log_tail_print(const char *path);

#endif
