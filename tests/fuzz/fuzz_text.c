/* Any bytes as foreign text, in the log and in the JSON: what comes out is harmless, and says what went in. */
#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "stats/json.h"
#include "stats/reload_json.h"
#include "stats/snapshot_json.h"

#include <cjson/cJSON.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { ESCAPED_BYTES = 4 }; /* the longest escape: \xNN */

static bool is_harmless(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

static uint8_t hex_value(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *found = digit == '\0' ? NULL : strchr(digits, digit | 0x20);

    CHECK(found != NULL);
    return (uint8_t)(found - digits);
}

/* What log_escape wrote can be read in one way only, and that is what it was given. */
static void check_escape_reads_back(const uint8_t *data, size_t bytes)
{
    size_t room = bytes * ESCAPED_BYTES + 1;
    char *escaped = malloc(room);
    size_t at = 0;

    CHECK(escaped != NULL);
    size_t length = log_escape((const char *)data, bytes, escaped, room);
    CHECK(length == strlen(escaped));
    CHECK(is_harmless(escaped, length));
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)escaped[at++];
        if (byte == '\\' && escaped[at] == '\\') {
            at++;
        } else if (byte == '\\') {
            CHECK(escaped[at] == 'x');
            byte = (uint8_t)(hex_value(escaped[at + 1]) * 16 + hex_value(escaped[at + 2]));
            at += 3;
        }
        CHECK(byte == data[i]);
    }
    CHECK(at == length);
    free(escaped);
}

/* A buffer that is too small gets the beginning, whole characters only. */
static void check_escape_cuts(const uint8_t *data, size_t bytes)
{
    char small[13];
    size_t length = log_escape((const char *)data, bytes, small, sizeof small);

    CHECK(length < sizeof small && length == strlen(small));
    CHECK(is_harmless(small, length));
}

static void check_log_line(const char *text)
{
    char line[LOG_LINE_BYTES];
    uint32_t tag;

    log_write(LOG_ERROR, "%s", text);
    size_t length = log_take(line, &tag);
    CHECK(length > 0 && length <= sizeof line && line[length - 1] == '\n');
    CHECK(is_harmless(line, length - 1));
    CHECK(log_take(line, &tag) == 0);
}

static void check_json(char *text)
{
    struct snapshot snapshot;
    struct snapshot_scope scope;
    size_t length;

    memset(&snapshot, 0, sizeof snapshot);
    memset(&scope, 0, sizeof scope);
    scope.kind = STATS_LISTENER;
    scope.name = text;
    scope.mode = "echo";
    snapshot.config_file = text;
    snapshot.scopes = &scope;
    snapshot.scopes_count = 1;
    char *json = snapshot_json_print(&snapshot, &length);
    CHECK(json != NULL && length == strlen(json));
    for (size_t i = 0; i < length; i++)
        CHECK((unsigned char)json[i] >= 0x20); /* RFC 8259 section 7; DEL is allowed in JSON */
    cJSON *root = cJSON_ParseWithLength(json, length);
    CHECK(root != NULL);
    const cJSON *listener = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(root, "listeners"), 0);
    CHECK(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(listener, "name")));
    cJSON_Delete(root);
    memory_free(json);
}

/* The errors of a configuration quote what is in it; the statistics cut them and must not cut a character in two. */
static void check_reload_text(const char *text)
{
    struct reload_outcome outcome = {false, 1, text};
    struct snapshot snapshot;
    struct stats stats;
    size_t length;
    char *json = reload_json_print(&outcome, &length);

    CHECK(json != NULL && length == strlen(json));
    cJSON *root = cJSON_ParseWithLength(json, length);
    CHECK(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(root, "text")));
    cJSON_Delete(root);
    memory_free(json);
    stats_init(&stats, 1);
    stats_set_reload(&stats, false, 0, text);
    CHECK(snapshot_take(&snapshot, &stats, 0));
    CHECK(memchr(snapshot.reload.text, '\0', sizeof snapshot.reload.text) != NULL);
    snapshot_free(&snapshot);
    stats_destroy(&stats);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static bool started;
    char *text = malloc(bytes + 1);

    CHECK(text != NULL);
    if (!started)
        json_start();
    started = true;
    if (bytes > 0)
        memcpy(text, data, bytes);
    text[bytes] = '\0';
    check_escape_reads_back(data, bytes);
    check_escape_cuts(data, bytes);
    check_log_line(text);
    check_json(text);
    check_reload_text(text);
    free(text);
    return 0;
}
