/*
 * report: lines for people that are collected before it is clear who wants them: the log, whoever asked for a reload, the statistics.
 *
 * Each line ends in a line feed. There are at most REPORT_LINES_MAX; what is beyond, or found no memory, is counted and said at the end.
 * An empty report is all zero. One thread at a time.
 */
#ifndef FAIRLEAD_REPORT_H
#define FAIRLEAD_REPORT_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report {
    char *text; /* NUL-terminated; NULL while empty */
    size_t length;
    size_t capacity;
    uint32_t lines;
    uint32_t lost;
    char last[64]; /* the line about lost ones, where there is no memory for a text */
};

enum { REPORT_LINE_BYTES = 480 };

/* One line, without its line feed; cut to REPORT_LINE_BYTES. */
PRINTF_LIKE(2, 3) void report_line(struct report *report, PRINTF_FORMAT const char *format, ...);

/* Every line of a text. */
void report_add_text(struct report *report, const char *text);

/* All lines, never empty and never NULL; the last thing asked before report_free. */
const char *report_text(struct report *report);

void report_free(struct report *report); /* empty again */

/* The line that `*text` begins with, without its line feed, into `line`; `*text` goes on to the next. False: there is none. */
bool report_next_line(const char **text, char line[REPORT_LINE_BYTES]);

#endif
