#include "config/config_keys.h"

#include "base/check.h"
#include "base/limits.h"
#include "config/config_values.h"
#include "config/text.h"

/* The field a value goes to, and the range of a number; without them for setters that know both themselves. */
#define FIELD(type, name) offsetof(struct type, name)
#define ANY 0, 0
#define DURATION(least) (least), CONFIG_DURATION_MS_MAX
#define LATER NULL, 0, ANY

const struct config_key config_keys[] = {
    {CONFIG_SERVER, CONFIG_ONCE, "workers", "auto", config_set_workers, FIELD(config_server, workers), 1,
     WORKERS_MAX},
    {CONFIG_SERVER, CONFIG_ONCE, "max_sessions", "100000", config_set_number,
     FIELD(config_server, sessions_max), 1, CONFIG_SESSIONS_MAX},
    {CONFIG_SERVER, CONFIG_ONCE, "buffer_size", "16k", config_set_size, FIELD(config_server, buffer_bytes),
     CONFIG_BUFFER_BYTES_MIN, CONFIG_BUFFER_BYTES_MAX},
    {CONFIG_SERVER, CONFIG_ONCE, "drain_timeout", "30s", config_set_duration,
     FIELD(config_server, drain_timeout_ms), DURATION(0)},
    {CONFIG_SERVER, CONFIG_FREE_TEXT, "log_file", "", config_set_log_file, FIELD(config_server, log_file),
     ANY},
    {CONFIG_SERVER, CONFIG_ONCE, "log_level", "info", config_set_log_level, FIELD(config_server, log_level),
     ANY},
    {CONFIG_SERVER, CONFIG_ONCE, "log_rotate_size", "10M", config_set_rotate_size,
     FIELD(config_server, log_rotate_bytes), CONFIG_ROTATE_BYTES_MIN, CONFIG_ROTATE_BYTES_MAX},
    {CONFIG_SERVER, CONFIG_ONCE, "log_rotate_keep", "8", config_set_number,
     FIELD(config_server, log_rotate_keep), 1, CONFIG_ROTATE_KEEP_MAX},
    {CONFIG_SERVER, CONFIG_FREE_TEXT, "session_log", "off", config_set_session_log,
     FIELD(config_server, session_log), ANY},

    {CONFIG_STATS, CONFIG_ONCE, "listen", "127.0.0.1:8404", config_set_stats_listen, 0, ANY},
    {CONFIG_STATS, CONFIG_FREE_TEXT, "token", "", config_set_token, FIELD(config_stats, token), ANY},

    {CONFIG_LISTENER, CONFIG_REPEATABLE, "listen", NULL, config_set_listen, 0, ANY},
    {CONFIG_LISTENER, CONFIG_ONCE, "protocol", "tcp", config_set_protocol, 0, ANY},
    {CONFIG_LISTENER, CONFIG_ONCE, "mode", NULL, config_set_mode, FIELD(config_listener, mode), ANY},
    {CONFIG_LISTENER, CONFIG_ONCE, "upstream", NULL, config_set_upstream, 0, ANY},
    {CONFIG_LISTENER, CONFIG_ONCE, "max_sessions", "", config_set_number,
     FIELD(config_listener, sessions_max), 0, CONFIG_SESSIONS_MAX},
    {CONFIG_LISTENER, CONFIG_ONCE, "max_sessions_per_ip", "", config_set_number,
     FIELD(config_listener, sessions_per_ip_max), 0, CONFIG_SESSIONS_MAX},
    {CONFIG_LISTENER, CONFIG_ONCE, "idle_timeout", "10m", config_set_duration,
     FIELD(config_listener, idle_timeout_ms), DURATION(0)},
    {CONFIG_LISTENER, CONFIG_ONCE, "half_close_timeout", "30s", config_set_duration,
     FIELD(config_listener, half_close_timeout_ms), DURATION(0)},
    {CONFIG_LISTENER, CONFIG_ONCE, "max_lifetime", "", config_set_duration,
     FIELD(config_listener, lifetime_max_ms), DURATION(0)},
    {CONFIG_LISTENER, CONFIG_ONCE, "accept_rate", "", LATER},
    {CONFIG_LISTENER, CONFIG_ONCE, "allow", "", LATER},
    {CONFIG_LISTENER, CONFIG_ONCE, "deny", "", LATER},
    {CONFIG_LISTENER, CONFIG_ONCE, "proxy_protocol", "off", LATER},
    {CONFIG_LISTENER, CONFIG_ONCE, "proxy_protocol_from", "", LATER},
    {CONFIG_LISTENER, CONFIG_ONCE, "proxy_protocol_timeout", "5s", LATER},

    {CONFIG_UPSTREAM, CONFIG_REPEATABLE, "server", NULL, config_set_server, 0, ANY},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "connect_timeout", "5s", config_set_duration,
     FIELD(config_upstream, connect_timeout_ms), DURATION(1)},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "retries", "3", config_set_number, FIELD(config_upstream, retries), 0,
     CONFIG_RETRIES_MAX},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "resolve_interval", "30s", config_set_duration,
     FIELD(config_upstream, resolve_interval_ms), DURATION(0)},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "balance", "roundrobin", LATER},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "queue_timeout", "", LATER},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "send_proxy", "off", LATER},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "check", "off", LATER},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "check_interval", "2s", LATER},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "check_timeout", "", LATER},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "rise", "2", LATER},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "fall", "3", LATER},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "max_fails", "", LATER},
    {CONFIG_UPSTREAM, CONFIG_ONCE, "fail_timeout", "10s", LATER},
};

const size_t config_keys_count = sizeof(config_keys) / sizeof(config_keys[0]);

_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX,
               "every key needs its place in struct config_section");

const char *config_scope_text(enum config_scope scope)
{
    static const char *const texts[CONFIG_SCOPES] = {"server", "stats", "listener", "upstream"};

    return texts[scope];
}

bool config_scope_is_named(enum config_scope scope)
{
    return scope == CONFIG_LISTENER || scope == CONFIG_UPSTREAM;
}

const struct config_key *config_key_find(enum config_scope scope, const char *name)
{
    for (size_t i = 0; i < config_keys_count; i++) {
        if (config_keys[i].scope == scope && text_equal(config_keys[i].name, name))
            return &config_keys[i];
    }
    return NULL;
}

void config_keys_set_defaults(struct config_draft *draft, enum config_scope scope, void *object)
{
    size_t errors = draft->errors->count;

    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->scope != scope || key->set == NULL || key->standard == NULL || key->standard[0] == '\0')
            continue;
        struct config_value value = {
            draft, NULL, key, key->standard, 0, object, (char *)object + key->offset};
        key->set(&value);
    }
    CHECK(draft->errors->count == errors);
}
