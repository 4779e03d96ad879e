/*
 * event: what happens so seldom, and matters so much, that it belongs not only into the log but where administrators look
 * for it: the Windows Event Log.
 *
 * log_event (log.h) writes the line and tags it; whoever drains the log hands tagged lines on (host/event_log). The numbers are
 * for ever: they are the event ids in the message table (host/fairlead.mc) and people filter by them. docs/service.md
 * says what each one means and what to do.
 */
#ifndef FAIRLEAD_BASE_EVENT_H
#define FAIRLEAD_BASE_EVENT_H

enum event {
    EVENT_NONE = 0,
    EVENT_STARTED = 1,          /* serving; every listener is bound */
    EVENT_START_FAILED = 2,     /* and nothing was started */
    EVENT_STOPPING = 3,         /* a stop was asked for; draining */
    EVENT_STOPPED = 4,          /* every session had ended by itself */
    EVENT_STOPPED_CUT = 5,      /* sessions were cut */
    EVENT_RELOADED = 10,        /* a new generation of the configuration is in force */
    EVENT_RELOAD_REFUSED = 11,  /* and the old one stays */
    EVENT_LISTENER_FAILED = 20, /* cannot bind, or cannot accept for the moment */
    EVENT_UPSTREAM_DOWN = 30,   /* a server refused, did not answer, or its name does not resolve */
    EVENT_UPSTREAM_UP = 31,     /* and is back */
    EVENT_EXHAUSTED = 40,       /* handles, buffers or memory are short */
    EVENT_CRASHED = 50          /* an unhandled exception; names the dump */
};

#endif
