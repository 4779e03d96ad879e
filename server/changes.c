#include "changes.h"

#include "config/text.h"
#include "relay/listener.h"

#include <stdio.h>
#include <string.h>

/* A list of words in one line; what does not fit is left out. */
struct words {
    char text[256];
    size_t length;
};

static void words_add(struct words *words, const char *word)
{
    size_t room = sizeof words->text - words->length;
    int length = snprintf(words->text + words->length, room, "%s%s", words->length > 0 ? ", " : "", word);

    if (length > 0 && (size_t)length < room)
        words->length += (size_t)length;
    else
        words->text[words->length] = '\0';
}

static void words_add_if(struct words *words, bool differs, const char *word)
{
    if (differs)
        words_add(words, word);
}

static bool texts_differ(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

/* --- listeners ------------------------------------------------------------------------------------------- */

/* The listener of that name; most are where they were before. */
static const struct listener *find_listener(const struct generation *generation, const char *name,
                                            size_t likely)
{
    for (size_t i = 0; i < generation->listeners_count; i++) {
        const struct listener *listener = &generation->listeners[(i + likely) % generation->listeners_count];
        if (text_equal(listener->config->name, name))
            return listener;
    }
    return NULL;
}

static bool endpoints_differ(const struct config_listener *a, const struct config_listener *b)
{
    if (a->endpoints_count != b->endpoints_count)
        return true;
    for (size_t i = 0; i < a->endpoints_count; i++) {
        if (texts_differ(a->endpoints[i].text, b->endpoints[i].text))
            return true;
    }
    return false;
}

/* Names are the same in capitals. */
static bool names_differ(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : !text_equal(a, b);
}

static const char *upstream_name(const struct generation *generation, const struct config_listener *listener)
{
    return listener->mode == CONFIG_MODE_ECHO ? NULL
                                              : generation->config->upstreams[listener->upstream_index].name;
}

static void compare_listeners(struct words *words, const struct listener *before,
                              const struct listener *after)
{
    const struct config_listener *a = before->config;
    const struct config_listener *b = after->config;

    words_add_if(words, endpoints_differ(a, b), "listen");
    words_add_if(words, a->mode != b->mode, "mode");
    words_add_if(words,
                 names_differ(upstream_name(before->generation, a), upstream_name(after->generation, b)),
                 "upstream");
    words_add_if(words, a->sessions_max != b->sessions_max, "max_sessions");
    words_add_if(words, a->sessions_per_ip_max != b->sessions_per_ip_max, "max_sessions_per_ip");
    words_add_if(words, a->idle_timeout_ms != b->idle_timeout_ms, "idle_timeout");
    words_add_if(words, a->half_close_timeout_ms != b->half_close_timeout_ms, "half_close_timeout");
    words_add_if(words, a->lifetime_max_ms != b->lifetime_max_ms, "max_lifetime");
}

static void list_addresses(struct words *words, const struct listener *listener)
{
    for (uint32_t i = 0; i < listener->addresses_count; i++) {
        char text[ADDRESS_TEXT_BYTES];
        words_add(words, address_format(&listener->addresses[i], text, sizeof text));
    }
}

static void describe_listener(struct changes *changes, struct report *report, const struct listener *before,
                              const struct listener *after)
{
    struct words words = {"", 0};

    if (before == NULL) {
        list_addresses(&words, after);
        report_line(report, "listener %s: added, listening on %s", after->config->name, words.text);
        changes->listeners_added++;
        return;
    }
    compare_listeners(&words, before, after);
    if (words.length == 0) {
        changes->listeners_unchanged++;
        return;
    }
    report_line(report, "listener %s: changed: %s", after->config->name, words.text);
    changes->listeners_changed++;
}

static void describe_listeners(struct changes *changes, struct report *report,
                               const struct generation *before, const struct generation *after)
{
    for (size_t i = 0; i < after->listeners_count; i++) {
        const struct listener *listener = &after->listeners[i];
        describe_listener(changes, report, find_listener(before, listener->config->name, i), listener);
    }
    for (size_t i = 0; i < before->listeners_count; i++) {
        const struct listener *listener = &before->listeners[i];
        if (find_listener(after, listener->config->name, i) != NULL)
            continue;
        uint32_t sessions = gauge_current(&listener->scope->sessions);
        report_line(report, "listener %s: removed; %u session%s on", listener->config->name, sessions,
                    sessions == 1 ? " goes" : "s go");
        changes->listeners_removed++;
    }
}

/* --- upstreams ------------------------------------------------------------------------------------------- */

static const struct config_upstream *find_upstream(const struct config *config, const char *name,
                                                   size_t likely)
{
    for (size_t i = 0; i < config->upstreams_count; i++) {
        const struct config_upstream *upstream = &config->upstreams[(i + likely) % config->upstreams_count];
        if (text_equal(upstream->name, name))
            return upstream;
    }
    return NULL;
}

static bool servers_differ(const struct config_upstream *a, const struct config_upstream *b)
{
    if (a->servers_count != b->servers_count)
        return true;
    for (size_t i = 0; i < a->servers_count; i++) {
        if (names_differ(a->servers[i].name, b->servers[i].name) ||
            texts_differ(a->servers[i].endpoint.text, b->servers[i].endpoint.text) ||
            a->servers[i].sessions_max != b->servers[i].sessions_max)
            return true;
    }
    return false;
}

static void describe_upstreams(struct changes *changes, struct report *report, const struct config *before,
                               const struct config *after)
{
    for (size_t i = 0; i < after->upstreams_count; i++) {
        const struct config_upstream *b = &after->upstreams[i];
        const struct config_upstream *a = find_upstream(before, b->name, i);
        struct words words = {"", 0};
        if (a == NULL) {
            report_line(report, "upstream %s: added", b->name);
            continue;
        }
        words_add_if(&words, servers_differ(a, b), "server");
        words_add_if(&words, a->connect_timeout_ms != b->connect_timeout_ms, "connect_timeout");
        words_add_if(&words, a->retries != b->retries, "retries");
        words_add_if(&words, a->resolve_interval_ms != b->resolve_interval_ms, "resolve_interval");
        if (words.length > 0)
            report_line(report, "upstream %s: changed: %s", b->name, words.text);
        else
            changes->upstreams_unchanged++;
    }
    for (size_t i = 0; i < before->upstreams_count; i++) {
        if (find_upstream(after, before->upstreams[i].name, i) == NULL)
            report_line(report, "upstream %s: removed", before->upstreams[i].name);
    }
}

/* --- the rest -------------------------------------------------------------------------------------------- */

static void describe_server(struct report *report, const struct config *before, const struct config *after)
{
    const struct config_server *a = &before->server;
    const struct config_server *b = &after->server;
    struct words words = {"", 0};

    words_add_if(&words, a->sessions_max != b->sessions_max, "max_sessions");
    words_add_if(&words, a->drain_timeout_ms != b->drain_timeout_ms, "drain_timeout");
    words_add_if(&words, texts_differ(a->log_file, b->log_file), "log_file");
    words_add_if(&words, a->log_level != b->log_level, "log_level");
    words_add_if(&words, a->log_rotate_bytes != b->log_rotate_bytes, "log_rotate_size");
    words_add_if(&words, a->log_rotate_keep != b->log_rotate_keep, "log_rotate_keep");
    words_add_if(&words, texts_differ(a->session_log, b->session_log), "session_log");
    if (words.length > 0)
        report_line(report, "[server] changed: %s", words.text);
    if (texts_differ(before->stats.token, after->stats.token))
        report_line(report, "[stats] changed: token");
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

void changes_describe(struct changes *changes, struct report *report, const struct generation *before,
                      const struct generation *after)
{
    memset(changes, 0, sizeof *changes);
    describe_server(report, before->config, after->config);
    describe_listeners(changes, report, before, after);
    describe_upstreams(changes, report, before->config, after->config);
    report_line(report, "unchanged: %zu listener%s, %zu upstream%s", changes->listeners_unchanged,
                plural(changes->listeners_unchanged), changes->upstreams_unchanged,
                plural(changes->upstreams_unchanged));
}
