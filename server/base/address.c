#include "base/address.h"

#include "base/check.h"

#include <string.h>

enum { V6_GROUPS = 8, V6_GROUP_DIGITS = 4 };

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* --- reading: each reader moves `text` past what it took --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A decimal number up to `max` without leading zeros, which some readers take for octal. */
static bool read_decimal(const char **text, uint32_t max, uint32_t *value)
{
    const char *at = *text;
    uint64_t sum = 0;

    if (!is_digit(*at) || (*at == '0' && is_digit(at[1])))
        return false;
    for (; is_digit(*at); at++) {
        sum = sum * 10 + (uint64_t)(*at - '0');
        if (sum > max)
            return false;
    }
    *value = (uint32_t)sum;
    *text = at;
    return true;
}

static bool read_v4(const char **text, uint8_t bytes[4])
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t value;
        if (i > 0 && *(*text)++ != '.')
            return false;
        if (!read_decimal(text, 255, &value))
            return false;
        bytes[i] = (uint8_t)value;
    }
    return true;
}

/* One to four hexadecimal digits. */
static bool read_group(const char **text, uint8_t bytes[2])
{
    const char *at = *text;
    unsigned value = 0;

    while (hex_value(*at) >= 0) {
        if (at - *text == V6_GROUP_DIGITS)
            return false;
        value = value << 4 | (unsigned)hex_value(*at++);
    }
    if (at == *text)
        return false;
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)(value & 0xff);
    *text = at;
    return true;
}

/* What is being read of an IPv6 address: `groups` so far, and how many of them stood before "::" (-1: no
 * such). */
struct v6_reading {
    uint8_t bytes[16];
    int groups;
    int gap;
};

/* The dotted form may stand for the last two groups. */
static bool at_v4(const char *text)
{
    while (is_digit(*text))
        text++;
    return *text == '.';
}

static bool read_v6_groups(const char **text, struct v6_reading *reading)
{
    const char *at = *text;

    if (at[0] == ':' && at[1] == ':') {
        reading->gap = 0;
        at += 2;
        if (hex_value(*at) < 0) {
            *text = at;
            return true;
        }
    }
    for (;;) {
        if (at_v4(at)) {
            if (reading->groups > V6_GROUPS - 2 || !read_v4(&at, &reading->bytes[reading->groups * 2]))
                return false;
            reading->groups += 2;
            break;
        }
        if (reading->groups == V6_GROUPS || !read_group(&at, &reading->bytes[reading->groups * 2]))
            return false;
        reading->groups++;
        if (*at != ':')
            break;
        at++;
        if (*at == ':') {
            if (reading->gap >= 0)
                return false;
            reading->gap = reading->groups;
            at++;
            if (hex_value(*at) < 0)
                break;
        }
    }
    *text = at;
    return true;
}

static bool read_v6(const char **text, uint8_t bytes[16])
{
    struct v6_reading reading = {{0}, 0, -1};

    if (!read_v6_groups(text, &reading))
        return false;
    if (reading.gap < 0) {
        memcpy(bytes, reading.bytes, 16);
        return reading.groups == V6_GROUPS;
    }
    /* "::" stands for at least one group. */
    if (reading.groups == V6_GROUPS)
        return false;
    size_t before = (size_t)reading.gap * 2;
    size_t after = (size_t)(reading.groups - reading.gap) * 2;
    memset(bytes, 0, 16);
    memcpy(bytes, reading.bytes, before);
    memcpy(bytes + 16 - after, reading.bytes + before, after);
    return true;
}

bool address_parse_host(const char *text, struct address *address)
{
    struct address result = {0};

    if (strchr(text, ':') == NULL) {
        result.family = ADDRESS_V4;
        if (!read_v4(&text, result.bytes))
            return false;
    } else {
        result.family = ADDRESS_V6;
        if (!read_v6(&text, result.bytes))
            return false;
        if (*text == '%') {
            text++;
            if (!read_decimal(&text, UINT32_MAX, &result.scope))
                return false;
        }
    }
    if (*text != '\0')
        return false;
    *address = result;
    return true;
}

/* --- writing --- */

/* Large enough for every address; what does not fit the caller's text is cut when it is copied there. */
struct writer {
    char text[ADDRESS_TEXT_BYTES];
    size_t length;
};

static void write_char(struct writer *writer, char c)
{
    CHECK(writer->length < sizeof writer->text - 1);
    writer->text[writer->length++] = c;
    writer->text[writer->length] = '\0';
}

static void write_text(struct writer *writer, const char *text)
{
    while (*text != '\0')
        write_char(writer, *text++);
}

