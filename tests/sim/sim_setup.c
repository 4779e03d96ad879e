#include "tests/sim/sim_setup.h"

#include "base/compiler.h"
#include "config/config.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_memory.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool one_in(uint32_t n)
{
    return sim_below(n) == 0;
}

struct address setup_loopback(uint8_t last, uint16_t port)
{
    struct address address = {ADDRESS_V4, 0, 0, 0, {127, 0, 0, 0}};
    address.bytes[3] = last;
    address.port = port;
    return address;
}

struct address setup_place(uint32_t place)
{
    return setup_loopback(1, (uint16_t)(SETUP_PORT + place));
}

/* --- drawing -------------------------------------------------------------------------------------------------- */

static uint32_t draw_timeout_ms(uint32_t low, uint32_t high)
{
    return one_in(4) ? 0 : sim_between(low, high);
}

static void draw_clean_times(struct setup_listener *listener)
{
    listener->idle_timeout_ms = 0;
    listener->half_close_timeout_ms = 0;
    if (sim_plan.timed) {
        uint32_t factor = sim_plan.reloads > 0 && one_in(2) ? 4 : 1;
        listener->idle_timeout_ms = factor * sim_between(8000, 12000);
        listener->half_close_timeout_ms = factor * sim_between(8000, 12000);
    }
}

void setup_draw_times(struct setup_listener *listener)
{
    listener->lifetime_ms = 0;
    if (sim_plan.clean || sim_plan.scenario == SCENARIO_RESETS || sim_plan.scenario == SCENARIO_HANGS) {
        draw_clean_times(listener);
        return;
    }
    listener->idle_timeout_ms = draw_timeout_ms(200, 20000);
    listener->half_close_timeout_ms = draw_timeout_ms(200, 10000);
    listener->lifetime_ms = one_in(6) ? sim_between(500, 20000) : 0;
    bool needed = sim_faults.rates[SIM_FAULT_SILENCE] != 0 || sim_plan.idle_always;
    if (needed && listener->idle_timeout_ms == 0) {
        listener->idle_timeout_ms = 5000; /* nothing else would ever end a session whose peers are gone */
    }
}

void setup_draw_limits(struct setup_listener *listener)
{
    enum sim_scenario scenario = sim_plan.scenario;
    bool often = scenario == SCENARIO_LIMITS || scenario == SCENARIO_RELOAD;
    listener->sessions_max = 0;
    listener->sessions_per_ip_max = 0;
    if (sim_plan.clean && sim_plan.reloads > 0) {
        /* More than there are clients, or none. */
        listener->sessions_max = one_in(2) ? 0 : sim_between(100, 200);
        listener->sessions_per_ip_max = one_in(2) ? 0 : sim_between(100, 200);
    } else if (!sim_plan.clean && scenario != SCENARIO_RESETS && scenario != SCENARIO_HANGS &&
               (scenario == SCENARIO_LIMITS || one_in(often ? 3 : 8))) {
        listener->sessions_max = one_in(2) ? 0 : sim_between(1, 6);
        listener->sessions_per_ip_max = one_in(2) ? 0 : sim_between(1, 3);
    }
}

void setup_draw_listener(struct setup_listener *listener)
{
    enum sim_scenario scenario = sim_plan.scenario;
    listener->echo =
        scenario == SCENARIO_ECHO || (scenario != SCENARIO_PROXY && scenario != SCENARIO_CONNECT &&
                                      scenario != SCENARIO_RESETS && scenario != SCENARIO_HANGS && one_in(2));
    setup_draw_limits(listener);
    setup_draw_times(listener);
}

void setup_draw_upstream(struct setup_upstream *upstream)
{
    upstream->named = one_in(3);
    upstream->connect_timeout_ms = sim_between(50, 5000);
    upstream->retries = sim_below(5);
    upstream->resolve_interval_ms = one_in(3) ? 0 : sim_between(100, 30000);
    upstream->sessions_max = 0;
    if ((sim_plan.scenario == SCENARIO_LIMITS && one_in(2)) ||
        (sim_plan.scenario == SCENARIO_RELOAD && one_in(6))) {
        upstream->sessions_max = sim_between(1, 4);
    }
    if (sim_plan.scenario == SCENARIO_HANGS) {
        upstream->connect_timeout_ms = 5000;
        upstream->retries = 4;
    }
    if (sim_plan.clean || sim_plan.scenario == SCENARIO_RESETS) {
        upstream->connect_timeout_ms = 60000;
        upstream->retries = 50; /* clients may come before the name was resolved */
    }
}

/* --- looking -------------------------------------------------------------------------------------------------- */

const struct setup_listener *setup_at(const struct setup *setup, const struct address *address)
{
    for (uint32_t i = 0; i < setup->listeners_count; i++) {
        const struct setup_listener *listener = &setup->listeners[i];
        for (uint32_t j = 0; j < listener->listens_count; j++) {
            if (!listener->listens[j].unknown && address_equal(&listener->listens[j].address, address)) {
                return listener;
            }
        }
    }
    return NULL;
}

const struct setup_listener *setup_at_any_port(const struct setup *setup)
{
    struct address address = setup_loopback(1, 0);
    return setup_at(setup, &address);
}

struct setup_listener *setup_named(struct setup *setup, uint32_t name)
{
    for (uint32_t i = 0; i < setup->listeners_count; i++) {
        if (setup->listeners[i].name == name) {
            return &setup->listeners[i];
        }
    }
    return NULL;
}

