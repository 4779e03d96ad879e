#include "config/endpoint.h"

#include "config/text.h"

#include <stdio.h>
#include <string.h>

static enum endpoint_error parse_port(enum endpoint_use use, const char *text, uint16_t *port)
{
    unsigned value = 0;
    size_t digits = 0;

    for (; text[digits] >= '0' && text[digits] <= '9' && digits <= 5; digits++)
        value = value * 10 + (unsigned)(text[digits] - '0');
    if (digits == 0 && text[0] == '\0')
        return ENDPOINT_PORT_MISSING;
    if (digits == 0 || digits > 5 || text[digits] != '\0' || value > 65535)
        return ENDPOINT_PORT_WRONG;
    if (value == 0 && use == ENDPOINT_CONNECT)
        return ENDPOINT_PORT_ZERO;
    *port = (uint16_t)value;
    return ENDPOINT_OK;
}

/* A name whose last label is a number can only be meant as an IPv4 address (as browsers have it), so 256.0.0.1 is not
 * looked up as a name. */
static bool looks_like_v4(const char *host)
{
    const char *last = strrchr(host, '.');

    last = last == NULL ? host : last + 1;
    return last[0] != '\0' && last[strspn(last, "0123456789")] == '\0';
}

static enum endpoint_error check_name(const char *host)
{
    size_t label = 0;

    for (const char *p = host; *p != '\0'; p++) {
        if (*p == '.') {
            if (label == 0 || p[-1] == '-')
                return ENDPOINT_NAME_WRONG;
            label = 0;
            continue;
        }
        if (!text_is_letter_or_digit(*p) && *p != '_' && (*p != '-' || label == 0))
            return ENDPOINT_NAME_WRONG;
        if (++label >= HOST_LABEL_BYTES)
            return ENDPOINT_NAME_LONG;
        if (p[1] == '\0' && *p == '-')
            return ENDPOINT_NAME_WRONG;
    }
    return ENDPOINT_OK;
}

static enum endpoint_error parse_host(struct endpoint *endpoint, bool bracketed)
{
    const char *host = endpoint->host;

    endpoint->is_literal = address_parse_host(host, &endpoint->address);
    if (bracketed)
        return endpoint->is_literal && endpoint->address.family == ADDRESS_V6 ? ENDPOINT_OK : ENDPOINT_NOT_V6;
    if (endpoint->is_literal)
        return ENDPOINT_OK;
    if (host[0] == '\0')
        return ENDPOINT_HOST_MISSING;
    if (strcmp(host, "*") == 0)
        return ENDPOINT_STAR;
    return looks_like_v4(host) ? ENDPOINT_NOT_V4 : check_name(host);
}

/* Finds host and port in `text`: where the host starts and ends, and where the port starts. */
static enum endpoint_error split(const char *text, const char **host, const char **end, const char **port)
{
    const char *colon;

    if (text[0] == '\0')
        return ENDPOINT_EMPTY;
    if (strpbrk(text, " \t") != NULL)
        return ENDPOINT_BLANK;
    if (strstr(text, "://") != NULL)
        return ENDPOINT_URL;
    if (text[strspn(text, "0123456789")] == '\0')
        return ENDPOINT_PORT_ALONE;
    if (text[0] == '[') {
        *host = text + 1;
        *end = strchr(text, ']');
        if (*end == NULL)
            return ENDPOINT_BRACKET_OPEN;
        if ((*end)[1] != ':')
            return (*end)[1] == '\0' ? ENDPOINT_PORT_MISSING : ENDPOINT_PORT_WRONG;
        *port = *end + 2;
        return ENDPOINT_OK;
    }
    colon = strchr(text, ':');
    if (colon == NULL)
        return ENDPOINT_PORT_MISSING;
    if (strchr(colon + 1, ':') != NULL)
        return ENDPOINT_NOT_BRACKETED;
    *host = text;
    *end = colon;
    *port = colon + 1;
    return ENDPOINT_OK;
}

enum endpoint_error endpoint_parse(enum endpoint_use use, const char *text, struct endpoint *endpoint)
{
    const char *host = text;
    const char *end = text;
    const char *port = text;
    enum endpoint_error error = split(text, &host, &end, &port);

