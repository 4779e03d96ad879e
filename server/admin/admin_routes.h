/*
 * admin_routes: what is answered to a request.
 *
 * Checks in this order: is the request well-formed (400 and others), is the host ours (421), is the client allowed (401), is there
 * such a resource (404), may it be asked this way (405). Only /health needs no token.
 *
 * Any thread. May take a while (a snapshot of thousands of listeners), so no lock is held around it.
 */
#ifndef FAIRLEAD_ADMIN_ADMIN_ROUTES_H
#define FAIRLEAD_ADMIN_ADMIN_ROUTES_H

#include "admin/admin_token.h"
#include "admin/http_request.h"
#include "base/address.h"
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

/* The answer to what http_request_parse said, as bytes to be freed with memory_free; NULL: out of memory, and the connection can
 * only be closed. `keep_alive` says whether another request may follow on the connection. */
char *admin_answer(const struct admin_site *site, const struct admin_clock *clock, enum http_verdict verdict,
                   const struct http_request *request, bool stopping, size_t *size, bool *keep_alive);

/* The answer to a request that did not come to its end in time. */
char *admin_answer_timeout(const struct admin_clock *clock, size_t *size);

#endif
