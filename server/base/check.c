#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 400 };

static void (*check_hook)(const char *text);

void check_set_hook(void (*hook)(const char *text))
{
    check_hook = hook;
}

void check_failed(const char *file, int line, const char *condition)
{
    char text[TEXT_BYTES];

    snprintf(text, sizeof text, "%s:%d: %s does not hold", file, line, condition);
    /* Not through the log: its thread may be the one that failed. */
    fprintf(stderr, "fairlead: internal error: %s\n", text);
    fflush(stderr);
    if (check_hook != NULL)
        check_hook(text);
    abort();
}
