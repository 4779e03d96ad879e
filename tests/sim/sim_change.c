#include "tests/sim/sim_change.h"

#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_plan.h"

static const char *const names[CHANGE_COUNT] = {"same",      "add",          "remove",      "rename",
                                                "move",      "times",        "limits",      "mode",
                                                "upstream",  "naming",       "server",      "order",
                                                "several",   "restart",      "back",        "unreadable",
                                                "bind_used", "bind_foreign", "name_unknown"};

const char *change_name(enum change_kind kind)
{
    return names[kind];
}

static bool one_in(uint32_t n)
{
    return sim_below(n) == 0;
}

static struct setup_listener *draw_listener(struct setup *setup)
{
    return &setup->listeners[sim_below(setup->listeners_count)];
}

/* A name that no listener has, or that of one when all are taken. */
static uint32_t draw_free_name(struct setup *setup)
{
    uint32_t name = sim_below(SETUP_NAMES);
    for (uint32_t i = 0; i < SETUP_NAMES && setup_named(setup, name) != NULL; i++) {
        name = (name + 1) % SETUP_NAMES;
    }
    return name;
}

/* False: all are taken. */
static bool draw_free_place(const struct setup *setup, struct address *address)
{
    uint32_t place = sim_below(SETUP_PLACES);
    for (uint32_t i = 0; i < SETUP_PLACES; i++) {
        *address = setup_place((place + i) % SETUP_PLACES);
        if (setup_at(setup, address) == NULL) {
            return true;
        }
    }
    return false;
}

static struct setup_listener *add_listener(struct setup *setup, const struct address *address)
{
    uint32_t name = draw_free_name(setup);
    struct setup_listener *listener = &setup->listeners[setup->listeners_count];
    *listener = (struct setup_listener){.name = name, .listens_count = 1};
    listener->listens[0].address = *address;
    setup_draw_listener(listener);
    listener->upstream = sim_below(setup->upstreams_count);
    setup->listeners_count++;
    return listener;
}

static void change_add(struct setup *setup)
{
    struct setup_listener *listener = draw_listener(setup);
    struct address address;
    if (one_in(6) && setup_at_any_port(setup) == NULL) {
        address = setup_loopback(1, 0);
    } else if (!draw_free_place(setup, &address)) {
        return;
    }
    if (listener->listens_count < SETUP_LISTENS_MAX && one_in(3)) {
        listener->listens[listener->listens_count++] = (struct setup_listen){.address = address};
    } else if (setup->listeners_count < SETUP_LISTENERS_MAX) {
        add_listener(setup, &address)->listens[0].named = one_in(4);
    }
}

static bool has_first_place(const struct setup_listener *listener)
{
    struct address first = setup_place(0);
    for (uint32_t i = 0; i < listener->listens_count; i++) {
        if (address_equal(&listener->listens[i].address, &first)) {
            return true;
        }
    }
    return false;
}

static void remove_listen(struct setup_listener *listener, uint32_t index)
{
    listener->listens[index] = listener->listens[--listener->listens_count];
}

static void change_remove(struct setup *setup)
{
    struct setup_listener *listener = draw_listener(setup);
    struct address first = setup_place(0);
    if (listener->listens_count > 1) {
        remove_listen(listener, address_equal(&listener->listens[0].address, &first) ? 1 : 0);
    } else if (!has_first_place(listener)) {
        *listener = setup->listeners[--setup->listeners_count];
    }
}

static void change_move(struct setup *setup)
{
    struct setup_listener *from = draw_listener(setup);
    struct setup_listener *to = draw_listener(setup);
    if (from == to) {
        from->name = draw_free_name(setup);
    } else if (from->listens_count > 1 && to->listens_count < SETUP_LISTENS_MAX) {
        to->listens[to->listens_count++] = from->listens[0];
        remove_listen(from, 0);
    } else {
        struct setup_listen listen = from->listens[0];
        from->listens[0] = to->listens[0];
        to->listens[0] = listen;
    }
}

static void change_upstream(struct setup *setup)
{
    uint32_t index = sim_below(setup->upstreams_count);
    struct setup_upstream *upstream = &setup->upstreams[index];
    if (one_in(4) && setup->upstreams_count < SETUP_UPSTREAMS_MAX) {
        upstream = &setup->upstreams[setup->upstreams_count++];
    } else if (one_in(4)) {
        setup->upstreams_count = 1;
        upstream = &setup->upstreams[0];
        for (uint32_t i = 0; i < setup->listeners_count; i++) {
            setup->listeners[i].upstream = 0;
        }
    }
    setup_draw_upstream(upstream);
    upstream->farm = sim_below(sim_plan.farms_count);
    draw_listener(setup)->upstream = sim_below(setup->upstreams_count);
}

