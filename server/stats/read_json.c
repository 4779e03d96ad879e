#include "stats/read_json.h"

#include "base/log.h"

#include <string.h>

#include <cjson/cJSON.h>

static uint64_t count_of(const cJSON *item)
{
    /* Beyond 2^63 a double has no meaning as a count, and NaN compares false. */
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < 9.2e18))
        return 0;
    return (uint64_t)item->valuedouble;
}

uint64_t read_json_count(const struct cJSON *object, const char *name)
{
    return count_of(cJSON_GetObjectItemCaseSensitive(object, name));
}

double read_json_seconds(const struct cJSON *object, const char *name)
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

void read_json_lines(const struct cJSON *object, const char *name, char *out, size_t out_bytes)
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

uint64_t read_json_sum(const struct cJSON *object, const char *name)
{
    const cJSON *counts = cJSON_GetObjectItemCaseSensitive(object, name);
    const cJSON *item;
    uint64_t sum = 0;

    cJSON_ArrayForEach(item, counts)
    {
        uint64_t count = count_of(item);
        sum = count > UINT64_MAX - sum ? UINT64_MAX : sum + count;
    }
    return sum;
}
