#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *condition)
{
    /* Not through the log: its thread may be the one that failed. */
    fprintf(stderr, "fairlead: internal error: %s:%d: %s does not hold\n", file, line, condition);
    fflush(stderr);
    abort();
}
