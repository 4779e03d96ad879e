#include "config/config_draft.h"
#include "config/text.h"

#include <string.h>

/* An address that is listened on, and by whom. */
struct place {
    const struct config_endpoint *endpoint;
    const char *kind;
    const char *name; /* "" for the statistics, and where the name was wrong */
};

/* A connection to `server` arrives at `own`. */
static bool leads_to(const struct config_endpoint *server, const struct config_endpoint *own)
{
    if (!server->is_literal || !own->is_literal || server->port != own->port)
        return false;
    if (address_equal_host(&server->address, &own->address))
        return true;
    return address_is_any(&own->address) && address_is_loopback(&server->address) &&
           (own->address.family == ADDRESS_V6 || server->address.family == ADDRESS_V4);
}

/* A listener whose server is itself would, from the first client on, connect to itself until nothing is left. */
static void check_loop(struct config_draft *draft, const struct config_listener *listener)
{
    const struct config_upstream *upstream = &draft->config->upstreams[listener->upstream_index];
    char quoted[CONFIG_QUOTE_BYTES];

    for (size_t i = 0; i < upstream->servers_count; i++) {
        const struct config_endpoint *server = &upstream->servers[i].endpoint;
        for (size_t k = 0; k < listener->endpoints_count; k++) {
            if (leads_to(server, &listener->endpoints[k])) {
                config_errors_add(
                    draft->errors, server->line,
                    "%s is where listener %s itself listens (line %u): it would connect to itself for ever",
                    config_quote(server->text, quoted), listener->name == NULL ? "" : listener->name,
                    listener->endpoints[k].line);
                break;
            }
        }
    }
}

/* Finds the upstream that a listener names. */
static void resolve_upstream(struct config_draft *draft, const struct config_section *section)
{
    struct config_listener *listener = &draft->config->listeners[section->index];
    struct text_suggestion likely = {section->upstream, NULL, 0};
    unsigned line = config_draft_key_line(section, "upstream");
    char quoted[CONFIG_QUOTE_BYTES];

    for (size_t i = 0; i < draft->config->upstreams_count; i++) {
        const char *name = draft->config->upstreams[i].name;
        if (name == NULL)
            continue;
        if (text_equal(name, section->upstream)) {
            listener->upstream_index = i;
            check_loop(draft, listener);
            return;
        }
        text_suggest_offer(&likely, name);
    }
    config_quote(section->upstream, quoted);
    if (likely.best != NULL)
        config_errors_add(draft->errors, line, "there is no [upstream %s]; did you mean '%s'?", quoted,
                          likely.best);
    else
        config_errors_add(draft->errors, line, "there is no [upstream %s]", quoted);
}

static void check_listener(struct config_draft *draft, const struct config_section *section)
{
    const struct config_listener *listener = &draft->config->listeners[section->index];
    unsigned upstream_line = config_draft_key_line(section, "upstream");
    bool echoes = section->mode_known && listener->mode == CONFIG_MODE_ECHO;
    bool proxies = section->mode_known && listener->mode == CONFIG_MODE_PROXY;

    if (config_draft_key_line(section, "listen") == 0)
        config_errors_add(draft->errors, section->line,
                          "the listener has no listen=; write for example listen=127.0.0.1:8080");
    if (config_draft_key_line(section, "mode") == 0)
        config_errors_add(draft->errors, section->line,
                          "the listener has no mode=; write mode=echo or mode=proxy");
    if (proxies && upstream_line == 0)
        config_errors_add(draft->errors, section->line,
                          "mode=proxy needs upstream=NAME and a section [upstream NAME]");
    if (echoes && upstream_line != 0)
        config_errors_add(draft->errors, upstream_line,
                          "mode=echo has no upstream; remove the line or write mode=proxy");
    else if (section->upstream != NULL)
        resolve_upstream(draft, section);
}

static void check_upstream(struct config_draft *draft, const struct config_section *section)
{
    if (config_draft_key_line(section, "server") == 0)
        config_errors_add(draft->errors, section->line,
                          "the upstream has no server=; write for example server=one 127.0.0.1:8888");
}

static bool is_loopback(const struct config_endpoint *endpoint)
{
    if (endpoint->is_literal)
        return address_is_loopback(&endpoint->address);
    return text_equal(endpoint->host, "localhost");
}

/* Whether there is a token that was refused, and reported, already. */
static bool has_wrong_token(const struct config_draft *draft)
{
    for (size_t i = 0; i < draft->sections_count; i++) {
        if (draft->sections[i].scope != CONFIG_STATS)
            continue;
        unsigned line = config_draft_key_line(&draft->sections[i], "token");
        for (size_t k = 0; line != 0 && k < draft->errors->count; k++) {
            if (draft->errors->items[k].line == line)
                return true;
        }
    }
    return false;
}

