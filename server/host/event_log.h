/*
 * event_log: the Windows Event Log, where administrators look first.
 *
 * An event's number (base/event.h) is its Event ID; what stands around the text of an event is the message table of the executable,
 * made from host/fairlead.mc. Only a service writes events: the source has the service's name and is registered when it is
 * installed. Without a registered source events are written all the same, and Event Viewer shows the bare text.
 *
 *   event_log_open -> event_log_write ... -> event_log_close
 *
 * Open and close on one thread; event_log_write on any between them, and before or after it does nothing. It may block, so no
 * worker calls it: the log's thread does.
 */
#ifndef FAIRLEAD_HOST_EVENT_LOG_H
#define FAIRLEAD_HOST_EVENT_LOG_H

#include "base/event.h"
#include "base/log.h"

#include <stdint.h>

/* What cannot be opened is left out: a server must not fail for want of an Event Log. */
void event_log_open(const char *source);

/* `text` is UTF-8 and may have several lines; what is longer than the system takes is cut. A log_event_writer (log_sink.h). */
void event_log_write(enum event event, enum log_level level, const char *text);

void event_log_close(void);

/* Makes NAME a source whose messages are in this executable, or takes it away; as often as one likes. Needs an administrator.
 * 0, or the system's error code. */
uint32_t event_log_register(const char *name, const char *executable);
uint32_t event_log_unregister(const char *name);

#endif
