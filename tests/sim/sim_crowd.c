#include "tests/sim/sim_crowd.h"

#include "base/random.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_plan.h"
#include "tests/sim/sim_stream.h"

#include <stdio.h>
#include <string.h>

/* The watch over a client begins CONNECT_WATCH_US after its accept. */
enum { NOTICED_US = 500 * 1000 };
enum { HEAD_BYTES = 8, SURE_BYTES = 4, LISTENERS_MAX = 4 * CROWD_GROUPS_MAX * CROWD_ADDRESSES_MAX };

struct crowd crowd;

static crowd_planner *planner;
static uint32_t next_id;
static struct {
    uint32_t group;
    struct net_listener *listener;
} listeners[LISTENERS_MAX];
static uint32_t listeners_count;

void crowd_begin(crowd_planner *server_planner)
{
    memset(&crowd, 0, sizeof crowd);
    planner = server_planner;
    next_id = 0;
    listeners_count = 0;
}

static struct sim_peer *peer_make(enum peer_role role, uint32_t group)
{
    struct sim_peer *peer = sim_arena(sizeof *peer);
    peer->id = ++next_id;
    peer->role = role;
    peer->group = group;
    peer->key = random_mix(sim.seed * 1000003 + peer->id);
    return peer;
}

struct sim_peer *crowd_add_client(uint32_t group, bool echo, const struct peer_plan *plan)
{
    struct sim_peer *peer = peer_make(PEER_CLIENT, group);
    peer->echo = echo;
    peer->plan = *plan;
    peer->partner = echo ? peer : NULL;
    peer->next = crowd.clients;
    crowd.clients = peer;
    crowd.clients_count++;
    crowd.clients_active++;
    return peer;
}

struct sim_peer *crowd_add_unsure_client(const struct peer_plan *plan)
{
    struct sim_peer *peer = crowd_add_client(0, false, plan);
    peer->either = true;
    return peer;
}

/* --- servers ------------------------------------------------------------------------------------------------ */

static void server_arrived(void *user, struct net_listener *listener)
{
    uint32_t group = listeners[(size_t)(uintptr_t)user].group;
    struct net_end *end = net_accept(listener);
    struct sim_peer *peer = peer_make(PEER_SERVER, group);
    planner(&peer->plan, group);
    peer->next = crowd.servers;
    crowd.servers = peer;
    crowd.servers_count++;
    crowd.servers_active++;
    peer_take(peer, end);
}

bool crowd_listen(uint32_t group, const struct address *address)
{
    struct net_listener *listener =
        net_listen(address, 128, server_arrived, (void *)(uintptr_t)listeners_count);
    if (listener == NULL || listeners_count == LISTENERS_MAX) {
        return false;
    }
    listeners[listeners_count].group = group;
    listeners[listeners_count++].listener = listener;
    return true;
}

void crowd_stop_listening(uint32_t group)
{
    for (uint32_t i = 0; i < listeners_count; i++) {
        if (listeners[i].group == group && listeners[i].listener->open) {
            net_listener_close(listeners[i].listener);
        }
    }
}

/* S8: a client that resets while its session connects ends the session soon. */
static void check_noticed(void *object, uint64_t argument)
{
    const struct sim_peer *peer = object;
    (void)argument;
    /* Once faults have ended a session may get connected after all, and then its reset has the time of a flush. */
    if (!sim_plan.tainted && crowd.servers_count == 0 && !peer->end->peer->closed) {
        sim_fail("S8", "the reset of client %u was not noticed in %d ms", peer->id, NOTICED_US / 1000);
    }
}

void crowd_peer_ended(struct sim_peer *peer)
{
    if (peer->role == PEER_CLIENT && sim_plan.scenario == SCENARIO_HANGS && peer->outcome == PEER_ABORTED) {
        sim_at(NOTICED_US, SIM_LABEL_PEER, check_noticed, peer, 0);
    }
    if (peer->role == PEER_CLIENT) {
        crowd.clients_active--;
        crowd.outcomes[peer->outcome]++;
    } else {
        crowd.servers_active--;
    }
    if (peer->not_after_us > 0 && sim.now_us > peer->connected_us + peer->not_after_us) {
        sim_fail(
            "N3",
            "a client that did nothing was there for %llu us; the deadline with which it began is %llu us",
            (unsigned long long)(sim.now_us - peer->connected_us), (unsigned long long)peer->not_after_us);
    }
    if (peer->not_before_us > 0 &&
        (peer->outcome != PEER_BROKEN || sim.now_us < peer->connected_us + peer->not_before_us)) {
        sim_fail("S12",
                 "a client that did nothing ended with outcome %d after %llu us; the deadline is %llu us",
                 (int)peer->outcome, (unsigned long long)(sim.now_us - peer->connected_us),
                 (unsigned long long)peer->not_before_us);
    }
    if (peer->probe && peer->outcome != PEER_CLEAN) {
        sim_fail("I8", "a client of the quiet end was not served: outcome %d", (int)peer->outcome);
    }
}

