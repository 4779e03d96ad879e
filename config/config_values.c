#include "config/config_values.h"

#include "base/limits.h"
#include "config/config_draft.h"
#include "config/endpoint.h"
#include "config/text.h"
#include "config/units.h"

#include <stdio.h>
#include <string.h>

enum { ADVICE_BYTES = 200 };

bool config_name_check(struct config_draft *draft, unsigned line, const char *text)
{
    char quoted[CONFIG_QUOTE_BYTES];
    size_t bytes = 0;

    while (text_is_letter_or_digit(text[bytes]) || text[bytes] == '-' || text[bytes] == '_' ||
           text[bytes] == '.')
        bytes++;
    if (text[bytes] != '\0') {
        config_errors_add(draft->errors, line,
                          "'%s' is not a name; names have letters, digits, '-', '_' and '.'",
                          config_quote(text, quoted));
        return false;
    }
    if (bytes > CONFIG_NAME_BYTES_MAX) {
        config_errors_add(draft->errors, line, "the name '%s' has %zu characters; at most %d are possible",
                          config_quote(text, quoted), bytes, CONFIG_NAME_BYTES_MAX);
        return false;
    }
    return true;
}

static void report(const struct config_value *value, const char *text)
{
    config_errors_add(value->draft->errors, value->line, "%s", text);
}

/* A value with a unit, or a plain number, within the key's range. */
static bool read_units(const struct config_value *value, enum units_kind kind, uint32_t *result)
{
    char quoted[CONFIG_QUOTE_BYTES];
    char advice[ADVICE_BYTES];
    char least[UNITS_TEXT_BYTES];
    char most[UNITS_TEXT_BYTES];
    uint64_t number = 0;
    enum units_error error = units_parse(kind, value->text, &number);

    config_quote(value->text, quoted);
    if (error != UNITS_OK) {
        report(value, units_advise(error, kind, value->key->name, quoted, advice, sizeof(advice)));
        return false;
    }
    if (number < value->key->min || number > value->key->max) {
        config_errors_add(value->draft->errors, value->line, "%s=%s is out of range; write %s to %s",
                          value->key->name, quoted, units_format(kind, value->key->min, least),
                          units_format(kind, value->key->max, most));
        return false;
    }
    *result = (uint32_t)number;
    return true;
}

void config_set_number(const struct config_value *value)
{
    (void)read_units(value, UNITS_NUMBER, value->field);
}

void config_set_duration(const struct config_value *value)
{
    (void)read_units(value, UNITS_DURATION, value->field);
}

void config_set_size(const struct config_value *value)
{
    (void)read_units(value, UNITS_SIZE, value->field);
}

void config_set_workers(const struct config_value *value)
{
    uint32_t *workers = value->field;

    if (text_equal(value->text, "auto"))
        *workers = 0;
    else if (text_is_letter_or_digit(value->text[0]) && (value->text[0] | 0x20) >= 'a')
        config_errors_add(value->draft->errors, value->line, "workers is a number from 1 to %d, or auto",
                          WORKERS_MAX);
    else
        (void)read_units(value, UNITS_NUMBER, workers);
}

/* Which of the words the value is; `count` with an error when it is none of them. */
static size_t choose(const struct config_value *value, const char *const *words, size_t count)
{
    char quoted[CONFIG_QUOTE_BYTES];
    char list[ADVICE_BYTES] = "";

    for (size_t i = 0; i < count; i++) {
        if (text_equal(value->text, words[i]))
            return i;
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
                 i == 0          ? ""
                 : i + 1 < count ? ", "
                                 : " or ",
                 words[i]);
    }
    config_quote(value->text, quoted);
    const char *likely = text_suggest(value->text, words, count);
    if (likely != NULL)
        config_errors_add(value->draft->errors, value->line, "%s=%s is unknown; did you mean %s=%s?",
                          value->key->name, quoted, value->key->name, likely);
    else
        config_errors_add(value->draft->errors, value->line, "%s=%s is unknown; it can be %s",
                          value->key->name, quoted, list);
    return count;
}

void config_set_log_level(const struct config_value *value)
{
    enum { LEVELS = LOG_DEBUG + 1 };
    const char *words[LEVELS];
    enum log_level *level = value->field;

    for (unsigned i = 0; i < LEVELS; i++)
        words[i] = log_level_text((enum log_level)i);
    size_t chosen = choose(value, words, LEVELS);
    if (chosen < LEVELS)
        *level = (enum log_level)chosen;
}

