/*
 * http_request: the bytes of one HTTP/1.1 request (RFC 9112) become one verdict.
 *
 * Pure, any thread. The caller collects bytes in a buffer of HTTP_REQUEST_BYTES_MAX and asks after each arrival. The
 * answer depends on the bytes only, not on the pieces in which they came: what has an answer keeps it, whatever follows.
 * At HTTP_REQUEST_BYTES_MAX there always is one.
 *
 * Stricter than the RFC demands where leniency has been exploited: lines end in CR LF, no control byte but a tab within
 * a value, no folded lines, no space before a colon, one Host, one length, no chunked body (which asks for 411).
 */
#ifndef FAIRLEAD_ADMIN_HTTP_REQUEST_H
#define FAIRLEAD_ADMIN_HTTP_REQUEST_H

#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_REQUEST_BYTES_MAX = ADMIN_REQUEST_BYTES + ADMIN_BODY_BYTES };

enum http_verdict {
    HTTP_MORE,  /* not complete yet, and nothing wrong so far */
    HTTP_READY, /* complete and well-formed */
    HTTP_WRONG  /* to be refused with `status`, after which the connection can only be closed */
};

/* A part of the caller's bytes, valid as long as they stay where they are, or a literal. `bytes` may be NULL when the size
 * is 0. */
struct http_text {
    const char *bytes;
    size_t size;
};

struct http_request {
    int status;      /* HTTP_WRONG: 400, 411, 413, 414, 431, 501 or 505 */
    const char *why; /* HTTP_WRONG: a sentence for people; a literal */
    /* HTTP_READY: */
    struct http_text method;
    struct http_text path; /* without the query; "/" when there is none; "*" as such */
    struct http_text
        authority; /* Host, or the authority of an absolute target; empty: HTTP/1.0 without Host */
    struct http_text authorization; /* empty: none */
    struct http_text origin;        /* NULL: none; empty is one too */
    bool keep_alive;
    int minor_version;
    size_t size; /* with the body; what follows is the next request */
};

enum http_verdict http_request_parse(const char *bytes, size_t size, struct http_request *request);

bool http_text_equal(struct http_text text, const char *literal);
bool http_text_equal_nocase(struct http_text text, const char *literal);

#endif
