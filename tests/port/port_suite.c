#include "tests/port/port_suite.h"

#include <stdio.h>
#include <stdlib.h>

struct suite suite;
bool suite_backend_only;

/* --- failures ------------------------------------------------------------------------------------------------ */

void suite_failed(const char *file, int line, const char *condition)
{
    atomic_fetch_add_u32(&suite.failures, 1);
    fprintf(stderr, "%s:%d: expected %s\n", file, line, condition);
    fflush(stderr);
}

NORETURN void suite_end(const char *file, int line, const char *condition)
{
    suite_failed(file, line, condition);
    fprintf(stderr, "the suite ends here\n");
    fflush(NULL);
    exit(1);
}

/* --- the fixture --------------------------------------------------------------------------------------------- */

void suite_restart_port(const struct port_options *options)
{
    uint32_t os_code = 0;
    port_destroy(suite.port);
    suite.workers = options->workers;
    REQUIRE(port_create(options, &suite.port, &os_code) == PORT_OK);
    REQUIRE(suite.port != NULL);
}

static uint32_t variant_workers;

int suite_setup(void **state)
{
    (void)state;
    struct port_options options = {variant_workers, NULL, NULL};
    suite.failures = 0;
    suite_restart_port(&options);
    return 0;
}

int suite_teardown(void **state)
{
    (void)state;
    port_destroy(suite.port); /* checks that nothing is open or in flight */
    suite.port = NULL;
    return atomic_load_u32(&suite.failures) == 0 ? 0 : -1;
}

/* --- steps --------------------------------------------------------------------------------------------------- */

static void step_done(struct port_op *op)
{
    struct suite_step *step = CONTAINER_OF(op, struct suite_step, op);
    uint32_t worker = port_worker_index();
    EXPECT(worker < suite.workers);
    EXPECT(worker >= WORKERS_MAX || atomic_load_u32(&suite.submitting[worker]) == 0);
    EXPECT(atomic_load_u32(&step->completed) + 1 == atomic_load_u32(&step->submitted));
    EXPECT(op->bytes == 0 || op->status == PORT_OK);
    step->worker = worker;
    suite_then *then = step->then;
    atomic_fetch_add_u32(&step->completed, 1);
    if (then != NULL)
        then(step);
    suite_notify();
}

/* Answers the mark that submit_end takes away again. */
static uint32_t *submit_begin(struct suite_step *step, enum suite_kind kind)
{
    REQUIRE(!suite_in_flight(step));
    if (step->kind != kind && kind == SUITE_ACCEPT)
        port_accept_init(&step->accept, step_done);
    else if (step->kind != kind && kind == SUITE_RESOLVE)
        port_resolve_init(&step->resolve, step_done);
    else if (step->kind != kind)
        port_op_init(&step->op, step_done);
    step->kind = kind;
    atomic_fetch_add_u32(&step->submitted, 1);
    uint32_t worker = port_worker_index();
    if (worker >= WORKERS_MAX)
        return NULL;
    atomic_store_u32(&suite.submitting[worker], 1);
    return &suite.submitting[worker];
}

static void submit_end(uint32_t *mark)
{
    if (mark != NULL)
        atomic_store_u32(mark, 0);
}

void suite_accept(struct suite_step *step, struct port_socket *listener)
{
    uint32_t *mark = submit_begin(step, SUITE_ACCEPT);
    port_accept(listener, &step->accept);
    submit_end(mark);
}

void suite_connect(struct suite_step *step, struct port_socket *socket, const struct address *address)
{
    uint32_t *mark = submit_begin(step, SUITE_OPERATION);
    port_connect(socket, &step->op, address);
    submit_end(mark);
}

void suite_receive(struct suite_step *step, struct port_socket *socket, void *buffer, uint32_t bytes)
{
    uint32_t *mark = submit_begin(step, SUITE_OPERATION);
    port_receive(socket, &step->op, buffer, bytes);
    submit_end(mark);
}

void suite_wait_readable(struct suite_step *step, struct port_socket *socket)
{
    uint32_t *mark = submit_begin(step, SUITE_OPERATION);
    port_wait_readable(socket, &step->op);
    submit_end(mark);
}

void suite_send(struct suite_step *step, struct port_socket *socket, const void *buffer, uint32_t bytes)
{
    uint32_t *mark = submit_begin(step, SUITE_OPERATION);
    port_send(socket, &step->op, buffer, bytes);
    submit_end(mark);
}

void suite_post(struct suite_step *step)
{
    uint32_t *mark = submit_begin(step, SUITE_OPERATION);
    port_post(suite.port, &step->op);
    submit_end(mark);
}

void suite_resolve(struct suite_step *step, const char *host, uint16_t port_number)
{
    uint32_t *mark = submit_begin(step, SUITE_RESOLVE);
    port_resolve(suite.port, &step->resolve, host, port_number);
    submit_end(mark);
}

bool suite_in_flight(struct suite_step *step)
{
    return atomic_load_u32(&step->completed) != atomic_load_u32(&step->submitted);
}

static bool step_is_done(void *context)
{
    return !suite_in_flight(context);
}

void suite_require(suite_condition *condition, void *context, const char *what)
{
    if (!suite_wait_until(condition, context))
        suite_end(__FILE__, __LINE__, what);
}

enum port_status suite_finish(struct suite_step *step)
{
    suite_require(step_is_done, step, "the completion of an operation");
    return step->op.status;
}

void suite_pass(void)
{
    enum { ROUNDS = 3, POSTS = 8 };
    static struct suite_step steps[POSTS];
    memset(steps, 0, sizeof(steps));
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < POSTS; i++)
            suite_post(&steps[i]);
        for (int i = 0; i < POSTS; i++)
            EXPECT(suite_finish(&steps[i]) == PORT_OK);
    }
}

/* --- all of it ----------------------------------------------------------------------------------------------- */

static int run_shared(void)
{
    int failed = 0;
    failed += suite_run_port();
    failed += suite_run_listen();
    failed += suite_run_stream();
    failed += suite_run_close();
    failed += suite_run_cancel();
    failed += suite_run_fair();
    failed += suite_run_resolve();
    failed += suite_run_status();
    failed += suite_run_stress();
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    const char *name = NULL;
    suite_begin(argc, argv);
    for (uint32_t i = 0; suite_variant(i, &name, &variant_workers); i++) {
        fprintf(stderr, "==== %s\n", name);
        if (!suite_backend_only)
            failed += run_shared();
        failed += suite_run_backend();
    }
    fprintf(stderr, failed == 0 ? "==== the contract holds\n" : "==== FAILED: %d\n", failed);
    return failed == 0 ? 0 : 1;
}
