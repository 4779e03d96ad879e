#include "tests/sim/sim_listening.h"

#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_plan.h"
#include "tests/sim/sim_reload.h"

#include <string.h>

/* The places of the setups, and two more. */
enum { STATS_PLACE = SETUP_PLACES, ANY_PORT_PLACE, PLACES_COUNT, NO_PLACE, LEAVING_US = 2000 * 1000 };
enum { CHOSEN_PORTS = 49152 };

/* One address: which socket has it, and since when one has it that should not. */
static struct {
    uint32_t socket;
    uint64_t intruder_us;
} places[PLACES_COUNT];

void listening_begin(void)
{
    memset(places, 0, sizeof places);
}

static bool setup_listens(const struct setup *setup, uint32_t place)
{
    struct address address = setup_place(place);
    return place == STATS_PLACE      ? setup->admin
           : place == ANY_PORT_PLACE ? setup_at_any_port(setup) != NULL
                                     : setup_at(setup, &address) != NULL;
}

/* A port that the system chose belongs to the listener's name. */
static bool has_moved(uint32_t place, const struct setup *now, const struct setup *then)
{
    return place == ANY_PORT_PLACE && setup_at_any_port(now)->name != setup_at_any_port(then)->name;
}

static uint32_t place_of(const struct address *address)
{
    uint32_t place = (uint32_t)address->port - SETUP_PORT;
    if (!address_is_loopback(address)) {
        return NO_PLACE;
    }
    return address->port == SETUP_STATS_PORT ? STATS_PLACE
           : address->port >= CHOSEN_PORTS   ? ANY_PORT_PLACE
           : place < SETUP_PLACES            ? place
                                             : NO_PLACE;
}

struct address listening_chosen_address(void)
{
    const struct sim_socket *socket = sim_next_listener(NULL);
    while (socket != NULL && place_of(&socket->address) != ANY_PORT_PLACE) {
        socket = sim_next_listener(socket);
    }
    return socket != NULL ? socket->address : setup_loopback(1, CHOSEN_PORTS);
}

/* How many sockets listen at each address, and the last of them. */
static void count_sockets(uint32_t counts[PLACES_COUNT], uint32_t ids[PLACES_COUNT])
{
    memset(counts, 0, PLACES_COUNT * sizeof counts[0]);
    memset(ids, 0, PLACES_COUNT * sizeof ids[0]);
    for (const struct sim_socket *socket = sim_next_listener(NULL); socket != NULL;
         socket = sim_next_listener(socket)) {
        uint32_t place = place_of(&socket->address);
        if (place == NO_PLACE) {
            sim_fail("N1", "it listens on port %u, which no good configuration has", socket->address.port);
        }
        counts[place]++;
        ids[place] = socket->id + 1;
    }
}

/* What is closed may take a moment. */
static void check_intruder(uint32_t place, uint32_t count)
{
    if (count == 0) {
        places[place].intruder_us = 0;
    } else if (places[place].intruder_us == 0) {
        places[place].intruder_us = sim.now_us + 1;
    } else if (sim.now_us > places[place].intruder_us + LEAVING_US + 8ULL * sim_faults.slow_us) {
        sim_fail("N1", "it still listens at place %u, which is not in the configuration", place);
    }
}

static void check_place(uint32_t place, uint32_t count, uint32_t id)
{
    const struct setup *next = reload_proposed();
    bool now = setup_listens(&sim_plan.setup, place);
    bool then = next == NULL ? now : setup_listens(next, place);
    if (!now && !then) {
        check_intruder(place, count);
        places[place].socket = 0;
        return;
    }
    places[place].intruder_us = 0;
    if (!now || !then || (next != NULL && has_moved(place, &sim_plan.setup, next))) {
        places[place].socket = 0;
        return;
    }
    if (count != 1) {
        sim_fail("N2", "%u sockets listen at place %u, which is in the configuration", count, place);
    }
    if (places[place].socket != 0 && places[place].socket != id) {
        sim_fail("N2", "the socket at place %u was replaced by another", place);
    }
    places[place].socket = id;
}

void listening_check(void)
{
    uint32_t counts[PLACES_COUNT];
    uint32_t ids[PLACES_COUNT];
    count_sockets(counts, ids);
    for (uint32_t place = 0; place < PLACES_COUNT; place++) {
        check_place(place, counts[place], ids[place]);
    }
}

void listening_check_exactly(void)
{
    uint32_t counts[PLACES_COUNT];
    uint32_t ids[PLACES_COUNT];
    count_sockets(counts, ids);
    for (uint32_t place = 0; place < PLACES_COUNT; place++) {
        bool listens = setup_listens(&sim_plan.setup, place);
        if (counts[place] != (listens ? 1U : 0U)) {
            sim_fail(listens ? "N2" : "N1", "%u sockets listen at place %u at the quiet end", counts[place],
                     place);
        }
    }
}
