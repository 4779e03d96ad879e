#include "tests/sim/sim_peer.h"

#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_crowd.h"
#include "tests/sim/sim_stream.h"

#include <string.h>

enum { ACT_BYTES_MAX = 16384 };

static void peer_acts(void *object, uint64_t argument);

static void peer_schedule(struct sim_peer *peer, uint64_t delay_us)
{
    if (!peer->scheduled && peer->outcome == PEER_ACTIVE) {
        peer->scheduled = true;
        sim_at(delay_us, SIM_LABEL_PEER, peer_acts, peer, 0);
    }
}

static void peer_notified(void *user, struct net_end *end)
{
    struct sim_peer *peer = user;
    (void)end;
    peer_schedule(peer, sim_faults.calm ? 1 : sim_delay(peer->plan.think_us));
}

static void peer_ends(struct sim_peer *peer, enum peer_outcome outcome)
{
    sim_trace("peer ends", peer->id, (uint64_t)outcome);
    peer->outcome = outcome;
    peer->ended_us = sim.now_us;
    if (peer->end != NULL) {
        net_close(peer->end);
    }
    crowd_peer_ended(peer);
}

static void peer_aborts(struct sim_peer *peer, bool reset)
{
    if (reset) {
        net_reset(peer->end);
    }
    peer_ends(peer, PEER_ABORTED);
}

/* --- receiving ---------------------------------------------------------------------------------------------- */

static void check_known(struct sim_peer *peer, const uint8_t *data, uint32_t bytes)
{
    size_t good = stream_match(peer->partner->key, peer->received, data, bytes);
    if (good < bytes) {
        sim_fail("I1", "peer %u received a wrong byte at %llu of the stream of peer %u", peer->id,
                 (unsigned long long)(peer->received + good), peer->partner->id);
    }
    if (peer->received + bytes > peer->partner->sent) {
        sim_fail("I1", "peer %u received more than peer %u has sent", peer->id, peer->partner->id);
    }
}

static void peer_check(struct sim_peer *peer, const uint8_t *data, uint32_t bytes)
{
    while (peer->partner == NULL && bytes > 0) {
        peer->head[peer->received++] = *data++;
        bytes--;
        crowd_identify(peer);
    }
    if (bytes > 0) {
        check_known(peer, data, bytes);
        peer->received += bytes;
    }
}

static bool may_read(const struct sim_peer *peer)
{
    return sim_faults.calm || sim.now_us >= peer->plan.read_from_us;
}

/* True when it did something. */
static bool peer_reads(struct sim_peer *peer)
{
    uint8_t data[ACT_BYTES_MAX];
    uint32_t limit = sim_faults.calm ? ACT_BYTES_MAX : peer->plan.read_bytes;
    uint32_t bytes = net_read(peer->end, data, limit);
    if (bytes > 0) {
        peer_check(peer, data, bytes);
        return true;
    }
    if (!peer->fin_received && net_at_end(peer->end)) {
        peer->fin_received = true;
        crowd_check_fin(peer);
        return true;
    }
    return false;
}

/* --- sending ------------------------------------------------------------------------------------------------ */

static bool wanes(const struct sim_peer *peer)
{
    return peer->plan.wane_at != 0 && peer->sent >= peer->plan.wane_at;
}

static uint64_t may_send(const struct sim_peer *peer)
{
    uint64_t left = peer->plan.send_bytes - peer->sent;
    if (wanes(peer)) {
        return sim.now_us < peer->pause_until_us || left == 0 ? 0 : 1;
    }
    if (peer->plan.wane_at != 0) {
        left = peer->plan.wane_at - peer->sent;
    }
    if (sim_faults.calm) {
        return left;
    }
    if (sim.now_us < peer->pause_until_us || (peer->plan.pace == PEER_ANSWERS && !peer->fin_received)) {
        return 0;
    }
    if (peer->plan.pace == PEER_LOCKSTEP) {
        uint64_t allowed = peer->received + peer->plan.window_bytes;
        uint64_t more = allowed > peer->sent ? allowed - peer->sent : 0;
        /* Whoever waits for more than the other will ever send would wait for ever. */
        return peer->fin_received || more > left ? left : more;
    }
    return left;
}

static bool peer_writes(struct sim_peer *peer)
{
    uint8_t data[ACT_BYTES_MAX];
    uint64_t allowed = may_send(peer);
    uint32_t bytes = net_writable(peer->end);
    uint32_t limit = sim_faults.calm ? ACT_BYTES_MAX : peer->plan.chunk_bytes;
    bytes = bytes > limit ? limit : bytes;
    bytes = bytes > allowed ? (uint32_t)allowed : bytes;
    if (bytes == 0) {
        return false;
    }
    stream_fill(peer->key, peer->sent, data, bytes);
    uint32_t written = net_write(peer->end, data, bytes);
    uint64_t before = peer->sent;
    peer->sent += written;
    if (before < peer->plan.pause_at && peer->sent >= peer->plan.pause_at) {
        peer->pause_until_us = sim.now_us + peer->plan.pause_us;
    }
    if (wanes(peer)) {
        /* An action of its own: what arrives meanwhile is read at once. */
        uint64_t pause_us = before < peer->plan.wane_at ? peer->plan.wane_us : PEER_WANE_US;
        peer->pause_until_us = sim.now_us + pause_us;
        sim_at(pause_us, SIM_LABEL_PEER, peer_acts, peer, 0);
    }
    return true;
}

