#include "stats/stats_summary.h"

#include "base/compiler.h"
#include "base/log.h"
#include "base/version.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

/* --- reading --- */

static uint64_t read_count(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    /* Beyond 2^63 a double has no meaning as a count, and NaN compares false. */
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < 9.2e18))
        return 0;
    return (uint64_t)item->valuedouble;
}

static double read_seconds(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1e15 ? item->valuedouble : 0;
}

/* log_escape doubles backslashes, which would make paths hard to read, so they become single again; in place. */
static size_t escape_line(const char *from, size_t length, char *out, size_t out_bytes)
{
    size_t escaped = log_escape(from, length, out, out_bytes);
    size_t kept = 0;

    for (size_t i = 0; i < escaped; i++) {
        out[kept++] = out[i];
        if (out[i] == '\\' && out[i + 1] == '\\')
            i++;
    }
    out[kept] = '\0';
    return kept;
}

/* Line by line: line feeds part the lines, everything else that a terminal might act upon is escaped. */
static void read_lines(const cJSON *object, const char *name, char *out, size_t out_bytes)
{
    const char *from = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    size_t written = 0;

    out[0] = '\0';
    while (from != NULL && *from != '\0' && written + 2 < out_bytes) {
        size_t length = strcspn(from, "\n");
        written += escape_line(from, length, out + written, out_bytes - written - 1);
        from += length;
        if (*from == '\n' && *++from != '\0')
            out[written++] = '\n';
        out[written] = '\0';
    }
}

static void read_reload(const cJSON *server, struct stats_summary *summary)
{
    const cJSON *reload = cJSON_GetObjectItemCaseSensitive(server, "reload");

    summary->has_reload = cJSON_IsObject(reload);
    summary->reload_attempts = read_count(reload, "attempts");
    summary->reload_applied = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reload, "applied"));
    read_lines(reload, "text", summary->reload_text, sizeof summary->reload_text);
}

static void read_totals(const cJSON *totals, struct stats_summary *summary)
{
    const cJSON *sessions = cJSON_GetObjectItemCaseSensitive(totals, "sessions");
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(totals, "bytes");

    summary->sessions_active = read_count(sessions, "active");
    summary->sessions_total = read_count(sessions, "total");
    summary->bytes_in = read_count(bytes, "in");
    summary->bytes_out = read_count(bytes, "out");
}

bool stats_summary_parse(const char *json, size_t bytes, struct stats_summary *summary)
{
    cJSON *root = cJSON_ParseWithLength(json, bytes);
    const cJSON *server = cJSON_GetObjectItemCaseSensitive(root, "server");
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(server, "name"));
    bool ours = name != NULL && strcmp(name, FAIRLEAD_NAME) == 0;

    memset(summary, 0, sizeof *summary);
    if (ours) {
        read_lines(server, "version", summary->version, sizeof summary->version);
        read_lines(server, "state", summary->state, sizeof summary->state);
        summary->pid = read_count(server, "pid");
        summary->uptime_seconds = read_seconds(server, "uptime_seconds");
        summary->generation = read_count(server, "config_generation");
        summary->generations_in_use = read_count(server, "config_generations_in_use");
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
        answer->generation = read_count(root, "generation");
        read_lines(root, "text", answer->text, sizeof answer->text);
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

static void append_time(char *text, size_t text_bytes, double seconds_exact)
{
    uint64_t seconds = (uint64_t)seconds_exact;
    uint64_t minutes = seconds / 60;
    uint64_t hours = minutes / 60;

    if (minutes == 0)
        append(text, text_bytes, "%" PRIu64 " s", seconds);
    else if (hours == 0)
        append(text, text_bytes, "%" PRIu64 " min", minutes);
    else if (hours < 24)
        append(text, text_bytes, "%" PRIu64 " h %" PRIu64 " min", hours, minutes % 60);
    else
        append(text, text_bytes, "%" PRIu64 " d %" PRIu64 " h", hours / 24, hours % 24);
}

static void append_bytes(char *text, size_t text_bytes, uint64_t count, const char *rest)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)count / 1000;
    size_t unit = 0;

    if (count < 1000) {
        append(text, text_bytes, ", %" PRIu64 " bytes %s", count, rest);
        return;
    }
    while (value >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    append(text, text_bytes, ", %.1f %s %s", value, units[unit], rest);
}

const char *stats_summary_format(const struct stats_summary *summary, char *line, size_t line_bytes)
{
    line[0] = '\0';
    append(line, line_bytes, "%s for ", summary->state);
    append_time(line, line_bytes, summary->uptime_seconds);
    append(line, line_bytes, ", %" PRIu64 " session%s now, %" PRIu64 " in all", summary->sessions_active,
           summary->sessions_active == 1 ? "" : "s", summary->sessions_total);
    append_bytes(line, line_bytes, summary->bytes_in, "in");
    append_bytes(line, line_bytes, summary->bytes_out, "out");
    append(line, line_bytes, ", configuration %" PRIu64, summary->generation);
    if (summary->generations_in_use > 1)
        append(line, line_bytes, " (%" PRIu64 " in use)", summary->generations_in_use);
    return line;
}
