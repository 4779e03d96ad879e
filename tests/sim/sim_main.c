/*
 * sim: plays worlds. scripts/sim.sh is the way to start it; docs/testing.md explains the method.
 *
 *   sim [--seeds N] [--from S] [--scenario NAME] [--summary]      N worlds; one in twenty twice, to compare the hashes
 *   sim --replay S [--scenario NAME] [--verbose]                  one world; twice, unless it is verbose
 *   sim --fail-nth S [--scenario NAME] [--every K]                the world of one seed, once for each fallible call
 *
 *   --without FAULT   this fault never happens (may be repeated);  --clients N   at most so many clients
 *
 * The seed is printed with every failure, and the exit code is 1 then.
 */
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_reload.h"
#include "tests/sim/sim_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
enum { TWICE_EVERY = 20, PROGRESS_EVERY = 20000 };

struct options {
    uint64_t seeds;
    uint64_t from;
    uint64_t replay;
    uint64_t fail_nth;
    uint64_t every;
    enum sim_scenario scenario;
    bool replaying;
    bool failing;
    bool summary;
    bool progress;
};

static struct {
    uint64_t worlds;
    uint64_t steps;
    uint64_t of[SCENARIO_COUNT];
    uint64_t steps_most;
} totals;

static const struct sim_failing nothing_fails = {0, 0};

static double seconds(void)
{
    struct timespec now = {0, 0};
    (void)timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void play_twice(uint64_t seed, enum sim_scenario scenario, const struct sim_outcome *first)
{
    struct sim_outcome second;
    sim_run(seed, scenario, &nothing_fails, &second);
    if (first->hash != second.hash) {
        fprintf(stderr,
                "FAIL seed=%" PRIu64 " step=%" PRIu64 " invariant=DETERMINISM\n     %" PRIx64 " and %" PRIx64
                "\n",
                seed, second.steps, first->hash, second.hash);
        exit(1);
    }
}

static void play_one(uint64_t seed, const struct options *options)
{
    struct sim_outcome outcome;
    sim_run(seed, options->scenario, &nothing_fails, &outcome);
    totals.worlds++;
    totals.steps += outcome.steps;
    totals.of[outcome.scenario]++;
    totals.steps_most = outcome.steps > totals.steps_most ? outcome.steps : totals.steps_most;
    if (seed % TWICE_EVERY == 0) {
        play_twice(seed, options->scenario, &outcome);
    }
}

static void play_many(const struct options *options)
{
    double start = seconds();
    for (uint64_t i = 0; i < options->seeds; i++) {
        play_one(options->from + i, options);
        if (options->progress && (i + 1) % PROGRESS_EVERY == 0) {
            fprintf(stderr, "%" PRIu64 " worlds, %.0f per second\n", i + 1,
                    (double)(i + 1) / (seconds() - start));
        }
    }
    double took = seconds() - start;
    printf("%" PRIu64 " worlds from seed %" PRIu64 ", %" PRIu64 " steps (at most %" PRIu64
           " in one), %.1f s, %.0f worlds per second\n",
           totals.worlds, options->from, totals.steps, totals.steps_most, took, (double)totals.worlds / took);
    if (options->summary) {
        for (int i = 0; i < SCENARIO_COUNT; i++) {
            printf("  %-20s %10" PRIu64 " worlds\n", scenario_name((enum sim_scenario)i), totals.of[i]);
        }
        sim_faults_print();
        reload_print();
    }
}

static void replay(const struct options *options)
{
    struct sim_outcome outcome;
    sim_run(options->replay, options->scenario, &nothing_fails, &outcome);
    if (!sim.verbose) {
        play_twice(options->replay, options->scenario, &outcome);
    }
    printf("seed %" PRIu64 ", %s: %" PRIu64 " steps, %.3f s of its time, %" PRIu64 " allocations, %" PRIu64
           " submissions, hash %016" PRIx64 "\n",
           options->replay, scenario_name(outcome.scenario), outcome.steps, (double)outcome.time_us / 1e6,
           outcome.allocations, outcome.submissions, outcome.hash);
}

static void fail_each(const struct options *options)
{
    struct sim_outcome whole;
    struct sim_outcome outcome;
    sim_run(options->fail_nth, options->scenario, &nothing_fails, &whole);
    uint64_t runs = 0;
    for (uint64_t n = 1; n <= whole.allocations; n += options->every) {
        struct sim_failing failing = {n, 0};
        sim_run(options->fail_nth, options->scenario, &failing, &outcome);
        runs++;
    }
    for (uint64_t n = 1; n <= whole.submissions; n += options->every) {
        struct sim_failing failing = {0, n};
        sim_run(options->fail_nth, options->scenario, &failing, &outcome);
        runs++;
    }
    printf("seed %" PRIu64 ", %s: %" PRIu64 " allocations, %" PRIu64 " submissions, %" PRIu64
           " worlds with one failure\n",
           options->fail_nth, scenario_name(whole.scenario), whole.allocations, whole.submissions, runs);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "sim: not a number: %s\n", text);
        exit(2);
    }
    return value;
}

static bool take_flag(struct options *options, const char *name)
{
    if (strcmp(name, "--summary") == 0) {
        options->summary = true;
    } else if (strcmp(name, "--list-faults") == 0) {
        for (int fault = 0; fault < SIM_FAULT_COUNT; fault++) {
            puts(sim_fault_name((enum sim_fault)fault));
        }
        exit(0);
    } else if (strcmp(name, "--verbose") == 0) {
        sim.verbose = true;
    } else if (strcmp(name, "--progress") == 0) {
        options->progress = true;
    } else {
        return false;
    }
    return true;
}

static bool take_value(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--seeds") == 0) {
        options->seeds = number(value);
    } else if (strcmp(name, "--from") == 0) {
        options->from = number(value);
    } else if (strcmp(name, "--every") == 0) {
        options->every = number(value);
    } else if (strcmp(name, "--replay") == 0) {
        options->replay = number(value);
        options->replaying = true;
    } else if (strcmp(name, "--fail-nth") == 0) {
        options->fail_nth = number(value);
        options->failing = true;
    } else if (strcmp(name, "--clients") == 0) {
        plan_clients_max = (uint32_t)number(value);
    } else if (strcmp(name, "--without") == 0) {
        return sim_fault_forbid(value);
    } else if (strcmp(name, "--scenario") == 0) {
        options->scenario = scenario_from_name(value);
        return options->scenario != SCENARIO_COUNT;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.seeds = 1000, .from = 1, .every = 1, .scenario = SCENARIO_COUNT};
    for (int i = 1; i < argc; i++) {
        if (take_flag(&options, argv[i])) {
            continue;
        }
        if (i + 1 == argc || !take_value(&options, argv[i], argv[i + 1])) {
            fprintf(stderr, "sim: what is %s? The head of tests/sim/sim_main.c tells the usage.\n", argv[i]);
            return 2;
        }
        i++;
    }
    sim_catch_crashes();
    if (options.replaying) {
        replay(&options);
    } else if (options.failing) {
        fail_each(&options);
    } else {
        play_many(&options);
    }
    return 0;
}
