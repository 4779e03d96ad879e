#include "tests/sim/sim_reload.h"

#include "config/config.h"
#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_host.h"
#include "tests/sim/sim_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READINGS_MAX = 256, WHY_BYTES = 600, STOP_SLACK_US = 2000 * 1000, SLOW_READING_US = 30 * 1000 * 1000 };

/* Somebody who waits for an outcome. Memory of its own, so that AddressSanitizer sees a request that is touched after its answer. */
struct asker {
    struct reload_request request;
    uint32_t id;
    uint32_t readings; /* that had begun when it asked */
    uint64_t generation;
    bool again; /* asks once more when it is answered */
};

static struct {
    uint32_t readings; /* that have begun */
    bool reading;      /* the last one has not ended */
    bool proposed;
    struct change change; /* that the last one found */
    struct setup before;  /* in force before the last change */
    enum change_kind next_kind;
    bool calm;
    int32_t askers; /* who wait; one that is answered before its call returns makes it -1 for a moment */
    uint32_t asked;
    uint32_t unread;                   /* asked since the last reading began */
    uint32_t waves;                    /* of the plan's that have come */
    uint64_t generation;               /* known to be in force; one more may be while proposed */
    uint32_t reading_of[READINGS_MAX]; /* the reading that made this generation */
    uint64_t begun_step[READINGS_MAX];
    uint64_t answered_us;
    uint64_t listener_absent_us[SETUP_NAMES];
    uint64_t upstream_absent_us[SETUP_UPSTREAMS_MAX];
} rounds;

static uint64_t applied[CHANGE_COUNT];
static uint64_t refused[CHANGE_COUNT];

/* For whom each worker is inside of daemon_reload; 0 = nobody. */
static uint32_t inside[WORKERS_MAX + 1];

static void ask_once(bool again);

static uint32_t here(void)
{
    return sim_worker_current() == NULL ? SIM_HOST : sim_worker_current()->index;
}

void reload_begin(void)
{
    memset(&rounds, 0, sizeof rounds);
    memset(inside, 0, sizeof inside);
    rounds.generation = 1;
    rounds.before = sim_plan.setup;
    rounds.next_kind = CHANGE_ANY;
}

bool reload_is_busy(void)
{
    return rounds.reading || rounds.askers > 0;
}

const struct setup *reload_proposed(void)
{
    return rounds.proposed ? &rounds.change.setup : NULL;
}

uint64_t reload_generation(void)
{
    return rounds.generation;
}

uint64_t reload_steps_since(uint32_t reading)
{
    return rounds.readings < reading ? 0 : sim.step - rounds.begun_step[reading] + 1;
}

uint64_t reload_answered_us(void)
{
    return rounds.answered_us;
}

uint64_t reload_listener_absent_us(uint32_t name)
{
    return rounds.listener_absent_us[name];
}

uint64_t reload_upstream_absent_us(uint32_t index)
{
    return rounds.upstream_absent_us[index];
}

void reload_explain(void)
{
    fprintf(stderr, "     generation %llu; %u readings, the last of '%s'%s%s; %d wait for an outcome\n",
            (unsigned long long)rounds.generation, rounds.readings,
            rounds.readings > 0 ? change_name(rounds.change.kind) : "nothing",
            rounds.reading ? ", not answered yet" : "", rounds.proposed ? ", not decided yet" : "",
            rounds.askers);
}

void reload_print(void)
{
    for (int kind = 0; kind < CHANGE_COUNT; kind++) {
        printf("reload: %-14s %10llu applied %10llu refused\n", change_name((enum change_kind)kind),
               (unsigned long long)applied[kind], (unsigned long long)refused[kind]);
    }
}

/* --- how a round ends --------------------------------------------------------------------------------------- */

/* The numbers of a scope that the setup in force lacks may begin anew. */
static void note_absent(void)
{
    for (uint32_t name = 0; name < SETUP_NAMES; name++) {
        if (setup_named(&sim_plan.setup, name) == NULL) {
            rounds.listener_absent_us[name] = sim.now_us + 1;
        }
    }
    for (uint32_t i = sim_plan.setup.upstreams_count; i < SETUP_UPSTREAMS_MAX; i++) {
        rounds.upstream_absent_us[i] = sim.now_us + 1;
    }
}

