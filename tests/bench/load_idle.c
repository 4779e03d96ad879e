#include "load.h"

#include "clock.h"

#include <stdio.h>

/* idle: a round trip each, a pause that somebody else ends, and a round trip each, in which all must still be there. */

/* Of the current round. */
static uint32_t asked, answered;

static void ask_more(struct load *load)
{
    while (asked < load->options.connections && asked < answered + load->failures + LOAD_PENDING_MAX) {
        struct connection *connection = &load->connections[asked++];
        if (connection->state != CONNECTION_FAILED)
            echo_ask(load, connection);
    }
}

static void idle_begin(struct load *load)
{
    asked = answered = 0;
    ask_more(load);
}

static void idle_received(struct load *load, struct connection *connection, size_t count)
{
    (void)count;
    if (connection->received < connection->goal)
        return;
    (void)load_count_operation(load, connection);
    connection->since_ns = 0;
    answered++;
}

static void pause_until_told(struct load *load)
{
    int character;

    printf("ready\n");
    (void)fflush(stdout);
    do {
        character = getchar();
    } while (character != '\n' && character != EOF);
    load->now_ns = clock_now_ns();
}

static void idle_tick(struct load *load)
{
    if (load->phase != LOAD_WARMUP && load->phase != LOAD_MEASURE)
        return;
    ask_more(load);
    /* Who failed is not waited for. */
    if (answered + load->failures < load->options.connections)
        return;
    if (load->phase == LOAD_MEASURE || load->failures > 0) {
        load_enter(load, LOAD_FINISH);
        return;
    }
    pause_until_told(load);
    load_enter(load, LOAD_MEASURE);
    idle_begin(load);
}

const struct load_mode LOAD_IDLE = {
    .name = "idle",
    .default_bytes = 64,
    .default_sources = 1,
    .opens_first = true,
    .connected = echo_connected,
    .begin = idle_begin,
    .receive = echo_receive,
    .received = idle_received,
    .finish = connection_half_close,
    .tick = idle_tick,
};
