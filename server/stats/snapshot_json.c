#include "stats/snapshot_json.h"

#include "base/memory.h"
#include "base/version.h"
#include "base/wallclock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

/* Every add_... answers false when there is no memory, and the whole print fails then: half an answer would be a wrong one. */

/* cJSON keeps numbers as doubles, which are exact up to 2^53 only; so integers go in as text (SEMANTICS S10). */
static bool add_integer(cJSON *object, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    return cJSON_AddRawToObject(object, name, text) != NULL;
}

/* The length of the UTF-8 character at `text`, or 0: there is none (RFC 3629: no overlong forms, no surrogates). The
 * terminating NUL continues no character, so nothing is read beyond it. */
static size_t utf8_length(const unsigned char *text)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t bytes = text[0] < 0x80 ? 1 : text[0] < 0xE0 ? 2 : text[0] < 0xF0 ? 3 : 4;
    uint32_t code = bytes == 1 ? text[0] : text[0] & (0xFFU >> (bytes + 1));

    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3FU);
    }
    bool allowed = (text[0] & 0xC0) != 0x80 && text[0] < 0xF8 && code >= smallest[bytes] &&
                   code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    return allowed ? bytes : 0;
}

/* A path of the system may hold bytes that are no UTF-8, and JSON may not: each becomes U+FFFD. */
static bool add_text(cJSON *object, const char *name, const char *value)
{
    char *clean = memory_allocate(strlen(value) + 1, 3);
    size_t length = 0;

    if (clean == NULL)
        return false;
    while (*value != '\0') {
        size_t bytes = utf8_length((const unsigned char *)value);
        size_t written = bytes > 0 ? bytes : 3;
        memcpy(clean + length, bytes > 0 ? value : "\xEF\xBF\xBD", written);
        length += written;
        value += bytes > 0 ? bytes : 1;
    }
    bool added = cJSON_AddStringToObject(object, name, clean) != NULL;
    memory_free(clean);
    return added;
}

static bool add_limit(cJSON *object, const char *name, uint64_t limit)
{
    return limit > 0 ? add_integer(object, name, limit) : cJSON_AddNullToObject(object, name) != NULL;
}

static bool add_group(cJSON *object, const char *name, const uint64_t counters[STAT_COUNT], int first,
                      int end)
{
    cJSON *group = cJSON_AddObjectToObject(object, name);
    bool added = group != NULL;

    for (int stat = first; added && stat < end; stat++)
        added = add_integer(group, stat_name((enum stats_counter)stat), counters[stat]);
    return added;
}

static bool add_sessions(cJSON *object, uint64_t active, uint64_t peak, uint64_t total, uint64_t limit)
{
    cJSON *sessions = cJSON_AddObjectToObject(object, "sessions");

    return sessions != NULL && add_integer(sessions, "active", active) &&
           add_integer(sessions, "peak", peak) && add_integer(sessions, "total", total) &&
           add_limit(sessions, "limit", limit);
}

static bool add_times(cJSON *object, const char *name, const struct histogram *times)
{
    static const struct {
        const char *name;
        double percent;
    } percentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}, {"max", 100}};
    cJSON *group = cJSON_AddObjectToObject(object, name);
    bool added = group != NULL && add_integer(group, "count", histogram_count(times)) &&
                 add_integer(group, "sum", times->sum_us);

    for (size_t i = 0; added && i < sizeof percentiles / sizeof percentiles[0]; i++)
        added =
            add_integer(group, percentiles[i].name, histogram_percentile_us(times, percentiles[i].percent));
    return added;
}

static bool add_addresses(cJSON *object, const struct snapshot_scope *scope)
{
    cJSON *addresses = cJSON_AddArrayToObject(object, "addresses");
    bool added = addresses != NULL;

    for (uint32_t i = 0; added && i < scope->addresses_count; i++) {
        char text[ADDRESS_TEXT_BYTES];
        cJSON *item = cJSON_CreateString(address_format(&scope->addresses[i], text, sizeof text));
        added = item != NULL && cJSON_AddItemToArray(addresses, item);
        if (!added)
            cJSON_Delete(item);
    }
    return added;
}

