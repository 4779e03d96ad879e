/*
 * compiler: what a compiler must be told beyond C11. With atomic.h the only header with compiler-specific code.
 */
#ifndef FAIRLEAD_BASE_COMPILER_H
#define FAIRLEAD_BASE_COMPILER_H

#if defined(_MSC_VER)
#include <sal.h>
#define NORETURN __declspec(noreturn)
#define PRINTF_LIKE(format_index, first_index)
#define PRINTF_FORMAT _Printf_format_string_
#elif defined(__MINGW32__)
/* gnu_printf, because mingw-w64's own printf family (which understands %zu and %lld) is linked. */
#define NORETURN __attribute__((noreturn))
#define PRINTF_LIKE(format_index, first_index) __attribute__((format(gnu_printf, format_index, first_index)))
#define PRINTF_FORMAT
#else
#define NORETURN __attribute__((noreturn))
#define PRINTF_LIKE(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#define PRINTF_FORMAT
#endif

/* The struct of type `type` in which `pointer` is the member `member`: how an operation finds its owner. */
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
