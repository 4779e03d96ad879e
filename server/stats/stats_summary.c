#include "stats/stats_summary.h"

#include "base/compiler.h"
#include "base/version.h"
#include "stats/amount.h"
#include "stats/read_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

/* --- reading --- */

static void read_reload(const cJSON *server, struct stats_summary *summary)
{
    const cJSON *reload = cJSON_GetObjectItemCaseSensitive(server, "reload");

    summary->has_reload = cJSON_IsObject(reload);
    summary->reload_attempts = read_json_count(reload, "attempts");
    summary->reload_applied = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reload, "applied"));
    read_json_lines(reload, "text", summary->reload_text, sizeof summary->reload_text);
}

static void read_totals(const cJSON *totals, struct stats_summary *summary)
{
    const cJSON *sessions = cJSON_GetObjectItemCaseSensitive(totals, "sessions");
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(totals, "bytes");

    summary->sessions_active = read_json_count(sessions, "active");
    summary->sessions_total = read_json_count(sessions, "total");
    summary->refused = read_json_sum(totals, "refused");
    summary->errors = read_json_sum(totals, "errors");
    summary->bytes_in = read_json_count(bytes, "in");
    summary->bytes_out = read_json_count(bytes, "out");
}

bool stats_summary_parse(const char *json, size_t bytes, struct stats_summary *summary)
{
    cJSON *root = cJSON_ParseWithLength(json, bytes);
    const cJSON *server = cJSON_GetObjectItemCaseSensitive(root, "server");
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(server, "name"));
    bool ours = name != NULL && strcmp(name, FAIRLEAD_NAME) == 0;

    memset(summary, 0, sizeof *summary);
    if (ours) {
        read_json_lines(server, "version", summary->version, sizeof summary->version);
        read_json_lines(server, "state", summary->state, sizeof summary->state);
        summary->pid = read_json_count(server, "pid");
        summary->uptime_seconds = read_json_seconds(server, "uptime_seconds");
        summary->generation = read_json_count(server, "config_generation");
        summary->generations_in_use = read_json_count(server, "config_generations_in_use");
        read_reload(server, summary);
        read_totals(cJSON_GetObjectItemCaseSensitive(root, "totals"), summary);
    }
    cJSON_Delete(root);
    return ours;
}

bool stats_summary_parse_reload(const char *json, size_t bytes, struct stats_reload_answer *answer)
{
    cJSON *root = cJSON_ParseWithLength(json, bytes);
    const cJSON *applied = cJSON_GetObjectItemCaseSensitive(root, "applied");
    bool ours = cJSON_IsBool(applied);

    memset(answer, 0, sizeof *answer);
    if (ours) {
        answer->applied = cJSON_IsTrue(applied);
        answer->generation = read_json_count(root, "generation");
        read_json_lines(root, "text", answer->text, sizeof answer->text);
    }
    cJSON_Delete(root);
    return ours;
}

/* --- showing --- */

PRINTF_LIKE(3, 4)
static void append(char *text, size_t text_bytes, PRINTF_FORMAT const char *format, ...)
{
    size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + length, text_bytes - length, format, arguments);
    va_end(arguments);
}

const char *stats_summary_format(const struct stats_summary *summary, char *line, size_t line_bytes)
{
    char amount[AMOUNT_TEXT_BYTES];

    line[0] = '\0';
    append(line, line_bytes, "%s for %s", summary->state,
           amount_format_seconds(summary->uptime_seconds, amount));
    append(line, line_bytes, ", %" PRIu64 " session%s now, %" PRIu64 " in all", summary->sessions_active,
           summary->sessions_active == 1 ? "" : "s", summary->sessions_total);
    append(line, line_bytes, ", %s in", amount_format_bytes(summary->bytes_in, amount));
    append(line, line_bytes, ", %s out", amount_format_bytes(summary->bytes_out, amount));
    append(line, line_bytes, ", configuration %" PRIu64, summary->generation);
    if (summary->generations_in_use > 1)
        append(line, line_bytes, " (%" PRIu64 " in use)", summary->generations_in_use);
    return line;
}
