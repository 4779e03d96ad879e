/*
 * ledger: what all generations of the configuration share about one listener, or one server of an upstream: its numbers, its
 * sessions per client address, and what has been said about it in the log.
 *
 * Found by kind and name (of a server: upstream and name), without regard to case as in the configuration, so that a listener which stays through a reload goes on counting where
 * it was, and its limits hold over the sessions of all generations together. Each generation takes its ledgers when it is made and gives
 * them back when it is gone; the last one given retires the numbers into the totals of struct stats (SEMANTICS N5).
 *
 * Threads: any; rare, so one lock for all. `scope` and `clients` have their own rules.
 */
#ifndef FAIRLEAD_RELAY_LEDGER_H
#define FAIRLEAD_RELAY_LEDGER_H

#include "base/lock.h"
#include "base/log.h"
#include "relay/client_table.h"
#include "stats/counters.h"

struct ledger {
    struct stats_scope *scope;
    struct client_table clients; /* listeners */
    uint32_t resolve_failing;    /* atomic; servers: the log said that the name does not resolve */
    uint32_t down;               /* atomic; servers: the log said that it cannot be connected */
    struct log_limit down_log;
    bool published; /* in struct stats; set by the first generation that comes into force */
    uint32_t references;
    struct ledger *next;
};

struct ledgers {
    struct lock lock; /* guards the list and the references */
    struct stats *stats;
    uint64_t seed;
    struct ledger *list;
};

void ledgers_init(struct ledgers *ledgers, struct stats *stats, uint64_t seed);
void ledgers_destroy(struct ledgers *ledgers); /* checks that all were given back */

/* The ledger of that name, made when there is none. NULL: out of memory. */
struct ledger *ledgers_take(struct ledgers *ledgers, enum stats_scope_kind kind, const char *name,
                            const char *upstream);
void ledgers_give(struct ledgers *ledgers, struct ledger *ledger);

#endif