/* Nothing but the configuration could be the reason for a refusal. */
static bool nothing_fails(void)
{
    return (sim_plan.clean || rounds.calm) && !sim_plan.tainted && host.stops == 0 &&
           host.state == DAEMON_SERVING;
}

static void round_refused(const char *text)
{
    if (!rounds.proposed) {
        return;
    }
    rounds.proposed = false;
    refused[rounds.change.kind]++;
    if (rounds.change.fate == FATE_APPLIED && nothing_fails()) {
        sim_fail("N1", "a good configuration (%s) was refused: %s", change_name(rounds.change.kind),
                 text != NULL ? text : "nobody was told why\n");
    }
}

void reload_adopted(void *context, const struct config *config)
{
    (void)context;
    sim_trace("adopted", rounds.readings, rounds.change.kind);
    if (!rounds.proposed) {
        sim_fail("N1", "a configuration is in force that nobody has just given");
    }
    if (rounds.change.fate == FATE_REFUSED) {
        sim_fail("N1", "a bad configuration (%s) was applied", change_name(rounds.change.kind));
    }
    if (host.draining_us != 0 && sim.now_us > host.draining_us + STOP_SLACK_US + 8ULL * sim_faults.slow_us) {
        sim_fail("N7", "a reload was applied after the stop");
    }
    if (config->server.sessions_max != rounds.change.setup.sessions_max ||
        config->listeners_count != rounds.change.setup.listeners_count) {
        sim_fail("N1", "another configuration than the one given is in force");
    }
    rounds.proposed = false;
    rounds.generation++;
    rounds.reading_of[rounds.generation % READINGS_MAX] = rounds.readings;
    applied[rounds.change.kind]++;
    note_absent(); /* what comes now ... */
    rounds.before = sim_plan.setup;
    uint32_t workers = sim_plan.setup.workers;
    uint32_t buffer_bytes = sim_plan.setup.buffer_bytes;
    sim_plan.setup = rounds.change.setup;
    sim_plan.setup.workers = workers; /* these two are as they were until a restart */
    sim_plan.setup.buffer_bytes = buffer_bytes;
    note_absent(); /* ... and what goes */
}

static bool is_decided(void)
{
    return !reload_is_busy() && !rounds.proposed && rounds.unread == 0;
}

static void sleeper_comes(void *object, uint64_t argument)
{
    (void)object;
    (void)argument;
    if (sim_plan.timed && !sim_plan.tainted && is_decided() && !rounds.calm && host.state == DAEMON_SERVING &&
        crowd.sleepers < 20) {
        host_send_sleeper();
    }
}

/* --- asking --------------------------------------------------------------------------------------------------- */

static void check_text(const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    if (length == 0 || text[length - 1] != '\n') {
        sim_fail("N7", "the text of an outcome is '%s'", text == NULL ? "NULL" : text);
    }
}

static void check_applied(const struct asker *asker, const struct reload_outcome *outcome)
{
    if (outcome->generation < 2 || outcome->generation > rounds.generation + (rounds.proposed ? 1 : 0)) {
        sim_fail("N7", "an outcome tells of generation %llu; %llu is in force",
                 (unsigned long long)outcome->generation, (unsigned long long)rounds.generation);
    }
    if (outcome->generation > rounds.generation) {
        sim_fail("N7", "an outcome was told before the host has adopted the configuration");
    }
    if (rounds.reading_of[outcome->generation % READINGS_MAX] <= asker->readings) {
        sim_fail("N7", "request %u was served by a file that was read before", asker->id);
    }
}

/* The text of an unreadable file tells its number. */
static void check_refused(const struct asker *asker, const struct reload_outcome *outcome)
{
    const char *number = strstr(outcome->text, "reading ");
    if (number != NULL && strtoul(number + 8, NULL, 10) <= asker->readings) {
        sim_fail("N7", "request %u was served by a file that was read before", asker->id);
    }
    bool begun = host.state != DAEMON_STARTING; /* before, no generation is in force */
    if ((begun && outcome->generation < asker->generation) ||
        outcome->generation > rounds.generation + (rounds.proposed ? 1 : 0)) {
        sim_fail("N1", "refused, and the outcome tells of generation %llu; %llu is in force",
                 (unsigned long long)outcome->generation, (unsigned long long)rounds.generation);
    }
    if (number == NULL && rounds.readings <= asker->readings && host.stops == 0 &&
        host.state <= DAEMON_SERVING && nothing_fails()) {
        sim_fail("N7", "request %u was refused before the file was read: %s", asker->id, outcome->text);
    }
}

