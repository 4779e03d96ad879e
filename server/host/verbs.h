/*
 * verbs: what `fairlead install`, `start` and the others do with a service, and the sentences they say.
 *
 * Each verb answers the exit code of DESIGN section 4. It may be repeated: what is so already is said and is no failure. Results go to
 * standard output, what is wrong to standard error. Main thread.
 */
#ifndef FAIRLEAD_HOST_VERBS_H
#define FAIRLEAD_HOST_VERBS_H

#include "command_line.h"

int verbs_install(const struct command *command);
int verbs_uninstall(const struct command *command);
int verbs_start(const struct command *command);
int verbs_stop(const struct command *command);
int verbs_restart(const struct command *command);

/* 0 applied, 1 refused or no answer, 2 the configuration is wrong. */
int verbs_reload(const struct command *command);

/* 0 when it runs, otherwise 1. */
int verbs_status(const struct command *command);

/* 0 when the server answered, otherwise 1; with --watch the first time, and it goes on until Ctrl+C. */
int verbs_stats(const struct command *command);

#endif