static void write_number(struct writer *writer, uint32_t value, uint32_t base)
{
    char digits[10];
    unsigned count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0)
        write_char(writer, digits[--count]);
}

static void write_v4(struct writer *writer, const uint8_t bytes[4])
{
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0)
            write_char(writer, '.');
        write_number(writer, bytes[i], 10);
    }
}

static unsigned group_at(const uint8_t bytes[16], unsigned index)
{
    return (unsigned)bytes[index * 2] << 8 | bytes[index * 2 + 1];
}

/* The longest run of zero groups, the first of several; one group alone is not a run (RFC 5952 section 4.2).
 * */
static unsigned find_zero_run(const uint8_t bytes[16], unsigned *run_groups)
{
    unsigned best = 0;
    unsigned best_groups = 1;

    for (unsigned start = 0; start < V6_GROUPS; start++) {
        unsigned end = start;
        while (end < V6_GROUPS && group_at(bytes, end) == 0)
            end++;
        if (end - start > best_groups) {
            best = start;
            best_groups = end - start;
        }
    }
    *run_groups = best_groups > 1 ? best_groups : 0;
    return best;
}

static void write_v6(struct writer *writer, const uint8_t bytes[16])
{
    if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
        write_text(writer, "::ffff:");
        write_v4(writer, bytes + 12);
        return;
    }

    unsigned run_groups;
    unsigned run = find_zero_run(bytes, &run_groups);
    for (unsigned i = 0; i < V6_GROUPS; i++) {
        if (run_groups > 0 && i == run) {
            write_text(writer, "::");
            i += run_groups - 1;
            continue;
        }
        bool after_run = run_groups > 0 && i == run + run_groups;
        if (i > 0 && !after_run)
            write_char(writer, ':');
        write_number(writer, group_at(bytes, i), 16);
    }
}

static void write_host(struct writer *writer, const struct address *address)
{
    switch (address->family) {
    case ADDRESS_V4:
        write_v4(writer, address->bytes);
        break;
    case ADDRESS_V6:
        write_v6(writer, address->bytes);
        if (address->scope != 0) {
            write_char(writer, '%');
            write_number(writer, address->scope, 10);
        }
        break;
    default:
        write_char(writer, '-');
        break;
    }
}

static const char *copy_out(const struct writer *writer, char *text, size_t text_bytes)
{
    CHECK(text_bytes > 0);
    size_t length = writer->length < text_bytes ? writer->length : text_bytes - 1;
    memcpy(text, writer->text, length);
    text[length] = '\0';
    return text;
}

const char *address_format(const struct address *address, char *text, size_t text_bytes)
{
    struct writer writer = {{0}, 0};
    bool brackets = address->family == ADDRESS_V6;

    if (brackets)
        write_char(&writer, '[');
    write_host(&writer, address);
    if (brackets)
        write_char(&writer, ']');
    if (address->family == ADDRESS_V4 || address->family == ADDRESS_V6) {
        write_char(&writer, ':');
        write_number(&writer, address->port, 10);
    }
    return copy_out(&writer, text, text_bytes);
}

const char *address_format_host(const struct address *address, char *text, size_t text_bytes)
{
    struct writer writer = {{0}, 0};

    write_host(&writer, address);
    return copy_out(&writer, text, text_bytes);
}

/* --- asking --- */

void address_unmap(struct address *address)
{
    if (address->family != ADDRESS_V6 || memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) != 0)
        return;
    address->family = ADDRESS_V4;
    address->scope = 0;
    memmove(address->bytes, address->bytes + 12, 4);
    memset(address->bytes + 4, 0, 12);
}

bool address_equal_host(const struct address *a, const struct address *b)
{
    return a->family == b->family && a->scope == b->scope && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->port == b->port && address_equal_host(a, b);
}

bool address_is_loopback(const struct address *address)
{
    static const uint8_t one[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct address plain = *address;

    address_unmap(&plain);
    if (plain.family == ADDRESS_V4)
        return plain.bytes[0] == 127;
    return plain.family == ADDRESS_V6 && memcmp(plain.bytes, one, sizeof one) == 0;
}

bool address_is_any(const struct address *address)
{
    static const uint8_t zero[16] = {0};

    return (address->family == ADDRESS_V4 || address->family == ADDRESS_V6) &&
           memcmp(address->bytes, zero, sizeof zero) == 0;
}

/* The wildcard `any` takes `other` too. */
static bool takes(const struct address *any, const struct address *other)
{
    return address_is_any(any) && (any->family == other->family || any->family == ADDRESS_V6);
}

bool address_overlaps(const struct address *a, const struct address *b)
{
    return a->port == b->port && (address_equal_host(a, b) || takes(a, b) || takes(b, a));
}
