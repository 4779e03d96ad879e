/* Many connections, random operations, several threads, a bounded count; every byte is verified. */
#include "tests/port/port_suite.h"

#include "base/random.h"

/* --- streams both ways, with cancels and posts from outside -------------------------------------------------------- */

enum { PAIRS = 12, END_BYTES = 100000, PART_BYTES = 6000, CHAOS_THREADS = 3, CHAOS_TURNS = 300 };

struct end {
    struct port_socket *socket;
    struct suite_step send;
    struct suite_step receive;
    uint64_t random;
    uint64_t sends_from;    /* offset into the pattern */
    uint64_t receives_from; /* the peer's */
    uint32_t sent;
    uint32_t received;
    bool waiting;
    uint32_t ended; /* atomic */
    uint8_t out[PART_BYTES];
    uint8_t in[PART_BYTES];
};

static struct suite_pair pairs[PAIRS];
static struct end ends[2 * PAIRS];

static void send_part(struct end *end)
{
    uint32_t bytes = 1 + (uint32_t)(random_next(&end->random) % PART_BYTES);
    if (bytes > END_BYTES - end->sent)
        bytes = END_BYTES - end->sent;
    for (uint32_t i = 0; i < bytes; i++)
        end->out[i] = suite_pattern(end->sends_from + end->sent + i);
    suite_send(&end->send, end->socket, end->out, bytes);
}

static void sent_part(struct suite_step *step)
{
    struct end *end = step->context;
    EXPECT(step->op.status == PORT_OK);
    if (step->op.status != PORT_OK)
        return;
    end->sent += step->op.bytes;
    if (end->sent < END_BYTES)
        send_part(end);
    else
        EXPECT(port_shutdown(end->socket) == PORT_OK);
}

static void receive_part(struct end *end)
{
    end->waiting = random_next(&end->random) % 4 == 0;
    if (end->waiting)
        suite_wait_readable(&end->receive, end->socket);
    else
        suite_receive(&end->receive, end->socket, end->in,
                      1 + (uint32_t)(random_next(&end->random) % PART_BYTES));
}

static void received_part(struct suite_step *step)
{
    struct end *end = step->context;
    enum port_status status = step->op.status;
    if (status == PORT_OK && !end->waiting) {
        uint32_t wrong = 0;
        for (uint32_t i = 0; i < step->op.bytes; i++)
            wrong += end->in[i] != suite_pattern(end->receives_from + end->received + i);
        EXPECT(wrong == 0);
        end->received += step->op.bytes;
    } else if (status == PORT_END) {
        EXPECT(end->received == END_BYTES);
        atomic_store_u32(&end->ended, 1);
        return;
    } else {
        EXPECT(status == PORT_OK || status == PORT_CANCELLED);
    }
    receive_part(end);
}

static void start_end(struct end *end, struct port_socket *socket, uint32_t number)
{
    memset(end, 0, sizeof(*end));
    end->socket = socket;
    end->random = number + 1;
    end->sends_from = (uint64_t)number << 32;
    end->receives_from = (uint64_t)(number ^ 1U) << 32;
    end->send.context = end->receive.context = end;
    end->send.then = sent_part;
    end->receive.then = received_part;
    receive_part(end);
    send_part(end);
}

static struct suite_step chaos_posts[CHAOS_THREADS];

static void make_chaos(void *context, uint32_t index)
{
    (void)context;
    uint64_t random = 100 + index;
    for (uint32_t i = 0; i < CHAOS_TURNS; i++) {
        struct address address;
        struct port_socket *socket = ends[random_next(&random) % (2 * PAIRS)].socket;
        port_cancel_receive(socket);
        EXPECT(port_local_address(socket, &address));
        if (!suite_in_flight(&chaos_posts[index]))
            suite_post(&chaos_posts[index]);
    }
}

static bool end_has_ended(void *context)
{
    struct end *end = context;
    return atomic_load_u32(&end->ended) == 1;
}

static void test_streams_survive_cancels_and_keep_every_byte(void **state)
{
    (void)state;
    memset(chaos_posts, 0, sizeof(chaos_posts));
    suite_connect_pairs(pairs, PAIRS);
    for (uint32_t i = 0; i < PAIRS; i++) {
        start_end(&ends[2 * i], &pairs[i].client, 2 * i);
        start_end(&ends[2 * i + 1], &pairs[i].server, 2 * i + 1);
    }
    suite_threads(CHAOS_THREADS, make_chaos, NULL);
    for (uint32_t i = 0; i < 2 * PAIRS; i++)
        suite_require(end_has_ended, &ends[i], "the end of a stream");
    for (uint32_t i = 0; i < CHAOS_THREADS; i++)
        suite_finish(&chaos_posts[i]);
    for (uint32_t i = 0; i < PAIRS; i++)
        suite_close_pair(&pairs[i]);
}

/* --- connections that come and go, closed from outside at any moment ------------------------------------------------- */

enum { CLIENTS = 8, SERVERS = 12, CLIENT_ROUNDS = 25, TAG_BYTES = 8 };

/* Sends its tag and wants it back. A handle reused under an operation would bring another one's. */
struct client {
    struct lock lock; /* guards opening against closing from outside */
    struct port_socket socket;
    struct suite_step step;
    enum { CLIENT_CONNECTING, CLIENT_SENDING, CLIENT_RECEIVING } state;
    uint64_t random;
    uint64_t tag;
    uint64_t answer;
    uint32_t done_bytes;
    uint32_t rounds;
    uint32_t ended; /* atomic */
};