void config_set_mode(const struct config_value *value)
{
    static const char *const words[] = {"echo", "proxy"};
    enum config_mode *mode = value->field;
    size_t chosen = choose(value, words, 2);

    if (chosen == 2)
        return;
    *mode = chosen == 0 ? CONFIG_MODE_ECHO : CONFIG_MODE_PROXY;
    value->section->mode_known = true;
}

/* TCP is all there is, so there is no field to set. */
void config_set_protocol(const struct config_value *value)
{
    static const char *const words[] = {"tcp", "udp"};

    if (choose(value, words, 2) == 1)
        report(value, "protocol=udp is not supported by this version of fairlead");
}

static bool is_absolute(const char *path)
{
    char drive = text_lower(path[0]);

    return path[0] == '/' || path[0] == '\\' || (drive >= 'a' && drive <= 'z' && path[1] == ':');
}

/* A relative path is meant from the folder of the file, so that it does not depend on where Fairlead was started. */
static void set_path(const struct config_value *value)
{
    const char **path = value->field;
    const char *text = value->text;
    const char *file = value->draft->config->file;
    size_t folder = strlen(file);

    while (folder > 0 && file[folder - 1] != '/' && file[folder - 1] != '\\' &&
           !(folder == 2 && file[1] == ':'))
        folder--;
    if (is_absolute(text))
        folder = 0;
    char *joined = config_arena_allocate(value->draft->arena, folder + strlen(text) + 1);
    if (joined == NULL)
        return;
    memcpy(joined, file, folder);
    memcpy(joined + folder, text, strlen(text));
    *path = joined;
}

void config_set_log_file(const struct config_value *value)
{
    set_path(value);
}

void config_set_rotate_size(const struct config_value *value)
{
    static const char *const never[] = {"0", "no", "none", "never"};
    uint32_t *bytes = value->field;

    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if (text_equal(value->text, never[i])) {
            config_errors_add(value->draft->errors, value->line,
                              "log_rotate_size=%s: write log_rotate_size=off to let the files grow for ever",
                              never[i]);
            return;
        }
    }
    if (text_equal(value->text, "off"))
        *bytes = 0;
    else
        config_set_size(value);
}

/* A word that means yes or no is not taken for the name of a file. */
void config_set_session_log(const struct config_value *value)
{
    static const char *const words[] = {"on", "yes", "no", "true", "false", "none", "0", "1"};
    const char **path = value->field;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text_equal(value->text, words[i])) {
            config_errors_add(
                value->draft->errors, value->line,
                "session_log=%s: write the name of a file, such as session_log=sessions.log, or off",
                words[i]);
            return;
        }
    }
    if (text_equal(value->text, "off"))
        *path = NULL;
    else
        set_path(value);
}

/* The token itself never appears in an error: it is a secret, and errors end up in logs. */
void config_set_token(const struct config_value *value)
{
    const char **token = value->field;

    for (const char *p = value->text; *p != '\0'; p++) {
        if (*p <= 0x20 || *p >= 0x7f) {
            report(value, "token may only have letters, digits and punctuation of ASCII, without blanks");
            return;
        }
    }
    if (strlen(value->text) < CONFIG_TOKEN_BYTES_MIN)
        config_errors_add(value->draft->errors, value->line,
                          "token has only %zu characters; write at least %d random ones", strlen(value->text),
                          CONFIG_TOKEN_BYTES_MIN);
    else
        *token = config_arena_copy(value->draft->arena, value->text, strlen(value->text));
}

static bool read_endpoint(const struct config_value *value, enum endpoint_use use, const char *text,
                          struct config_endpoint *result)
{
    struct endpoint parsed;
    char quoted[CONFIG_QUOTE_BYTES];
    char advice[ADVICE_BYTES];
    enum endpoint_error error = endpoint_parse(use, text, &parsed);

    if (error != ENDPOINT_OK) {
        config_errors_add(value->draft->errors, value->line, "%s: %s", value->key->name,
                          endpoint_advise(error, use, config_quote(text, quoted), advice, sizeof(advice)));
        return false;
    }
    result->text = config_arena_copy(value->draft->arena, text, strlen(text));
    result->host = config_arena_copy(value->draft->arena, parsed.host, strlen(parsed.host));
    result->port = parsed.port;
    result->is_literal = parsed.is_literal;
    result->address = parsed.address;
    result->line = value->line;
    return true;
}

void config_set_stats_listen(const struct config_value *value)
{
    struct config_stats *stats = value->object;

    stats->enabled = !text_equal(value->text, "off");
    if (stats->enabled)
        (void)read_endpoint(value, ENDPOINT_LISTEN, value->text, &stats->listen);
}

