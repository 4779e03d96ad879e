/*
 * port_sim_fault: what may go wrong in a world, how often, and how often it did.
 *
 * Swarm testing: every seed switches on a random part of the faults, each at a random rate. A world in which everything
 * fails all the time tests little; many worlds, each with a few faults of its own, test their combinations.
 */
#ifndef FAIRLEAD_TESTS_SIM_PORT_SIM_FAULT_H
#define FAIRLEAD_TESTS_SIM_PORT_SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum sim_fault {
    SIM_FAULT_IMMEDIATE,       /* an operation has its result at submission */
    SIM_FAULT_SLOW_COMPLETION, /* a completion waits long before a worker may take it */
    SIM_FAULT_SLOW_NETWORK,    /* a segment takes long */
    SIM_FAULT_STALL,           /* a connection moves nothing for a while */
    SIM_FAULT_SLOW_WORKER,     /* a worker is not scheduled for a while */
    SIM_FAULT_PREEMPT,         /* a worker is interrupted inside a call of the port or a lock */
    SIM_FAULT_PREEMPT_ANYWHERE, /* ... between any two basic blocks (only in the deep build of scripts/sim.sh) */
    SIM_FAULT_PARTIAL_RECEIVE, /* a receive gives less than there is */
    SIM_FAULT_PARTIAL_SEND,    /* a send takes less than it was given */
    SIM_FAULT_EARLY_WAIT,      /* a wait for data ends before there is any */
    SIM_FAULT_RECEIVE_EXHAUSTED,
    SIM_FAULT_SEND_EXHAUSTED,
    SIM_FAULT_WAIT_EXHAUSTED,
    SIM_FAULT_OPEN_EXHAUSTED,
    SIM_FAULT_LISTEN_FAILED,    /* in use, denied, no address or exhausted */
    SIM_FAULT_ACCEPT_EXHAUSTED, /* the client stays in the backlog */
    SIM_FAULT_ACCEPT_RESET,     /* that client is gone already */
    SIM_FAULT_ACCEPT_FAILED,
    SIM_FAULT_CONNECT_REFUSED,
    SIM_FAULT_CONNECT_UNREACHABLE,
    SIM_FAULT_CONNECT_EXHAUSTED,
    SIM_FAULT_CONNECT_HANGS, /* no answer, until the system gives up */
    SIM_FAULT_CONNECT_SLOW,
    SIM_FAULT_HANDLES,        /* a low limit of open sockets */
    SIM_FAULT_RESET_DISCARDS, /* a reset that arrives discards what was not read yet (Windows) */
    SIM_FAULT_RESET_RANDOM,   /* the network resets a connection */
    SIM_FAULT_SILENCE,        /* the network loses a connection: nothing arrives any more */
    SIM_FAULT_CANCEL_SLOW,    /* a cancellation takes long, so it may come too late */
    SIM_FAULT_BACKLOG_FULL,
    SIM_FAULT_CLOCK_LEAP,
    SIM_FAULT_CLOCK_STALL,
    SIM_FAULT_NAME_FAILED,
    SIM_FAULT_NAME_SLOW,
    SIM_FAULT_MEMORY, /* an allocation fails */
    SIM_FAULT_COUNT
};

struct sim_faults {
    uint32_t rates[SIM_FAULT_COUNT]; /* of 65536; 0 = off in this world */
    uint32_t handles_max;            /* 0 = none */
    uint32_t buffer_min_bytes;       /* of each direction's two buffers */
    uint32_t buffer_max_bytes;
    uint32_t network_us; /* ordinary delays, at most */
    uint32_t completion_us;
    uint32_t worker_us;
    uint32_t slow_us; /* the slow ones, at most */
    bool calm;        /* the liveness phase: nothing fails any more */
};
extern struct sim_faults sim_faults;

/* The faults of a world, from its seed: `most` of 16 are off. */
void sim_faults_draw(void);

/* Never again in this process: how a failing world is made smaller. False: there is no such fault. */
bool sim_fault_forbid(const char *name);

/* No fault at all, yet every order of completions: for the contract suite. */
void sim_faults_none(void);

/* From now on nothing fails and nothing is slow. */
void sim_faults_stop(void);

/* True when the fault happens now; it is counted then. */
bool sim_fault(enum sim_fault fault);

/* How often it happened in this world. */
uint64_t sim_fault_happened(enum sim_fault fault);

/* Counts one that was decided elsewhere. */
void sim_fault_count(enum sim_fault fault);

/* The world is over: adds its faults to the totals of the process. */
void sim_faults_account(void);

/* How often each fault happened, in how many worlds, and how many pairs of faults met in one world. */
void sim_faults_print(void);

const char *sim_fault_name(enum sim_fault fault);

#endif
