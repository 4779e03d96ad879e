#include "report.h"

#include "base/limits.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The text grows by this much, several lines at a time. */
enum { REPORT_STEP_BYTES = 2048 };

static bool report_append(struct report *report, const char *line, size_t bytes)
{
    if (report->length + bytes + 2 > report->capacity) {
        size_t capacity = report->length + bytes + REPORT_STEP_BYTES;
        char *grown = memory_resize(report->text, capacity);
        if (grown == NULL)
            return false;
        report->text = grown;
        report->capacity = capacity;
    }
    memcpy(report->text + report->length, line, bytes);
    report->length += bytes;
    report->text[report->length++] = '\n';
    report->text[report->length] = '\0';
    report->lines++;
    return true;
}

/* How much of a line that was cut ends with a whole character: half a one is no UTF-8, and the log would show its bytes. */
static size_t whole_characters(const char line[REPORT_LINE_BYTES])
{
    size_t bytes = REPORT_LINE_BYTES - 1;
    size_t start = bytes;

    while (start > 0 && ((unsigned char)line[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)line[start - 1] < 0xC0)
        return bytes;
    /* The last character begins at start - 1, and its first byte says how long it is. */
    unsigned char first = (unsigned char)line[start - 1];
    size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    return start - 1 + length <= bytes ? bytes : start - 1;
}

void report_line(struct report *report, const char *format, ...)
{
    char line[REPORT_LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t bytes = length < 0 ? 0 : (size_t)length < sizeof line ? (size_t)length : whole_characters(line);
    if (report->lines >= REPORT_LINES_MAX || !report_append(report, line, bytes))
        report->lost++;
}

void report_add_text(struct report *report, const char *text)
{
    char line[REPORT_LINE_BYTES];

    while (report_next_line(&text, line))
        report_line(report, "%s", line);
}

const char *report_text(struct report *report)
{
    if (report->lost == 0)
        return report->text == NULL ? "\n" : report->text;
    int length = snprintf(report->last, sizeof report->last, "... and %u more lines", report->lost);
    report->lost = 0;
    if (length > 0 && report_append(report, report->last, (size_t)length))
        return report->text;
    if (report->text != NULL)
        return report->text;
    snprintf(report->last, sizeof report->last, "there is no memory to say more\n");
    return report->last;
}

void report_free(struct report *report)
{
    memory_free(report->text);
    memset(report, 0, sizeof *report);
}

bool report_next_line(const char **text, char line[REPORT_LINE_BYTES])
{
    const char *end = strchr(*text, '\n');
    size_t bytes = end == NULL ? strlen(*text) : (size_t)(end - *text);

    if (**text == '\0')
        return false;
    snprintf(line, REPORT_LINE_BYTES, "%.*s", bytes < REPORT_LINE_BYTES ? (int)bytes : REPORT_LINE_BYTES,
             *text);
    *text += end == NULL ? bytes : bytes + 1;
    return true;
}
