/*
 * config: server.ini as one validated, immutable value.
 *
 * config_load reads and checks the file and answers either a complete struct config or every error in it, never both
 * (SEMANTICS C1). The value owns all its strings and arrays; it is never changed after loading, so any thread may
 * read it, and config_free ends it. Names are unique without regard to case. Durations are in milliseconds, sizes in
 * bytes; 0 in a limit or duration that says so means "none".
 *
 * Every default stands beside its field. docs/configuration.md describes the keys for people.
 */
#ifndef FAIRLEAD_CONFIG_CONFIG_H
#define FAIRLEAD_CONFIG_CONFIG_H

#include "base/address.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where to listen or connect, as written: a literal address or a host name that is resolved at start. */
struct config_endpoint {
    const char *text;       /* "localhost:8080", as in the file */
    const char *host;       /* without brackets and port */
    uint16_t port;          /* listen: 0 lets the system choose */
    bool is_literal;        /* `address` is valid */
    struct address address; /* with the port */
    unsigned line;          /* in the file */
};

struct config_server {
    uint32_t workers;          /* default auto = 0: one per processor */
    uint32_t sessions_max;     /* max_sessions, default 100000 */
    uint32_t buffer_bytes;     /* buffer_size, default 16k; 1k to 1M */
    uint32_t drain_timeout_ms; /* default 30s; 0s ends sessions at once */
    const char *log_file;      /* default empty = NULL: standard error. Relative to the folder of the file */
    enum log_level log_level;  /* default info */
    uint32_t
        log_rotate_bytes; /* log_rotate_size, default 10M; 64k to 1G; off = 0: never. The session log too */
    uint32_t log_rotate_keep; /* default 8; 1 to 100 older files */
    const char *session_log;  /* default off = NULL. Relative to the folder of the file */
};

struct config_stats {
    bool enabled; /* [stats] is optional; without it there is an endpoint on the default address */
    struct config_endpoint listen; /* default 127.0.0.1:8404; `listen=off` disables */
    const char *token;             /* default empty = NULL; required to listen on anything but loopback */
};

enum config_mode { CONFIG_MODE_ECHO, CONFIG_MODE_PROXY };

struct config_listener {
    const char *name;
    struct config_endpoint *endpoints; /* listen, at least one */
    size_t endpoints_count;
    enum config_mode mode;          /* required */
    size_t upstream_index;          /* mode=proxy: into config.upstreams */
    uint32_t sessions_max;          /* max_sessions, default 0 = only the server's */
    uint32_t sessions_per_ip_max;   /* max_sessions_per_ip, default 0 = none */
    uint32_t idle_timeout_ms;       /* default 10m; 0 = none */
    uint32_t half_close_timeout_ms; /* default 30s; 0 = none: only the idle timeout counts */
    uint32_t lifetime_max_ms;       /* max_lifetime, default 0 = none */
    unsigned line;                  /* of the section */
};

struct config_upstream_server {
    const char *name;
    struct config_endpoint endpoint;
    uint32_t sessions_max; /* max_sessions=N, default 0 = none */
};

struct config_upstream {
    const char *name;
    struct config_upstream_server *servers; /* in this version exactly one */
    size_t servers_count;
    uint32_t connect_timeout_ms;  /* default 5s */
    uint32_t retries;             /* default 3: further attempts after a failed one */
    uint32_t resolve_interval_ms; /* default 30s; 0 = only at start */
    unsigned line;
};

struct config {
    const char *file; /* as given */
    struct config_server server;
    struct config_stats stats;
    struct config_listener *listeners;
    size_t listeners_count;
    struct config_upstream *upstreams;
    size_t upstreams_count;
    struct config_arena *arena; /* owns everything above */
};

struct config_error {
    unsigned line; /* 0: the file as a whole */
    char text[256];
};

/* All errors in the order of their lines. */
struct config_errors {
    struct config_error *items;
    size_t count;
    size_t capacity;
    size_t lost; /* errors that no memory was left for */
};

/* The configuration, or NULL with at least one error. `errors` starts zeroed; the caller frees it in either case. */
struct config *config_load(const char *path, struct config_errors *errors);

/* The same from memory (tests, fuzzing, a configuration that came another way); `name` stands for the path. */
struct config *config_parse(const char *name, const void *data, size_t bytes, struct config_errors *errors);

void config_free(struct config *config);
void config_errors_free(struct config_errors *errors);

#endif
