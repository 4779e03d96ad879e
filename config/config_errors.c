#include "config/config_errors.h"

#include "base/limits.h"
#include "base/memory.h"
#include "config/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool make_room(struct config_errors *errors)
{
    if (errors->count >= CONFIG_ERRORS_MAX)
        return false;
    if (errors->count < errors->capacity)
        return true;
    size_t capacity = errors->capacity == 0 ? 16 : errors->capacity * 2;
    struct config_error *items = memory_resize(errors->items, capacity * sizeof(*items));
    if (items == NULL)
        return false;
    errors->items = items;
    errors->capacity = capacity;
    return true;
}

void config_errors_add(struct config_errors *errors, unsigned line, const char *format, ...)
{
    struct config_error error;
    va_list arguments;

    error.line = line;
    va_start(arguments, format);
    vsnprintf(error.text, sizeof(error.text), format, arguments);
    va_end(arguments);

    /* Errors come almost in order, so the place is found from the end; those of one line stay as they were found. */
    size_t place = errors->count;
    while (place > 0 && errors->items[place - 1].line > line)
        place--;
    for (size_t i = place; i > 0 && errors->items[i - 1].line == line; i--) {
        if (strcmp(errors->items[i - 1].text, error.text) == 0)
            return;
    }
    if (!make_room(errors)) {
        errors->lost++;
        return;
    }
    memmove(&errors->items[place + 1], &errors->items[place], (errors->count - place) * sizeof(error));
    errors->items[place] = error;
    errors->count++;
}

void config_errors_free(struct config_errors *errors)
{
    memory_free(errors->items);
    memset(errors, 0, sizeof(*errors));
}

const char *config_quote(const char *text, char quoted[CONFIG_QUOTE_BYTES])
{
    enum { KEPT_BYTES = CONFIG_QUOTE_BYTES - sizeof("...") };
    size_t bytes = strlen(text);

    if (bytes <= KEPT_BYTES) {
        log_escape(text, bytes, quoted, CONFIG_QUOTE_BYTES);
        return quoted;
    }
    size_t length =
        log_escape(text, text_utf8_valid(text, KEPT_BYTES), quoted, CONFIG_QUOTE_BYTES - sizeof("..."));
    memcpy(quoted + length, "...", sizeof("..."));
    return quoted;
}
