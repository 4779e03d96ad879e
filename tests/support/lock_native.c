/* base/lock.h by a POSIX mutex, for native tests. It fails on recursion and on a release by another thread. */
#define _POSIX_C_SOURCE 200809L

#include "base/lock.h"

#include "base/check.h"

#include <assert.h>
#include <pthread.h>

static_assert(sizeof(pthread_mutex_t) <= sizeof(struct lock), "a mutex must fit into struct lock");

static pthread_mutex_t *mutex_of(struct lock *lock)
{
    return (pthread_mutex_t *)(void *)lock->words;
}

void lock_init(struct lock *lock)
{
    pthread_mutexattr_t attributes;

    CHECK(pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK) == 0);
    CHECK(pthread_mutex_init(mutex_of(lock), &attributes) == 0);
    CHECK(pthread_mutexattr_destroy(&attributes) == 0);
}

void lock_acquire(struct lock *lock)
{
    CHECK(pthread_mutex_lock(mutex_of(lock)) == 0);
}

void lock_release(struct lock *lock)
{
    CHECK(pthread_mutex_unlock(mutex_of(lock)) == 0);
}
