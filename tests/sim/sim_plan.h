/*
 * sim_plan: what a world is about: its configuration, its clients and servers, when it is stopped. All drawn from the seed;
 * a scenario narrows the draw.
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_PLAN_H
#define FAIRLEAD_TESTS_SIM_SIM_PLAN_H

#include "tests/sim/sim_crowd.h"
#include "tests/sim/sim_setup.h"

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
    SCENARIO_RELOAD, /* the configuration is read anew at any step, well and badly, under traffic and faults */
    SCENARIO_RELOAD_CLEAN, /* the same, and only the configuration is bad: nobody may notice (N2, N3) */
    SCENARIO_RELOAD_STOP,  /* stopped at any step of a reload */
    SCENARIO_COUNT
};

enum { PLAN_CLIENTS_MAX = 32, PLAN_RELOADS_MAX = 8 };

/* Servers with one name. An upstream is one of these; what the crowd calls a group. */
struct plan_farm {
    bool up; /* they listen from the start */
    uint32_t addresses_count;
    struct address addresses[CROWD_ADDRESSES_MAX];
    uint64_t switch_us; /* they go or come then; 0 = never */
};

struct sim_plan {
    enum sim_scenario scenario;
    bool clean;         /* every client must end well */
    bool asks;          /* SCENARIO_TIMED: clients ask, wait for the answer and then end */
    bool servers_break; /* SCENARIO_RESETS: the servers do, else the clients */
    bool timed;         /* nobody is idle for long, so nobody may be cut for that (S12) */
    bool harsh; /* SCENARIO_RELOAD_CLEAN: short deadlines come by a reload, for sessions that begin later */
    bool idle_always;   /* every setup has an idle timeout */
    struct setup setup; /* what is in force */
    uint32_t farms_count;
    struct plan_farm farms[CROWD_GROUPS_MAX];
    uint32_t clients_count;
    uint64_t clients_within_us; /* they come within this time */
    uint32_t admin_clients;
    uint64_t stop_step;    /* 0 = at the end */
    uint64_t stop_sockets; /* when so many sockets were opened, if that is earlier; 0 = by the step only */
    bool tainted;          /* fail-Nth: what a scenario promises does not hold, what always holds does */
    bool leaps;            /* the clock leaps */
    bool lingering;        /* many clients never end by themselves */
    uint64_t second_stop_steps;              /* after the first; 0 = never */
    uint64_t chaos_us;                       /* then faults end */
    uint64_t bytes_max;                      /* of one stream */
    uint32_t reloads;                        /* so often somebody asks for one; 0 = never */
    uint64_t reload_steps[PLAN_RELOADS_MAX]; /* when */
    uint32_t
        stop_reload; /* the stop comes `stop_reload_steps` after this reading of the file begins; 0 = not so */
    uint64_t stop_reload_steps;
    uint32_t retries_most[SETUP_UPSTREAMS_MAX]; /* of all setups so far */
    uint64_t patience_ms;
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

/* A setup that may come into force: sessions may from now on begin under it. */
void plan_note(const struct setup *setup);

/* The longest that anything may take once faults have ended, under any setup of this world. */
uint64_t plan_patience_us(void);

#endif
