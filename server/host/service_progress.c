#include "host/service_progress.h"

#include "base/limits.h"

static uint32_t hint(const struct service_progress *progress, uint64_t now_ms)
{
    uint64_t left = progress->deadline_ms > now_ms ? progress->deadline_ms - now_ms : 0;

    /* The longest drain_timeout fits; whatever a caller makes of it, the sum must not wrap to nothing. */
    return left < UINT32_MAX - SERVICE_CLEANUP_MS ? (uint32_t)left + SERVICE_CLEANUP_MS : UINT32_MAX;
}

void service_progress_begin(struct service_progress *progress, uint64_t now_ms, uint64_t budget_ms,
                            uint32_t sessions)
{
    progress->deadline_ms = now_ms + budget_ms;
    progress->sessions = sessions;
    progress->checkpoint = 1;
    progress->hint_ms = hint(progress, now_ms);
}

bool service_progress_tick(struct service_progress *progress, uint64_t now_ms, uint32_t sessions)
{
    bool moved = now_ms < progress->deadline_ms || sessions < progress->sessions;

    progress->sessions = sessions;
    if (!moved)
        return false;
    progress->checkpoint++;
    progress->hint_ms = hint(progress, now_ms);
    return true;
}
