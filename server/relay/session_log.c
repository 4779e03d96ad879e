#include "relay/session_log.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/wallclock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a name may take of a line, escaped: with two of them and the longest of everything else a line still fits. No name in a
 * configuration comes near it. */
enum { NAME_BYTES_MAX = 100, ESCAPE_BYTES = 4 };

static struct line_slot slots[SESSION_LOG_QUEUE_LINES];
static struct line_queue queue = LINE_QUEUE(slots);
static uint32_t turned_on; /* atomic */

void session_log_turn(bool on)
{
    atomic_store_u32(&turned_on, on ? 1 : 0);
}

bool session_log_is_on(void)
{
    return atomic_load_u32(&turned_on) != 0;
}

/* --- the line --- */

struct line {
    char *text; /* LINE_BYTES */
    size_t length;
};

PRINTF_LIKE(2, 3) static void append(struct line *line, PRINTF_FORMAT const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line->text + line->length, LINE_BYTES - line->length, format, arguments);
    va_end(arguments);
    CHECK(length >= 0 && (size_t)length < LINE_BYTES - line->length);
    line->length += (size_t)length;
}

static void append_name(struct line *line, const char *key, const char *name)
{
    append(line, " %s=", key);
    size_t end = line->length + NAME_BYTES_MAX - ESCAPE_BYTES;
    for (const char *at = name; *at != '\0' && line->length <= end; at++) {
        bool plain = *at > ' ' && *at < 0x7f && strchr("=\"'\\", *at) == NULL;
        append(line, plain ? "%c" : "\\x%02x", (unsigned char)*at);
    }
}

static void append_address(struct line *line, const char *key, const struct address *address)
{
    char text[ADDRESS_TEXT_BYTES];

    append(line, " %s=%s", key, address_format(address, text, sizeof text));
}

size_t session_log_format(const struct session_record *record, uint64_t time_ms, char text[LINE_BYTES])
{
    char time_text[WALLCLOCK_TEXT_BYTES];
    struct line line = {text, 0};

    append(&line, "%s", wallclock_format(time_ms, time_text));
    append_name(&line, "listener", record->listener);
    append_address(&line, "client", &record->client);
    if (record->server != NULL)
        append_name(&line, "server", record->server);
    if (record->server != NULL && record->server_address.family != ADDRESS_NONE)
        append_address(&line, "server_address", &record->server_address);
    append(&line, " in=%" PRIu64 " out=%" PRIu64 " duration=%" PRIu64 ".%03u reason=%s\n", record->in_bytes,
           record->out_bytes, record->duration_us / 1000000, (unsigned)(record->duration_us / 1000 % 1000),
           record->reason);
    return line.length;
}

void session_log_write(const struct session_record *record)
{
    char line[LINE_BYTES];

    line_queue_put(&queue, line, session_log_format(record, wallclock_now_ms(), line), 0);
}

/* --- the sink's side --- */

void session_log_set_wake(line_queue_waker *wake)
{
    line_queue_set_wake(&queue, wake);
}

void session_log_add_lost(uint64_t lines)
{
    line_queue_add_lost(&queue, lines);
}

static size_t format_lost(uint64_t count, char text[LINE_BYTES])
{
    char time_text[WALLCLOCK_TEXT_BYTES];
    struct line line = {text, 0};

    append(&line, "%s lost=%" PRIu64 "\n", wallclock_format(wallclock_now_ms(), time_text), count);
    return line.length;
}

size_t session_log_take(char line[LINE_BYTES], uint32_t *tag)
{
    uint64_t lost = line_queue_take_lost(&queue);

    *tag = 0;
    if (lost == 0) {
        size_t length = line_queue_take(&queue, line, tag);
        if (length > 0)
            return length;
        /* What was lost since the first look would else wait for the next line. */
        lost = line_queue_take_lost(&queue);
    }
    return lost == 0 ? 0 : format_lost(lost, line);
}
