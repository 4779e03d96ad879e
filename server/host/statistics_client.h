/*
 * statistics_client: asks a running fairlead for its statistics, and for a reload, over HTTP.
 *
 * Through WinHTTP, without a proxy and with deadlines, at the statistics address of its configuration and with that one's token. An
 * endpoint that listens on every address is asked at the loopback address. Main thread; nothing is printed.
 */
#ifndef FAIRLEAD_HOST_STATISTICS_CLIENT_H
#define FAIRLEAD_HOST_STATISTICS_CLIENT_H

#include "config/config.h"
#include "stats/stats_summary.h"

#include <stddef.h>

enum statistics_status {
    STATISTICS_OK,
    STATISTICS_OFF,     /* listen=off, or a port that the system chose and nobody knows */
    STATISTICS_SILENT,  /* nobody listens there, or does not answer in time */
    STATISTICS_REFUSED, /* the token is missing or wrong, or the host's name is not one that it answers to */
    STATISTICS_FOREIGN  /* what answers there is no fairlead */
};

/* `why` gets a sentence when the answer is not STATISTICS_OK. */
enum statistics_status statistics_fetch(const struct config *config, struct stats_summary *summary, char *why,
                                        size_t why_bytes);

/* The same with the JSON as it came, to be freed with memory_free; NULL unless the answer is STATISTICS_OK. `file` is what messages call
 * the configuration that `stats` is from; NULL: somebody gave the address, and the token by the environment. */
enum statistics_status statistics_read(const struct config_stats *stats, const char *file, char **json,
                                       size_t *bytes, struct stats_summary *summary, char *why,
                                       size_t why_bytes);

/* POST /reload; answers when the reload is over. */
enum statistics_status statistics_reload(const struct config *config, struct stats_reload_answer *answer,
                                         char *why, size_t why_bytes);

#endif
