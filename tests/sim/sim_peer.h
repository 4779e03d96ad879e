/*
 * sim_peer: a program at the other end of a connection: a client of Fairlead, or a server behind it. It lives in the
 * simulated network, not on the port, and behaves as its plan says, well or badly.
 *
 * A peer sends its own keyed stream and checks every byte that it receives against the stream of its partner: itself
 * with an echo listener, else whoever the first eight bytes belong to. What it checks is I1, I2 and I10; see sim_crowd.h
 * for who is whose partner.
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_PEER_H
#define FAIRLEAD_TESTS_SIM_SIM_PEER_H

#include "tests/sim/port_sim_net.h"

#include <stdbool.h>
#include <stdint.h>

enum peer_role { PEER_CLIENT, PEER_SERVER };

enum peer_ending {
    PEER_FIN_WHEN_SENT, /* half-closes, reads to the end, closes */
    PEER_FIN_LAST,      /* waits for the other's FIN first */
    PEER_CLOSES,        /* closes when all is sent, whatever comes */
    PEER_RESETS         /* resets when all is sent */
};

enum peer_pace {
    PEER_FREE,    /* sends whenever there is room */
    PEER_ANSWERS, /* sends after the other's FIN only */
    PEER_LOCKSTEP /* never sends more than it received, and `window_bytes` */
};

struct peer_plan {
    uint64_t send_bytes;
    uint32_t chunk_bytes;  /* of one write; 1 = a trickle */
    uint32_t read_bytes;   /* of one read */
    uint32_t think_us;     /* between two actions */
    uint64_t read_from_us; /* reads nothing before this time */
    uint64_t pause_at;     /* after this many bytes it sends nothing ... */
    uint64_t pause_us;     /* ... for this long */
    uint64_t wane_at;      /* after this many bytes it sends one at a time, also in the calm; 0 = never */
    uint64_t wane_us;      /* before the first of these */
    uint64_t abort_after;  /* bytes sent and received, after which it aborts; UINT64_MAX = never */
    bool stubborn;         /* never sends FIN: only a deadline of the server ends it */
    bool abort_by_reset;   /* else by closing, read or not */
    uint32_t window_bytes;
    enum peer_pace pace;
    enum peer_ending ending;
};

/* Between two bytes of one who wanes: each is received alone, and the connection is never quiet. */
enum { PEER_WANE_US = 250 * 1000 };

enum peer_outcome {
    PEER_ACTIVE,
    PEER_CLEAN,   /* FIN both ways, everything checked */
    PEER_REFUSED, /* no connection */
    PEER_BROKEN,  /* saw a reset */
    PEER_ABORTED  /* its own doing */
};

struct sim_peer {
    uint32_t id;
    enum peer_role role;
    bool echo;     /* its own stream comes back */
    bool either;   /* ... or not: a reload may change that on its way */
    bool may_fail; /* in a clean world: a reload may take its listener away */
    bool probe;    /* must succeed */
    uint64_t
        not_before_us; /* a sleeper: does nothing, and is reset by a deadline after this time at the earliest ... */
    uint64_t not_after_us; /* ... and at the latest */
    uint32_t group;        /* clients: the upstream behind their listener; servers: their upstream */
    uint64_t key;
    struct peer_plan plan;
    struct net_end *end; /* NULL before it is connected */
    struct net_attempt *attempt;
    uint64_t sent;
    uint64_t received;
    uint64_t pause_until_us;
    bool fin_sent;
    bool fin_received;
    bool scheduled;
    enum peer_outcome outcome;
    uint64_t connected_us;
    uint64_t ended_us;
    uint8_t head[8];          /* the first bytes received */
    struct sim_peer *partner; /* whose stream it receives; NULL while unknown */
    struct sim_peer *next;
};

void peer_connect(struct sim_peer *peer, const struct address *from, const struct address *to);

/* The server's side: the connection was taken from a listener. */
void peer_take(struct sim_peer *peer, struct net_end *end);

/* Something may have changed for it (the liveness phase began). */
void peer_nudge(struct sim_peer *peer);

#endif