/* Whoever reaches the statistics sees every client's address (SEMANTICS H1). */
static void check_stats(struct config_draft *draft)
{
    const struct config_stats *stats = &draft->config->stats;
    char quoted[CONFIG_QUOTE_BYTES];

    if (stats->enabled && stats->token == NULL && !is_loopback(&stats->listen) && !has_wrong_token(draft))
        config_errors_add(draft->errors, stats->listen.line,
                          "statistics on %s, which is not loopback, need a token; write token=SECRET or "
                          "listen=127.0.0.1:8404",
                          config_quote(stats->listen.text, quoted));
}

/* Whether two sockets cannot listen on both. [::] is dual stack, so it takes 0.0.0.0 too. */
static bool clashes(const struct config_endpoint *a, const struct config_endpoint *b)
{
    struct address x = a->address;
    struct address y = b->address;

    if (a->port != b->port || a->port == 0)
        return false;
    if (!a->is_literal || !b->is_literal)
        return !a->is_literal && !b->is_literal && text_equal(a->host, b->host);
    address_unmap(&x);
    address_unmap(&y);
    return address_equal(&x, &y) || (address_is_any(&x) && address_is_any(&y));
}

static void report_clash(struct config_draft *draft, const struct place *a, const struct place *b)
{
    const struct place *first = a->endpoint->line <= b->endpoint->line ? a : b;
    const struct place *second = first == a ? b : a;
    char quoted[CONFIG_QUOTE_BYTES];
    char other[CONFIG_QUOTE_BYTES];

    config_quote(second->endpoint->text, quoted);
    config_quote(first->endpoint->text, other);
    if (first->endpoint->line == 0)
        config_errors_add(
            draft->errors, second->endpoint->line,
            "%s is the default address of the statistics; write another listen= in [stats], or here", quoted);
    else
        config_errors_add(draft->errors, second->endpoint->line,
                          "%s is already taken by listen=%s of %s%s%s in line %u", quoted, other, first->kind,
                          first->name[0] == '\0' ? "" : " ", first->name, first->endpoint->line);
}

static void check_clashes(struct config_draft *draft)
{
    const struct config *config = draft->config;
    struct place *places = NULL;
    size_t count = 0;

    for (size_t i = 0; i <= config->listeners_count; i++) {
        const struct config_listener *listener = i == 0 ? NULL : &config->listeners[i - 1];
        size_t endpoints = i == 0 ? config->stats.enabled : listener->endpoints_count;
        for (size_t k = 0; k < endpoints; k++) {
            struct place *grown = config_arena_append(draft->arena, places, &count, sizeof(*places));
            if (grown == NULL)
                return;
            places = grown;
            struct place place = {&config->stats.listen, "statistics", ""};
            if (listener != NULL) {
                place.endpoint = &listener->endpoints[k];
                place.kind = "listener";
                place.name = listener->name == NULL ? "" : listener->name;
            }
            places[count - 1] = place;
        }
    }
    for (size_t i = 1; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (clashes(places[i].endpoint, places[k].endpoint)) {
                report_clash(draft, &places[k], &places[i]);
                break;
            }
        }
    }
}

/* Each file has a writer of its own, and the two would rotate it under each other. */
static void check_log_files(struct config_draft *draft, const struct config_section *section)
{
    const struct config_server *server = &draft->config->server;

    if (server->log_file != NULL && server->session_log != NULL &&
        text_equal(server->log_file, server->session_log))
        config_errors_add(draft->errors, config_draft_key_line(section, "session_log"),
                          "session_log is the same file as log_file (line %u); each needs its own",
                          config_draft_key_line(section, "log_file"));
}

void config_check(struct config_draft *draft)
{
    const struct config *config = draft->config;

    if (config->listeners_count == 0)
        config_errors_add(draft->errors, 0,
                          "there is no [listener NAME] section, so there is nothing to serve");
    for (size_t i = 0; i < draft->sections_count; i++) {
        const struct config_section *section = &draft->sections[i];
        if (section->scope == CONFIG_LISTENER)
            check_listener(draft, section);
        else if (section->scope == CONFIG_UPSTREAM)
            check_upstream(draft, section);
        else if (section->scope == CONFIG_SERVER)
            check_log_files(draft, section);
    }
    check_stats(draft);
    check_clashes(draft);
}