/* Told by this very round: then it is over. */
static bool tells_of_last_round(const struct asker *asker)
{
    return rounds.readings == asker->readings + 1 && !rounds.reading;
}

static void check_restart(const struct reload_outcome *outcome)
{
    if (rounds.change.kind == CHANGE_RESTART && nothing_fails() && strstr(outcome->text, "restart") == NULL) {
        sim_fail("N1", "workers or buffer_size was changed, and nobody was told to restart: %s",
                 outcome->text);
    }
}

static void asker_answered(struct reload_request *request, const struct reload_outcome *outcome)
{
    struct asker *asker = CONTAINER_OF(request, struct asker, request);
    sim_trace("reload answered", asker->id, outcome->applied);
    if (sim_worker_current() == NULL) {
        sim_fail("N7", "an outcome was told outside of the workers");
    }
    if (inside[here()] == asker->id) {
        sim_fail("N7", "an outcome was told inside of the call");
    }
    if (host.state == DAEMON_STOPPED) {
        sim_fail("N7", "an outcome was told after the end");
    }
    check_text(outcome->text);
    if (outcome->applied) {
        check_applied(asker, outcome);
    } else {
        check_refused(asker, outcome);
    }
    if (tells_of_last_round(asker)) {
        check_restart(outcome);
        if (!outcome->applied) {
            round_refused(outcome->text);
        }
    }
    bool again = asker->again;
    rounds.askers--;
    memset(asker, 0x5a, sizeof *asker);
    free(asker);
    if (again) {
        ask_once(false);
    }
}

static void ask_once(bool again)
{
    struct asker *asker = calloc(1, sizeof *asker);
    if (asker == NULL) {
        sim_fail("HARNESS", "no memory");
    }
    asker->request.done = asker_answered;
    asker->id = ++rounds.asked;
    asker->readings = rounds.readings;
    asker->generation = rounds.generation;
    asker->again = again;
    rounds.unread++;
    sim_trace("reload asked", asker->id, 0);
    inside[here()] = asker->id;
    bool taken = daemon_reload(host.daemon, &asker->request);
    inside[here()] = 0;
    if (taken) {
        rounds.askers++; /* it may be answered by now, and its memory gone */
        return;
    }
    sim_trace("reload turned away", asker->id, 0);
    rounds.unread -= rounds.unread > 0;
    free(asker);
    if (host.stops == 0 && host.state < DAEMON_DRAINING &&
        !(host.state == DAEMON_STARTING && !sim_plan.clean)) {
        sim_fail("N7", "a reload was turned away, and nobody has stopped the server");
    }
}

/* Nobody waits for this one. */
static void ask_silently(void)
{
    sim_trace("reload asked silently", 0, 0);
    rounds.unread++;
    if (!daemon_reload(host.daemon, NULL)) {
        rounds.unread -= rounds.unread > 0;
    }
}

static bool is_quiet(void)
{
    if (sim_plan.timed && sim.now_us < host.quiet_until_us) {
        return false;
    }
    if (sim_plan.harsh) {
        /* All of its clients have begun, so none may notice. */
        uint64_t begun = check_total(STATS_LISTENER, STAT_SESSIONS, (enum stats_counter)(STAT_SESSIONS + 1));
        uint64_t turned_away = crowd.outcomes[PEER_REFUSED] + crowd.outcomes[PEER_BROKEN];
        return crowd.clients_count >= sim_plan.clients_count && begun + turned_away >= crowd.clients_count;
    }
    return true;
}

