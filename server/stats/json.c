#include "stats/json.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

static void *allocate(size_t bytes)
{
    return memory_allocate(1, bytes);
}

void json_start(void)
{
    cJSON_Hooks hooks = {allocate, memory_free};

    cJSON_InitHooks(&hooks);
}

/* cJSON keeps numbers as doubles, which are exact up to 2^53 only; so integers go in as text (SEMANTICS S10). */
bool json_add_integer(struct cJSON *object, const char *name, uint64_t value)
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
bool json_add_text(struct cJSON *object, const char *name, const char *value)
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
