/*
 * admin_routes: what is answered to a request.
 *
 * Checks in this order: is the request well-formed (400 and others), is the host ours (421), is the client allowed (401), is there
 * such a resource (404), may it be asked this way (405), and for what changes something: does a page of another site ask (403), is
 * there a token at all (403), and is it the right one (401). Only GET /health needs no token anywhere, and on a loopback address no
 * GET does.
 *
 * Any thread. May take a while (a snapshot of thousands of listeners), so no lock is held around it.
 */
#ifndef FAIRLEAD_ADMIN_ADMIN_ROUTES_H
#define FAIRLEAD_ADMIN_ADMIN_ROUTES_H

#include "admin/admin_token.h"
#include "admin/http_request.h"
#include "base/address.h"
#include "base/reload.h"
#include "stats/counters.h"

/* What the answers depend on. */
struct admin_site {
    struct stats *stats;
    struct admin_token *token;
    struct address local; /* what the endpoint listens on, with the real port */
};

struct admin_clock {
    uint64_t now_us;  /* monotonic */
    uint64_t time_ms; /* wall clock */
};

/* What goes on the wire. */
struct admin_answer {
    char
        *bytes; /* to be freed with memory_free; NULL: out of memory, and the connection can only be closed */
    size_t size;
    bool keep_alive; /* whether another request may follow on the connection */
    bool is_1_0;
};

enum admin_next {
    ADMIN_ANSWERED,
    ADMIN_RELOADS /* a reload is to be asked for, and then admin_answer_reload makes the bytes of the same answer */
};

/* The answer to what http_request_parse said. */
enum admin_next admin_answer(const struct admin_site *site, const struct admin_clock *clock,
                             enum http_verdict verdict, const struct http_request *request, bool stopping,
                             struct admin_answer *answer);

/* `outcome` NULL: the reload was refused, because the server stops. */
void admin_answer_reload(const struct admin_site *site, const struct admin_clock *clock,
                         const struct reload_outcome *outcome, bool stopping, struct admin_answer *answer);

/* The answer to a request that did not come to its end in time. */
void admin_answer_timeout(const struct admin_clock *clock, struct admin_answer *answer);

#endif
