/*
 * random: a small fast generator (splitmix64) for hashing and choosing, not for secrets.
 *
 * The state belongs to the caller; seed it once from the system (or from the simulator's seed).
 */
#ifndef FAIRLEAD_BASE_RANDOM_H
#define FAIRLEAD_BASE_RANDOM_H

#include <stdint.h>

/* A well-mixed value of `value`: a hash of one word. */
static inline uint64_t random_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

/* The next value of the sequence. */
static inline uint64_t random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15U;
    return random_mix(*state);
}

#endif
