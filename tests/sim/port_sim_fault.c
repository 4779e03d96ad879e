#include "tests/sim/port_sim_fault.h"

#include "tests/sim/port_sim_world.h"

#include <stdio.h>
#include <string.h>

struct sim_faults sim_faults;

static bool forbidden[SIM_FAULT_COUNT];
static uint64_t happened[SIM_FAULT_COUNT];               /* in this world */
static uint64_t totals[SIM_FAULT_COUNT];                 /* in all */
static uint64_t worlds[SIM_FAULT_COUNT];                 /* worlds in which it happened */
static uint32_t pairs[SIM_FAULT_COUNT][SIM_FAULT_COUNT]; /* worlds in which both did */

static const char *const names[SIM_FAULT_COUNT] = {
    "immediate",         "slow_completion",  "slow_network",    "stall",           "slow_worker",
    "preempt",           "preempt_anywhere", "partial_receive", "partial_send",    "early_wait",
    "receive_exhausted", "send_exhausted",   "wait_exhausted",  "open_exhausted",  "listen_failed",
    "accept_exhausted",  "accept_reset",     "accept_failed",   "connect_refused", "connect_unreachable",
    "connect_exhausted", "connect_hangs",    "connect_slow",    "handles",         "reset_discards",
    "reset_random",      "silence",          "cancel_slow",     "backlog_full",    "clock_leap",
    "clock_stall",       "name_failed",      "name_slow",       "memory"};

/* The highest rate that leaves a world in which something still works. */
static const uint32_t rates_max[SIM_FAULT_COUNT] = {[SIM_FAULT_IMMEDIATE] = 65536,
                                                    [SIM_FAULT_SLOW_COMPLETION] = 3000,
                                                    [SIM_FAULT_SLOW_NETWORK] = 3000,
                                                    [SIM_FAULT_STALL] = 600,
                                                    [SIM_FAULT_SLOW_WORKER] = 1000,
                                                    [SIM_FAULT_PREEMPT] = 12000,
                                                    [SIM_FAULT_PREEMPT_ANYWHERE] = 3000,
                                                    [SIM_FAULT_PARTIAL_RECEIVE] = 40000,
                                                    [SIM_FAULT_PARTIAL_SEND] = 40000,
                                                    [SIM_FAULT_EARLY_WAIT] = 20000,
                                                    [SIM_FAULT_RECEIVE_EXHAUSTED] = 300,
                                                    [SIM_FAULT_SEND_EXHAUSTED] = 300,
                                                    [SIM_FAULT_WAIT_EXHAUSTED] = 300,
                                                    [SIM_FAULT_OPEN_EXHAUSTED] = 8000,
                                                    [SIM_FAULT_LISTEN_FAILED] = 4000,
                                                    [SIM_FAULT_ACCEPT_EXHAUSTED] = 8000,
                                                    [SIM_FAULT_ACCEPT_RESET] = 8000,
                                                    [SIM_FAULT_ACCEPT_FAILED] = 4000,
                                                    [SIM_FAULT_CONNECT_REFUSED] = 16000,
                                                    [SIM_FAULT_CONNECT_UNREACHABLE] = 8000,
                                                    [SIM_FAULT_CONNECT_EXHAUSTED] = 4000,
                                                    [SIM_FAULT_CONNECT_HANGS] = 8000,
                                                    [SIM_FAULT_CONNECT_SLOW] = 16000,
                                                    [SIM_FAULT_HANDLES] = 65536,
                                                    [SIM_FAULT_RESET_DISCARDS] = 65536,
                                                    [SIM_FAULT_RESET_RANDOM] = 300,
                                                    [SIM_FAULT_SILENCE] = 100,
                                                    [SIM_FAULT_CANCEL_SLOW] = 30000,
                                                    [SIM_FAULT_BACKLOG_FULL] = 4000,
                                                    [SIM_FAULT_CLOCK_LEAP] = 8000,
                                                    [SIM_FAULT_CLOCK_STALL] = 16000,
                                                    [SIM_FAULT_NAME_FAILED] = 16000,
                                                    [SIM_FAULT_NAME_SLOW] = 30000,
                                                    [SIM_FAULT_MEMORY] = 1000};

const char *sim_fault_name(enum sim_fault fault)
{
    return names[fault];
}

bool sim_fault_forbid(const char *name)
{
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            forbidden[i] = true;
            return true;
        }
    }
    return false;
}

