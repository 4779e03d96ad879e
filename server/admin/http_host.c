#include "admin/http_host.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* "", ":" and ":80" are well-formed. The number does not matter: a tunnel (ssh -L 9000:127.0.0.1:8404) has one of its own. */
static bool is_port(struct http_text text)
{
    int value = 0;

    if (text.size == 0)
        return true;
    if (text.bytes[0] != ':' || text.size > 6)
        return false;
    for (size_t i = 1; i < text.size; i++) {
        if (!is_digit(text.bytes[i]))
            return false;
        value = value * 10 + (text.bytes[i] - '0');
    }
    return value <= 65535;
}

static bool is_registered_name(struct http_text name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.bytes[i];
        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    return name.size > 0;
}

static bool parse_address(struct http_text text, struct address *address)
{
    char host[ADDRESS_TEXT_BYTES];

    if (text.size >= sizeof host)
        return false;
    memcpy(host, text.bytes, text.size);
    host[text.size] = '\0';
    if (!address_parse_host(host, address))
        return false;
    address_unmap(address);
    address->scope = 0; /* browsers leave it out */
    return true;
}

static bool is_own_address(const struct address *address, const struct address *local)
{
    static const uint8_t loopback_v4[] = {127, 0, 0, 1};
    struct address own = *local;

    if (address_is_any(local))
        return true;
    if (address->family == ADDRESS_V4 && memcmp(address->bytes, loopback_v4, sizeof loopback_v4) == 0)
        return true;
    if (address->family == ADDRESS_V6 && address_is_loopback(address))
        return true;
    address_unmap(&own);
    own.scope = 0;
    return address_equal_host(address, &own);
}

/* Splits HOST:PORT; the brackets of an IPv6 address stay with the host. */
static void split(struct http_text authority, struct http_text *host, struct http_text *port)
{
    size_t end = 0;

    if (authority.size > 0 && authority.bytes[0] == '[') {
        while (end < authority.size && authority.bytes[end] != ']')
            end++;
        end += end < authority.size ? 1 : 0;
    } else {
        while (end < authority.size && authority.bytes[end] != ':')
            end++;
    }
    host->bytes = authority.bytes;
    host->size = end;
    port->bytes = authority.size > 0 ? authority.bytes + end : NULL;
    port->size = authority.size - end;
}

enum http_host_verdict http_host_check(struct http_text authority, const struct address *local)
{
    struct http_text host;
    struct http_text port_text;
    struct address address;
    bool ours;

    split(authority, &host, &port_text);
    if (host.size == 0 || !is_port(port_text))
        return HTTP_HOST_MALFORMED;
    if (host.bytes[0] == '[') {
        struct http_text inner = {host.bytes + 1, host.size - 2};
        if (host.size < 2 || host.bytes[host.size - 1] != ']' || !parse_address(inner, &address) ||
            memchr(inner.bytes, ':', inner.size) == NULL)
            return HTTP_HOST_MALFORMED;
        ours = is_own_address(&address, local);
    } else if (!is_registered_name(host)) {
        return HTTP_HOST_MALFORMED;
    } else {
        ours = http_text_equal_nocase(host, "localhost") ||
               (parse_address(host, &address) && is_own_address(&address, local));
    }
    return ours ? HTTP_HOST_OURS : HTTP_HOST_FOREIGN;
}

bool http_origin_is_own(struct http_text origin, struct http_text authority)
{
    static const char scheme[] = "http://";
    struct http_text start = {origin.bytes, sizeof scheme - 1};

    if (authority.size == 0 || origin.size != start.size + authority.size ||
        !http_text_equal_nocase(start, scheme))
        return false;
    for (size_t i = 0; i < authority.size; i++) {
        if (lower(origin.bytes[start.size + i]) != lower(authority.bytes[i]))
            return false;
    }
    return true;
}
