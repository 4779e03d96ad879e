#include "tests/sim/port_sim.h"

#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"

#include <string.h>

/* A look-up on its way; it has its own copy of the name, as a resolver has. */
struct lookup {
    struct sim_request *request;
    uint16_t port_number;
    char host[HOST_NAME_BYTES];
    enum port_status status;
    uint32_t count;
    struct address addresses[RESOLVE_ADDRESSES_MAX];
};

static sim_names *names;

void sim_set_names(sim_names *function)
{
    names = function;
}

void port_resolve_init(struct port_resolve *resolve, port_done *done)
{
    port_op_init(&resolve->op, done);
    resolve->count = 0;
}

static bool same_text(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        if ((*a | 0x20) != (*b | 0x20)) {
            return false;
        }
    }
    return *a == *b;
}

static void lookup_ask(struct lookup *lookup)
{
    if (address_parse_host(lookup->host, &lookup->addresses[0])) {
        lookup->count = 1;
    } else if (names != NULL) {
        lookup->count = names(lookup->host, lookup->addresses);
    } else if (same_text(lookup->host, "localhost")) {
        static const struct address loopback = {ADDRESS_V4, 0, 0, 0, {127, 0, 0, 1}};
        lookup->addresses[0] = loopback;
        lookup->count = 1;
    }
    lookup->status = lookup->count > 0 ? PORT_OK : PORT_NOT_FOUND;
}

/* The answer is written when a worker dequeues it, as everything that belongs to the owner; until then it waits here. */
static void lookup_answers(void *object, uint64_t argument)
{
    struct lookup *lookup = object;
    (void)argument;
    sim_request_finish(lookup->request, lookup->status, 0);
    lookup->request->answer = lookup;
    sim_port_queue(lookup->request, false);
}

void sim_name_fill(struct sim_request *request)
{
    struct port_resolve *resolve = CONTAINER_OF(request->op, struct port_resolve, op);
    const struct lookup *lookup = request->answer;
    resolve->count = lookup->status == PORT_OK ? lookup->count : 0;
    for (uint32_t i = 0; i < resolve->count; i++) {
        resolve->addresses[i] = lookup->addresses[i];
        resolve->addresses[i].port = lookup->port_number;
    }
}

void port_resolve(struct port *port, struct port_resolve *resolve, const char *host, uint16_t port_number)
{
    static const enum port_status failures[] = {PORT_NOT_FOUND, PORT_TIMEOUT, PORT_EXHAUSTED, PORT_FAILED};
    sim_preempt();
    size_t length = strlen(host);
    struct sim_request *request =
        sim_request_submit(port, NULL, &resolve->op, SIM_NAME, resolve, sizeof *resolve);
    struct lookup *lookup = sim_arena(sizeof *lookup);
    lookup->request = request;
    lookup->port_number = port_number;
    if (length < HOST_NAME_BYTES) { /* a longer one cannot exist: the empty name is not found either */
        memcpy(lookup->host, host, length + 1);
    }
    lookup_ask(lookup);
    uint64_t delay = sim_delay(2000);
    if (sim_submission_fails(SIM_FAULT_NAME_FAILED)) {
        lookup->status = failures[sim_below(4)];
    }
    if (sim_fault(SIM_FAULT_NAME_SLOW)) {
        delay = sim_random() % (15ULL * 1000 * 1000);
    }
    if (delay >= RESOLVE_TIMEOUT_US) {
        /* The answer that comes later than this is dropped. */
        delay = RESOLVE_TIMEOUT_US;
        lookup->status = PORT_TIMEOUT;
    }
    sim_at(delay, SIM_LABEL_NAME, lookup_answers, lookup, 0);
    sim_preempt();
}