/* A new object at the end of the array, NULL for want of memory. */
static cJSON *append_object(cJSON *array)
{
    cJSON *object = cJSON_CreateObject();

    if (object != NULL && !cJSON_AddItemToArray(array, object)) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

/* What listeners and servers have in common. */
static bool add_scope(cJSON *object, const struct snapshot_scope *scope)
{
    const uint64_t *counters = scope->counters;
    int bytes_end = scope->kind == STATS_LISTENER ? STAT_BYTES_DISCARDED + 1 : STAT_BYTES_OUT + 1;

    return add_addresses(object, scope) &&
           add_sessions(object, scope->sessions_active, scope->sessions_peak, counters[STAT_SESSIONS],
                        scope->sessions_limit) &&
           add_group(object, "bytes", counters, STAT_BYTES_IN, bytes_end) &&
           add_group(object, "closed", counters, STAT_CLOSED_FIRST, STAT_CLOSED_END) &&
           add_times(object, "session_time_us", &scope->times[STAT_TIME_SESSION]);
}

static bool add_listener(cJSON *listeners, const struct snapshot_scope *scope)
{
    cJSON *object = append_object(listeners);

    return object != NULL && add_text(object, "name", scope->name) && add_text(object, "mode", scope->mode) &&
           add_scope(object, scope) &&
           add_group(object, "refused", scope->counters, STAT_REFUSED_FIRST, STAT_REFUSED_END);
}

static bool add_server(cJSON *servers, const struct snapshot_scope *scope)
{
    cJSON *object = append_object(servers);

    return object != NULL && add_text(object, "name", scope->name) && add_scope(object, scope) &&
           add_group(object, "errors", scope->counters, STAT_ERROR_FIRST, STAT_ERROR_END) &&
           add_times(object, "connect_time_us", &scope->times[STAT_TIME_CONNECT]);
}

static bool add_listeners(cJSON *root, const struct snapshot *snapshot)
{
    cJSON *listeners = cJSON_AddArrayToObject(root, "listeners");
    bool added = listeners != NULL;

    for (size_t i = 0; added && i < snapshot->scopes_count; i++) {
        if (snapshot->scopes[i].kind == STATS_LISTENER)
            added = add_listener(listeners, &snapshot->scopes[i]);
    }
    return added;
}

/* A new upstream at the end of the array; answers its array "servers". */
static cJSON *append_upstream(cJSON *upstreams, const char *name)
{
    cJSON *upstream = append_object(upstreams);

    if (upstream == NULL || !add_text(upstream, "name", name))
        return NULL;
    return cJSON_AddArrayToObject(upstream, "servers");
}

/* The servers of one upstream are registered one after the other, so another name begins another upstream. */
static bool add_upstreams(cJSON *root, const struct snapshot *snapshot)
{
    cJSON *upstreams = cJSON_AddArrayToObject(root, "upstreams");
    cJSON *servers = NULL;
    const char *upstream = NULL;
    bool added = upstreams != NULL;

    for (size_t i = 0; added && i < snapshot->scopes_count; i++) {
        const struct snapshot_scope *scope = &snapshot->scopes[i];
        if (scope->kind != STATS_SERVER)
            continue;
        if (upstream == NULL || strcmp(upstream, scope->upstream) != 0)
            servers = append_upstream(upstreams, scope->upstream);
        upstream = scope->upstream;
        added = servers != NULL && add_server(servers, scope);
    }
    return added;
}

static bool add_program(cJSON *root, const struct snapshot *snapshot)
{
    cJSON *server = cJSON_AddObjectToObject(root, "server");
    uint64_t uptime_ms = snapshot->uptime_us / 1000;
    char started[WALLCLOCK_TEXT_BYTES];

    return server != NULL && add_text(server, "name", FAIRLEAD_NAME) &&
           add_text(server, "version", FAIRLEAD_VERSION) && add_integer(server, "pid", snapshot->pid) &&
           add_text(server, "started_at", wallclock_format(snapshot->started_at_ms, started)) &&
           cJSON_AddNumberToObject(server, "uptime_seconds", (double)uptime_ms / 1000.0) != NULL &&
           add_integer(server, "workers", snapshot->workers) &&
           add_text(server, "state", stats_state_text(snapshot->state)) &&
           add_text(server, "config_file", snapshot->config_file == NULL ? "" : snapshot->config_file) &&
           add_integer(server, "config_generation", snapshot->config_generation);
}

static bool add_process(cJSON *root, const struct snapshot *snapshot)
{
    cJSON *process = cJSON_AddObjectToObject(root, "process");

    return process != NULL && add_integer(process, "memory_bytes", snapshot->process.memory_bytes) &&
           add_integer(process, "handles", snapshot->process.handles);
}

static bool add_total_bytes(cJSON *totals, const struct snapshot *snapshot)
{
    cJSON *bytes = cJSON_AddObjectToObject(totals, "bytes");

    return bytes != NULL && add_integer(bytes, "in", snapshot->totals[STAT_BYTES_IN]) &&
           add_integer(bytes, "out", snapshot->totals[STAT_BYTES_OUT]) &&
           add_integer(bytes, "from_servers", snapshot->bytes_from_servers) &&
           add_integer(bytes, "to_servers", snapshot->bytes_to_servers) &&
           add_integer(bytes, "discarded", snapshot->totals[STAT_BYTES_DISCARDED]) &&
           add_integer(bytes, "buffered", snapshot->bytes_buffered);
}

static bool add_totals(cJSON *root, const struct snapshot *snapshot)
{
    cJSON *totals = cJSON_AddObjectToObject(root, "totals");

    return totals != NULL &&
           add_sessions(totals, snapshot->sessions_active, snapshot->sessions_peak,
                        snapshot->totals[STAT_SESSIONS], snapshot->sessions_limit) &&
           add_total_bytes(totals, snapshot) &&
           add_group(totals, "refused", snapshot->totals, STAT_REFUSED_FIRST, STAT_REFUSED_END) &&
           add_group(totals, "closed", snapshot->totals, STAT_CLOSED_FIRST, STAT_CLOSED_END) &&
           add_group(totals, "errors", snapshot->totals, STAT_ERROR_FIRST, STAT_ERROR_END);
}

static void *allocate(size_t bytes)
{
    return memory_allocate(1, bytes);
}

void snapshot_json_start(void)
{
    cJSON_Hooks hooks = {allocate, memory_free};

    cJSON_InitHooks(&hooks);
}

char *snapshot_json_print(const struct snapshot *snapshot, size_t *bytes)
{
    char *text = NULL;
    cJSON *root = cJSON_CreateObject();

    if (root != NULL && add_program(root, snapshot) && add_process(root, snapshot) &&
        add_totals(root, snapshot) && add_listeners(root, snapshot) && add_upstreams(root, snapshot))
        text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    *bytes = text == NULL ? 0 : strlen(text);
    return text;
}