static void change_times(struct setup *setup)
{
    struct setup_listener *listener = draw_listener(setup);
    setup_draw_times(listener);
    if (sim_plan.harsh) {
        for (uint32_t i = 0; i < setup->listeners_count; i++) {
            listener = &setup->listeners[i];
            listener->idle_timeout_ms = sim_between(300, 600);
            listener->half_close_timeout_ms = sim_between(300, 600);
            listener->lifetime_ms = sim_between(1000, 2000);
        }
    }
}

static void change_server(struct setup *setup)
{
    if (one_in(2)) {
        setup->drain_timeout_ms = one_in(5) ? 0 : sim_between(1, 20000);
    }
    if (one_in(3)) {
        setup->token = sim_below(SETUP_TOKENS);
    }
    bool low = !sim_plan.clean && one_in(2);
    setup->sessions_max = low ? sim_between(1, 6) : sim_between(100, 2000);
}

static void change_order(struct setup *setup)
{
    uint32_t other = sim_below(setup->listeners_count);
    struct setup_listener listener = setup->listeners[0];
    setup->listeners[0] = setup->listeners[other];
    setup->listeners[other] = listener;
}

static void change_restart(struct setup *setup)
{
    if (one_in(2)) {
        setup->workers++;
    } else {
        setup->buffer_bytes++;
    }
}

static void change_good(struct setup *setup, enum change_kind kind)
{
    struct setup_listener *listener = draw_listener(setup);
    struct setup_listen *listen = &listener->listens[sim_below(listener->listens_count)];
    switch (kind) {
    case CHANGE_ADD:
        change_add(setup);
        return;
    case CHANGE_REMOVE:
        change_remove(setup);
        return;
    case CHANGE_RENAME:
        listener->name = draw_free_name(setup);
        return;
    case CHANGE_MOVE:
        change_move(setup);
        return;
    case CHANGE_TIMES:
        change_times(setup);
        return;
    case CHANGE_LIMITS:
        setup_draw_limits(listener);
        return;
    case CHANGE_MODE:
        listener->echo = !listener->echo;
        return;
    case CHANGE_UPSTREAM:
        change_upstream(setup);
        return;
    case CHANGE_NAMING:
        listen->named = !listen->named;
        return;
    case CHANGE_SERVER:
        change_server(setup);
        return;
    case CHANGE_ORDER:
        change_order(setup);
        return;
    case CHANGE_RESTART:
        change_restart(setup);
        return;
    default:
        return; /* the same */
    }
}

/* A new listener that cannot be bound. */
static void change_bad(struct setup *setup, enum change_kind kind)
{
    struct address address;
    if (setup->listeners_count == SETUP_LISTENERS_MAX) {
        setup->listeners_count--;
        if (has_first_place(&setup->listeners[setup->listeners_count])) {
            setup->listeners[0] = setup->listeners[setup->listeners_count];
        }
    }
    if (kind == CHANGE_BIND_USED) {
        address = sim_plan.farms[0].addresses[0];
        address.port = SETUP_TAKEN_PORT;
        (void)add_listener(setup, &address);
    } else if (kind == CHANGE_BIND_FOREIGN) {
        address = setup_loopback(1, SETUP_PORT);
        address.bytes[0] = 192;
        (void)add_listener(setup, &address);
    } else {
        address = setup_place(SETUP_PLACES);
        add_listener(setup, &address)->listens[0].unknown = true;
    }
}

static enum change_kind draw_kind(void)
{
    if (sim_plan.harsh) {
        return one_in(2) ? CHANGE_UNREADABLE : CHANGE_SAME;
    }
    return one_in(6) ? CHANGE_BACK : (enum change_kind)sim_below(CHANGE_COUNT);
}

/* Where nothing fails a good configuration is applied, also when an address comes back that was given up a moment ago. */
static enum change_fate fate_of_good(void)
{
    return sim_plan.clean || sim_faults.calm ? FATE_APPLIED : FATE_EITHER;
}

void change_draw(struct change *change, const struct setup *from, const struct setup *before,
                 enum change_kind kind)
{
    change->kind = kind == CHANGE_ANY ? draw_kind() : kind;
    change->setup = *from;
    if (change->kind >= CHANGE_GOOD_END) {
        change->fate = FATE_REFUSED;
        if (change->kind != CHANGE_UNREADABLE) {
            change_good(&change->setup, (enum change_kind)sim_below(CHANGE_SEVERAL));
            change_bad(&change->setup, change->kind);
        }
        return;
    }
    if (change->kind == CHANGE_SEVERAL) {
        for (uint32_t changes = sim_between(2, 6); changes > 0; changes--) {
            change_good(&change->setup, (enum change_kind)sim_below(CHANGE_SEVERAL));
        }
    } else if (change->kind == CHANGE_BACK) {
        change->setup = *before;
    } else {
        change_good(&change->setup, change->kind);
    }
    change->fate = fate_of_good();
}