static bool wants_fin(const struct sim_peer *peer)
{
    if (peer->plan.stubborn || peer->fin_sent || peer->sent < peer->plan.send_bytes) {
        return false;
    }
    return peer->plan.ending != PEER_FIN_LAST || peer->fin_received || sim_faults.calm;
}

/* All is sent. True when the peer is still there. */
static bool peer_finishes(struct sim_peer *peer)
{
    if (peer->plan.ending == PEER_CLOSES || peer->plan.ending == PEER_RESETS) {
        peer_aborts(peer, peer->plan.ending == PEER_RESETS);
        return false;
    }
    net_shutdown(peer->end);
    peer->fin_sent = true;
    return true;
}

/* --- one action --------------------------------------------------------------------------------------------- */

/* When it will have to act again by itself, or UINT64_MAX: something must happen first. */
static uint64_t next_act_us(const struct sim_peer *peer, bool moved)
{
    uint64_t next = UINT64_MAX;
    if (moved) {
        next = sim.now_us + (sim_faults.calm ? 1 : sim_delay(peer->plan.think_us));
    }
    if (!sim_faults.calm && sim.now_us < peer->plan.read_from_us && peer->plan.read_from_us < next) {
        next = peer->plan.read_from_us;
    }
    if (!sim_faults.calm && sim.now_us < peer->pause_until_us && peer->pause_until_us < next) {
        next = peer->pause_until_us;
    }
    return next;
}

static bool peer_is_broken(struct sim_peer *peer)
{
    if (peer->end->state != NET_DEAD) {
        /* Nothing will ever come from a path that is gone; a program gives up at some time. */
        if (peer->end->silent && sim_faults.calm) {
            peer_aborts(peer, true);
            return true;
        }
        return false;
    }
    while (peer_reads(peer)) {
        /* What arrived before the reset is there to be read. */
    }
    if (peer->outcome == PEER_ACTIVE) {
        peer_ends(peer, peer->fin_sent && peer->fin_received ? PEER_CLEAN : PEER_BROKEN);
    }
    return true;
}

static void peer_acts(void *object, uint64_t argument)
{
    struct sim_peer *peer = object;
    (void)argument;
    peer->scheduled = false;
    if (peer->outcome != PEER_ACTIVE || peer->end == NULL || peer_is_broken(peer)) {
        return;
    }
    bool moved = may_read(peer) && peer_reads(peer);
    moved = peer_writes(peer) || moved;
    if (!sim_faults.calm && peer->sent + peer->received >= peer->plan.abort_after) {
        peer_aborts(peer, peer->plan.abort_by_reset);
        return;
    }
    if (wants_fin(peer)) {
        if (!peer_finishes(peer)) {
            return;
        }
        moved = true;
    }
    if (peer->fin_sent && peer->fin_received) {
        peer_ends(peer, PEER_CLEAN);
        return;
    }
    uint64_t next = next_act_us(peer, moved);
    if (next != UINT64_MAX) {
        peer_schedule(peer, next > sim.now_us ? next - sim.now_us : 0);
    }
}

/* --- the beginning ------------------------------------------------------------------------------------------ */

static void peer_begin(struct sim_peer *peer, struct net_end *end)
{
    peer->end = end;
    peer->connected_us = sim.now_us;
    end->user = peer;
    end->notify = peer_notified;
    peer_schedule(peer, sim_faults.calm ? 1 : sim_delay(peer->plan.think_us));
}

static void peer_connected(void *user, enum net_result result, struct net_end *end)
{
    struct sim_peer *peer = user;
    sim_trace("peer connected", peer->id, (uint64_t)result);
    if (result == NET_OK) {
        peer_begin(peer, end);
    } else {
        peer_ends(peer, PEER_REFUSED);
    }
}

void peer_connect(struct sim_peer *peer, const struct address *from, const struct address *to)
{
    peer->attempt = net_connect(from, to, peer_connected, peer);
}

void peer_take(struct sim_peer *peer, struct net_end *end)
{
    peer_begin(peer, end);
}

void peer_nudge(struct sim_peer *peer)
{
    /* An action far in the future may be scheduled; one more now does no harm. */
    if (peer->outcome == PEER_ACTIVE && peer->end != NULL) {
        sim_at(1, SIM_LABEL_PEER, peer_acts, peer, 0);
    }
}