void reload_act(void)
{
    if (rounds.calm || host.state == DAEMON_STOPPED || rounds.waves == sim_plan.reloads ||
        sim.step < sim_plan.reload_steps[rounds.waves] || !is_quiet()) {
        return;
    }
    rounds.waves++;
    uint32_t loud = sim_plan.timed ? sim_between(1, 3) : sim_below(4);
    bool silent = loud == 0 || sim_below(4) == 0;
    for (; loud > 0; loud--) {
        ask_once(!sim_plan.timed && sim_below(8) == 0);
    }
    if (silent) {
        ask_silently();
    }
}

void reload_ask(enum change_kind kind)
{
    rounds.next_kind = kind;
    ask_once(false);
}

void reload_calm(void)
{
    rounds.calm = true;
}

void reload_state(enum daemon_state state)
{
    if (state == DAEMON_SERVING && sim_plan.reloads > 0 && !sim_plan.timed && !sim_plan.harsh &&
        sim_below(6) == 0) {
        ask_once(false); /* on a worker */
    }
    if (state == DAEMON_STOPPED && rounds.reading) {
        sim_fail("N7", "it has stopped although the file is still being read for it");
    }
    if (state == DAEMON_STOPPED && rounds.askers > 0) {
        sim_fail("N7", "it has stopped, and %d requests were never answered", rounds.askers);
    }
}

void reload_end(void)
{
    if (rounds.askers != 0) {
        sim_fail("N7", "%d requests were never answered", rounds.askers);
    }
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static void reading_ended(void)
{
    rounds.reading = false;
    rounds.proposed = true;
    rounds.answered_us = sim.now_us;
}

static void answer_badly(struct daemon *daemon)
{
    char why[WHY_BYTES];
    int length = snprintf(why, sizeof why, "server.ini:1: reading %u is bad\n", rounds.readings);
    while (sim_below(2) == 0 && length < WHY_BYTES - 100) {
        length += snprintf(why + length, sizeof why - (size_t)length, "server.ini:2: and worse than that\n");
    }
    reading_ended(); /* "refused" is what must come of it */
    daemon_configure(daemon, NULL, why);
    memset(why, 'x', sizeof why);
}

static void reading_ends(void *object, uint64_t argument)
{
    (void)argument;
    sim_trace("reading ends", rounds.readings, rounds.change.kind);
    if (host.state == DAEMON_STOPPED) {
        sim_fail("N7", "it has stopped although the file is still being read for it");
    }
    change_draw(&rounds.change, &sim_plan.setup, &rounds.before, rounds.next_kind);
    rounds.next_kind = CHANGE_ANY;
    if (rounds.change.kind == CHANGE_UNREADABLE) {
        rounds.change.setup = sim_plan.setup;
        answer_badly(object);
        return;
    }
    struct config *config = setup_parse(&rounds.change.setup);
    plan_note(&rounds.change.setup);
    if (sim.verbose) {
        char text[SETUP_TEXT_BYTES];
        (void)setup_write(&rounds.change.setup, text);
        fprintf(stderr, "--- %s\n%s---\n", change_name(rounds.change.kind), text);
    }
    reading_ended();
    daemon_configure(object, config, NULL);
    if (sim_plan.timed) {
        sim_at(sim_below(3000 * 1000), SIM_LABEL_HOST, sleeper_comes, NULL, 0);
    }
}

void reload_read(void *context, struct daemon *daemon)
{
    (void)context;
    sim_trace("reading begins", rounds.readings + 1, 0);
    if (rounds.reading) {
        sim_fail("N7", "the file is to be read while it is being read");
    }
    if (host.state == DAEMON_STOPPED) {
        sim_fail("N7", "the file is to be read after the end");
    }
    round_refused(NULL);
    rounds.readings++;
    rounds.unread = 0;
    rounds.reading = true;
    rounds.begun_step[rounds.readings % READINGS_MAX] = sim.step;
    if (sim_plan.harsh && rounds.readings == 1) {
        rounds.next_kind = CHANGE_TIMES;
    }
    switch (sim_below(4)) {
    case 0:
        reading_ends(daemon, 0); /* inside the call */
        break;
    case 1:
        sim_at(sim_delay(rounds.calm ? 1000 : SLOW_READING_US), SIM_LABEL_HOST, reading_ends, daemon, 0);
        break;
    default:
        sim_at(sim_delay(2000), SIM_LABEL_HOST, reading_ends, daemon, 0);
        break;
    }
}
