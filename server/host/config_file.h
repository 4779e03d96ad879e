/*
 * config_file: where server.ini is, and telling people what is wrong with it.
 *
 * Messages go to standard error. Main thread.
 */
#ifndef FAIRLEAD_HOST_CONFIG_FILE_H
#define FAIRLEAD_HOST_CONFIG_FILE_H

#include "config/config.h"

#define CONFIG_FILE_NAME "server.ini"

/* The path of the file to use, to be freed with memory_free: `given`, or else server.ini beside the
 * executable or in the current folder. NULL: there is none, which was said. */
char *config_file_find(const char *given);

/* The configuration, or NULL: every error was written as FILE:LINE: text, and then how many there are. `outcome`
 * completes that last line: "; nothing was started", or "". */
struct config *config_file_load(const char *path, const char *outcome);

#endif
