#include "bench/instructions/traffic.h"

#include "tests/sim/port_sim_net.h"
#include "tests/sim/port_sim_world.h"

/* As many as the clients of scripts/bench.sh have, so that looking one up is like there. */
enum { SOURCES = 16, BACKLOG = 4096 };

struct client {
    uint32_t number;
    uint32_t rounds_left;
    uint32_t received; /* of the message under way */
    struct net_end *end;
};

static struct traffic_plan plan;
static struct address server;
static struct client clients[TRAFFIC_CONNECTIONS_MAX];
static uint32_t clients_active;
static uint64_t messages;
static uint64_t connections;
static unsigned char message[2 * TRAFFIC_BYTES_MAX];

/* --- the echo ------------------------------------------------------------------------------------------------- */

static void echo_changed(void *user, struct net_end *end)
{
    static unsigned char bytes[TRAFFIC_BYTES_MAX];
    uint32_t count;
    (void)user;
    while ((count = net_read(end, bytes, sizeof bytes)) > 0) {
        if (net_write(end, bytes, count) != count) {
            sim_fail("TRAFFIC", "the echo has no room for %u bytes", count);
        }
    }
    if (net_at_end(end)) {
        net_close(end);
    }
}

static void echo_arrived(void *user, struct net_listener *listener)
{
    struct net_end *end;
    (void)user;
    while ((end = net_accept(listener)) != NULL) {
        end->notify = echo_changed;
    }
}

void traffic_serve(const struct address *address)
{
    if (net_listen(address, BACKLOG, echo_arrived, NULL) == NULL) {
        sim_fail("TRAFFIC", "the echo's address is taken");
    }
}

/* --- the clients ---------------------------------------------------------------------------------------------- */

/* Where a client's message begins in the pattern, so that no two neighbours look alike. */
static const unsigned char *message_of(const struct client *client)
{
    return message + (client->number * 97 + client->rounds_left * 31) % TRAFFIC_BYTES_MAX;
}

static void client_connect(struct client *client);

static void client_send(struct client *client)
{
    client->received = 0;
    if (net_write(client->end, message_of(client), plan.bytes) != plan.bytes) {
        sim_fail("TRAFFIC", "client %u has no room for its message", client->number);
    }
}

static void client_round_over(struct client *client)
{
    client->rounds_left--;
    if (plan.kind == TRAFFIC_CHURN) {
        net_close(client->end);
    }
    if (client->rounds_left == 0) {
        clients_active--;
    } else if (plan.kind == TRAFFIC_PINGPONG) {
        client_send(client);
    } else {
        client_connect(client);
    }
}

static void client_changed(void *user, struct net_end *end)
{
    static unsigned char bytes[TRAFFIC_BYTES_MAX];
    struct client *client = user;
    uint32_t wanted = client->rounds_left == 0 ? 0 : plan.bytes - client->received;
    uint32_t count = net_read(end, bytes, sizeof bytes);
    if (end->state != NET_OPEN || net_at_end(end) || count > wanted) {
        sim_fail("TRAFFIC", "client %u lost its connection or got too much", client->number);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (bytes[i] != message_of(client)[client->received + i]) {
            sim_fail("TRAFFIC", "client %u got a wrong byte", client->number);
        }
    }
    client->received += count;
    if (count > 0 && client->received == plan.bytes) {
        messages++;
        client_round_over(client);
    }
}

static void client_connected(void *user, enum net_result result, struct net_end *end)
{
    struct client *client = user;
    if (result != NET_OK) {
        sim_fail("TRAFFIC", "client %u cannot connect", client->number);
    }
    connections++;
    client->end = end;
    if (plan.kind == TRAFFIC_ACCEPT) {
        client_round_over(client); /* nobody looks at this connection any more */
        return;
    }
    end->user = client;
    end->notify = client_changed;
    client_send(client);
}

static void client_connect(struct client *client)
{
    struct address from = {ADDRESS_V4, 0, 0, 0, {127, 0, 1, 0}};
    from.bytes[3] = (uint8_t)(1 + client->number % SOURCES);
    (void)net_connect(&from, &server, client_connected, client);
}

void traffic_begin(const struct traffic_plan *wanted, const struct address *address)
{
    uint64_t state = 1;
    plan = *wanted;
    server = *address;
    for (uint32_t i = 0; i < sizeof message; i++) {
        state = state * 0x5851f42d4c957f2dU + 1;
        message[i] = (unsigned char)(state >> 56);
    }
    clients_active = plan.connections;
    for (uint32_t i = 0; i < plan.connections; i++) {
        clients[i] = (struct client){.number = i, .rounds_left = plan.rounds};
        client_connect(&clients[i]);
    }
}

bool traffic_is_over(void)
{
    return clients_active == 0;
}

uint64_t traffic_messages(void)
{
    return messages;
}

uint64_t traffic_connections(void)
{
    return connections;
}
