#include "base/log.h"

#include "base/atomic.h"
#include "base/limits.h"
#include "base/wallclock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct line_slot slots[LOG_QUEUE_LINES];
static struct line_queue queue = LINE_QUEUE(slots);

static uint32_t max_level = LOG_INFO; /* atomic */

static const char *const level_texts[] = {"error", "warn", "info", "debug"};

/* --- levels --- */

void log_set_level(enum log_level level)
{
    atomic_store_u32(&max_level, (uint32_t)level);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load_u32(&max_level);
}

bool log_level_from_text(const char *text, enum log_level *level)
{
    for (unsigned i = 0; i < sizeof level_texts / sizeof level_texts[0]; i++) {
        if (strcmp(text, level_texts[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_text(enum log_level level)
{
    return level_texts[level];
}

/* --- escaping --- */

/* The code point at the start of the text and its length, or length 0: not valid UTF-8 there. */
static size_t decode(const unsigned char *text, size_t bytes, uint32_t *code_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length: what is less is overlong */
    size_t length;

    if (text[0] < 0x80) {
        *code_point = text[0];
        return 1;
    }
    if (text[0] >= 0xc2 && text[0] <= 0xdf)
        length = 2;
    else if (text[0] >= 0xe0 && text[0] <= 0xef)
        length = 3;
    else if (text[0] >= 0xf0 && text[0] <= 0xf4)
        length = 4;
    else
        return 0;
    if (length > bytes)
        return 0;
    uint32_t value = text[0] & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3fU);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code_point = value;
    return length;
}

/* Characters that a terminal or an editor obeys instead of showing them. */
static bool is_obeyed(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* Writes up to `room` bytes and never a part of a character or an escape. `*whole` tells whether everything
 * fitted. */
static size_t escape(const char *text, size_t text_bytes, bool doubled, char *out, size_t room, bool *whole)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + text_bytes;
    size_t written = 0;

    *whole = false;
    while (at < end) {
        uint32_t code_point = 0;
        size_t length = decode(at, (size_t)(end - at), &code_point);
        bool plain = length > 0 && !is_obeyed(code_point);
        bool twice = doubled && code_point == '\\';
        size_t count = length > 0 ? length : 1;
        size_t needed = plain ? count + (twice ? 1 : 0) : 4 * count;
        if (needed > room - written)
            return written;
        for (size_t i = 0; i < count; i++, at++) {
            if (!plain) {
                memcpy(&out[written], "\\x", 2);
                out[written + 2] = digits[*at >> 4];
                out[written + 3] = digits[*at & 0xf];
                written += 4;
                continue;
            }
            out[written++] = (char)*at;
            if (twice)
                out[written++] = '\\';
        }
    }
    *whole = true;
    return written;
}

size_t log_escape(const char *text, size_t text_bytes, char *out, size_t out_bytes)
{
    bool whole;
    size_t length = escape(text, text_bytes, true, out, out_bytes - 1, &whole);
    out[length] = '\0';
    return length;
}

/* The line as it is written: time, level, text. Answers its length. */
static size_t compose(char line[LOG_LINE_BYTES], enum log_level level, const char *text, size_t text_bytes)
{
    static const char cut[] = {'.', '.', '.'};
    char time_text[WALLCLOCK_TEXT_BYTES];
    bool whole;

    int prefix = snprintf(line, LOG_LINE_BYTES, "%s %-5s ", wallclock_format(wallclock_now_ms(), time_text),
                          level_texts[level]);
    size_t length = (size_t)prefix;
    size_t room = LOG_LINE_BYTES - length - 1;
    size_t written = escape(text, text_bytes, false, &line[length], room, &whole);
    if (!whole) {
        written = escape(text, text_bytes, false, &line[length], room - sizeof cut, &whole);
        memcpy(&line[length + written], cut, sizeof cut);
        written += sizeof cut;
    }
    length += written;
    line[length++] = '\n';
    return length;
}

/* --- the sink's side --- */

/* A tag: the event, the level, and whether the level hides the line from the file. */
enum { TAG_LEVEL_SHIFT = 16, TAG_HIDDEN = 1 << 24 };

static uint32_t make_tag(enum event event, enum log_level level, bool hidden)
{
    return (uint32_t)event | (uint32_t)level << TAG_LEVEL_SHIFT | (hidden ? TAG_HIDDEN : 0U);
}

enum event log_tag_event(uint32_t tag)
{
    return (enum event)(tag & 0xffff);
}

enum log_level log_tag_level(uint32_t tag)
{
    return (enum log_level)(tag >> TAG_LEVEL_SHIFT & 0xff);
}

bool log_tag_is_hidden(uint32_t tag)
{
    return (tag & TAG_HIDDEN) != 0;
}

void log_set_wake(line_queue_waker *wake)
{
    line_queue_set_wake(&queue, wake);
}

/* Says how many lines were lost, where the first of them would have stood. */
static size_t take_lost(char line[LOG_LINE_BYTES], uint32_t *tag)
{
    uint64_t count = line_queue_take_lost(&queue);
    if (count == 0)
        return 0;
    char text[64];
    int length =
        snprintf(text, sizeof text, "%" PRIu64 " log line%s lost", count, count == 1 ? " was" : "s were");
    *tag = make_tag(EVENT_NONE, LOG_WARN, false);
    return compose(line, LOG_WARN, text, (size_t)length);
}

size_t log_take(char line[LOG_LINE_BYTES], uint32_t *tag)
{
    size_t length = take_lost(line, tag);
    if (length > 0)
        return length;
    length = line_queue_take(&queue, line, tag);
    /* What was lost since the first look would else wait for the next line. */
    return length > 0 ? length : take_lost(line, tag);
}

void log_add_lost(uint64_t lines)
{
    line_queue_add_lost(&queue, lines);
}

/* --- writing --- */

static void write_line(uint32_t tag, const char *format, va_list arguments)
{
    char text[LOG_LINE_BYTES];
    char line[LOG_LINE_BYTES];

    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0)
        length = snprintf(text, sizeof text, "(a log line could not be formatted)");
    /* What is cut here is longer than a line has room for, so compose marks it as cut. */
    size_t kept = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    line_queue_put(&queue, line, compose(line, log_tag_level(tag), text, kept), tag);
}

void log_write(enum log_level level, PRINTF_FORMAT const char *format, ...)
{
    va_list arguments;

    if ((uint32_t)level > atomic_load_u32(&max_level))
        return;
    va_start(arguments, format);
    write_line(make_tag(EVENT_NONE, level, false), format, arguments);
    va_end(arguments);
}

void log_event(enum event event, enum log_level level, PRINTF_FORMAT const char *format, ...)
{
    va_list arguments;

    bool hidden = (uint32_t)level > atomic_load_u32(&max_level);
    va_start(arguments, format);
    write_line(make_tag(event, level, hidden), format, arguments);
    va_end(arguments);
}

bool log_allowed(struct log_limit *limit, uint64_t now_us, uint64_t *suppressed)
{
    uint64_t next_us = atomic_load_u64(&limit->next_us);
    if (now_us < next_us || !atomic_cas_u64(&limit->next_us, next_us, now_us + LOG_INTERVAL_US)) {
        atomic_fetch_add_u64(&limit->suppressed, 1);
        return false;
    }
    *suppressed = atomic_load_u64(&limit->suppressed);
    atomic_fetch_add_u64(&limit->suppressed, 0 - *suppressed);
    return true;
}