const struct setup_listener *setup_find(const struct setup *setup, uint32_t name)
{
    for (uint32_t i = 0; i < setup->listeners_count; i++) {
        if (setup->listeners[i].name == name) {
            return &setup->listeners[i];
        }
    }
    return NULL;
}

uint32_t setup_farm(const struct setup *setup, const struct setup_listener *listener)
{
    return setup->upstreams[listener->upstream].farm;
}

/* --- writing -------------------------------------------------------------------------------------------------- */

struct text {
    char *at;
    size_t bytes;
};

PRINTF_LIKE(2, 3) static void append(struct text *text, PRINTF_FORMAT const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text->at + text->bytes, SETUP_TEXT_BYTES - text->bytes, format, arguments);
    va_end(arguments);
    text->bytes += (size_t)length;
    if (text->bytes >= SETUP_TEXT_BYTES) {
        sim_fail("HARNESS", "the configuration is too long");
    }
}

static void append_limit(struct text *text, const char *key, uint32_t value)
{
    if (value > 0) {
        append(text, "%s=%u\n", key, value);
    }
}

/* A name means the same in capitals, so some configurations have theirs in them. */
static char name_letter(const struct setup *setup, char letter)
{
    return setup->sessions_max % 2 == 0 ? letter : (char)(letter - 'a' + 'A');
}

static void write_upstream(struct text *text, const struct setup *setup, uint32_t index)
{
    const struct setup_upstream *upstream = &setup->upstreams[index];
    append(text, "[upstream u%u]\nserver=%c%u ", index, name_letter(setup, 's'), index);
    if (upstream->named) {
        append(text, "u%u.example:9000", upstream->farm);
    } else {
        append(text, "127.0.0.%u:9000", sim_plan.farms[upstream->farm].addresses[0].bytes[3]);
    }
    if (upstream->sessions_max > 0) {
        append(text, " max_sessions=%u", upstream->sessions_max);
    }
    append(text, "\nconnect_timeout=%ums\nretries=%u\nresolve_interval=%ums\n", upstream->connect_timeout_ms,
           upstream->retries, upstream->resolve_interval_ms);
}

static void write_listen(struct text *text, const struct setup_listen *listen)
{
    const uint8_t *bytes = listen->address.bytes;
    if (listen->unknown) {
        append(text, "listen=nowhere.example:%u\n", listen->address.port);
    } else if (listen->named) {
        append(text, "listen=here.example:%u\n", listen->address.port);
    } else {
        append(text, "listen=%u.%u.%u.%u:%u\n", bytes[0], bytes[1], bytes[2], bytes[3], listen->address.port);
    }
}

static void write_listener(struct text *text, const struct setup *setup,
                           const struct setup_listener *listener)
{
    append(text, "[listener %c%u]\n", name_letter(setup, 'l'), listener->name);
    for (uint32_t i = 0; i < listener->listens_count; i++) {
        write_listen(text, &listener->listens[i]);
    }
    if (listener->echo) {
        append(text, "mode=echo\n");
    } else {
        append(text, "mode=proxy\nupstream=%c%u\n", name_letter(setup, 'u'), listener->upstream);
    }
    append_limit(text, "max_sessions", listener->sessions_max);
    append_limit(text, "max_sessions_per_ip", listener->sessions_per_ip_max);
    append(text, "idle_timeout=%ums\nhalf_close_timeout=%ums\n", listener->idle_timeout_ms,
           listener->half_close_timeout_ms);
    if (listener->lifetime_ms > 0) {
        append(text, "max_lifetime=%ums\n", listener->lifetime_ms);
    }
}

size_t setup_write(const struct setup *setup, char text[SETUP_TEXT_BYTES])
{
    struct text out = {text, 0};
    append(&out, "[server]\nworkers=%u\nmax_sessions=%u\ndrain_timeout=%ums\nlog_level=debug\n",
           setup->workers, setup->sessions_max, setup->drain_timeout_ms);
    append(&out, setup->admin ? "[stats]\nlisten=127.0.0.1:%u\n" : "[stats]\nlisten=off ;%u\n",
           SETUP_STATS_PORT);
    if (setup->token > 0) {
        append(&out, "token=" SETUP_TOKEN "%u\n", setup->token);
    }
    for (uint32_t i = 0; i < setup->upstreams_count; i++) {
        write_upstream(&out, setup, i);
    }
    for (uint32_t i = 0; i < setup->listeners_count; i++) {
        write_listener(&out, setup, &setup->listeners[i]);
    }
    return out.bytes;
}

struct config *setup_parse(const struct setup *setup)
{
    char text[SETUP_TEXT_BYTES];
    size_t bytes = setup_write(setup, text);
    struct config_errors errors = {0};
    struct sim_memory_pause pause;
    sim_memory_pause(&pause);
    struct config *config = config_parse("server.ini", text, bytes, &errors);
    if (config == NULL) {
        sim_fail("HARNESS", "line %u: %s\n%s", errors.count > 0 ? errors.items[0].line : 0,
                 errors.count > 0 ? errors.items[0].text : "no memory", text);
    }
    config_errors_free(&errors);
    sim_memory_resume(&pause);
    /* Smaller than an administrator may choose, so that every buffer is full and every message cut. */
    config->server.buffer_bytes = setup->buffer_bytes;
    return config;
}
