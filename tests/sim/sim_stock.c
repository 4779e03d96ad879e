#include "tests/sim/sim_stock.h"

#include "base/limits.h"
#include "relay/session.h"
#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_memory.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_crowd.h"
#include "tests/sim/sim_plan.h"

/* Smaller buffers are as large as much that comes and goes. */
enum { SURE_SIZE_BYTES = 1000 };

/* Three times as many as make a pipe ask for a large one. */
enum { BURST_BUFFERS = 3 * BULK_AFTER_FULL };

/* Time enough for the pipe to give it back and for the stock to trim it: while some bytes come, or in a pause, after which so few come
 * that nothing but the pause can have been the reason. */
enum { WANE_BYTES = 64, FEW_BYTES = BULK_AFTER_LEAN / 2, PAUSE_US = 9 * 1000 * 1000 };

/* Blocks of the size of a buffer that are something else: the daemon itself, for example. */
static uint64_t others;
static uint64_t others_large;

static uint32_t bulk_bytes(void)
{
    uint64_t bytes = (uint64_t)sim_plan.setup.buffer_bytes * BULK_FACTOR;
    return bytes > CONFIG_BUFFER_BYTES_MAX ? CONFIG_BUFFER_BYTES_MAX : (uint32_t)bytes;
}

void stock_begin(void)
{
    others = sim_memory_blocks_of(sim_plan.setup.buffer_bytes);
    others_large = sim_memory_blocks_of(bulk_bytes());
}

static void check_kept(size_t bytes, uint64_t most, const char *what)
{
    uint64_t count = sim_memory_blocks_of(bytes);
    if (count > most) {
        sim_fail("S5", "%llu %s of %zu bytes are kept, and nobody needs them",
                 (unsigned long long)(count - most), what, bytes);
    }
}

void stock_check_idle(void)
{
    check_kept(sizeof(struct session), 0, "sessions");
    if (sim_plan.setup.buffer_bytes >= SURE_SIZE_BYTES) {
        check_kept(bulk_bytes(), others_large, "large buffers");
    }
    /* A structure may come later and have the size of a buffer, but none is odd. */
    if (sim_plan.setup.buffer_bytes >= SURE_SIZE_BYTES && sim_plan.setup.buffer_bytes % 2 != 0) {
        check_kept(sim_plan.setup.buffer_bytes, others, "buffers");
    }
}

/* In a clean world no deadline may end it. */
static bool allows_pause(const struct setup_listener *listener)
{
    bool idle = listener->idle_timeout_ms == 0 || listener->idle_timeout_ms > 2 * PAUSE_US / 1000;
    bool half_closed =
        listener->half_close_timeout_ms == 0 || listener->half_close_timeout_ms > 2 * PAUSE_US / 1000;
    return !sim_plan.clean || (idle && half_closed);
}

struct sim_peer *stock_send_waning(void)
{
    const struct setup *setup = &sim_plan.setup;
    if (sim_plan.reloads > 0 || setup->buffer_bytes < SURE_SIZE_BYTES || sim_below(2) == 0) {
        return NULL;
    }
    /* Through a keyhole of the network a burst is none. */
    sim_faults.buffer_min_bytes = 65536;
    sim_faults.buffer_max_bytes = 65536;
    const struct setup_listener *listener = &setup->listeners[0];
    struct address from = {ADDRESS_V4, 0, 0, 0, {127, 0, 2, 2}};
    struct peer_plan plan = {.read_bytes = 16384,
                             .chunk_bytes = 16384,
                             .abort_after = UINT64_MAX,
                             .pause_at = UINT64_MAX,
                             .wane_at = (uint64_t)setup->buffer_bytes * BURST_BUFFERS};
    bool pauses = allows_pause(listener) && sim_below(3) == 0;
    plan.wane_us = pauses ? PAUSE_US : PEER_WANE_US;
    plan.send_bytes = plan.wane_at + (pauses ? FEW_BYTES : WANE_BYTES);
    struct sim_peer *peer = crowd_add_client(setup_farm(setup, listener), listener->echo, &plan);
    peer->may_fail = true; /* a deadline may end it */
    /* Nobody depends on a large one. */
    sim_memory.refuse_bytes = sim_below(4) == 0 ? bulk_bytes() : 0;
    peer_connect(peer, &from, &listener->listens[0].address);
    return peer;
}

void stock_check_waned(const struct sim_peer *peer)
{
    sim_memory.refuse_bytes = 0;
    if (peer->outcome == PEER_ACTIVE && peer->sent > peer->plan.wane_at) {
        check_kept(bulk_bytes(), others_large, "large buffers");
    }
}
