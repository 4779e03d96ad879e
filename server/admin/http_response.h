/*
 * http_response: one answer as the bytes that go on the wire.
 *
 * Every answer has the headers that protect it: nosniff, no-store (SEMANTICS H6). Nothing a client sent is ever put into
 * one. Pure, any thread.
 */
#ifndef FAIRLEAD_ADMIN_HTTP_RESPONSE_H
#define FAIRLEAD_ADMIN_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is to be said. Texts are literals, or live until http_response_print. */
struct http_response {
    int status;
    const char *content_type;
    const char *body;
    size_t body_size;
    const char *allow;        /* NULL = no such header */
    const char *authenticate; /* WWW-Authenticate; NULL = none */
    bool head_only;           /* the answer to HEAD: the same headers, no body */
    bool keep_alive;
    bool is_1_0;      /* keep-alive is not the default there and is said */
    uint64_t time_ms; /* wall clock, for Date */
};

/* "Not Found". Never NULL. */
const char *http_status_text(int status);

/* The bytes, to be freed with memory_free; NULL: out of memory. */
char *http_response_print(const struct http_response *response, size_t *size);

#endif
