/*
 * sim_plan: what a world is about: its configuration, its clients and servers, when it is stopped. All drawn from the seed;
 * a scenario narrows the draw.
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_PLAN_H
#define FAIRLEAD_TESTS_SIM_SIM_PLAN_H

#include "tests/sim/sim_crowd.h"

#include <stddef.h>

enum sim_scenario {
    SCENARIO_CLEAN, /* nothing fails, only delays: everything must be perfect */
    SCENARIO_ECHO,
    SCENARIO_PROXY,
    SCENARIO_MIXED,   /* several listeners and upstreams, and the statistics */
    SCENARIO_CONNECT, /* upstreams that refuse, hang, come and go, or have names */
    SCENARIO_LIMITS,
    SCENARIO_STOP,   /* stopped at any step, and again at any step */
    SCENARIO_ADMIN,  /* the statistics under traffic */
    SCENARIO_RESETS, /* one side breaks its connections; the other must still get all that was received (S2) */
    SCENARIO_TIMED,  /* nobody is idle for long, so nobody may be cut for that (S12) */
    SCENARIO_HANGS,  /* the upstream never answers; clients that reset meanwhile must be noticed (S8) */
    SCENARIO_COUNT
};

enum { PLAN_LISTENERS_MAX = 3, PLAN_CLIENTS_MAX = 32, PLAN_CONFIG_BYTES = 4096 };

struct plan_listener {
    bool echo;
    uint32_t group;
    struct address address;
    uint32_t sessions_max;
    uint32_t sessions_per_ip_max;
    uint32_t idle_timeout_ms;
    uint32_t half_close_timeout_ms;
    uint32_t lifetime_ms;
};

struct plan_upstream {
    bool named;
    bool up; /* servers listen from the start */
    uint32_t addresses_count;
    struct address addresses[CROWD_ADDRESSES_MAX];
    uint32_t sessions_max;
    uint32_t connect_timeout_ms;
    uint32_t retries;
    uint32_t resolve_interval_ms;
    uint64_t switch_us; /* servers go or come then; 0 = never */
};

struct sim_plan {
    enum sim_scenario scenario;
    bool clean;         /* every client must end well */
    bool asks;          /* SCENARIO_TIMED: clients ask, wait for the answer and then end */
    bool servers_break; /* SCENARIO_RESETS: the servers do, else the clients */
    uint32_t workers;
    uint32_t buffer_bytes;
    uint32_t sessions_max;
    uint32_t drain_timeout_ms;
    uint32_t listeners_count;
    struct plan_listener listeners[PLAN_LISTENERS_MAX];
    uint32_t upstreams_count;
    struct plan_upstream upstreams[CROWD_UPSTREAMS_MAX];
    uint32_t clients_count;
    uint64_t clients_within_us; /* they come within this time */
    bool admin;                 /* the statistics are served */
    uint32_t admin_clients;
    uint64_t stop_step;    /* 0 = at the end */
    uint64_t stop_sockets; /* when so many sockets were opened, if that is earlier; 0 = by the step only */
    bool tainted;          /* fail-Nth: what a scenario promises does not hold, what always holds does */
    bool leaps;            /* the clock leaps */
    bool lingering;        /* many clients never end by themselves */
    uint64_t second_stop_steps; /* after the first; 0 = never */
    uint64_t chaos_us;          /* then faults end */
    uint64_t bytes_max;         /* of one stream */
    char config[PLAN_CONFIG_BYTES];
    size_t config_bytes;
};
extern struct sim_plan sim_plan;

/* At most so many clients, in every world of this process; 0 = as drawn. */
extern uint32_t plan_clients_max;

/* `scenario` SCENARIO_COUNT: any. After the faults were drawn, which it may narrow too. */
void plan_draw(enum sim_scenario scenario);

const char *scenario_name(enum sim_scenario scenario);
enum sim_scenario scenario_from_name(const char *name); /* SCENARIO_COUNT: unknown */

void plan_client(struct peer_plan *plan, bool echo);
void plan_server(struct peer_plan *plan, uint32_t group);

/* The longest that anything may take once faults have ended. */
uint64_t plan_patience_us(void);

#endif
