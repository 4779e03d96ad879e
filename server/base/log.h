/*
 * log: lines for people, with levels and time stamps; never in the way of traffic.
 *
 * A line is formatted by the caller's thread into a bounded queue and written by a sink on a thread of its
 * own (host/log_sink), so a full disk or a blocked console stalls nobody. When the queue is full the line is
 * dropped and counted; the sink writes how many were lost as soon as it can. A line looks like
 *
 *   2026-11-23T21:05:12.345Z info  listener echo: listening on 127.0.0.1:8888
 *
 * Threads: any, log_set_wake and log_take excepted. No static initialisation is needed: lines wait in the
 * queue until there is a sink.
 *
 * No byte of a client's reaches the log unescaped, whatever the format was given: bytes that are not valid
 * UTF-8, control characters (C0, DEL, C1), line separators and marks that turn the direction of writing
 * appear as \xNN, one per byte, and a line never holds a line break. log_write leaves a backslash as it is,
 * so that paths stay readable and text from log_escape passes unchanged; log_escape doubles it, so that what
 * it wrote can only be read in one way. Put foreign text through log_escape where that matters.
 *
 * Lines longer than LOG_LINE_BYTES are cut and end in "..."; a character or an escape is never cut in two.
 */
#ifndef FAIRLEAD_BASE_LOG_H
#define FAIRLEAD_BASE_LOG_H

#include "base/compiler.h"
#include "base/event.h"
#include "base/line_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum { LOG_LINE_BYTES = LINE_BYTES, LOG_QUEUE_LINES = 1024 };

/* Where the text of a line begins, behind the time and the level. */
enum { LOG_TEXT_AT = 24 + 1 + 5 + 1 };

/* Lines above this level are not formatted at all. Default: LOG_INFO. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
bool log_level_from_text(const char *text, enum log_level *level);
const char *log_level_text(enum log_level level);

PRINTF_LIKE(2, 3) void log_write(enum log_level level, PRINTF_FORMAT const char *format, ...);

/* The same, and the line is tagged for the Windows Event Log (event.h). The level decides only whether the line is also written to
 * the log: who asks for errors alone in a file still finds every event where administrators look. */
PRINTF_LIKE(3, 4)
void log_event(enum event event, enum log_level level, PRINTF_FORMAT const char *format, ...);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* One line per interval: for what may happen ten thousand times a second. True when the caller may write now;
 * `*suppressed` is then the number of lines held back since the last one. One static struct per place; any
 * thread. */
struct log_limit {
    uint64_t next_us;    /* atomic */
    uint64_t suppressed; /* atomic */
};
bool log_allowed(struct log_limit *limit, uint64_t now_us, uint64_t *suppressed);

/* The sink's side: one thread. `wake` as in line_queue.h. */
void log_set_wake(line_queue_waker *wake);

/* Copies the oldest line, with its line break and without NUL, and answers its length; 0 when there is none, and from then on the
 * next line wakes the sink. Where lines were lost, a line of its own says how many. */
size_t log_take(char line[LOG_LINE_BYTES], uint32_t *tag);

/* Lines that were taken could not be written: one line says how many, with those that found no room, once it can. */
void log_add_lost(uint64_t lines);

/* What the tag of a line says. Hidden: it was queued for the Event Log only, log_level leaves it out of the log. */
enum event log_tag_event(uint32_t tag);
enum log_level log_tag_level(uint32_t tag);
bool log_tag_is_hidden(uint32_t tag);

/* Writes what foreign text may hold so that it is safe in a log or terminal, as said above; always
 * NUL-terminates and cuts what does not fit. Answers the length written. `text` need not be terminated;
 * `out_bytes` is at least 1. */
size_t log_escape(const char *text, size_t text_bytes, char *out, size_t out_bytes);

#endif
