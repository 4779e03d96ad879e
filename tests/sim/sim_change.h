/*
 * sim_change: how a server.ini differs from the one before: what a reload finds, drawn from the seed.
 *
 * The first address (place 0) is in every setup, under whatever listener: its clients may never notice a reload (N2, N3).
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_CHANGE_H
#define FAIRLEAD_TESTS_SIM_SIM_CHANGE_H

#include "tests/sim/sim_setup.h"

enum change_kind {
    CHANGE_SAME,
    CHANGE_ADD,    /* a listener, or an address of one */
    CHANGE_REMOVE, /* likewise */
    CHANGE_RENAME, /* a listener keeps its address */
    CHANGE_MOVE,   /* an address goes from one listener to another */
    CHANGE_TIMES,
    CHANGE_LIMITS,
    CHANGE_MODE,
    CHANGE_UPSTREAM, /* other servers, a name instead of an address, other deadlines */
    CHANGE_NAMING,   /* an address is written as a name, or as numbers again */
    CHANGE_SERVER,   /* what [server] says */
    CHANGE_ORDER,    /* of the sections */
    CHANGE_SEVERAL,
    CHANGE_RESTART, /* workers or buffer_size: takes a restart */
    CHANGE_BACK,    /* the setup that was in force before */
    CHANGE_GOOD_END,
    CHANGE_UNREADABLE = CHANGE_GOOD_END,
    CHANGE_BIND_USED,    /* a new listener at an address that somebody else has */
    CHANGE_BIND_FOREIGN, /* ... that is not this machine's */
    CHANGE_NAME_UNKNOWN, /* ... with a name that nobody knows */
    CHANGE_COUNT,
    CHANGE_ANY = CHANGE_COUNT
};

enum change_fate {
    FATE_APPLIED, /* unless something fails */
    FATE_REFUSED, /* in any case */
    FATE_EITHER
};

struct change {
    enum change_kind kind;
    enum change_fate fate;
    struct setup setup; /* what the file says then; not of CHANGE_UNREADABLE */
};

void change_draw(struct change *change, const struct setup *from, const struct setup *before,
                 enum change_kind kind);

const char *change_name(enum change_kind kind);

#endif
