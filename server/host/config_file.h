/*
 * config_file: where server.ini is, and telling people what is wrong with it.
 *
 * config_file_find and config_file_load write messages to standard error and are the main thread's; config_file_read writes
 * nothing, may be called by any thread, and blocks for as long as the disk or the network share does.
 */
#ifndef FAIRLEAD_HOST_CONFIG_FILE_H
#define FAIRLEAD_HOST_CONFIG_FILE_H

#include "config/config.h"

#define CONFIG_FILE_NAME "server.ini"

/* The path of the file to use, to be freed with memory_free: `given`, or else server.ini beside the
 * executable or in the current folder. NULL: there is none, which was said. */
char *config_file_find(const char *given);

/* The configuration, or NULL, and then `*why` holds every error as a line FILE:LINE: text, to be freed with memory_free; `*why` is
 * NULL when even for that no memory was left. */
struct config *config_file_read(const char *path, char **why);

/* The configuration, or NULL: every error was written as FILE:LINE: text, and then how many there are. `outcome`
 * completes that last line: "; nothing was started", or "". */
struct config *config_file_load(const char *path, const char *outcome);

#endif