struct server {
    struct port_socket socket;
    struct suite_step accept;
    struct suite_step step;
    bool sending;
    uint64_t tag;
    uint32_t done_bytes;
    uint32_t ended; /* atomic */
};

static struct client clients[CLIENTS];
static struct server servers[SERVERS];
static struct port_socket churn_listener;
static struct address churn_address;
static uint32_t verified; /* atomic */

static void server_again(struct server *server)
{
    port_close(&server->socket);
    memset(&server->socket, 0, sizeof(server->socket));
    suite_accept(&server->accept, &churn_listener);
}

static void server_next(struct suite_step *step)
{
    struct server *server = step->context;
    if (step->op.status != PORT_OK) {
        server_again(server);
        return;
    }
    server->done_bytes += step->op.bytes;
    if (server->done_bytes == TAG_BYTES) {
        server->done_bytes = 0;
        if (server->sending) {
            server_again(server);
            return;
        }
        server->sending = true;
    }
    uint8_t *rest = (uint8_t *)&server->tag + server->done_bytes;
    if (server->sending)
        suite_send(step, &server->socket, rest, TAG_BYTES - server->done_bytes);
    else
        suite_receive(step, &server->socket, rest, TAG_BYTES - server->done_bytes);
}

static void server_accepted(struct suite_step *accept)
{
    struct server *server = accept->context;
    if (accept->op.status == PORT_CANCELLED) {
        atomic_store_u32(&server->ended, 1);
        return;
    }
    EXPECT(accept->op.status == PORT_OK || accept->op.status == PORT_RESET);
    if (accept->op.status != PORT_OK) {
        server_again(server);
        return;
    }
    port_socket_move(&server->socket, &accept->accept.accepted);
    server->sending = false;
    server->done_bytes = 0;
    suite_receive(&server->step, &server->socket, &server->tag, TAG_BYTES);
}

static void client_again(struct client *client)
{
    uint32_t os_code = 0;
    lock_acquire(&client->lock);
    if (random_next(&client->random) % 3 == 0)
        port_reset(&client->socket);
    else
        port_close(&client->socket);
    bool more = client->rounds++ < CLIENT_ROUNDS;
    if (more) {
        memset(&client->socket, 0, sizeof(client->socket));
        EXPECT(port_open(suite.port, &client->socket, ADDRESS_V4, &os_code) == PORT_OK);
    }
    lock_release(&client->lock);
    if (!more) {
        atomic_store_u32(&client->ended, 1);
        return;
    }
    client->state = CLIENT_CONNECTING;
    client->tag = random_next(&client->random);
    client->done_bytes = 0;
    suite_connect(&client->step, &client->socket, &churn_address);
}

static void client_next(struct suite_step *step)
{
    struct client *client = step->context;
    if (step->op.status != PORT_OK) {
        EXPECT(step->op.status == PORT_CANCELLED);
        client_again(client);
        return;
    }
    client->done_bytes += step->op.bytes;
    if (client->state == CLIENT_CONNECTING) {
        client->state = CLIENT_SENDING;
    } else if (client->done_bytes == TAG_BYTES) {
        client->done_bytes = 0;
        if (client->state == CLIENT_RECEIVING) {
            EXPECT(client->answer == client->tag);
            atomic_fetch_add_u32(&verified, 1);
            client_again(client);
            return;
        }
        client->state = CLIENT_RECEIVING;
    }
    uint32_t rest = TAG_BYTES - client->done_bytes;
    if (client->state == CLIENT_SENDING)
        suite_send(step, &client->socket, (uint8_t *)&client->tag + client->done_bytes, rest);
    else
        suite_receive(step, &client->socket, (uint8_t *)&client->answer + client->done_bytes, rest);
}

static void close_at_random(void *context, uint32_t index)
{
    (void)context;
    uint64_t random = 7 + index;
    for (int i = 0; i < 60; i++) {
        struct client *client = &clients[random_next(&random) % CLIENTS];
        lock_acquire(&client->lock);
        port_close(&client->socket);
        lock_release(&client->lock);
    }
}

static bool client_has_ended(void *context)
{
    struct client *client = context;
    return atomic_load_u32(&client->ended) == 1;
}

static bool server_has_ended(void *context)
{
    struct server *server = context;
    return atomic_load_u32(&server->ended) == 1;
}

static void test_connections_closed_at_random_never_mix(void **state)
{
    (void)state;
    memset(clients, 0, sizeof(clients));
    memset(servers, 0, sizeof(servers));
    memset(&churn_listener, 0, sizeof(churn_listener));
    verified = 0;
    churn_address = suite_listen(&churn_listener);
    for (uint32_t i = 0; i < SERVERS; i++) {
        servers[i].accept.context = servers[i].step.context = &servers[i];
        servers[i].accept.then = server_accepted;
        servers[i].step.then = server_next;
        suite_accept(&servers[i].accept, &churn_listener);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        lock_init(&clients[i].lock);
        clients[i].random = i + 1;
        clients[i].step.context = &clients[i];
        clients[i].step.then = client_next;
        client_again(&clients[i]);
    }
    suite_threads(CHAOS_THREADS, close_at_random, NULL);
    for (uint32_t i = 0; i < CLIENTS; i++)
        suite_require(client_has_ended, &clients[i], "the end of a client");
    port_close(&churn_listener);
    for (uint32_t i = 0; i < SERVERS; i++)
        suite_require(server_has_ended, &servers[i], "the end of a server");
    EXPECT(atomic_load_u32(&verified) > 0);
}

int suite_run_stress(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_streams_survive_cancels_and_keep_every_byte),
        SUITE_TEST(test_connections_closed_at_random_never_mix),
    };
    return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
