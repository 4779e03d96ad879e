/*
 * endpoint: HOST:PORT as people write it.
 *
 * The host is an IPv4 address, an IPv6 address in brackets (with %SCOPE, the interface's number, if need be), or a
 * name of letters, digits, hyphens, underscores and dots. Nothing is looked up. Pure; any thread.
 */
#ifndef FAIRLEAD_CONFIG_ENDPOINT_H
#define FAIRLEAD_CONFIG_ENDPOINT_H

#include "base/address.h"
#include "base/limits.h"

/* To listen, port 0 (the system chooses) and 0.0.0.0 or [::] (every address) have a meaning; to connect they do not. */
enum endpoint_use { ENDPOINT_LISTEN, ENDPOINT_CONNECT };

enum endpoint_error {
    ENDPOINT_OK,
    ENDPOINT_EMPTY,
    ENDPOINT_BLANK,         /* blanks inside */
    ENDPOINT_URL,           /* http://host */
    ENDPOINT_PORT_ALONE,    /* 8080 */
    ENDPOINT_HOST_MISSING,  /* :8080 */
    ENDPOINT_STAR,          /* *:8080 */
    ENDPOINT_PORT_MISSING,  /* host, host:, [::1] */
    ENDPOINT_PORT_WRONG,    /* no number, or above 65535 */
    ENDPOINT_PORT_ZERO,     /* to connect */
    ENDPOINT_ANY_ADDRESS,   /* to connect */
    ENDPOINT_NOT_BRACKETED, /* ::1:8080 */
    ENDPOINT_BRACKET_OPEN,  /* [::1:8080 */
    ENDPOINT_NOT_V6,        /* [x]:8080 */
    ENDPOINT_NOT_V4,        /* 256.0.0.1:8080 */
    ENDPOINT_NAME_LONG,
    ENDPOINT_NAME_WRONG
};

struct endpoint {
    char host[HOST_NAME_BYTES]; /* without brackets and port */
    uint16_t port;
    bool is_literal;
    struct address address; /* with the port, when is_literal */
};

/* `*endpoint` is valid only on ENDPOINT_OK. */
enum endpoint_error endpoint_parse(enum endpoint_use use, const char *text, struct endpoint *endpoint);

/* One sentence for people: what is wrong with `text` (cut by the caller when it may be long) and what to write.
 * Returns `advice`. */
const char *endpoint_advise(enum endpoint_error error, enum endpoint_use use, const char *text, char *advice,
                            size_t advice_bytes);

#endif
