/*
 * reload: somebody asks for the configuration to be read anew and wants to hear how that went.
 *
 * Passed down from the daemon to those who ask (the statistics' POST /reload, the service's PARAMCHANGE), so that they need not
 * know the daemon.
 *
 * Ownership: the asker embeds struct reload_request; it is the daemon's from the call until `done` runs. `done` runs once, on a
 * worker, never inside the call; the outcome and its text are valid only during it.
 */
#ifndef FAIRLEAD_BASE_RELOAD_H
#define FAIRLEAD_BASE_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

struct reload_outcome {
    bool applied;
    uint64_t generation; /* the one in force now */
    const char
        *text; /* what changed or what is wrong: one or more lines, each ending in a line feed; UTF-8 */
};

struct reload_request;
typedef void reload_done(struct reload_request *request, const struct reload_outcome *outcome);

struct reload_request {
    reload_done *done;
    struct reload_request *next; /* the daemon's */
};

/* Asks. NULL as request: nobody waits for the outcome; it is logged in any case. False: the server is stopping, `done` will not
 * run. Any thread. */
typedef bool reload_asker(void *context, struct reload_request *request);

#endif
