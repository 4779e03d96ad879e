/* wallclock_now_ms for native tests. */
#include "base/wallclock.h"

#include <time.h>

uint64_t wallclock_now_ms(void)
{
    struct timespec now = {0, 0};

    (void)timespec_get(&now, TIME_UTC);
    return (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U;
}
