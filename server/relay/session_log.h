/*
 * session_log: one line for each finished session, for those who count, bill or search (docs/logs.md).
 *
 *   2026-11-24T15:01:02.345Z listener=web client=192.0.2.7:51515 server=app1 server_address=10.0.0.5:80 in=123 out=456
 *   duration=1.234 reason=finished
 *
 * all in one line. The worker that frees the session formats it, without allocation or lock, into a queue of its own
 * (base/line_queue.h); whoever writes the file (host/log_sink) takes it from there. What finds no room is counted, and the file
 * says so: "TIME lost=12". Off until somebody takes the lines, and then it costs a look at one flag per session.
 *
 * A line can be read in one way only: fields are NAME=VALUE, separated by one blank, in this order; `server` and `server_address` are
 * missing where there was none. In a name, blanks, quotes, "=", "\" and what is not printable ASCII appear as \xNN.
 */
#ifndef FAIRLEAD_RELAY_SESSION_LOG_H
#define FAIRLEAD_RELAY_SESSION_LOG_H

#include "base/address.h"
#include "base/compiler.h"
#include "base/line_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SESSION_LOG_QUEUE_LINES = 4096 };

struct session_record {
    const char *listener;
    struct address client;
    const char *server;            /* NULL: none, as in an echo */
    struct address server_address; /* without family: none was tried */
    uint64_t in_bytes;             /* received from the client */
    uint64_t out_bytes;            /* sent to the client: the system has taken them */
    uint64_t duration_us;
    const char *reason; /* of the end, as in /stats */
};

/* Any thread. Lines that are queued when it is turned off stay there until they are taken. */
void session_log_turn(bool on);
bool session_log_is_on(void);

/* Any thread; asked only while it is on. */
void session_log_write(const struct session_record *record);

/* The line with its line break; answers its length. Pure. */
size_t session_log_format(const struct session_record *record, uint64_t time_ms, char text[LINE_BYTES]);

/* The sink's side, as in log.h. The tag means nothing. */
void session_log_set_wake(line_queue_waker *wake);
size_t session_log_take(char line[LINE_BYTES], uint32_t *tag);

/* Lines that were taken could not be written: the file says how many once it can. */
void session_log_add_lost(uint64_t lines);

#endif
