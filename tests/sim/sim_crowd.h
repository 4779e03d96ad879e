/*
 * sim_crowd: all peers of a world: the clients, the servers that accept connections from Fairlead, and who talks to whom.
 *
 * Nobody tells a server which client is behind a connection; the first bytes do. The crowd keeps the pairs: one
 * client's stream arrives on one connection only (S7: nothing is sent twice), and two streams of one session belong to the same
 * two peers (I10).
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_CROWD_H
#define FAIRLEAD_TESTS_SIM_SIM_CROWD_H

#include "tests/sim/sim_peer.h"

enum { CROWD_GROUPS_MAX = 2, CROWD_ADDRESSES_MAX = 3 };

struct crowd {
    struct sim_peer *clients;
    struct sim_peer *servers;
    uint32_t clients_count;
    uint32_t clients_active;
    uint32_t servers_count;
    uint32_t servers_active;
    uint32_t sleepers;                   /* clients that do nothing, on purpose */
    uint32_t outcomes[PEER_ABORTED + 1]; /* of clients */
};
extern struct crowd crowd;

/* How a server behaves towards the connection that it has just accepted. */
typedef void crowd_planner(struct peer_plan *plan, uint32_t group);

void crowd_begin(crowd_planner *plan_server);

struct sim_peer *crowd_add_client(uint32_t group, bool echo, const struct peer_plan *plan);

/* The same, when a reload may change what its listener does before it is accepted: the first bytes tell. */
struct sim_peer *crowd_add_unsure_client(const struct peer_plan *plan);

/* Servers listen at the address from now on; `group` numbers the upstream. */
bool crowd_listen(uint32_t group, const struct address *address);

/* No further connection is accepted there; those that exist go on. */
void crowd_stop_listening(uint32_t group);

void crowd_nudge(void);

/* Prints who is still there, for the line of a failure. */
void crowd_explain(void);

/* --- for peers ---------------------------------------------------------------------------------------------- */

/* A byte was added to the head of a peer without a partner: there must be somebody whose stream begins so. */
void crowd_identify(struct sim_peer *peer);

/* The peer has read FIN: its partner must have sent it, and everything before it must be here (I1, I2). */
void crowd_check_fin(struct sim_peer *peer);

void crowd_peer_ended(struct sim_peer *peer);

#endif