void config_set_listen(const struct config_value *value)
{
    struct config_listener *listener = value->object;
    struct config_endpoint endpoint = {0};

    if (!read_endpoint(value, ENDPOINT_LISTEN, value->text, &endpoint))
        return;
    if (value->draft->endpoints_count++ >= CONFIG_ENDPOINTS_MAX) {
        if (value->draft->endpoints_count == CONFIG_ENDPOINTS_MAX + 1)
            config_errors_add(value->draft->errors, value->line,
                              "there are more than %d addresses to listen on", CONFIG_ENDPOINTS_MAX);
        return;
    }
    struct config_endpoint *items = config_arena_append(value->draft->arena, listener->endpoints,
                                                        &listener->endpoints_count, sizeof(*items));
    if (items == NULL)
        return;
    listener->endpoints = items;
    items[listener->endpoints_count - 1] = endpoint;
}

void config_set_upstream(const struct config_value *value)
{
    if (config_name_check(value->draft, value->line, value->text))
        value->section->upstream = config_arena_copy(value->draft->arena, value->text, strlen(value->text));
}

/* The word at `*text`, terminated in place; `*text` moves behind it and the blanks that follow. "" at the end. */
static char *next_word(char **text)
{
    char *word = *text;
    char *end = word + strcspn(word, " \t");

    *text = end + strspn(end, " \t");
    *end = '\0';
    return word;
}

/* [max_sessions=N] behind the address of a server. */
static void read_server_option(const struct config_value *value, char *option,
                               struct config_upstream_server *server, bool *limited)
{
    static const char *const words[] = {"max_sessions", "weight", "backup"};
    static const struct config_key limit = {
        CONFIG_UPSTREAM, CONFIG_ONCE, "max_sessions", "", config_set_number, 0, 0, CONFIG_SESSIONS_MAX};
    char *equals = strchr(option, '=');
    char quoted[CONFIG_QUOTE_BYTES];

    if (equals != NULL)
        *equals = '\0';
    if (text_equal(option, "max_sessions")) {
        struct config_value number = *value;
        if (*limited)
            report(value, "max_sessions is there twice");
        *limited = true;
        number.key = &limit;
        number.text = equals == NULL ? "" : equals + 1;
        (void)read_units(&number, UNITS_NUMBER, &server->sessions_max);
        return;
    }
    config_quote(option, quoted);
    for (size_t i = 1; i < 3; i++) {
        if (text_equal(option, words[i])) {
            config_errors_add(value->draft->errors, value->line,
                              "%s is not supported by this version of fairlead", words[i]);
            return;
        }
    }
    const char *likely = text_suggest(option, words, 3);
    if (likely != NULL)
        config_errors_add(value->draft->errors, value->line,
                          "unknown option '%s' of a server; did you mean '%s'?", quoted, likely);
    else
        config_errors_add(value->draft->errors, value->line,
                          "unknown option '%s' of a server; there is max_sessions=N", quoted);
}

static void append_server(const struct config_value *value, const struct config_upstream_server *server)
{
    struct config_upstream *upstream = value->object;

    for (size_t i = 0; i < upstream->servers_count; i++) {
        if (text_equal(upstream->servers[i].name, server->name)) {
            config_errors_add(value->draft->errors, value->line,
                              "server '%s' is already in line %u; names must differ by more than case",
                              server->name, upstream->servers[i].endpoint.line);
            break;
        }
    }
    struct config_upstream_server *items =
        config_arena_append(value->draft->arena, upstream->servers, &upstream->servers_count, sizeof(*items));
    if (items == NULL)
        return;
    upstream->servers = items;
    items[upstream->servers_count - 1] = *server;
}

/* NAME HOST:PORT [max_sessions=N] */
void config_set_server(const struct config_value *value)
{
    struct config_upstream_server server = {0};
    char *rest = config_arena_copy(value->draft->arena, value->text, strlen(value->text));

    if (rest == NULL)
        return;
    /* Choosing among several is not built yet. */
    if (config_draft_key_line(value->section, "server") != value->line)
        report(value, "a second server= is not supported by this version of fairlead");
    char *name = next_word(&rest);
    char *address = next_word(&rest);
    if (address[0] == '\0') {
        if (strchr(name, ':') != NULL)
            report(value, "server needs a name before its address; write server=NAME HOST:PORT");
        else
            report(value, "server needs an address after its name; write server=NAME HOST:PORT");
        return;
    }
    bool limited = false;
    bool right = config_name_check(value->draft, value->line, name);
    server.name = name;
    if (!read_endpoint(value, ENDPOINT_CONNECT, address, &server.endpoint))
        right = false;
    while (rest[0] != '\0')
        read_server_option(value, next_word(&rest), &server, &limited);
    if (right)
        append_server(value, &server);
}
