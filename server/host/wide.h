/*
 * wide: text between Fairlead (UTF-8) and Windows (UTF-16), and what its error codes mean.
 *
 * Any thread. What is not valid in the one becomes U+FFFD in the other.
 */
#ifndef FAIRLEAD_HOST_WIDE_H
#define FAIRLEAD_HOST_WIDE_H

#include <stddef.h>
#include <stdint.h>

/* A copy, to be freed with memory_free; NULL: out of memory. */
wchar_t *wide_from_text(const char *text);
char *wide_to_text(const wchar_t *wide);

/* "Access is denied (os error 5)" into `text`; returns it. */
const char *wide_describe_error(uint32_t os_code, char *text, size_t text_bytes);

#endif
