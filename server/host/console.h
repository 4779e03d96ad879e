/*
 * console: `fairlead run`: serves in the foreground until somebody asks it to stop.
 *
 * Ctrl+C and Ctrl+Break drain, a second one stops at once. Closing the console, logging off and shutting the
 * system down drain too, but the system gives them 5 s, so after CONSOLE_CLOSE_DRAIN_MS the sessions are cut.
 * A reload is asked for with POST /reload; a console has no key left for it.
 */
#ifndef FAIRLEAD_HOST_CONSOLE_H
#define FAIRLEAD_HOST_CONSOLE_H

#include "config/config.h"

/* `config` becomes its own. Returns when the daemon has stopped, with the exit code of DESIGN section 4: 0, 1 or 3. Once, on the main
 * thread. */
int console_run(struct config *config);

#endif
