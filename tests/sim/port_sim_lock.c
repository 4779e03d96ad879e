/* base/lock.h for the simulator: a holder's number, and the rules that a real lock cannot check. */
#include "base/lock.h"

#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_world.h"

#include <string.h>

#define LOCK_MAGIC 0x10c4ed10c4ed1ULL

enum { LOCK_WORD_MAGIC, LOCK_WORD_HOLDER };

static uint64_t self(void)
{
    const struct sim_worker *worker = sim_worker_current();
    return worker == NULL ? (uint64_t)SIM_HOST + 1 : (uint64_t)worker->index + 1;
}

static uint32_t *held_count(void)
{
    static uint32_t host_held;
    struct sim_worker *worker = sim_worker_current();
    return worker == NULL ? &host_held : &worker->locks_held;
}

void lock_init(struct lock *lock)
{
    memset(lock, 0, sizeof *lock);
    lock->words[LOCK_WORD_MAGIC] = LOCK_MAGIC;
}

void lock_acquire(struct lock *lock)
{
    if (lock->words[LOCK_WORD_MAGIC] != LOCK_MAGIC) {
        sim_fail("LOCK", "a lock is taken that was not initialised");
    }
    sim_preempt();
    for (unsigned spins = 0; lock->words[LOCK_WORD_HOLDER] != 0; spins++) {
        if (lock->words[LOCK_WORD_HOLDER] == self()) {
            sim_fail("LOCK", "a lock is taken twice");
        }
        if (spins > 100000) {
            sim_fail("LOCK", "a lock is never released");
        }
        /* The holder was interrupted: let it go on. The host is not a fiber, so it runs the world meanwhile. */
        if (sim_worker_current() != NULL) {
            sim_worker_pause(1ULL << (spins < 12 ? spins : 12)); /* it may be away for long */
        } else if (!sim_step()) {
            sim_fail("LOCK", "the holder of a lock sleeps");
        }
    }
    lock->words[LOCK_WORD_HOLDER] = self();
    (*held_count())++;
    sim_preempt();
}

void lock_release(struct lock *lock)
{
    if (lock->words[LOCK_WORD_HOLDER] != self()) {
        sim_fail("LOCK", "a lock is released by another than its holder");
    }
    lock->words[LOCK_WORD_HOLDER] = 0;
    (*held_count())--;
    sim_preempt();
}
