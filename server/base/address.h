/*
 * address: an IPv4 or IPv6 transport address as a plain value.
 *
 * Pure; any thread. Text follows RFC 5952 for IPv6 and puts it into brackets before a port: 127.0.0.1:80,
 * [::1]:80, [fe80::1%3]:80.
 */
#ifndef FAIRLEAD_BASE_ADDRESS_H
#define FAIRLEAD_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum address_family { ADDRESS_NONE = 0, ADDRESS_V4 = 4, ADDRESS_V6 = 6 };

struct address {
    uint8_t family;    /* enum address_family */
    uint8_t reserved;  /* zero */
    uint16_t port;     /* host byte order */
    uint32_t scope;    /* IPv6 scope (interface index), else 0 */
    uint8_t bytes[16]; /* network byte order; the first 4 for IPv4, the rest zero */
};

enum { ADDRESS_TEXT_BYTES = 64 }; /* "[" 39 digits "%" 10 digits "]:65535" NUL, rounded up */

/* The host part alone: "10.0.0.1", "::1", "fe80::1%3"; no name is looked up. Port becomes 0. Decimal numbers
 * have no leading zeros, because some programs take those for octal; a scope is a number, not an interface's
 * name. False: not an address, and `*address` stays. */
bool address_parse_host(const char *text, struct address *address);

/* "127.0.0.1:80" / "[::1]:80" into `text` (ADDRESS_TEXT_BYTES is always enough, less cuts it); returns
 * `text`. An address without family reads "-". */
const char *address_format(const struct address *address, char *text, size_t text_bytes);

/* The same without port and brackets. */
const char *address_format_host(const struct address *address, char *text, size_t text_bytes);

/* ::ffff:a.b.c.d becomes a.b.c.d; anything else stays. */
void address_unmap(struct address *address);

bool address_equal(const struct address *a, const struct address *b);      /* with port and scope */
bool address_equal_host(const struct address *a, const struct address *b); /* with scope, without port */

/* Whether a socket that listens on the one keeps others from listening on the other; [::] is dual stack. */
bool address_overlaps(const struct address *a, const struct address *b);

bool address_is_loopback(
    const struct address *address);                 /* 127.0.0.0/8, ::1, and the former mapped into IPv6 */
bool address_is_any(const struct address *address); /* 0.0.0.0, :: */

#endif