void crowd_nudge(void)
{
    for (struct sim_peer *peer = crowd.clients; peer != NULL; peer = peer->next) {
        peer_nudge(peer);
    }
    for (struct sim_peer *peer = crowd.servers; peer != NULL; peer = peer->next) {
        peer_nudge(peer);
    }
}

static void explain_all(const struct sim_peer *peer, const char *what)
{
    for (; peer != NULL; peer = peer->next) {
        if (peer->outcome == PEER_ACTIVE || sim.verbose) {
            fprintf(stderr,
                    "     %s %u: outcome %d, end %d, state %d%s; sent %llu of %llu%s, received %llu%s\n",
                    what, peer->id, (int)peer->outcome, peer->end != NULL ? (int)peer->end->id : -1,
                    peer->end != NULL ? (int)peer->end->state : -1,
                    peer->end != NULL && peer->end->silent ? ", silent" : "", (unsigned long long)peer->sent,
                    (unsigned long long)peer->plan.send_bytes, peer->fin_sent ? " and FIN" : "",
                    (unsigned long long)peer->received, peer->fin_received ? " and FIN" : "");
        }
    }
}

void crowd_explain(void)
{
    explain_all(crowd.clients, "client");
    explain_all(crowd.servers, "server");
}

/* --- who is whose partner ------------------------------------------------------------------------------------- */

static struct sim_peer *candidates_of(const struct sim_peer *peer)
{
    return peer->role == PEER_CLIENT ? crowd.servers : crowd.clients;
}

static bool may_be_partner(const struct sim_peer *peer, const struct sim_peer *other)
{
    uint32_t bytes = peer->received < HEAD_BYTES ? (uint32_t)peer->received : HEAD_BYTES;
    bool same_group = other->group == peer->group || other->either || peer->either;
    return !other->echo && same_group && other->partner != other && other->sent >= bytes &&
           stream_match(other->key, 0, peer->head, bytes) == bytes;
}

static bool may_be_own_partner(const struct sim_peer *peer)
{
    uint32_t bytes = peer->received < HEAD_BYTES ? (uint32_t)peer->received : HEAD_BYTES;
    return peer->either && peer->sent >= bytes && stream_match(peer->key, 0, peer->head, bytes) == bytes;
}

static void claim(struct sim_peer *peer, struct sim_peer *partner)
{
    if (partner->partner != NULL && partner->partner != peer) {
        sim_fail("I10", "peer %u hears peer %u, who hears peer %u", peer->id, partner->id,
                 partner->partner->id);
    }
    for (struct sim_peer *other = peer->role == PEER_CLIENT ? crowd.clients : crowd.servers; other != NULL;
         other = other->next) {
        if (other != peer && other->partner == partner) {
            sim_fail("I10", "the stream of peer %u arrives at the peers %u and %u", partner->id, peer->id,
                     other->id);
        }
    }
    peer->partner = partner;
}

void crowd_identify(struct sim_peer *peer)
{
    struct sim_peer *found = NULL;
    uint32_t count = 0;
    for (struct sim_peer *other = candidates_of(peer); other != NULL; other = other->next) {
        if (may_be_partner(peer, other)) {
            found = other;
            count++;
        }
    }
    if (may_be_own_partner(peer)) {
        found = peer;
        count++;
    }
    if (count == 0) {
        sim_fail("I1", "peer %u received %llu bytes that nobody has sent", peer->id,
                 (unsigned long long)peer->received);
    }
    if (count == 1 && peer->received >= SURE_BYTES) {
        claim(peer, found);
    } else if (peer->received >= HEAD_BYTES) {
        sim_fail("HARNESS", "two streams begin alike");
    }
}

/* The server (that is, its port) can only pass on a FIN that it has got, after all that came before. */
static bool fin_is_due(const struct sim_peer *peer, const struct sim_peer *from)
{
    return from->end != NULL && from->end->out->fin_delivered && from->sent == peer->received;
}

void crowd_check_fin(struct sim_peer *peer)
{
    if (peer->partner != NULL) {
        if (!fin_is_due(peer, peer->partner)) {
            sim_fail(peer->partner->end->out->fin_delivered ? "I2" : "I1",
                     "peer %u got FIN after %llu of %llu bytes of peer %u, who had %s", peer->id,
                     (unsigned long long)peer->received, (unsigned long long)peer->partner->sent,
                     peer->partner->id, peer->partner->end->out->fin_delivered ? "finished" : "not finished");
        }
        return;
    }
    for (struct sim_peer *other = candidates_of(peer); other != NULL; other = other->next) {
        if (may_be_partner(peer, other) && fin_is_due(peer, other)) {
            return;
        }
    }
    if (may_be_own_partner(peer) && fin_is_due(peer, peer)) {
        return;
    }
    sim_fail("I1", "peer %u got FIN after %llu bytes, and nobody has finished so", peer->id,
             (unsigned long long)peer->received);
}
