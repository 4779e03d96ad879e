#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

NORETURN void check_failed(const char *file, int line, const char *condition)
{
    /* Not through the log: its thread may be the one that failed, and nothing of this process can be trusted
     * now. */
    fprintf(stderr, "fairlead: internal error: %s:%d: %s does not hold\n", file, line, condition);
    fflush(stderr);
    abort();
}
