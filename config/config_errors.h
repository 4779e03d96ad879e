/*
 * config_errors: what is wrong with a configuration, in the order of its lines.
 *
 * Errors may be added in any order; the same text for the same line is kept once. After CONFIG_ERRORS_MAX, or when
 * memory ends, further ones are only counted (struct config_errors, `lost`). Not thread-safe.
 */
#ifndef FAIRLEAD_CONFIG_ERRORS_H
#define FAIRLEAD_CONFIG_ERRORS_H

#include "base/compiler.h"
#include "config/config.h"

/* `line` 0 is the file as a whole. Foreign text in the arguments goes through config_quote first. */
PRINTF_LIKE(3, 4)
void config_errors_add(struct config_errors *errors, unsigned line, PRINTF_FORMAT const char *format, ...);

enum { CONFIG_QUOTE_BYTES = 64 };

/* `text` made safe to print and cut to what an error has room for; returns `quoted`. */
const char *config_quote(const char *text, char quoted[CONFIG_QUOTE_BYTES]);

#endif
