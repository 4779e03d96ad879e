/*
 * rates: what happened between two looks at a server, as one line of `fairlead stats --watch`. Pure; any thread.
 */
#ifndef FAIRLEAD_STATS_RATES_H
#define FAIRLEAD_STATS_RATES_H

#include "stats/stats_summary.h"

#include <stddef.h>

/* The heads of the columns. */
const char *rates_title(void);

/* The line, cut where it does not fit. Counts are per second by the server's own clock; a dash stands for each when there is nothing
 * to compare with: `before` is of another process, or no time has passed. Returns `line`. */
const char *rates_format(const struct stats_summary *before, const struct stats_summary *now, char *line,
                         size_t line_bytes);

#endif
