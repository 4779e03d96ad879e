#include "base/memory.h"
#include "stats/listing.h"
#include "stats/read_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static size_t length_of(const cJSON *array)
{
    int length = cJSON_GetArraySize(array);

    return length > 0 ? (size_t)length : 0;
}

static void read_common(const cJSON *item, const char *times, struct listing_row *row)
{
    const cJSON *sessions = member(item, "sessions");
    const cJSON *bytes = member(item, "bytes");

    row->sessions_active = read_json_count(sessions, "active");
    row->sessions_peak = read_json_count(sessions, "peak");
    row->sessions_total = read_json_count(sessions, "total");
    row->bytes_in = read_json_count(bytes, "in");
    row->bytes_out = read_json_count(bytes, "out");
    row->p50_us = read_json_count(member(item, times), "p50");
    row->p99_us = read_json_count(member(item, times), "p99");
}

/* A name is one line; more of them would be no name of ours. */
static void read_name(const cJSON *item, char *name, size_t name_bytes)
{
    read_json_lines(item, "name", name, name_bytes);
    name[strcspn(name, "\n")] = '\0';
}

static void read_listeners(const cJSON *root, struct listing *listing)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, member(root, "listeners"))
    {
        struct listing_row *row = &listing->listeners[listing->listeners_count++];
        read_name(item, row->name, sizeof row->name);
        read_json_lines(item, "state", row->state, sizeof row->state);
        row->state[strcspn(row->state, "\n")] = '\0';
        row->refused = read_json_sum(item, "refused");
        read_common(item, "session_time_us", row);
    }
}

static void read_servers(const cJSON *root, struct listing *listing)
{
    const cJSON *upstream;
    const cJSON *item;

    cJSON_ArrayForEach(upstream, member(root, "upstreams"))
    {
        cJSON_ArrayForEach(item, member(upstream, "servers"))
        {
            struct listing_row *row = &listing->servers[listing->servers_count++];
            read_name(upstream, row->name, sizeof row->name / 2);
            size_t length = strlen(row->name);
            row->name[length++] = '/';
            read_name(item, row->name + length, sizeof row->name - length);
            row->errors = read_json_sum(item, "errors");
            read_common(item, "connect_time_us", row);
        }
    }
}

/* An object of counts by reason. */
static void read_reasons(const cJSON *totals, const char *name, char *out, size_t out_bytes)
{
    const cJSON *counts = member(totals, name);
    const cJSON *item;
    size_t length = 0;

    out[0] = '\0';
    cJSON_ArrayForEach(item, counts)
    {
        uint64_t count = item->string == NULL ? 0 : read_json_count(counts, item->string);
        /* Reasons are words of lower case; what is not would be no reason of ours. */
        if (count == 0 || strspn(item->string, "abcdefghijklmnopqrstuvwxyz_") != strlen(item->string))
            continue;
        int more = snprintf(out + length, out_bytes - length, "%s%" PRIu64 " %s", length == 0 ? "" : ", ",
                            count, item->string);
        if (more < 0 || (size_t)more >= out_bytes - length) {
            out[length] = '\0'; /* whole reasons only */
            return;
        }
        length += (size_t)more;
    }
}

static size_t count_servers(const cJSON *root)
{
    const cJSON *upstream;
    size_t count = 0;

    cJSON_ArrayForEach(upstream, member(root, "upstreams"))
    {
        count += length_of(member(upstream, "servers"));
    }
    return count;
}

bool listing_parse(const char *json, size_t bytes, struct listing *listing)
{
    cJSON *root = cJSON_ParseWithLength(json, bytes);
    const cJSON *totals = member(root, "totals");

    memset(listing, 0, sizeof *listing);
    listing->listeners =
        memory_allocate(length_of(member(root, "listeners")) + 1, sizeof *listing->listeners);
    listing->servers = memory_allocate(count_servers(root) + 1, sizeof *listing->servers);
    bool done = listing->listeners != NULL && listing->servers != NULL;
    if (done) {
        read_listeners(root, listing);
        read_servers(root, listing);
        read_reasons(totals, "refused", listing->refused, sizeof listing->refused);
        read_reasons(totals, "closed", listing->closed, sizeof listing->closed);
        read_reasons(totals, "errors", listing->errors, sizeof listing->errors);
    } else {
        listing_free(listing);
    }
    cJSON_Delete(root);
    return done;
}
