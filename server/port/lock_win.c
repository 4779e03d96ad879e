#include "base/lock.h"

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

#include <assert.h>

static_assert(sizeof(SRWLOCK) <= sizeof(struct lock), "an SRW lock fits into a lock");

static SRWLOCK *srw_of(struct lock *lock)
{
    return (SRWLOCK *)(void *)lock->words;
}

void lock_init(struct lock *lock)
{
    InitializeSRWLock(srw_of(lock));
}

void lock_acquire(struct lock *lock)
{
    AcquireSRWLockExclusive(srw_of(lock));
}

void lock_release(struct lock *lock)
{
    ReleaseSRWLockExclusive(srw_of(lock));
}