void sim_faults_none(void)
{
    memset(&sim_faults, 0, sizeof sim_faults);
    memset(happened, 0, sizeof happened);
    sim_faults.buffer_min_bytes = 1;
    sim_faults.buffer_max_bytes = 65536;
    sim_faults.network_us = 200;
    sim_faults.completion_us = 50;
    sim_faults.worker_us = 5;
    sim_faults.slow_us = 1000;
}

/* A number from 1 to `max` whose magnitude is drawn first, so that small ones are as likely as large ones. */
static uint32_t draw_magnitude(uint32_t max)
{
    uint32_t bits = 0;
    while (bits < 31 && (max >> bits) > 1) {
        bits++;
    }
    uint32_t value = (1U << sim_below(bits + 1)) + sim_below(16);
    return value > max ? max : value;
}

void sim_faults_draw(void)
{
    sim_faults_none();
    uint32_t on = sim_below(4) == 0 ? 0 : sim_between(1, 10); /* of 16; a quarter of the worlds has none */
    for (int fault = 0; fault < SIM_FAULT_COUNT; fault++) {
        if (sim_below(16) < on) {
            uint32_t most = rates_max[fault];
            sim_faults.rates[fault] = sim_below(2) == 0 ? 1 + sim_below(most) : draw_magnitude(most);
        }
    }
    /* How the peer's system treats a reset does not change within one world. */
    sim_faults.rates[SIM_FAULT_RESET_DISCARDS] = sim_below(2) == 0 ? 65536 : 0;
    sim_faults.rates[SIM_FAULT_IMMEDIATE] = sim_below(4) == 0 ? 0 : sim_below(65537);
    if (sim_faults.rates[SIM_FAULT_HANDLES] != 0) {
        sim_faults.handles_max = sim_between(20, 70); /* the posted accepts count too */
    }
    sim_faults.buffer_max_bytes = sim_below(3) == 0 ? 1U << sim_below(17) : sim_between(16, 8192);
    sim_faults.buffer_min_bytes = sim_below(2) == 0 ? 1 : 1 + sim_faults.buffer_max_bytes / 2;
    sim_faults.network_us = 1U << sim_below(15);
    sim_faults.completion_us = 1U << sim_below(12);
    sim_faults.worker_us = 1U << sim_below(8);
    sim_faults.slow_us = 1000U << sim_below(14);
}

void sim_faults_stop(void)
{
    uint32_t discards = sim_faults.rates[SIM_FAULT_RESET_DISCARDS];
    uint32_t immediate = sim_faults.rates[SIM_FAULT_IMMEDIATE];
    memset(sim_faults.rates, 0, sizeof sim_faults.rates);
    sim_faults.rates[SIM_FAULT_RESET_DISCARDS] = discards;
    sim_faults.rates[SIM_FAULT_IMMEDIATE] = immediate;
    sim_faults.handles_max = 0;
    sim_faults.network_us = sim_faults.network_us > 100 ? 100 : sim_faults.network_us;
    sim_faults.completion_us = sim_faults.completion_us > 20 ? 20 : sim_faults.completion_us;
    sim_faults.worker_us = sim_faults.worker_us > 5 ? 5 : sim_faults.worker_us;
    sim_faults.calm = true;
}

bool sim_fault(enum sim_fault fault)
{
    if (forbidden[fault] || !sim_chance(sim_faults.rates[fault])) {
        return false;
    }
    happened[fault]++;
    return true;
}

uint64_t sim_fault_happened(enum sim_fault fault)
{
    return happened[fault];
}

void sim_fault_count(enum sim_fault fault)
{
    happened[fault]++;
}

void sim_faults_account(void)
{
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        if (happened[i] == 0) {
            continue;
        }
        totals[i] += happened[i];
        worlds[i]++;
        for (int j = 0; j < i; j++) {
            if (happened[j] != 0) {
                pairs[i][j]++;
            }
        }
    }
}

void sim_faults_print(void)
{
    printf("fault                      times     worlds\n");
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        printf("  %-20s %10llu %10llu\n", names[i], (unsigned long long)totals[i],
               (unsigned long long)worlds[i]);
    }
    unsigned met = 0;
    unsigned possible = 0;
    uint32_t rarest = UINT32_MAX;
    int rare_i = 0;
    int rare_j = 0;
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        for (int j = 0; j < i; j++) {
            possible++;
            met += pairs[i][j] != 0;
            if (pairs[i][j] < rarest) {
                rarest = pairs[i][j];
                rare_i = i;
                rare_j = j;
            }
        }
    }
    printf("fault pairs that met in one world: %u of %u; the rarest: %s with %s, %u worlds\n", met, possible,
           names[rare_i], names[rare_j], rarest);
}
