/*
 * reloader: the thread that reads the configuration anew.
 *
 * A file may lie on a network share that answers after a minute or never, which must hold up neither a worker nor a stop: reading
 * happens on this thread alone, and reloader_abandon answers in its place when the daemon stops. A thread that still hangs then is
 * left to the end of the process.
 *
 * One per process: reloader_start -> (reloader_read)* -> reloader_abandon -> reloader_stop. Start and stop on one thread; read and
 * abandon on any, they do not block.
 */
#ifndef FAIRLEAD_HOST_RELOADER_H
#define FAIRLEAD_HOST_RELOADER_H

#include "config/config.h"
#include "daemon.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the configuration alone does not tell: whether this process can work with it. False: `why` says what is wrong. On the thread. */
typedef bool reloader_accepter(const struct config *config, char *why, size_t why_bytes);

/* `path` is copied. False with the system's error code: nothing was started. */
bool reloader_start(const char *path, reloader_accepter *accept, uint32_t *os_code);

/* A daemon_reader; the context is not used. */
void reloader_read(void *context, struct daemon *daemon);

/* Whatever is being read, and is asked for later, is refused: the server is stopping. */
void reloader_abandon(void);

/* Ends the thread, or leaves it where it hangs. Nothing happens when it was not started. */
void reloader_stop(void);

#endif
