/*
 * port_suite: the contract of port/port.h as tests that run on every backend.
 *
 * One program per backend: the shared files (no suffix) use nothing but port.h, base/ and this header; a backend adds
 * its own *_iocp.c or *_sim.c, which implements the functions under THE BACKEND'S SIDE and may register more tests. Both
 * ends of every connection are port sockets on loopback, so no shared file needs a socket of the operating system.
 *
 * A test runs with a fresh port in `suite.port` (set-up) and must leave nothing open or in flight (tear-down checks).
 * Tests run on the main thread, which is never a worker. A failed EXPECT is printed and counted, also on workers; a failed
 * REQUIRE ends the program, because operations may still be in flight on the test's memory.
 */
#ifndef FAIRLEAD_TESTS_PORT_SUITE_H
#define FAIRLEAD_TESTS_PORT_SUITE_H

#include "base/atomic.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/memory.h"
#include "port/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* --- one operation of a test ---------------------------------------------------------------------------- */

struct suite_step;
typedef void suite_then(struct suite_step *step);

enum suite_kind { SUITE_NONE, SUITE_OPERATION, SUITE_ACCEPT, SUITE_RESOLVE };

/* An operation and what became of it. Zero it before its first use. It records each completion, checks that it came on
 * a worker, exactly once and not inside the submitting call, and then calls `then` on that worker, which may free the
 * step. Results stay in `op`, `accept` or `resolve` until it is submitted again. With a `then`, wait for what it sets
 * and not for the step, which counts as completed just before. */
struct suite_step {
    union {
        struct port_op op;
        struct port_accept accept;
        struct port_resolve resolve;
    };
    enum suite_kind kind;
    uint32_t submitted; /* atomic: how often */
    uint32_t completed; /* atomic: how often */
    uint32_t worker;    /* where it completed last */
    suite_then *then;   /* may be NULL; may submit again, also this step */
    void *context;
};

void suite_accept(struct suite_step *step, struct port_socket *listener);
void suite_connect(struct suite_step *step, struct port_socket *socket, const struct address *address);
void suite_receive(struct suite_step *step, struct port_socket *socket, void *buffer, uint32_t bytes);
void suite_wait_readable(struct suite_step *step, struct port_socket *socket);
void suite_send(struct suite_step *step, struct port_socket *socket, const void *buffer, uint32_t bytes);
void suite_post(struct suite_step *step);
void suite_resolve(struct suite_step *step, const char *host, uint16_t port_number);

bool suite_in_flight(struct suite_step *step);

/* Waits for the step's completion (main thread) and answers its status; ends the program at the deadline. */
enum port_status suite_finish(struct suite_step *step);

/* suite_wait_until, and the program ends when the deadline passes. Main thread. */
typedef bool suite_condition(void *context);
void suite_require(suite_condition *condition, void *context, const char *what);

/* Lets the workers run until everything that was ready before the call has been served: a round trip of posts. For
 * tests that must see that something does NOT complete. Main thread. */
void suite_pass(void);

/* --- connections ------------------------------------------------------------------------------------------ */

struct suite_pair {
    struct port_socket client;
    struct port_socket server;
};

struct address suite_loopback(uint16_t port_number); /* 127.0.0.1 */

/* A listener on a loopback port of the system's choice; its address. */
struct address suite_listen(struct port_socket *listener);

/* Connects `count` pairs through one listener, which is closed again. */
void suite_connect_pairs(struct suite_pair *pairs, uint32_t count);
void suite_close_pair(struct suite_pair *pair);

/* Sends everything, whatever parts the backend takes; receives exactly `bytes`. Main thread. */
void suite_send_all(struct port_socket *socket, const void *data, uint32_t bytes);
void suite_receive_all(struct port_socket *socket, void *data, uint32_t bytes);

/* The byte at an offset of the pattern that tests send. */
uint8_t suite_pattern(uint64_t offset);

/* --- the running test ------------------------------------------------------------------------------------- */

struct suite {
    struct port *port;
    uint32_t workers;
    uint32_t failures;                    /* atomic */
    uint32_t submitting[WORKERS_MAX + 1]; /* atomic: the worker is inside a submitting call */
};
extern struct suite suite;

#define EXPECT(condition) ((condition) ? (void)0 : suite_failed(__FILE__, __LINE__, #condition))
#define REQUIRE(condition) ((condition) ? (void)0 : suite_end(__FILE__, __LINE__, #condition))

void suite_failed(const char *file, int line, const char *condition);
NORETURN void suite_end(const char *file, int line, const char *condition);

/* Replaces the fixture's port: closes it and creates one with other options. */
void suite_restart_port(const struct port_options *options);

int suite_setup(void **state);
int suite_teardown(void **state);
#define SUITE_TEST(function) cmocka_unit_test_setup_teardown(function, suite_setup, suite_teardown)

/* --- the backend's side: suite_iocp.c, suite_sim.c ----------------------------------------------------------- */

/* The ways in which the whole suite is run: the name for the output; `workers` for port_create. False: no more. */
bool suite_variant(uint32_t index, const char **name, uint32_t *workers);

/* Waits on the main thread until the condition holds, which changes only on workers and in threads of suite_threads;
 * whoever changes it calls suite_notify. False when the deadline (20 s, or the end of the simulation) passed. The simulator
 * takes its steps here. */
bool suite_wait_until(suite_condition *condition, void *context);

/* Something that a condition may look at has changed. Any thread. */
void suite_notify(void);

/* Calls body(context, index) for index 0 to count - 1 on threads that are no workers, at the same time where the
 * backend has threads, and returns when all have returned. Bodies do not wait for each other. */
typedef void suite_body(void *context, uint32_t index);
void suite_threads(uint32_t count, suite_body *body, void *context);

enum suite_fact {
    /* A receive submitted after a reset arrived answers PORT_RESET. Wine 8 answers PORT_END. */
    SUITE_FACT_RESET_IS_KEPT,
    /* IPv6 loopback works here. */
    SUITE_FACT_IPV6
};
bool suite_fact(enum suite_fact fact);

/* Tests of this backend alone; answers the number that failed. */
int suite_run_backend(void);

/* Called first by main: the world of a simulator. */
void suite_begin(int argc, char **argv);

/* Set by suite_begin when only suite_run_backend shall run. */
extern bool suite_backend_only;

/* --- the shared tests: each answers the number that failed ---------------------------------------------------- */

int suite_run_port(void);
int suite_run_listen(void);
int suite_run_stream(void);
int suite_run_close(void);
int suite_run_cancel(void);
int suite_run_fair(void);
int suite_run_resolve(void);
int suite_run_status(void);
int suite_run_stress(void);

#endif
