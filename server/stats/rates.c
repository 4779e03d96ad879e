#include "stats/rates.h"

#include "stats/amount.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CELL_BYTES = AMOUNT_TEXT_BYTES };

const char *rates_title(void)
{
    return "sessions      new/s  refused/s   errors/s          in/s         out/s  state";
}

/* One that fell would be another process's with the same number. */
static double per_second(uint64_t before, uint64_t now, double seconds)
{
    return now < before ? 0 : (double)(now - before) / seconds;
}

static const char *count_cell(uint64_t before, uint64_t now, double seconds, char cell[CELL_BYTES])
{
    if (seconds > 0)
        snprintf(cell, CELL_BYTES, "%.1f", per_second(before, now, seconds));
    else
        snprintf(cell, CELL_BYTES, "-");
    return cell;
}

static const char *bytes_cell(uint64_t before, uint64_t now, double seconds, char cell[CELL_BYTES])
{
    if (seconds > 0)
        return amount_format_bytes((uint64_t)per_second(before, now, seconds), cell);
    snprintf(cell, CELL_BYTES, "-");
    return cell;
}

const char *rates_format(const struct stats_summary *before, const struct stats_summary *now, char *line,
                         size_t line_bytes)
{
    char began[CELL_BYTES];
    char refused[CELL_BYTES];
    char errors[CELL_BYTES];
    char in[CELL_BYTES];
    char out[CELL_BYTES];
    bool comparable = before->pid == now->pid && now->uptime_seconds > before->uptime_seconds;
    double seconds = comparable ? now->uptime_seconds - before->uptime_seconds : 0;

    snprintf(line, line_bytes, "%8" PRIu64 " %10s %10s %10s %13s %13s  %s", now->sessions_active,
             count_cell(before->sessions_total, now->sessions_total, seconds, began),
             count_cell(before->refused, now->refused, seconds, refused),
             count_cell(before->errors, now->errors, seconds, errors),
             bytes_cell(before->bytes_in, now->bytes_in, seconds, in),
             bytes_cell(before->bytes_out, now->bytes_out, seconds, out), now->state);
    return line;
}