    if (error != ENDPOINT_OK)
        return error;
    memset(endpoint, 0, sizeof(*endpoint));
    if ((size_t)(end - host) >= sizeof(endpoint->host))
        return ENDPOINT_NAME_LONG;
    memcpy(endpoint->host, host, (size_t)(end - host));
    error = parse_host(endpoint, host != text);
    if (error == ENDPOINT_OK)
        error = parse_port(use, port, &endpoint->port);
    if (error != ENDPOINT_OK || !endpoint->is_literal)
        return error;
    endpoint->address.port = endpoint->port;
    return use == ENDPOINT_CONNECT && address_is_any(&endpoint->address) ? ENDPOINT_ANY_ADDRESS : ENDPOINT_OK;
}

/* `port` is the text's own port, or one to show how it looks. */
static void advise_host(const char *what, enum endpoint_use use, const char *port, char *advice,
                        size_t advice_bytes)
{
    if (port[0] == '\0' || strlen(port) > 5)
        port = "8080";
    if (use == ENDPOINT_LISTEN)
        snprintf(advice, advice_bytes,
                 "%s; write 127.0.0.1:%s (this machine only), 0.0.0.0:%s (every IPv4 address) or [::]:%s "
                 "(IPv4 and IPv6)",
                 what, port, port, port);
    else
        snprintf(advice, advice_bytes, "%s; write HOST:PORT, such as 127.0.0.1:%s", what, port);
}

const char *endpoint_advise(enum endpoint_error error, enum endpoint_use use, const char *text, char *advice,
                            size_t advice_bytes)
{
    const char *colon = strrchr(text, ':');
    const char *port = colon == NULL ? "" : colon + 1;
    const char *format = "'%s' is right";

    switch (error) {
    case ENDPOINT_OK:
        break;
    case ENDPOINT_EMPTY:
        advise_host("the address is missing", use, port, advice, advice_bytes);
        return advice;
    case ENDPOINT_PORT_ALONE:
        advise_host("a port needs an address before it", use, text, advice, advice_bytes);
        return advice;
    case ENDPOINT_HOST_MISSING:
        advise_host("there is no address before the port", use, port, advice, advice_bytes);
        return advice;
    case ENDPOINT_STAR:
        advise_host("'*' is not an address", use, port, advice, advice_bytes);
        return advice;
    case ENDPOINT_BLANK:
        format = "'%s' has a blank in it; write HOST:PORT";
        break;
    case ENDPOINT_URL:
        format = "'%s' is a URL; write HOST:PORT only";
        break;
    case ENDPOINT_PORT_MISSING:
        format = "'%s' has no port; write HOST:PORT, such as 127.0.0.1:8080";
        break;
    case ENDPOINT_PORT_WRONG:
        format = use == ENDPOINT_LISTEN ? "'%s' does not end in a port, a number from 0 to 65535"
                                        : "'%s' does not end in a port, a number from 1 to 65535";
        break;
    case ENDPOINT_PORT_ZERO:
        format = "'%s': port 0 cannot be connected to; write a port from 1 to 65535";
        break;
    case ENDPOINT_ANY_ADDRESS:
        format = "'%s' cannot be connected to; for this machine write 127.0.0.1 or [::1]";
        break;
    case ENDPOINT_NOT_BRACKETED:
        format = "'%s': an IPv6 address needs brackets before the port, as in [::1]:8080";
        break;
    case ENDPOINT_BRACKET_OPEN:
        format = "'%s' has no ']' after the IPv6 address, as in [::1]:8080";
        break;
    case ENDPOINT_NOT_V6:
        format = "'%s': what stands in the brackets is not an IPv6 address (a scope is a number, as in "
                 "[fe80::1%%3]:8080)";
        break;
    case ENDPOINT_NOT_V4:
        format =
            "'%s' does not hold an IPv4 address, which is four numbers from 0 to 255, such as 192.0.2.10";
        break;
    case ENDPOINT_NAME_LONG:
        format = "'%s': a host name has at most 253 characters, and 63 between two dots";
        break;
    case ENDPOINT_NAME_WRONG:
        format = "'%s' does not hold a host name, which has letters, digits, hyphens, underscores and dots";
        break;
    }
    snprintf(advice, advice_bytes, format, text);
    return advice;
}
