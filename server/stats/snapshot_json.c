#include "stats/snapshot_json.h"

#include "base/version.h"
#include "base/wallclock.h"
#include "config/text.h"
#include "stats/json.h"

#include <string.h>

#include <cjson/cJSON.h>

/* Every add_... answers false when there is no memory, and the whole print fails then: half an answer would be a wrong one. */

static bool add_limit(cJSON *object, const char *name, uint64_t limit)
{
    return limit > 0 ? json_add_integer(object, name, limit) : cJSON_AddNullToObject(object, name) != NULL;
}

static bool add_group(cJSON *object, const char *name, const uint64_t counters[STAT_COUNT], int first,
                      int end)
{
    cJSON *group = cJSON_AddObjectToObject(object, name);
    bool added = group != NULL;

    for (int stat = first; added && stat < end; stat++)
        added = json_add_integer(group, stat_name((enum stats_counter)stat), counters[stat]);
    return added;
}

static bool add_sessions(cJSON *object, uint64_t active, uint64_t peak, uint64_t total, uint64_t limit)
{
    cJSON *sessions = cJSON_AddObjectToObject(object, "sessions");

    return sessions != NULL && json_add_integer(sessions, "active", active) &&
           json_add_integer(sessions, "peak", peak) && json_add_integer(sessions, "total", total) &&
           add_limit(sessions, "limit", limit);
}

static bool add_times(cJSON *object, const char *name, const struct histogram *times)
{
    static const struct {
        const char *name;
        double percent;
    } percentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}, {"max", 100}};
    cJSON *group = cJSON_AddObjectToObject(object, name);
    bool added = group != NULL && json_add_integer(group, "count", histogram_count(times)) &&
                 json_add_integer(group, "sum", times->sum_us);

    for (size_t i = 0; added && i < sizeof percentiles / sizeof percentiles[0]; i++)
        added = json_add_integer(group, percentiles[i].name,
                                 histogram_percentile_us(times, percentiles[i].percent));
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

    return object != NULL && json_add_text(object, "name", scope->name) &&
           json_add_text(object, "mode", scope->mode) &&
           json_add_text(object, "state", scope->removed ? "removed" : "listening") &&
           add_scope(object, scope) &&
           add_group(object, "refused", scope->counters, STAT_REFUSED_FIRST, STAT_REFUSED_END);
}

static bool add_server(cJSON *servers, const struct snapshot_scope *scope)
{
    cJSON *object = append_object(servers);

    return object != NULL && json_add_text(object, "name", scope->name) && add_scope(object, scope) &&
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

    if (upstream == NULL || !json_add_text(upstream, "name", name))
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
        if (upstream == NULL || !text_equal(upstream, scope->upstream))
            servers = append_upstream(upstreams, scope->upstream);
        upstream = scope->upstream;
        added = servers != NULL && add_server(servers, scope);
    }
    return added;
}

/* Before the first reload there is nothing to tell but that there was none. */
static bool add_reload(cJSON *server, const struct snapshot_reload *reload)
{
    cJSON *object = cJSON_AddObjectToObject(server, "reload");
    char at[WALLCLOCK_TEXT_BYTES];

    if (object == NULL || !json_add_integer(object, "attempts", reload->attempts))
        return false;
    if (reload->attempts == 0)
        return cJSON_AddNullToObject(object, "applied") != NULL &&
               cJSON_AddNullToObject(object, "at") != NULL && json_add_text(object, "text", "");
    return cJSON_AddBoolToObject(object, "applied", reload->applied) != NULL &&
           json_add_text(object, "at", wallclock_format(reload->at_ms, at)) &&
           json_add_text(object, "text", reload->text);
}

static bool add_program(cJSON *root, const struct snapshot *snapshot)
{
    cJSON *server = cJSON_AddObjectToObject(root, "server");
    uint64_t uptime_ms = snapshot->uptime_us / 1000;
    char started[WALLCLOCK_TEXT_BYTES];

    return server != NULL && json_add_text(server, "name", FAIRLEAD_NAME) &&
           json_add_text(server, "version", FAIRLEAD_VERSION) &&
           json_add_integer(server, "pid", snapshot->pid) &&
           json_add_text(server, "started_at", wallclock_format(snapshot->started_at_ms, started)) &&
           cJSON_AddNumberToObject(server, "uptime_seconds", (double)uptime_ms / 1000.0) != NULL &&
           json_add_integer(server, "workers", snapshot->workers) &&
           json_add_text(server, "state", stats_state_text(snapshot->state)) &&
           json_add_text(server, "config_file", snapshot->config_file == NULL ? "" : snapshot->config_file) &&
           json_add_integer(server, "config_generation", snapshot->config_generation) &&
           json_add_integer(server, "config_generations_in_use", snapshot->generations_in_use) &&
           add_reload(server, &snapshot->reload);
}

static bool add_process(cJSON *root, const struct snapshot *snapshot)
{
    cJSON *process = cJSON_AddObjectToObject(root, "process");

    return process != NULL && json_add_integer(process, "memory_bytes", snapshot->process.memory_bytes) &&
           json_add_integer(process, "handles", snapshot->process.handles);
}

static bool add_total_bytes(cJSON *totals, const struct snapshot *snapshot)
{
    cJSON *bytes = cJSON_AddObjectToObject(totals, "bytes");

    return bytes != NULL && json_add_integer(bytes, "in", snapshot->totals[STAT_BYTES_IN]) &&
           json_add_integer(bytes, "out", snapshot->totals[STAT_BYTES_OUT]) &&
           json_add_integer(bytes, "from_servers", snapshot->bytes_from_servers) &&
           json_add_integer(bytes, "to_servers", snapshot->bytes_to_servers) &&
           json_add_integer(bytes, "discarded", snapshot->totals[STAT_BYTES_DISCARDED]) &&
           json_add_integer(bytes, "buffered", snapshot->bytes_buffered);
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
