/*
 * lock: a mutual-exclusion lock for the short, rare sections that are not worth a lock-free structure.
 *
 * The header is portable, the implementation is chosen by linking: port/lock_win.c (an SRW lock) in
 * fairlead.exe, tests/support/lock_native.c (a pthread mutex) in native tests, and the simulator's own, which
 * fails on recursion.
 *
 * A lock is embedded in what it guards, is not recursive, and needs no destruction. Any thread. Nothing that
 * can block, and no callback into foreign code, runs while one is held; submitting an operation may, because
 * the port never completes inside the submitting call.
 */
#ifndef FAIRLEAD_BASE_LOCK_H
#define FAIRLEAD_BASE_LOCK_H

#include <stdint.h>

struct lock {
    uint64_t words[5]; /* room for the largest implementation; each asserts that it fits */
};

void lock_init(struct lock *lock);
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);

#endif
